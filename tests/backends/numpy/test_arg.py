import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backends.numpy.running import FLOATS, close, compute, draw, reference, transient


@settings(max_examples=120)
@given(
    st.data(),
    st.sampled_from(["argmax", "argmin"]),
    st.sampled_from([*FLOATS, "int8", "uint8", "int64"]),
    st.booleans(),
    st.booleans(),
)
def test_any_axis(data, kernel, dtype, last, keepdims):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = np.round(draw(data.draw(st.integers(0, 9)), shape, dtype)).astype(dtype)
    params = {"axis": axis, "keepdims": int(keepdims), "select_last_index": int(last)}
    wanted = np.asarray(reference("ArgMax" if kernel == "argmax" else "ArgMin", [x], **params))
    close(compute(kernel, (wanted.shape, np.int64), x, **params), wanted.astype(np.int64))


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize(("shape", "axis"), [((2, 150001), 1), ((150001, 2), 0), ((3, 500, 200), 1)])
def test_lines_longer_than_the_workspace(shape, axis, last):
    x = np.round(draw(1, shape) * 3)
    turned = np.flip(x, axis) if last else x
    wanted = turned.argmax(axis)
    wanted = shape[axis] - 1 - wanted if last else wanted
    close(compute("argmax", (wanted.shape, np.int64), x, axis=axis, select_last_index=last), wanted)
    x.reshape(-1)[[7, -7]] = np.nan
    found = compute("argmax", (wanted.shape, np.int64), x, axis=axis)
    np.testing.assert_array_equal(found, x.argmax(axis))
    out = np.empty(wanted.shape, np.int64)
    assert transient("argmax", [out], [x], axis=axis) <= 16384


def test_nothing_to_choose_from_is_refused():
    with pytest.raises(ValueError, match="nothing to choose"):
        compute("argmax", ((2,), "i8"), np.empty((2, 0), "f"), axis=1)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_hardmax(axis, dtype):
    x = np.round(draw(1, (3, 4, 5), dtype))
    close(compute("hardmax", (x.shape, dtype), x, axis=axis), reference("Hardmax", [x], axis=axis).astype(dtype))
    flat = x.reshape(3, 20)
    close(
        compute("hardmax_from", (x.shape, dtype), x, axis=1),
        reference("Hardmax", [flat], axis=1).astype(dtype).reshape(x.shape),
    )


@settings(max_examples=80)
@given(st.data(), st.sampled_from([*FLOATS, "int32", "int64"]), st.integers(0, 1), st.integers(0, 1))
def test_sums_so_far(data, dtype, exclusive, reverse):
    shape = tuple(data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=3)))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = draw(1, shape, dtype)
    line = np.flip(x, axis) if reverse else x
    wanted = line.astype("d").cumsum(axis)
    wanted = wanted - line if exclusive else wanted
    wanted = np.flip(wanted, axis) if reverse else wanted
    found = compute("cumsum", (shape, dtype), x, np.array(axis, np.int64), exclusive=exclusive, reverse=reverse)
    close(found, wanted.astype(dtype))


@pytest.mark.parametrize("shape", [(2, 100000), (100000, 2), (3, 300, 300)])
def test_short_floats_add_up_in_float32(shape):
    x = np.full(shape, 2**-6, "e")
    axis = int(np.argmax(shape))
    found = compute("cumsum", (shape, "e"), x, np.array(axis))
    np.testing.assert_array_equal(found.max(), np.float16(shape[axis] / 64))
    assert transient("cumsum", [np.empty_like(x)], [x, np.array(axis)]) <= 16384
