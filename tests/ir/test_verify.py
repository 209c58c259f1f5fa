from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from tests.ir.operators import UNARY, add, biased, chain, concat, diamonds, halves, mul, relu, scaled, sub, tanh
from tests.laws.graphs import graphs

from nnvm.errors import Error
from nnvm.ir import ABSENT, EMPTY, Graph, Node, Value, f32, f64, foreign, named_input, params, variable, verify

X, Y = named_input("x", f32[4]), named_input("y", f32[4])


def node(op: Any, *inputs: Value, types: Any = (f32[4],), values: Any = EMPTY, name: str = "n") -> Value:
    return Node(op, inputs, values, types, name).outputs[0]


@given(graphs(UNARY, (add, mul, sub)))
def test_what_operators_build_is_well_formed(graph: Graph) -> None:
    assert verify(graph) is graph


def test_graphs_that_are_unusual_but_well_formed() -> None:
    odd = Node(foreign("Odd", "com.acme"), (ABSENT, X, X), params({"any": 1}), (None, f32[9]), "odd")
    state = variable(type=f32[4], name="v")
    absent = node(biased, X, X, ABSENT)
    declared = node(tanh, X, types=(f32["n"],), name="d")
    verify(Graph([*odd.outputs, add(state, X), absent, declared, concat(X, X, X)], [X, Y, state]))


def strange() -> Value:
    """Return an output that its node does not know."""
    return Value(tanh(X).node, 0, f32[4])


def mislabelled() -> Value:
    made = Node(tanh, (X,), EMPTY, (f32[4],), "m")
    made.outputs = (strange(),)  # type: ignore[misc]
    return Value(made, 0, f32[4])


CASES: dict[str, tuple[Callable[[], Graph], str]] = {
    "too few": (lambda: Graph([node(add, X)]), r"n = add\(x\) lacks an input: add needs x, y"),
    "absent": (lambda: Graph([node(add, ABSENT, X)]), r"n = add\(None, x\) lacks an input"),
    "too many": (lambda: Graph([node(tanh, X, X)]), "has 2 inputs; tanh takes x"),
    "no params": (lambda: Graph([node(scaled, X)]), r"has params \[\]; scaled takes by"),
    "more params": (lambda: Graph([node(tanh, X, values=params({"a": 1}))]), r"has params \['a'\]"),
    "other params": (lambda: Graph([node(scaled, X, values=params({"a": 1}))]), r"has params \['a'\]"),
    "wrong type": (
        lambda: Graph([node(tanh, X, types=(f32[5],))]),
        r"n: f32\[5\] has a type that tanh does not yield there: f32\[4\]",
    ),
    "wrong dtype": (lambda: Graph([node(tanh, X, types=(f64[4],))]), "does not yield there"),
    "wrong count": (
        lambda: Graph([node(halves, X, types=(f32[2],), values=params({"axis": 0}))]),
        "has 1 outputs; halves yields 2 there",
    ),
    "no fit": (lambda: Graph([node(add, X, named_input("z", f32[9]))]), "in node 'n': the shapes differ"),
    "stranger": (lambda: Graph([node(tanh, strange())]), "an input of n = .* is no output of the node it names"),
    "stranger's index": (lambda: Graph([node(tanh, Value(X.node, 7, f32[4]))]), "is no output of the node it names"),
    "mislabelled": (lambda: Graph([mislabelled()]), r"output 0 of m = tanh\(x\) belongs to"),
    "unlisted": (lambda: Graph([add(X, Y)], [X]), "is an input that the graph does not list; the inputs are"),
    "listed twice": (lambda: Graph([X], [X, X]), "an input is listed twice"),
    "made input": (lambda: Graph([relu(tanh(X))], [X, tanh(X, name="t")]), "input t of the graph is made by tanh"),
    "two names": (lambda: Graph([add(tanh(X, name="a"), relu(X, name="a"))]), "two nodes are called 'a': a = tanh"),
    "absent output": (lambda: Graph([X, ABSENT], output_names=["a", "b"]), "output b of graph main is absent"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_ill_formed_is_named(case: str) -> None:
    make, message = CASES[case]
    with pytest.raises(Error, match=message):
        verify(make())


@pytest.mark.parametrize("case", CASES)
def test_graphs_within_are_checked(case: str) -> None:
    make, message = CASES[case]
    outer = Graph([scaled(X, by=Graph([scaled(X, by=make())]))])
    with pytest.raises(Error, match=message):
        verify(outer)


@pytest.mark.parametrize("type", [f32["n"], f32[...], None])
def test_an_input_has_the_type_that_its_params_say(type: Any) -> None:
    stale = X.node.replace(types=(type,))
    with pytest.raises(Error, match=r"has the type .*, and its params say f32\[4\]; both are set together"):
        verify(Graph([tanh(stale.outputs[0])], [stale.outputs[0]]))


def test_one_graph_in_many_places_is_checked_once() -> None:
    inner = Graph([tanh(X)])
    for _ in range(60):
        inner = Graph([scaled(scaled(X, by=inner), by=inner)])
    assert verify(inner) is inner


@pytest.mark.parametrize("make", [chain, diamonds])
def test_long_graphs(make: Callable[[], Graph]) -> None:
    graph = make()
    assert verify(graph) is graph
