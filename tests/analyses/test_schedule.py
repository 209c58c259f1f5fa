"""Orders to run in: what they hold, what they keep to, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ir.operators import add, biased, chain, relu, tanh

from nnvm.analyses.schedule import SOURCES, check_order, depth_first, file_order, needs
from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Node, constant, f32, named_input, tensor_data, variable

X = named_input("x", f32[2, 3])


@st.composite
def placed_graphs(draw: st.DrawFn) -> Graph:
    """Draw a graph whose nodes have positions, some of them, and control edges, a few."""
    values = [X]
    for i in range(draw(st.integers(0, 12))):
        picks = [draw(st.sampled_from(values)) for _ in range(draw(st.integers(1, 2)))]
        hints = draw(st.sampled_from([{}, {"position": draw(st.integers(0, 20))}]))
        after = [draw(st.sampled_from(values[1:])).node] if i and not draw(st.integers(0, 3)) else []
        values.append((add if len(picks) == 2 else relu)(*picks, hints=hints, after=after))
    return Graph(draw(st.lists(st.sampled_from(values), min_size=1, max_size=3)), [X])


def computing(graph: Graph) -> set[Node]:
    return {node for node in graph.nodes if node.inputs}


@given(placed_graphs())
def test_law_every_order_is_an_order(graph):
    for order in (depth_first(graph), file_order(graph)):
        assert check_order(graph, order) == order
        assert set(order) == computing(graph)
        assert len(order) == len(set(order))


@given(placed_graphs())
def test_law_the_file_order_takes_the_least_position_that_can_run(graph):
    rank = {}
    for i, node in enumerate(depth_first(graph)):
        before = [rank[need][0] for need in needs(node) if need in rank]
        rank[node] = (node.hints.get("position", max(before, default=-1)), i)
    done: set[Node] = set()
    for node in file_order(graph):
        ready = [each for each in rank if each not in done and all(n in done or n not in rank for n in needs(each))]
        assert rank[node] == min(rank[each] for each in ready)
        done.add(node)


def test_a_file_keeps_its_order_where_a_walk_would_not():
    a = relu(X, hints={"position": 5})
    b = tanh(X, hints={"position": 2})
    graph = Graph([add(a, b, hints={"position": 9})], [X])
    assert [node.op for node in depth_first(graph)] == [relu, tanh, add]
    assert [node.op for node in file_order(graph)] == [tanh, relu, add]


def test_a_node_without_a_position_comes_with_its_inputs():
    first = tanh(X, hints={"position": 0})
    late = relu(X, hints={"position": 1})
    made = add(first, first)  # by a pass
    graph = Graph([late, made], [X])
    assert [node.op for node in file_order(graph)] == [tanh, add, relu]


def test_control_edges_and_absent_inputs_count():
    first = tanh(X)
    second = biased(X, X, ABSENT, after=[first.node])
    graph = Graph([second, first], [X])
    for order in (depth_first(graph), file_order(graph)):
        assert order == (first.node, second.node)
    assert needs(second.node) == [X.node, X.node, first.node]
    with pytest.raises(Error, match="before"):
        check_order(graph, (second.node, first.node))


def test_sources_do_not_run():
    weight = constant(data=tensor_data([1.0] * 6, f32[2, 3]))
    state = variable(type=f32[2, 3], name="v")
    graph = Graph([add(add(X, weight), state), X, weight], [X, state])
    assert {node.op for node in graph.nodes} == {*SOURCES, add}
    assert {node.op for node in depth_first(graph)} == {node.op for node in file_order(graph)} == {add}


@pytest.mark.parametrize(("pick", "told"), [((1, 0), "before"), ((0, 0, 1), "twice"), ((0,), "leaves out")])
def test_what_is_no_order_is_refused(pick, told):
    graph = Graph([relu(tanh(X))], [X])
    nodes = depth_first(graph)
    with pytest.raises(Error, match=told):
        check_order(graph, tuple(nodes[i] for i in pick))


def test_a_long_chain_has_an_order():
    graph = chain(20_000)
    assert file_order(graph) == depth_first(graph)
    assert len(check_order(graph, file_order(graph))) == 20_000
