import numpy as np
import pytest
from tests.backends.numpy.running import call, compute, draw, transient


def test_only_some_queries_are_scored_at_a_time():
    q, k, v = (draw(i, (1, 2, 900, 16)) for i in range(3))
    out = np.empty_like(q)
    assert transient("attention", [out], [q, k, v]) <= 4 * 900 * 16 * 4  # no square of 900 x 900
    scores = np.exp(q @ k.swapaxes(-1, -2) / 4)
    np.testing.assert_allclose(out, scores / scores.sum(-1, keepdims=True) @ v, rtol=1e-3, atol=1e-5)


def test_no_keys_and_no_queries():
    empty, some = np.empty((1, 1, 0, 2), "f"), draw(1, (1, 1, 3, 2))
    assert not compute("attention", ((1, 1, 3, 2), "f"), some, empty, empty).any()
    assert compute("attention", ((1, 1, 0, 2), "f"), empty, some, some).size == 0


@pytest.mark.parametrize(("position", "match"), [(3, r"outside 0\.\.2"), (-1, "outside")])
def test_a_position_outside(position, match):
    angles = draw(1, (3, 1))
    with pytest.raises(ValueError, match=match):
        compute("rotary_embedding", ((1, 1, 1, 2), "f"), draw(0, (1, 1, 1, 2)), angles, angles, np.array([[position]]))


def test_angles_of_another_length():
    angles = draw(1, (1, 1, 3))
    with pytest.raises(ValueError, match="angles of 3 do not turn 2"):
        call("rotary_embedding", [np.empty((1, 1, 1, 2), "f")], [draw(0, (1, 1, 1, 2)), angles, angles])
