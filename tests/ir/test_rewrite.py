import gc
from collections.abc import Sequence

import pytest
from hypothesis import given
from tests.ir.operators import LONG, UNARY, add, chain, diamonds, found, halves, mul, neg, relu, sub, tanh
from tests.laws.graphs import graphs

from nnvm.errors import Error
from nnvm.ir import (
    Graph,
    Node,
    Value,
    constant,
    f32,
    f64,
    is_constant,
    named_input,
    rebuild,
    rewrite,
    same,
    tensor_data,
)

X, Y = named_input("x", f32[4]), named_input("y", f32[4])


def swap(node: Node) -> Value | None:
    return neg(node.inputs[0]) if node.op is tanh else None


@given(graphs(UNARY, (add, mul, sub)))
def test_nothing_changed_is_the_same_graph(graph: Graph) -> None:
    seen: list[Node] = []
    assert rewrite(graph, seen.append) is graph
    assert tuple(seen) == graph.nodes
    assert graph.rewrite(lambda node: node.outputs) is graph


@given(graphs(UNARY, (add, mul, sub)))
def test_only_what_changes_is_made_again(graph: Graph) -> None:
    after = graph.rewrite(swap)
    assert [node.op for node in after.nodes] == [neg if node.op is tanh else node.op for node in graph.nodes]
    assert [node.name for node in after.nodes] == [node.name for node in graph.nodes]
    assert (after.inputs, after.output_names) == (graph.inputs, graph.output_names)
    above: set[Node] = set()
    for node in graph.nodes:
        if node.op is tanh or not above.isdisjoint(value.node for value in node.inputs):
            above.add(node)
    assert set(graph.nodes) - above <= set(after.nodes)
    assert above.isdisjoint(after.nodes)


def test_a_visit_sees_new_inputs_and_the_origin() -> None:
    graph = Graph([relu(tanh(X))])
    seen = []

    def visit(node: Node, origin: Node) -> Value | None:
        seen.append((node is origin, [value.node.op for value in node.inputs]))
        return swap(node)

    graph.rewrite(visit, origins=True)  # type: ignore[arg-type]
    assert [here for here in seen if here[1]] == [(True, [X.node.op]), (False, [neg])]


def test_new_nodes_take_over_name_order_and_hints() -> None:
    before = relu(Y).node
    old = tanh(X, name="t", after=(before,), hints={"layer": 1, "line": 2})
    hinted = neg(X, hints={"line": 9})
    made = Graph([old]).rewrite(lambda node: hinted if node.op is tanh else None).outputs[0].node
    assert (made.op, made.name, made.after, made.hints) == (neg, "t", (before,), {"layer": 1, "line": 9})
    assert Graph([old]).rewrite(lambda n: neg(X, name="own") if n.op is tanh else None).outputs[0].node.name == "own"
    kept = relu(X, name="kept")
    graph = Graph([kept, tanh(kept, name="t", hints={"a": 1})])
    after = graph.rewrite(lambda node: node.inputs[0] if node.op is tanh else None)
    assert after.outputs == (kept, kept)
    assert dict(kept.node.hints) == {}


def test_a_new_node_without_anything_to_take_over_stays_itself() -> None:
    made = neg(X)
    after = Graph([relu(tanh(X))]).rewrite(lambda node: made if node.op is tanh else None)
    assert after.outputs[0].node.inputs[0] is made


def test_what_was_rebuilt_may_stand_for_its_twins() -> None:
    """As eliminating common sub-expressions does: the first of two equals replaces the second, not a copy of it."""
    first, second = relu(tanh(X)), relu(tanh(X), name="second")
    table: dict[object, Value] = {}
    swapped = neg(X)

    def merge(node: Node) -> Value | None:
        if node.op is tanh:
            return swapped
        return table.setdefault((node.op, node.inputs), node.outputs[0])

    after = Graph([first, second]).rewrite(merge)
    assert after.outputs[0] is after.outputs[1]
    assert [node.op for node in after.nodes] == [X.node.op, neg, relu]


def test_one_replacement_for_many_is_made_once() -> None:
    shared = neg(X)
    graph = Graph([tanh(X, name="a"), tanh(Y, name="b")])
    after = graph.rewrite(lambda node: shared if node.op is tanh else None)
    assert after.outputs[0] is after.outputs[1]


def test_control_edges_follow_what_was_replaced() -> None:
    first = tanh(X)
    graph = Graph([relu(Y, after=(first.node,)), first])
    after = graph.rewrite(swap)
    late, early = after.outputs
    assert (early.node.op, late.node.after) == (neg, (early.node,))


def test_a_node_whose_order_would_be_lost_stays() -> None:
    effect = tanh(Y)
    kept = relu(X, after=(effect.node,))
    graph = Graph([neg(kept)])
    assert graph.rewrite(lambda node: node.inputs[0] if node.op is relu else None) is graph
    twin = relu(X, after=(effect.node,))
    merged = Graph([twin, kept]).rewrite(lambda node: twin if node.op is relu else None)
    assert merged.outputs == (twin, twin)


def test_several_outputs() -> None:
    first, second = halves(X, name="h")
    graph = Graph([add(first, second), second])

    def turn(node: Node) -> Sequence[Value] | None:
        return halves(neg(node.inputs[0])) if node.op is halves else None

    after = graph.rewrite(turn)
    made = after.outputs[1].node
    assert (made.name, made.inputs[0].node.op) == ("h", neg)
    assert after.outputs[0].node.inputs == made.outputs
    flipped = graph.rewrite(lambda node: node.outputs[::-1] if node.op is halves else None)
    assert flipped.outputs[0].node.inputs == (second, first)
    with pytest.raises(Error, match=r"h = halves\(x\) has 2 outputs and was replaced by 1 values"):
        graph.rewrite(lambda node: X if node.op is halves else None)


def test_inputs_may_be_replaced() -> None:
    z = named_input("x", f32[9])
    after = Graph([tanh(X)]).rewrite(lambda node: z if node is X.node else None)
    assert (after.inputs, after.outputs[0].type) == ((z,), f32[9])


def test_rebuilding_keeps_types_or_infers_again() -> None:
    node = Node(tanh, (X,), types=(f32["said"],), name="t")
    assert rebuild(node, (Y,)).types == (f32["said"],)
    assert rebuild(node, (named_input("z", f64[2]),)).types == (f64[2],)
    assert rebuild(node, (named_input("z"),)).types == (f32["said"],)
    assert found(named_input("z", f64[2]), name="f").type is rebuild(found(X, name="f").node, (Y,)).types[0]
    with pytest.raises(Error, match="in node 's': the shapes differ"):
        rebuild(add(X, Y, name="s").node, (X, named_input("z", f32[9])))


@pytest.mark.parametrize("make", [chain, diamonds])
def test_long_graphs(make: object) -> None:
    graph: Graph = make()  # type: ignore[operator]
    visits = 0

    def count(node: Node) -> Value | None:
        nonlocal visits
        visits += 1
        return swap(node)

    after = graph.rewrite(count)
    assert visits == len(graph.nodes) == len(after.nodes)
    assert not any(node.op is tanh for node in after.nodes)
    assert not same(graph, after)
    if make is chain:
        assert len(graph.rewrite(lambda node: node.inputs[0] if node.inputs else None).nodes) == 1
        assert len(graph.nodes) == LONG + 1


def test_the_collector_runs_again_after_an_error() -> None:
    def fail(node: Node) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        Graph([X]).rewrite(fail)
    assert gc.isenabled()


def test_folding() -> None:
    two = constant(data=tensor_data(2, f32[4]))
    total = add(add(two, two), X)

    def fold(node: Node) -> Value | None:
        foldable = node.inputs and all(map(is_constant, node.inputs))
        return constant(data=tensor_data(4, f32[4])) if foldable else None

    (end,) = Graph([total]).rewrite(fold).outputs
    assert [is_constant(value) for value in end.node.inputs] == [True, False]
