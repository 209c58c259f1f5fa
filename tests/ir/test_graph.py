import copy
import gc
import pickle

import pytest
from hypothesis import given, settings
from tests.ir.operators import LONG, UNARY, add, biased, chain, diamonds, halves, mul, relu, reshaped, scaled, sub, tanh
from tests.laws.graphs import graphs

from nnvm.errors import Error
from nnvm.ir import (
    ABSENT,
    Graph,
    Node,
    Value,
    analysis,
    collection_paused,
    constant,
    f32,
    foreign,
    i64,
    named_input,
    operators,
    postorder,
    same,
    tensor_data,
    uses,
    variable,
)

X, Y = named_input("x", f32[4]), named_input("y", f32[4])


def test_nodes_come_after_what_they_need_left_to_right() -> None:
    a = tanh(X)
    late = relu(Y, after=(a.node,))
    total = add(late, X)
    assert [node.name or node.op.name for node in Graph([total]).nodes] == ["y", "x", "tanh", "relu", "add"]
    assert Graph([total]).inputs == (Y, X)
    assert Graph([total], [X, Y]).inputs == (X, Y)


@given(graphs(UNARY, (add, mul, sub)))
def test_postorder_is_an_order(graph: Graph) -> None:
    place = {node: i for i, node in enumerate(graph.nodes)}
    assert len(place) == len(graph.nodes)
    assert all(place[value.node] < place[node] for node in graph.nodes for value in node.inputs)
    assert {value.node for value in graph.outputs} <= place.keys()
    counts = uses(graph)
    assert sum(counts.values()) == sum(len(node.inputs) for node in graph.nodes) + len(graph.outputs)


def test_output_names_are_distinct() -> None:
    a, a1 = tanh(X, name="a"), relu(X, name="a_1")
    assert Graph([a, a, a1, a, a1]).output_names == ("a", "a_2", "a_1", "a_3", "a_1_1")
    assert Graph([a], output_names=["z"]).output_names == ("z",)
    with pytest.raises(Error, match="graph g has 2 outputs and 1 names"):
        Graph([a, a1], output_names=["z"], name="g")


def test_replace() -> None:
    graph = Graph([tanh(X)], output_names=["t"], hints={"by": "me"})
    other = graph.replace(name="other")
    assert (other.name, other.outputs, other.inputs, other.output_names, other.hints) == (
        "other", graph.outputs, graph.inputs, ("t",), {"by": "me"},
    )  # fmt: skip
    assert graph.name == "main"
    assert repr(other) == "<graph other: 2 nodes, 1 inputs, 1 outputs>"


def test_an_analysis_is_made_once_for_each_graph() -> None:
    seen = []

    @analysis
    def size(graph: Graph) -> int:
        seen.append(graph)
        return len(graph.nodes)

    graph = Graph([tanh(X)])
    assert (size(graph), size(graph), seen) == (2, 2, [graph])
    other = graph.replace(outputs=[X])
    assert (size(other), len(seen)) == (1, 2)


def test_uses_and_operators() -> None:
    a = tanh(X)
    graph = Graph([add(a, a), a])
    assert (uses(graph)[a], uses(graph)[X]) == (3, 1)
    v, c = variable(type=f32[4], name="v"), constant(data=tensor_data(1, f32[4]))
    total = add(add(v, c), X)
    assert [node.op for node in operators(Graph([total]))] == [add, add]


def test_the_collector_is_paused_and_restored() -> None:
    assert gc.isenabled()
    with collection_paused():
        with collection_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with collection_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def everything() -> Graph:
    inner = Graph([relu(named_input("u", f32[4]))], name="inner")
    first, second = halves(X, name="h", hints={"line": 7})
    cut = reshaped(second, constant(data=tensor_data([1, 2], i64[2])))
    odd = Node(foreign("Odd", "com.acme"), (first, ABSENT, cut), types=(None, f32[2]), name="odd").outputs
    late = scaled(biased(first, second), by=(1, True, 1.0, inner), after=(odd[0].node, cut.node))
    return Graph([late, odd[1], first], [X, Y], output_names=["a", "b", "c"], name="all", hints={"made": "by hand"})


def test_pickle_keeps_everything() -> None:
    graph = everything()
    again = pickle.loads(pickle.dumps(graph))
    assert again is not graph
    assert same(graph, again, names=True)
    assert [node.hints for node in again.nodes] == [node.hints for node in graph.nodes]
    assert (again.name, again.hints, again.output_names) == ("all", {"made": "by hand"}, ("a", "b", "c"))
    assert [value.name for value in again.inputs] == ["x", "y"]
    assert pickle.dumps(again) == pickle.dumps(pickle.loads(pickle.dumps(again)))


@given(graphs(UNARY, (add, mul, sub)))
@settings(max_examples=30)
def test_pickle_keeps_any_graph(graph: Graph) -> None:
    assert same(graph, pickle.loads(pickle.dumps(graph)), names=True)


@pytest.mark.parametrize("make", [chain, diamonds])
def test_long_graphs(make: object) -> None:
    graph: Graph = make()  # type: ignore[operator]
    assert len(graph.nodes) == LONG + 1 if make is chain else len(graph.nodes) == 3 * (LONG // 2) + 1
    assert graph.nodes == postorder(graph.outputs)
    assert graph.nodes is graph.nodes
    again = pickle.loads(pickle.dumps(graph))
    assert same(graph, again)
    assert copy.deepcopy(graph) is graph
    assert len({graph, again}) == 2
    assert sum(uses(graph).values()) == sum(len(node.inputs) for node in graph.nodes) + 1


def test_a_long_graph_is_collected() -> None:
    """Freeing node after node must not use the stack, with the collector or without."""
    gc.collect()
    before = sum(type(thing) is Value for thing in gc.get_objects())
    graph = chain()
    assert sum(type(thing) is Value for thing in gc.get_objects()) > before + LONG
    del graph
    gc.collect()
    assert sum(type(thing) is Value for thing in gc.get_objects()) <= before


def test_two_inputs_or_outputs_of_one_name_are_refused() -> None:
    x, twin, y = named_input("x", f32[4]), named_input("x"), named_input("y", f32[4])
    told = r"graph twins: input x: f32\[4\] and input x: None are both called 'x'; rename one, or use one for both"
    with pytest.raises(Error, match=told):
        Graph([add(x, twin)], name="twins")
    with pytest.raises(Error, match="are both called 'x'"):
        Graph([x], [x, y, twin])
    with pytest.raises(Error, match=r"graph main: two outputs share a name: \['a', 'a'\]; give output_names"):
        Graph([x, y], output_names=["a", "a"])
    unnamed = named_input(None), named_input(None)  # type: ignore[arg-type]
    assert Graph([add(*unnamed)]).inputs == unnamed
    assert Graph([x, y, x]).output_names == ("x", "y", "x_1")
    assert Graph([relu(x, name="x_1"), x, relu(x, name="x")]).output_names == ("x_1", "x", "x_2")
