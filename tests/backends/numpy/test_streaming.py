import numpy as np
import pytest
from tests.backends.numpy.running import call, close, draw, reference


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_state_in_another_type_than_the_queries(dtype):
    q, k, v = (draw(i, (1, 3, 4), dtype) for i in range(3))
    past = draw(3, (1, 2, 2, 2))
    out, present = np.empty_like(q), np.empty_like(past)
    call("linear_attention", [out, present], [q, k, v, past], q_heads=2, kv_heads=2, update_rule="linear")
    attributes = {"q_num_heads": 2, "kv_num_heads": 2, "update_rule": "linear"}
    wanted = reference("LinearAttention", [q, k, v, past], outputs=2, opset=27, **attributes)
    close(out, wanted[0])
    close(present, wanted[1])


def test_no_steps_leave_the_state():
    empty, past = np.empty((2, 0, 4), "f"), draw(0, (2, 2, 2, 2))
    present = np.empty_like(past)
    call("linear_attention", [empty.copy(), present], [empty] * 3 + [past], q_heads=2, kv_heads=2)
    assert (present == past).all()


def test_a_short_sequence_keeps_some_of_what_came_before():
    x, weight, past = draw(0, (1, 1, 2)), draw(1, (1, 1, 5)), draw(2, (1, 1, 4))
    out, present = np.empty_like(x), np.empty_like(past)
    call("causal_conv", [out, present], [x, weight, None, past])
    whole = np.concatenate([past, x], 2)
    np.testing.assert_array_equal(present, whole[:, :, -4:])
    np.testing.assert_allclose(out[0, 0], np.convolve(whole[0, 0], weight[0, 0, ::-1], "valid"), rtol=1e-5)
