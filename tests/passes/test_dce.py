"""Outputs that nobody wants."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

from tests.passes.rewrites import assert_keeps, assert_rewrites, operators

from nnvm import ops
from nnvm.ir import Value, f32, trace
from nnvm.passes import dce


def test_places_that_nobody_asks_for_are_not_computed() -> None:
    def before(x: f32["n", 1, 4, 4]) -> Value:
        return ops.max_pool_with_indices(x, kernel=(2, 2), strides=(2, 2), storage_order=0)[0]

    def after(x: f32["n", 1, 4, 4]) -> Value:
        return ops.max_pool(x, kernel=(2, 2), strides=(2, 2))

    assert_rewrites(dce, before, after)


def test_places_that_are_wanted_stay() -> None:
    def program(x: f32[1, 1, 4, 4]) -> tuple[Value, ...]:
        return ops.max_pool_with_indices(x, kernel=(2, 2))

    def places(x: f32[1, 1, 4, 4]) -> Value:
        return ops.max_pool_with_indices(x, kernel=(2, 2))[1]

    assert_keeps(dce, program)
    assert_keeps(dce, places)


def test_the_name_and_the_control_edges_stay() -> None:
    def program(x):
        first = ops.exp(x)
        return ops.max_pool_with_indices(first, kernel=(2, 2), name="pool", after=(first.node,), hints={"device": "b"})[
            0
        ]

    made = dce(trace(program, x=f32[1, 1, 4, 4])).outputs[0].node
    assert (made.name, [node.op.name for node in made.after], dict(made.hints)) == ("pool", ["exp"], {"device": "b"})


def test_inputs_stay_listed_and_what_no_output_needs_is_not_there() -> None:
    def program(x, y):
        ops.exp(y)
        return ops.tanh(x)

    graph = trace(program, x=f32[2], y=f32[3])
    made = dce(graph)
    assert made is graph
    assert [value.name for value in made.inputs] == ["x", "y"]
    assert operators(made) == ["tanh"]
