"""What no input can change, and which operators may be computed ahead."""

import pytest
from tests.ir.operators import add, relu, tanh

from nnvm import ops
from nnvm.analyses import fixed, pure
from nnvm.attrs import mutates, random
from nnvm.ir import (
    ABSENT,
    Graph,
    TensorType,
    Value,
    boolean,
    constant,
    f32,
    foreign,
    named_input,
    op,
    tensor_data,
    variable,
)  # fmt: skip

X = named_input("x", f32[3])


def number(value: float) -> Value:
    return constant(data=tensor_data([value] * 3, f32[3]))


@op
def bump(x: Value) -> TensorType:
    """Count up in place."""
    return x.tensor


@op
def draw(x: Value) -> TensorType:
    """Draw random numbers."""
    return x.tensor


@op
def apply(x: Value, *, body: Graph) -> TensorType:
    """Run a graph."""
    return x.tensor


mutates[bump] = (0,)
random[draw] = lambda node: True


def test_constants_and_what_is_made_of_them_alone():
    a = number(1)
    b = tanh(a)
    c = add(b, a)
    d = add(c, X)
    graph = Graph([d, relu(d)], [X])
    assert fixed(graph) == {a, b, c}
    assert fixed(graph) is fixed(graph)


def test_inputs_and_variables_are_not_fixed():
    state = variable(type=f32[3], name="v")
    assert fixed(Graph([relu(state), relu(X)], [X, state])) == frozenset()


def test_a_node_that_waits_for_another_is_not_fixed():
    waiting = relu(number(2), after=[tanh(X).node])
    assert waiting not in fixed(Graph([waiting], [X]))


def test_an_absent_input_is_fixed_but_is_no_value_of_the_graph():
    clipped = ops.clip(number(2), ABSENT, constant(data=tensor_data(1.0, f32[()])))
    found = fixed(Graph([clipped]))
    assert clipped in found
    assert ABSENT not in found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (relu(X), True),
        (X, False),
        (variable(type=f32[3]), False),
        (bump(X), False),
        (draw(X), False),
        (foreign("Odd", "com.acme")(X), False),
        (apply(X, body=Graph([relu(X)], [X])), False),
        (ops.cast(X, to=f32), True),
    ],
    ids=lambda value: value.node.op.name if isinstance(value, Value) else "",
)
def test_pure(value, expected):
    assert pure(value.node) is expected


def test_dropout_is_pure_where_it_drops_nothing():
    half = tensor_data(0.5, f32[()])
    assert not pure(ops.dropout(X, half, tensor_data(True, boolean[()]))[0].node)
    assert pure(ops.dropout(X, half, tensor_data(False, boolean[()]))[0].node)


@pytest.mark.parametrize("operator", [bump, draw, foreign("Odd", "com.acme")])
def test_what_is_not_pure_fixes_nothing(operator):
    value = relu(operator(number(1)))
    assert value not in fixed(Graph([value]))
