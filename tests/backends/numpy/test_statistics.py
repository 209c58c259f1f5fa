import numpy as np
import pytest
from tests.backends.numpy.running import call, draw, transient


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("shape", "axis"), [((40, 700), 1), ((3, 5, 4), -2), ((0, 3), 1), ((7,), 0)])
def test_statistics_are_those_of_rows(shape, axis, dtype):
    x = draw(0, shape, dtype)
    out, weight = np.empty_like(x), np.ones(shape[axis:], dtype)
    kept = tuple(1 if at >= axis % len(shape) else size for at, size in enumerate(shape))
    mean, inverse = np.empty(kept, "f"), np.empty(kept, "f")
    call("layer_norm_with_statistics", [out, mean, inverse], [x, weight], axis=axis)
    over, wide = tuple(range(axis % len(shape), len(shape))), x.astype(np.float64)
    np.testing.assert_allclose(mean, wide.mean(over, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(inverse, 1 / np.sqrt(wide.var(over, keepdims=True) + 1e-5), rtol=1e-5)
    assert transient("layer_norm_with_statistics", [out, mean, inverse], [x, weight], axis=axis) < 5 * 65536
