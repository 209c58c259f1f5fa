"""What leaves every element at its place goes, and what moves one stays."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites

from nnvm import ops
from nnvm.ir import ABSENT, Value, f32, i64, tensor_data, trace
from nnvm.passes import simplify

FAR = 1 << 40

NOTHING = {
    "reshape": lambda x: ops.reshape(x, (2, 3)),
    "reshape by minus one": lambda x: ops.reshape(x, (2, -1)),
    "reshape by its shape": lambda x: ops.reshape(x, ops.shape(x)),
    "expand": lambda x: ops.expand(x, (2, 3)),
    "expand by ones": lambda x: ops.expand(x, (1, 1)),
    "tile": lambda x: ops.tile(x, (1, 1)),
    "concat of one": lambda x: ops.concat(x, axis=1),
    "split into one": lambda x: ops.split(x, axis=0, parts=1)[0],
    "split into one of all": lambda x: ops.split(x, (3,), axis=1, parts=1)[0],
    "transpose to its own order": lambda x: ops.transpose(x, perm=(0, 1)),
    "pad by zeros": lambda x: ops.pad(x, (0, 0, 0, 0)),
    "pad by zeros with a value": lambda x: ops.pad(x, (0, 0), 1.0, (1,)),
    "pad by zeros at the edge": lambda x: ops.pad(x, (0, 0, 0, 0), mode="edge"),
    "slice of all": lambda x: ops.slice(x, (0,), (FAR,)),
    "slice of all axes": lambda x: ops.slice(x, (0, -2), (3, FAR), (1, 0), (1, 1)),
    "sum over no axes": lambda x: ops.reduce_sum(x, (), noop_with_empty_axes=True),
    "maximum over ones": lambda x: ops.reduce_max(ops.reduce_max(x, (0,)), (0,)),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_moves_nothing_goes(name: str) -> None:
    def before(x: f32[2, 3]) -> Value:
        return ops.tanh(NOTHING[name](x))

    def after(x: f32[2, 3]) -> Value:
        return ops.tanh(ops.reduce_max(x, (0,)) if name == "maximum over ones" else x)

    assert_rewrites(simplify, before, after)


@pytest.mark.parametrize("name", ["reshape by its shape", "expand by ones", "tile", "slice of all", "pad by zeros"])
def test_named_dimensions_are_no_obstacle(name: str) -> None:
    def before(x: f32["n", "m"]) -> Value:
        return ops.tanh(NOTHING[name](x))

    def after(x: f32["n", "m"]) -> Value:
        return ops.tanh(x)

    assert_rewrites(simplify, before, after)


SOMETHING = {
    "reshape": lambda x: ops.reshape(x, (4, 1)),
    "expand": lambda x: ops.expand(x, (1, 2, 2)),
    "tile": lambda x: ops.tile(x, (2, 1)),
    "concat of two": lambda x: ops.concat(x, x, axis=1),
    "transpose of a square": lambda x: ops.transpose(x),
    "pad that shifts": lambda x: ops.pad(x, (1, 0, -1, 0)),
    "reversal": lambda x: ops.slice(x, (-1,), (-FAR,), (0,), (-1,)),
    "a slice": lambda x: ops.slice(x, (0,), (1,)),
    "sum over all axes": lambda x: ops.reduce_sum(x, ()),
    "sum of squares over nothing": lambda x: ops.reduce_sum_square(x, (), noop_with_empty_axes=True),
    "half of a split": lambda x: ops.split(x, axis=0, parts=2)[0],
}


@pytest.mark.parametrize("name", SOMETHING)
def test_what_moves_something_stays(name: str) -> None:
    def program(x: f32[2, 2]) -> Value:
        return SOMETHING[name](x)

    assert_keeps(simplify, program)


def test_unknown_steps_stay() -> None:
    def program(x: f32["n"], steps: i64[1]) -> Value:
        return ops.slice(x, tensor_data([0], i64[1]), tensor_data([FAR], i64[1]), tensor_data([0], i64[1]), steps)

    assert_keeps(simplify, program)


def test_blocks_of_one() -> None:
    def before(x: f32[1, 4, 2, 2]) -> Value:
        return ops.space_to_depth(ops.depth_to_space(x, block=1), block=1)

    def after(x: f32[1, 4, 2, 2]) -> Value:
        return x

    assert_rewrites(simplify, before, after)


RESIZED = {
    "by ones": lambda x: ops.resize(x, ABSENT, tensor_data(1.0, f32[4]), mode="linear"),
    "to its own size": lambda x: ops.resize(x, ABSENT, ABSENT, tensor_data([3, 5], i64[2]), mode="cubic", axes=(2, 3)),
    "by ones, in the old way": lambda x: ops.upsample(x, tensor_data([1.0, 1.0, 1.0, 1.0], f32[4])),
}


@pytest.mark.parametrize("name", RESIZED)
def test_a_resize_to_the_same_size_goes(name: str) -> None:
    graph = simplify(trace(RESIZED[name], x=f32["n", 2, 3, 5]))
    assert [node.op.name for node in graph.nodes] == ["input"]


OTHERWISE = {
    "by a little": lambda x: ops.resize(x, ABSENT, tensor_data([1.0, 1.0, 1.1, 1.1], f32[4])),
    "of a crop": lambda x: ops.resize(
        x, tensor_data([0.1, 0.2, 0.9, 0.8], f32[4]), ABSENT, tensor_data([3, 5], i64[2]), axes=(2, 3),
        coordinate_transformation_mode="tf_crop_and_resize",
    ),
    "to twice the size": lambda x: ops.upsample(x, tensor_data([1.0, 1.0, 2.0, 1.0], f32[4])),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_resize_that_moves_pixels_stays(name: str) -> None:
    graph = trace(OTHERWISE[name], x=f32["n", 2, 3, 5])
    assert simplify(graph) is graph
