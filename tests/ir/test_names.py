"""Names: every node of a graph gets one of its own, and what callers use keeps its name."""

import pytest
from tests.ir.operators import LONG, add, relu, scaled, tanh

from nnvm.errors import Error
from nnvm.ir import Graph, f32, named_input, same, unique_names, variable, verify
from nnvm.ir.scope import prefix

X = named_input("x", f32[4])


def test_a_later_node_gets_the_first_number_that_is_free() -> None:
    first = relu(X, name="a")
    graph = Graph([add(add(tanh(first, name="a"), relu(X, name="a_1")), tanh(X, name="a"), name="x")])
    with pytest.raises(Error, match="two nodes are called 'a'"):
        verify(graph)
    with prefix("no/"):
        renamed = unique_names(graph)
    assert [node.name for node in renamed.nodes] == ["x", "a", "a_2", "a_1", None, "a_3", "x_1"]
    assert verify(renamed) is renamed
    assert renamed["a"] is first
    assert same(graph, renamed)
    assert renamed.output_names == graph.output_names
    assert unique_names(renamed) is renamed


def test_graphs_within_are_renamed_too_and_control_edges_follow() -> None:
    inner = Graph([tanh(relu(X, name="a"), name="a")])
    before = relu(X, name="a")
    once = scaled(X, by=inner, name="a", after=(before.node,))
    graph = unique_names(Graph([add(scaled(once, by=inner, name="a"), before)]))
    assert verify(graph) is graph
    assert [node.name for node in graph.nodes] == ["x", "a", "a_1", "a_2", None]
    assert graph["a_1"].node.after == (before.node,)
    found = [node.params["by"] for node in graph.nodes if node.op is scaled]
    assert found[0] is found[1]
    assert [node.name for node in found[0].nodes] == ["x", "a", "a_1"]


def test_many_graphs_within_and_many_nodes_of_one_name() -> None:
    inner = Graph([tanh(relu(X, name="a"), name="a")])
    for _ in range(60):
        inner = Graph([scaled(scaled(X, by=inner, name="s"), by=inner, name="s")])
    assert verify(unique_names(inner))
    value = X
    for _ in range(LONG):
        value = relu(value, name="a")
    graph = unique_names(Graph([value]))
    assert [node.name for node in graph.nodes[-2:]] == [f"a_{LONG - 2}", f"a_{LONG - 1}"]


def test_inputs_and_variables_are_refused_not_renamed() -> None:
    state = variable(type=f32[4], name="v")
    twins = Graph([add(state, variable(type=f32[4], name="v"))])
    told = r"graph main: variable v: f32\[4\] and variable v: f32\[4\] are both called 'v'; rename one"
    with pytest.raises(Error, match=told):
        unique_names(twins)
    with pytest.raises(Error, match=r"input x: f32\[4\] and variable x: f32\[4\] are both called 'x'"):
        unique_names(Graph([add(X, variable(type=f32[4], name="x"))]))
    shadowed = unique_names(Graph([add(relu(state, name="v"), X)]))
    assert [node.name for node in shadowed.nodes] == ["v", "v_1", "x", None]
