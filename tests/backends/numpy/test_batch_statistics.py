import numpy as np
import pytest
from tests.backends.numpy.running import call, close, compute, draw, reference, runtime, transient


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 3), (4, 3, 5), (2, 3, 4, 5)])
def test_a_batch_is_normalised_by_its_own_statistics(dtype: str, shape: tuple[int, ...]) -> None:
    x, scale, bias, mean = draw(0, shape, dtype), *(draw(i, (3,), dtype) for i in range(1, 4))
    ins = [x, scale, bias, mean, np.abs(draw(4, (3,), dtype))]
    outs = [np.empty_like(x), np.empty_like(mean), np.empty_like(mean)]
    call("batch_norm_training", outs, ins, epsilon=1e-2, momentum=0.75)
    given = {"epsilon": 1e-2, "momentum": 0.75, "training_mode": 1}
    wanted = reference("BatchNormalization", ins, outputs=3, opset=15, **given)
    for found, each in zip(outs, wanted, strict=True):
        close(found, each.astype(dtype), 2e-2 if dtype == "float16" else 1e-5)


def test_an_empty_batch_has_no_statistics() -> None:
    vectors = [np.ones(3, np.float32)] * 4
    outs = [np.empty((0, 3), np.float32), *(np.empty(3, np.float32) for _ in range(2))]
    call("batch_norm_training", outs, [np.empty((0, 3), np.float32), *vectors])
    assert np.isnan(outs[1]).all()


def test_a_constant_channel_without_epsilon_is_no_number() -> None:
    x, vectors = np.ones((2, 3, 2), np.float32), [np.ones(3, np.float32)] * 4
    outs = [np.empty_like(x), *(np.empty(3, np.float32) for _ in range(2))]
    with np.errstate(divide="ignore", invalid="ignore"):
        call("batch_norm_training", outs, [x, *vectors], epsilon=0.0)
    assert np.isnan(outs[0]).all()
    np.testing.assert_allclose(outs[2], 0.9)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (0, 3, 5), (2, 3, 4, 5)])
def test_each_element_may_have_statistics(shape: tuple[int, ...]) -> None:
    x, scale, bias, mean = draw(0, shape), *(draw(i, shape[1:]) for i in range(1, 4))
    ins = [x, scale, bias, mean, np.abs(draw(4, shape[1:]))]
    if len(shape) == 1:
        wanted = (x - ins[3]) / np.sqrt(ins[4] + np.float32(1e-2)) * scale + bias  # ONNX Runtime wants channels
    else:
        (wanted,) = runtime("BatchNormalization", ins, [np.float32], opset=8, spatial=0, epsilon=1e-2)
    close(compute("batch_norm_each", (shape, np.float32), *ins, epsilon=1e-2), wanted)


def test_large_images_take_no_more_than_the_workspace() -> None:
    x, vectors = draw(0, (2, 4, 300, 300)), [np.ones(4, np.float32)] * 4
    outs = [np.empty_like(x), *(np.empty(4, np.float32) for _ in range(2))]
    assert transient("batch_norm_training", outs, [x, *vectors]) < 65536
    whole = [np.ones(x.shape[1:], np.float32)] * 4
    assert transient("batch_norm_each", outs[:1], [x, *whole]) < 65536
