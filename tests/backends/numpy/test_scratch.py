from math import prod

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm.backends.numpy.kernels.scratch import around, boxes, carve, extent, flat, is_low, lent, normal, offset, spans


@given(st.lists(st.integers(0, 6), max_size=4), st.integers(1, 40))
def test_spans_cover_each_element_once_in_runs(shape, limit):
    shape = tuple(shape)
    line = np.arange(prod(shape)).reshape(shape)
    place = 0
    for box in spans(shape, limit):
        size = prod(extent(box))
        assert size <= limit or not size
        np.testing.assert_array_equal(line[(*box, ...)].reshape(-1), np.arange(place, place + size))
        assert offset(box, shape) == place or not size
        place += size
    assert place == line.size


def test_boxes_of_a_scalar_give_an_array():
    x = np.array(3)
    assert [x[box].shape for box in boxes((), 1)] == [()]
    assert isinstance(x[next(boxes((), 1))], np.ndarray)


def test_carving_is_aligned_and_bounded():
    room = np.zeros(256, np.uint8)
    first, second = carve(room, ((3,), "f"), ((2, 2), "d"))
    assert (second.ctypes.data - first.ctypes.data, second.shape) == (64, (2, 2))
    with pytest.raises(ValueError, match="too small; 320 are needed"):
        carve(room, ((3,), "f"), ((32,), "d"))
    with pytest.raises(ValueError, match="needs a workspace"):
        lent(None, "conv")


def test_axes():
    assert (normal(-1, 3), normal(2, 3), normal(0, 0)) == (2, 2, 0)
    assert around((2, 3, 4), -2) == (2, 3, 4)
    with pytest.raises(ValueError, match="use -2 to 1"):
        normal(2, 2)


def test_flat_never_copies():
    with pytest.raises(ValueError, match="copy"):
        flat(np.zeros((2, 3)).T)


@pytest.mark.parametrize(
    ("dtype", "low"),
    [("float16", True), (ml_dtypes.bfloat16, True), ("float32", False), ("int8", False), ("bool", False)],
)
def test_short_floats(dtype, low):
    assert is_low(np.dtype(dtype)) is low
