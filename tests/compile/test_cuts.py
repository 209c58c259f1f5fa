"""Runs of elements: which cuts are one, and where they start."""

import pytest

from nnvm import ops
from nnvm.compile.cuts import cut_at
from nnvm.ir import dim, f32, named_input


def at(value):
    return cut_at(value.node)


def test_a_split_of_the_outermost_axis_is_runs():
    x = named_input("x", f32[1, 6, 4])
    assert at(ops.split(x, axis=1, parts=3)[0]) == (0, 8, 16)
    assert at(ops.split(x, (1, 5), axis=1, parts=2)[0]) == (0, 4)
    assert at(ops.split(x, axis=2, parts=2)[0]) is None
    m = dim("m")
    assert at(ops.split(named_input("y", f32[4, "m"]), axis=0, parts=2)[0]) == (0, m * 2)
    assert at(ops.split(named_input("y", f32["n", 4]), axis=1, parts=2)[0]) is None


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps", "place"),
    [
        ((1,), (3,), (0,), None, 12),
        ((-2,), (9,), (0,), None, 24),
        ((1, 1), (2, 3), (0, 1), None, 16),  # one row of the outer axis, a run of the next
        ((3, 2, 1), (4, 3, 3), (0, 1, 2), None, 45),
        ((3, 2, 1), (-9, 3, 3), (0, 1, 2), (-9, 1, 1), 45),  # one element, whichever way
        ((0,), (2,), (1,), None, None),
        ((0,), (4,), (0,), (2,), None),
        ((0, 0), (2, 2), (0, 1), None, None),
    ],
)
def test_a_slice_is_a_run_where_only_its_outermost_axis_is_cut(starts, ends, axes, steps, place):
    x = named_input("x", f32[4, 3, 4])
    assert at(ops.slice(x, starts, ends, axes, steps)) == (None if place is None else (place,))


def test_a_slice_with_open_ends_starts_where_it_is_known_to():
    x = named_input("x", f32["n", 8])
    assert at(ops.slice(x, (2,), (5,), (0,))) is None or at(ops.slice(x, (0,), (5,), (0,))) == (0,)
    assert at(ops.relu(x)) is None
