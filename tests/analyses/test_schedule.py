"""Orders to run in: what they hold, what they keep to, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ir.operators import add, biased, chain, relu, tanh

from nnvm import ops
from nnvm.analyses.schedule import (
    SOURCES,
    bytes_of,
    check_order,
    depth_first,
    file_order,
    needs,
    overwritable,
    plan_order,
    schedule,
)
from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Node, Value, constant, f16, f32, i64, named_input, tensor_data, variable

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
    for order in (depth_first(graph), file_order(graph), schedule(graph)):
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


def grown(position: int) -> Value:
    """Return a small result of a large one, placed so that a file makes all the large ones first."""
    large = ops.concat(X, X, X, X, axis=0, hints={"position": position})
    axes = constant(data=tensor_data([0], i64[1]))
    return ops.reduce_sum(large, axes, hints={"position": position + 10})


def three() -> Graph:
    inner = ops.add(grown(1), grown(2), hints={"position": 20})
    return Graph([relu(ops.add(grown(0), inner, hints={"position": 21}), hints={"position": 22})], [X])


def test_the_planned_order_finishes_a_branch_before_the_next():
    graph = three()
    planned, found = plan_order(graph)
    assert [node.op for node in file_order(graph)][:3] == [ops.concat] * 3
    assert [node.op for node in planned][:4] == [ops.concat, ops.reduce_sum] * 2
    assert schedule(graph) == planned
    assert (found.peak, found.status) == (96 + 12 + 12, "optimal")


def test_a_backend_says_what_it_knows():
    graph = three()
    _, free = plan_order(graph, size=lambda value: 0)
    assert free.peak == 0
    _, worked = plan_order(graph, size=lambda value: 0, workspace=lambda node: 7 * (node.op is ops.concat))
    assert worked.peak == 7
    _, inside = plan_order(graph, io="arena")
    _, outside = plan_order(graph)
    assert inside.peak == outside.peak + 24


def test_views_share_what_they_show_and_outputs_lie_outside():
    flat = ops.reshape(tanh(X), constant(data=tensor_data([6], i64[1])))
    _, shown = plan_order(Graph([relu(relu(flat))], [X]))
    assert shown.peak == 48
    _, alone = plan_order(Graph([tanh(X)], [X]))
    assert alone.peak == 0


def test_bytes_are_told_at_a_binding():
    value = named_input("y", f16["n", 3])
    assert bytes_of(value) == 64 * 3 * 2
    assert bytes_of(value, {"n": 5}) == 30
    assert bytes_of(named_input("z")) == 0
    assert overwritable(ops.add(X, X).node) == [X, X]
    assert overwritable(ops.concat(X, axis=0).node) == []
