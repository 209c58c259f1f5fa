"""Where buffers lie once dimensions are bound."""

import pytest
from tests.runtime.toy import ping_pong

from nnvm.errors import Error
from nnvm.runtime.layout import layout
from nnvm.runtime.program import Buffer, Program, Step


def arena(*offsets, shape=("n",), peak=0, steps=()):
    buffers = [Buffer("arena", "float32", shape, offset) for offset in offsets]
    return Program("toy", buffers, steps, [], [], peak=peak)


def test_offsets_build_on_ends_that_are_rounded_up():
    placed = layout(arena(("end", 1), 0, ("max", ("end", 0), ("end", 1)), peak=("end", 2)), {"n": 17})
    assert placed.starts == [128, 0, 256]
    assert placed.sizes == [68, 68, 68]
    assert placed.peak == 384


def test_an_alias_lies_inside_its_root():
    buffers = [Buffer("arena", "float32", (16,), 64), Buffer("arena", "float32", ("n",), 8, alias_of=0)]
    buffers += [Buffer("state", "float32", (16,)), Buffer("state", "float32", (2,), 4, alias_of=2)]
    assert layout(Program("toy", buffers, [], [], [], peak=128), {"n": 3}).starts == [64, 72, 0, 4]


def test_offsets_in_a_circle_are_refused():
    with pytest.raises(Error, match=r"buffers 0 \(\), 1 \(\) build on each other in a circle"):
        layout(arena(("end", 1), ("end", 0), 0), {"n": 1})


def test_a_dimension_without_a_value_is_refused():
    with pytest.raises(Error, match="dimension 'n' has no value"):
        layout(arena(0), {})


def test_workspaces_are_evaluated():
    step = Step("toy:fill/1", [], [0], workspace=("*", 8, "n"))
    placed = layout(arena(0, steps=[step]), {"n": 3})
    assert (placed.workspace, placed.workspaces) == (24, [24])


def test_what_a_run_measures_has_no_size():
    program = Program("toy", [Buffer("dynamic", "int64", None)], [], [], [])
    assert layout(program, {}).sizes == [None]


def test_a_tower_of_20_000_buffers():
    count = 20_000
    offsets = [("end", i + 1) for i in range(count - 1)] + [0]
    placed = layout(arena(*offsets, peak=("end", 0)), {"n": 16})
    assert placed.peak == 64 * count
    assert layout(ping_pong(count), {"n": 2}).peak == 128
