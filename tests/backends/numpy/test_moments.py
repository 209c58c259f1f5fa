import numpy as np
import pytest
from tests.backends.numpy.running import FLOATS, close, compute, draw, transient

from nnvm.backends.numpy.kernels.moments import KERNELS, moments_workspace

SHAPES = [(3, 5, 200, 300), (2, 3), (1, 1, 150000), (400, 7, 9, 5), (60000, 2, 2, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_root_mean_squares(shape, dtype):
    x = draw(1, shape, dtype)
    for axis in range(len(shape)):
        scale = draw(2, shape[axis:], dtype)
        wide = x.astype("d")
        mean = np.square(wide).mean(axis=tuple(range(axis, x.ndim)), keepdims=True)
        wanted = wide / np.sqrt(mean + 1e-3) * scale
        close(compute("rms_norm", (shape, dtype), x, scale, axis=axis, epsilon=1e-3), wanted.astype(dtype))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("p", [1, 2])
def test_norms_along_an_axis(shape, p):
    x = draw(1, shape)
    x[..., :1] = 0
    for axis in range(-len(shape), 0):
        norm = np.linalg.norm(x.astype("d"), p, axis, keepdims=True)
        wanted = np.divide(x, norm, out=np.zeros(shape), where=norm != 0)
        close(compute("lp_normalization", (shape, "f"), x, axis=axis, p=p), wanted.astype("f"))


@pytest.mark.parametrize("axes", [(0, 2, 3), (1,), (3, 0), (0, 1, 2, 3)])
@pytest.mark.parametrize("dtype", FLOATS)
def test_mean_and_variance(axes, dtype):
    x = draw(1, (3, 5, 70, 80), dtype)
    wide = x.astype("d")
    spread = wide.std(axis=axes, keepdims=True) + 1e-9
    wanted = (wide - wide.mean(axis=axes, keepdims=True)) / spread
    close(compute("mean_variance_normalization", (x.shape, dtype), x, axes=axes), wanted.astype(dtype))


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 3, 300, 400), (2, 40000, 3), (0, 2, 3)])
def test_global_norms(shape, p):
    x = draw(1, shape)
    wanted = (np.abs(x.astype("d")) ** p).sum(axis=tuple(range(2, x.ndim)), keepdims=True) ** (1 / p)
    close(compute("global_lp_pool", (wanted.shape, "f"), x, p=p), wanted.astype("f"))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_no_tensor_is_allocated(kernel, dtype):
    x = draw(1, (20, 30, 40, 8), dtype)
    out = np.empty((20, 30, 1, 1) if kernel == "global_lp_pool" else x.shape, dtype)
    assert transient(kernel, [out], [x, draw(2, (8,), dtype)][: 2 if kernel == "rms_norm" else 1]) <= 16384


def test_nothing_and_little():
    empty = np.empty((2, 0, 3), "f")
    for kernel in ("lp_normalization", "mean_variance_normalization"):
        params = {"axes": (1,)} if kernel.startswith("mean") else {"axis": 1}
        assert compute(kernel, (empty.shape, "f"), empty, **params).shape == (2, 0, 3)
    assert compute("global_lp_pool", ((2, 2, 1), "f"), np.empty((2, 2, 0), "f")).tolist() == [[[0], [0]]] * 2
    assert moments_workspace((), ((2, 3),), 4, {}) < 4096
    assert moments_workspace((), (None,), 4, {}) == 262144
