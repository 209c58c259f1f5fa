import ml_dtypes
import numpy as np
import pytest
from tests.backends.numpy.running import call, close, compute, draw, transient

OWN = ("bool", "int8", "uint8", "int32", "uint32", "int64", "float16", "float32", "float64")
SHORT = (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2)


@pytest.mark.parametrize("source", OWN)
@pytest.mark.parametrize("target", OWN)
def test_between_types_of_numpy(source, target):
    x = np.array([0, 1, 2, 100, 3.7], np.float64).astype(source)
    wanted = x != 0 if target == "bool" else x.astype(target)
    close(compute("cast", (x.shape, target), x), wanted)


def test_floats_truncate():
    x = np.array([-2.7, -0.5, 0.5, 2.7], "f")
    np.testing.assert_array_equal(compute("cast", ((4,), "i4"), x), [-2, 0, 0, 2])
    np.testing.assert_array_equal(compute("cast", ((4,), bool), x), [True] * 4)


@pytest.mark.parametrize("short", SHORT)
@pytest.mark.parametrize("other", ["float16", "float32", "float64", "int8", "int64", "bool"])
def test_to_and_from_short_floats(short, other):
    x = np.array([0, 1, 3, -2.3, 17.2], "f").astype(other)
    there = compute("cast", (x.shape, short), x)
    np.testing.assert_array_equal(there.astype("f"), x.astype("f").astype(short).astype("f"))
    back = compute("cast", (x.shape, other), there)
    np.testing.assert_array_equal(back, there.astype("f") != 0 if other == "bool" else there.astype("f").astype(other))


@pytest.mark.parametrize("saturate", [0, 1])
@pytest.mark.parametrize("short", SHORT[1:])
def test_what_is_too_large_for_a_short_float(short, saturate):
    x = np.array([1e6, -1e6, np.inf, -np.inf, np.nan, 1], "f")
    found = compute("cast", (x.shape, short), x, saturate=saturate)
    most = float(ml_dtypes.finfo(short).max)
    if saturate:
        np.testing.assert_array_equal(found.astype("f"), [most, -most, most, -most, np.nan, 1])
    else:
        assert not np.isfinite(found[:5].astype("f")).any()


@pytest.mark.parametrize(("source", "target"), [("float32", "int32"), ("int64", "float64"), ("float16", "int16")])
def test_in_place_of_a_type_of_the_same_size(source, target):
    memory = draw(1, (70001,), "f")[:] * 9
    x = memory.astype(source)
    wanted = x.astype(target)
    out = x.view(target)
    call("cast", [out], [x])
    np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("target", [np.int64, np.float16, np.bool_, ml_dtypes.bfloat16, ml_dtypes.float8_e5m2])
def test_no_tensor_is_allocated(target):
    x = draw(1, (100000,))
    assert transient("cast", [np.empty(x.shape, target)], [x]) <= 16384
