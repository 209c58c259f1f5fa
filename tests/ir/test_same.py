import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ir.operators import UNARY, add, chain, diamonds, halves, mul, neg, relu, scaled, sub, tanh
from tests.laws.graphs import graphs

from nnvm.ir import Graph, TensorData, Value, constant, f32, f64, i32, named_input, same, tensor_data, variable


def graph(build: Callable[[Value, Value], Value], *, names: tuple[str, str] = ("x", "y"), type: Any = f32[4]) -> Graph:
    inputs = [named_input(name, type) for name in names]
    return Graph([build(*inputs)], inputs, output_names=["out"])


def test_equal_graphs_are_the_same() -> None:
    def build(x: Value, y: Value) -> Value:
        return scaled(add(x, halves(add(y, 2), axis=0)[1]), by=(1, 2.0), name="s")

    def whole(x: Value, y: Value) -> Value:
        return add(x, mul(y, 2))

    assert same(graph(whole), graph(whole)) is True
    assert same(graph(whole), graph(whole), names=True) is True
    small = named_input("x", f32[2]), named_input("y", f32[4])
    other = named_input("x", f32[2]), named_input("y", f32[4])
    assert same(Graph([build(*small)], small), Graph([build(*other)], other), names=True) is True


def three(a: Value, b: Value, which: int) -> Value:
    return add(add(a, b), relu((a, b)[which]))


PAIRS: list[tuple[Graph, Graph, str]] = [
    (graph(lambda x, y: add(x, y)), graph(lambda x, y: sub(x, y)), "operators: _ = add.* against _ = sub"),
    (graph(lambda x, y: sub(x, y)), graph(lambda x, y: sub(x, x)), "3 nodes against 2"),
    (graph(lambda x, y: sub(x, y)), graph(lambda x, y: sub(y, x)), "names: x = input.* against y = input"),
    (graph(lambda x, y: tanh(x)), graph(lambda x, y: tanh(x), names=("z", "y")), "input 0: x"),
    (
        graph(lambda x, y: tanh(x)),
        graph(lambda x, y: tanh(x), type=f64[4]),
        r"input 0: x: f32\[4\] against x: f64\[4\]",
    ),
    (graph(lambda x, y: scaled(x, by=1)), graph(lambda x, y: scaled(x, by=2)), "by: .*: 1 against 2"),
    (graph(lambda x, y: scaled(x, by=1)), graph(lambda x, y: scaled(x, by=True)), "by: .*: 1 against True"),
    (graph(lambda x, y: scaled(x, by=(1,))), graph(lambda x, y: scaled(x, by=(1.0,))), "by"),
    (graph(lambda x, y: scaled(x, by=0.0)), graph(lambda x, y: scaled(x, by=-0.0)), "by: .*: 0.0 against -0.0"),
    (graph(lambda x, y: add(x, 1)), graph(lambda x, y: add(x, 2)), "data: .*: other data"),
    (graph(lambda x, y: halves(x)[0]), graph(lambda x, y: halves(x)[1]), r"output out: halves.0: .* against halves.1"),
    (graph(lambda x, y: tanh(x)), graph(lambda x, y: tanh(x, after=(y.node,))), "2 nodes against 3"),
    (
        graph(lambda x, y: three(neg(x), tanh(x), 0)),
        graph(lambda x, y: three(neg(x), tanh(x), 1)),
        r"inputs: _ = relu\(neg\) against _ = relu\(tanh\)",
    ),
]


@pytest.mark.parametrize(("a", "b", "where"), PAIRS)
def test_a_difference_says_where(a: Graph, b: Graph, where: str) -> None:
    for first, second in ((a, b), (b, a)):
        assert not same(first, second)
    answer = same(a, b)
    assert not answer
    assert re.search(where, repr(answer))


def test_control_edges_count() -> None:
    def build(x: Value, y: Value, *, first: bool) -> Value:
        a, b = tanh(x), relu(y)
        return add(add(a, b), neg(x, after=((a if first else b).node,)))

    a, b = graph(lambda x, y: build(x, y, first=True)), graph(lambda x, y: build(x, y, first=False))
    assert "control edges" in repr(same(a, b))


def test_the_order_of_unnamed_inputs_counts() -> None:
    def build(turned: bool) -> Graph:
        x, y = (variable(type=f32[4]) for _ in range(2))
        return Graph([sub(y, x) if turned else sub(x, y)], [x, y])

    assert same(build(False), build(False))
    assert "order of inputs" in repr(same(build(False), build(True)))


def test_names_count_where_asked() -> None:
    a, b = graph(lambda x, y: tanh(x, name="a")), graph(lambda x, y: tanh(x, name="b"))
    assert same(a, b)
    assert "names: a = tanh(x) against b = tanh(x)" in repr(same(a, b, names=True))
    first, second = (graph(lambda x, y, n=n: add(x, variable(type=f32[4], name=n))) for n in "vw")  # type: ignore[misc]
    assert "names" in repr(same(first, second))


def test_outputs_count() -> None:
    x = named_input("x", f32[4])
    a = Graph([tanh(x)], output_names=["a"])
    assert "outputs ['a'] against ['b']" in repr(same(a, a.replace(output_names=["b"])))
    assert "1 outputs against 1 and 2" in repr(same(a, Graph([tanh(x), x])))


def test_constants_are_compared_by_content() -> None:
    def build(data: TensorData) -> Graph:
        return Graph([constant(data=data)])

    assert same(build(tensor_data(1, f32[4])), build(tensor_data([1, 1, 1, 1], f32[4])))
    assert not same(build(tensor_data(1, f32[4])), build(tensor_data(1, i32[4])))
    assert not same(build(tensor_data(1, f32[4])), build(tensor_data(1, f32[2, 2])))


def test_nan_is_nan() -> None:
    assert same(graph(lambda x, y: scaled(x, by=float("nan"))), graph(lambda x, y: scaled(x, by=float("nan"))))


def nested(depth: int, end: Callable[[Value], Value]) -> Graph:
    """Return graphs within graphs; each holds the same one twice, so that there are two to the `depth` ways down."""
    x = named_input("x", f32[4])
    inner = Graph([end(x)], [x], output_names=["end"])
    for _ in range(depth):
        inner = Graph([scaled(scaled(x, by=inner), by=inner)], [x])
    return inner


def test_nested_graphs() -> None:
    assert same(nested(60, tanh), nested(60, tanh))
    assert "operators: _ = tanh(x) against _ = relu(x)" in repr(same(nested(60, tanh), nested(60, relu)))


@given(graphs(UNARY, (add, mul, sub)), st.data())
def test_a_graph_is_the_same_as_its_copy_and_not_as_one_changed(a: Graph, data: st.DataObject) -> None:
    copy = a.rewrite(lambda node: node.replace().outputs if node.inputs else None)
    assert same(a, copy, names=True)
    targets = [node for node in a.nodes if node.op in UNARY]
    if targets:
        chosen = data.draw(st.sampled_from(targets))
        other = scaled(chosen.inputs[0], by=3)
        changed = a.rewrite(lambda node, origin: other if origin is chosen else None, origins=True)  # type: ignore[arg-type]
        assert not same(a, changed)


@pytest.mark.parametrize("make", [chain, diamonds])
def test_long_graphs(make: Callable[..., Graph]) -> None:
    assert same(make(), make()) is True
    assert not same(make(), make(100))
