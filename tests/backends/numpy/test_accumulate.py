"""Products added to another array: what conv, matmul and gemm give plus the array, in its memory or beside it."""

import numpy as np
import pytest

from nnvm.backends.numpy.kernels import KERNELS, WORKSPACES


def drawn(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def lent(kernel, out, arrays, params):
    size = WORKSPACES[kernel]((out.shape,), tuple(None if a is None else a.shape for a in arrays), out.itemsize, params)
    return np.full(size, 0xFF, np.uint8)


def added(kernel, residual, *arrays, inside, **params):
    """Run an accumulating kernel over the residual, or into memory of its own."""
    given = residual.copy()
    out = given if inside else np.full_like(residual, np.nan)
    KERNELS[kernel](out, given, *arrays, workspace=lent(kernel, out, (given, *arrays), params), **params)
    assert inside or np.array_equal(given, residual)
    return out


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("x", "weight", "out", "params"),
    [
        ((2, 5, 7, 6), (4, 5, 1, 1), (2, 4, 7, 6), {}),
        ((1, 6, 9, 9), (4, 3, 1, 1), (1, 4, 9, 9), {"groups": 2}),
        ((2, 5, 9, 8), (4, 5, 3, 3), (2, 4, 5, 4), {"strides": (2, 2), "pads": (1, 1, 1, 1)}),
        ((1, 4, 20), (6, 2, 5), (1, 6, 12), {"strides": (1,), "dilations": (2,), "groups": 2}),
        ((1, 700, 12, 12), (3, 700, 3, 3), (1, 3, 12, 12), {"pads": (1, 1, 1, 1)}),  # cut along the channels
        ((1, 3, 80, 90), (512, 3, 1, 1), (1, 512, 80, 90), {}),  # more than the room at once
        ((0, 3, 4, 4), (2, 3, 1, 1), (0, 2, 4, 4), {}),
    ],
)
def test_conv_add(x, weight, out, params, inside):
    rank = len(x) - 2
    params = {"strides": (1,) * rank, "pads": (0,) * 2 * rank, "dilations": (1,) * rank, "groups": 1} | params
    image, filters, bias, residual = drawn(*x), drawn(*weight), drawn(weight[0]), drawn(*out, seed=1)
    plain = np.empty(out, np.float32)
    workspace = lent("numpy:conv/1", plain, (image, filters, bias), params)
    KERNELS["numpy:conv/1"](plain, image, filters, bias, workspace=workspace, **params)
    found = added("numpy:conv_add/1", residual, image, filters, bias, inside=inside, **params)
    np.testing.assert_allclose(found, plain + residual, rtol=1e-4, atol=1e-3)
    found = added("numpy:conv_add/1", residual, image, filters, None, inside=inside, **params)
    np.testing.assert_allclose(found, plain - bias.reshape(-1, *[1] * rank) + residual, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 4), (4, 5)),
        ((2, 3, 4), (4, 5)),
        ((2, 3, 4), (2, 4, 5)),
        ((3, 4), (2, 4, 5)),
        ((300, 20), (20, 700)),
        ((3, 0), (0, 2)),
    ],
)
def test_matmul_add(a, b, dtype):
    x, y = drawn(*a, dtype=dtype), drawn(*b, dtype=dtype)
    residual = drawn(*np.matmul(x, y).shape, dtype=dtype, seed=1)
    for inside in (False, True):
        found = added("numpy:matmul_add/1", residual, x, y, inside=inside)
        np.testing.assert_allclose(found, x @ y + residual, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("turned", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_gemm_add(turned):
    a, b, c, residual = drawn(5, 7), drawn(7, 6), drawn(6), drawn(5, 6, seed=1)
    given = (a.T.copy() if turned[0] else a), (b.T.copy() if turned[1] else b)
    params = {"alpha": 0.5, "transpose_a": turned[0], "transpose_b": turned[1]}
    for third in (c, None):
        found = added("numpy:gemm_add/1", residual, *given, third, inside=True, **params)
        np.testing.assert_allclose(found, 0.5 * a @ b + (0 if third is None else c) + residual, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="not 2"):
        added("numpy:gemm_add/1", residual, a, b, c, inside=True, beta=2.0)


def test_what_does_not_fit_is_refused():
    params = {"strides": (1, 1), "pads": (0,) * 4, "dilations": (1, 1)}
    with pytest.raises(ValueError, match="does not give"):
        added("numpy:conv_add/1", drawn(1, 3, 4, 4), drawn(1, 2, 4, 4), drawn(4, 2, 1, 1), inside=True, **params)
