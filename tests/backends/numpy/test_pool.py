import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backends.numpy.running import FLOATS, call, close, compute, draw, runtime, transient


@st.composite
def pools(pick):
    rank = pick(st.integers(1, 3))
    numbers = lambda low, high: tuple(pick(st.integers(low, high)) for _ in range(rank))  # noqa: E731
    image, kernel, strides, dilations = numbers(2, 7), numbers(1, 3), numbers(1, 3), numbers(1, 2)
    begins = tuple(pick(st.integers(0, k - 1)) for k in kernel)
    ends = tuple(pick(st.integers(0, k - 1)) for k in kernel)
    fits = all(
        i + b + e >= (k - 1) * d + 1 for i, b, e, k, d in zip(image, begins, ends, kernel, dilations, strict=True)
    )
    return (image, kernel, strides, (*begins, *ends), dilations, pick(st.integers(0, 1))) if fits else None


def attributes(strides, pads, dilations, ceil):
    return {"strides": strides, "pads": pads, "dilations": dilations, "ceil_mode": ceil}


@settings(max_examples=150, deadline=None)
@given(pools(), st.sampled_from([*FLOATS, "int8", "uint8"]))
def test_any_small_max_pool(case, dtype):
    if case is None:
        return
    image, kernel, *rest = case
    x = draw(1, (2, 3, *image), dtype)
    given = x if dtype != "float16" else x.astype("f")
    wanted, places = runtime("MaxPool", [given], [given.dtype, np.int64], kernel_shape=kernel, **attributes(*rest))
    params = attributes(*rest)
    close(compute("max_pool", (wanted.shape, dtype), x, kernel=kernel, **params), wanted.astype(dtype))
    out, indices = np.empty(wanted.shape, dtype), np.empty(wanted.shape, np.int64)
    call("max_pool_with_indices", [out, indices], [x], kernel=kernel, **params)
    close(out, wanted.astype(dtype))
    reached = np.isfinite(wanted.astype("d")) & (wanted != np.iinfo(dtype).min if out.dtype.kind == "i" else True)
    np.testing.assert_array_equal(indices[reached], places[reached])


def test_indices_in_column_order():
    x = draw(1, (2, 2, 5, 6))
    params = {"strides": (2, 1), "pads": (1, 0, 0, 1), "dilations": (1, 1), "storage_order": 1}
    wanted, places = runtime("MaxPool", [x], [np.float32, np.int64], kernel_shape=(2, 3), **params)
    out, indices = np.empty_like(wanted), np.empty_like(places)
    call("max_pool_with_indices", [out, indices], [x], kernel=(2, 3), **params)
    np.testing.assert_array_equal(indices, places)


@settings(max_examples=150, deadline=None)
@given(pools(), st.sampled_from(FLOATS), st.integers(0, 1))
def test_any_small_average_pool(case, dtype, padded):
    if case is None:
        return
    image, kernel, strides, pads, dilations, ceil = case
    x = draw(1, (2, 3, *image), dtype)
    rank = len(image)
    padded_x = np.pad(
        x.astype("d"), [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)], constant_values=np.nan
    )
    sizes = [
        (i + b + e - (k - 1) * d - 1) / s + 1
        for i, b, e, k, d, s in zip(image, pads[:rank], pads[rank:], kernel, dilations, strides, strict=True)
    ]
    shape = tuple(int(np.ceil(size) if ceil else size) for size in sizes)
    # ONNX drops a last window that starts in the padding at the end.
    shape = tuple(
        n - 1 if ceil and (n - 1) * s >= i + b else n for n, s, i, b in zip(shape, strides, image, pads, strict=False)
    )
    wanted = np.empty((2, 3, *shape))
    for place in np.ndindex(*shape):
        cut = tuple(
            slice(p * s, p * s + (k - 1) * d + 1, d)
            for p, s, k, d in zip(place, strides, kernel, dilations, strict=True)
        )
        window = padded_x[(slice(None), slice(None), *cut)].reshape(2, 3, -1)
        count = window.shape[2] if padded else (~np.isnan(window)).sum(axis=2)
        wanted[(slice(None), slice(None), *place)] = np.nansum(window, axis=2) / np.maximum(count, 1)
    params = attributes(strides, pads, dilations, ceil)
    found = compute("average_pool", (wanted.shape, dtype), x, kernel=kernel, **params, count_include_pad=padded)
    close(found, wanted.astype(dtype))


@pytest.mark.parametrize("kernel", ["max_pool", "average_pool", "lp_pool"])
@pytest.mark.parametrize("shape", [(1, 6, 150, 170), (1, 1, 3, 90000)])
def test_images_larger_than_the_workspace(kernel, shape):
    x = draw(1, shape)
    params = {"strides": (2, 1), "pads": (1, 1, 0, 1)}
    name = {"max_pool": "MaxPool", "average_pool": "AveragePool", "lp_pool": "LpPool"}[kernel]
    wanted, *_ = runtime(name, [x], [np.float32], kernel_shape=(3, 3), **params)
    close(compute(kernel, (wanted.shape, "f"), x, kernel=(3, 3), **params, dilations=(1, 1)), wanted)


def test_a_window_wider_than_the_workspace():
    x = draw(1, (1, 1, 3, 400, 500))
    params = {"strides": (1, 1, 1), "pads": (0,) * 6, "dilations": (1, 1, 1)}
    wanted = x.reshape(3, 400 * 500).max(axis=0).reshape(1, 1, 1, 400, 500)
    close(compute("max_pool", (wanted.shape, "f"), x, kernel=(3, 1, 1), **params), wanted)
    x = draw(1, (1, 1, 2, 80000))
    params = {"strides": (1, 1), "pads": (0,) * 4, "dilations": (1, 79999)}
    for kernel, wanted in (("max_pool", x[..., [0, -1]].max()), ("average_pool", x[..., [0, -1]].mean())):
        found = compute(kernel, ((1, 1, 1, 1), "f"), x, kernel=(2, 2), **params)
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("dtype", FLOATS)
def test_global_pools(dtype):
    x = draw(1, (2, 3, 40, 50), dtype)
    close(
        compute("global_average_pool", ((2, 3, 1, 1), dtype), x),
        x.astype("d").mean((2, 3), keepdims=True).astype(dtype),
    )
    close(compute("global_max_pool", ((2, 3, 1, 1), dtype), x), x.max((2, 3), keepdims=True))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kernel", ["max_pool", "average_pool", "lp_pool"])
def test_no_tensor_is_allocated(kernel, dtype):
    x, out = draw(1, (1, 32, 64, 64), dtype), np.empty((1, 32, 32, 32), dtype)
    params = {"kernel": (3, 3), "strides": (2, 2), "pads": (1, 1, 0, 0), "dilations": (1, 1)}
    assert transient(kernel, [out], [x], **params) <= 16384
    if kernel == "max_pool":
        assert transient("max_pool_with_indices", [out, np.empty(out.shape, np.int64)], [x], **params) <= 16384


def test_a_long_line_is_counted_without_an_array_of_counts():
    x = draw(1, (1, 1, 200000))
    params = {"kernel": (3,), "strides": (1,), "pads": (1, 1), "dilations": (1,)}
    for kernel in ("average_pool", "max_pool", "lp_pool"):
        assert transient(kernel, [np.empty_like(x)], [x], **params) <= 16384
    assert transient("max_pool_with_indices", [np.empty_like(x), np.empty(x.shape, np.int64)], [x], **params) <= 16384
