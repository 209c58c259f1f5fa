"""Rules of several roots: how roots are joined, what is refused, and what becomes of names and control edges."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from tests.ir.operators import UNARY, add, concat, halves, mul, neg, relu, scaled, split, sub, tanh
from tests.laws.graphs import graphs

from nnvm.ir import Graph, Node, Rule, Value, apply_rules, f32, is_constant, named_input, rule, run_rules, verify
from nnvm.ir.rules.firings import Firing
from nnvm.ir.rules.joint import closes_cycle, readers

X, Y, Z = (named_input(name, f32[4]) for name in "xyz")
Steps = Iterator[Any]


@rule
def pair(x: Value, a: Value, b: Value) -> Steps:
    """Two products of one factor are one."""
    yield sub(x, a), sub(x, b)
    if not is_constant(a):
        yield split(sub(concat(x, x), concat(a, b)), parts=2)


@rule
def triple(x: Value, a: Value, b: Value, c: Value) -> Steps:
    yield sub(x, a), sub(x, b), sub(x, c)
    yield split(sub(concat(x, x, x), concat(a, b, c)), parts=3)


def names(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def test_three_uses_of_one_value_become_one():
    parts = [named_input(f"p{i}", f32[4]) for i in range(3)]
    graph = Graph([concat(*[sub(X, part) for part in parts])], [X, *parts])
    done = run_rules(graph, [triple])
    verify(done.graph)
    assert (done.fired, done.stopped) == ({"triple": 1}, "fixpoint")
    assert names(done.graph).count("sub") == 1
    made = done.graph.outputs[0].node.inputs
    assert [value.index for value in made] == [0, 1, 2]
    assert len({value.node for value in made}) == 1
    inner = made[0].node.inputs[0].node
    assert inner.inputs[1].node.inputs == tuple(parts)


def test_what_is_merged_may_be_merged_again_and_single_rules_run_between():
    @rule
    def undo(x: Value) -> Steps:
        yield neg(neg(x))
        yield x

    parts = [neg(neg(named_input(f"p{i}", f32[4]))) for i in range(5)]
    graph = Graph([sub(neg(neg(X)), part) for part in parts])
    done = run_rules(graph, [pair, undo])
    assert done.fired == {"pair": 2, "undo": 10}
    assert names(done.graph).count("sub") == 3
    verify(done.graph)
    assert run_rules(done.graph, [pair, undo]).graph is done.graph


def test_no_match_no_change():
    graph = Graph([sub(X, Y), sub(Y, X), relu(X)])
    done = run_rules(graph, [pair])
    assert done.graph is graph
    assert done.stopped == "nothing to change"


def test_a_root_that_needs_the_other_is_refused():
    first = sub(X, Y)
    second = sub(X, tanh(first))
    graph = Graph([relu(second)])
    assert run_rules(graph, [pair]).graph is graph
    pieces = [neg(X)] * 2
    assert closes_cycle(graph, [first.node, second.node], [first, second], [add(first, second), *pieces[1:]])
    assert not closes_cycle(graph, [first.node, second.node], [first, second], pieces)


def test_two_matches_that_would_close_a_cycle_together_are_not_both_put():
    a, b = named_input("a", f32[4]), named_input("b", f32[4])
    a1, b2 = sub(X, a), sub(Y, b)
    b1, a2 = sub(Y, tanh(a1)), sub(X, tanh(b2))
    graph = Graph([b1, a2], [X, Y, a, b])
    done = run_rules(graph, [pair])
    verify(done.graph)
    assert done.fired == {"pair": 1}
    assert names(done.graph).count("sub") == 3
    independent = Graph([b1, sub(X, tanh(a)), sub(Y, tanh(b))], [X, Y, a, b])
    assert run_rules(independent, [pair]).fired == {"pair": 2}


def test_roots_are_joined_through_nodes_and_deep_below():
    @rule
    def sine(x: Value, by: int) -> Steps:
        inner = scaled(x, by=by)
        yield relu(add(inner, 1.0)), tanh(neg(inner))
        yield scaled(x, by=by + 1), scaled(x, by=by + 2)

    inner = scaled(X, by=3)
    graph = Graph([neg(relu(add(1.0, inner))), tanh(neg(inner)), tanh(neg(scaled(X, by=3)))])
    done = run_rules(graph, [sine])
    assert done.fired == {"sine": 1}
    first, second, third = done.graph.outputs
    assert (first.node.inputs[0].node.params["by"], second.node.params["by"]) == (4, 5)
    assert third.node.op is tanh


def test_a_root_may_read_another():
    @rule
    def both(x: Value) -> Steps:
        inner = neg(x)
        yield inner, relu(inner)
        yield tanh(x), relu(x)

    inner = neg(X)
    done = run_rules(Graph([add(inner, relu(inner)), mul(inner, Y)]), [both])
    verify(done.graph)
    assert done.fired == {"both": 1}
    assert names(done.graph) == ["input", "tanh", "relu", "add", "input", "mul"]


def test_an_operator_of_several_outputs_beside_another():
    @rule
    def cut_once(x: Value) -> Steps:
        yield halves(x), neg(x)
        first, second = halves(tanh(x))
        yield first, second, concat(first, second)

    first, second = halves(X, name="cut")
    graph = Graph([sub(second, first), neg(X, name="n")], [X])
    done = run_rules(graph, [cut_once])
    verify(done.graph)
    assert names(done.graph) == ["input", "tanh", "halves", "sub", "concat"]
    cut = done.graph.outputs[0].node.inputs[0].node
    assert (cut.name, done.graph.outputs[1].node.name) == ("cut", "n")
    assert {value.node for value in done.graph.outputs[1].node.inputs} == {cut}


def test_control_edges_of_every_root_are_kept_or_the_match_is_refused():
    effect, late = tanh(Y), tanh(Z)
    first, second = sub(X, Y, after=(effect.node,)), sub(X, Z, after=(late.node,))
    done = run_rules(Graph([relu(first), relu(second)]), [pair])
    made = done.graph.outputs[0].node.inputs[0].node
    assert made.op is split
    assert made.after == (effect.node, late.node)
    waiting = sub(X, Z, after=(sub(X, Y).node,))
    graph = Graph([waiting, waiting.node.after[0].outputs[0]])
    assert run_rules(graph, [pair]).graph is graph

    @rule
    def dropped(x: Value) -> Steps:
        yield neg(x), tanh(x)
        yield relu(x), x

    graph = Graph([neg(X), tanh(X, after=(effect.node,))])
    assert run_rules(graph, [dropped]).graph is graph
    other = Graph([neg(X), tanh(X), relu(Y, after=(tanh(X).node,))])
    assert run_rules(other, [dropped]).fired == {"dropped": 1}


def test_others_wait_for_what_stands_for_a_root():
    first, second = sub(X, Y), sub(X, Z)
    graph = Graph([relu(Y, after=(second.node,)), first, second])
    made = run_rules(graph, [pair]).graph
    assert made.outputs[0].node.after == (made.outputs[1].node,)
    verify(made)


def test_an_observer_sees_all_roots():
    seen: list[Firing] = []
    graph = Graph([sub(X, Y), sub(X, Z)])
    run_rules(graph, [pair], observer=seen.append)
    (firing,) = seen
    assert firing.found == graph.outputs
    assert [value.index for value in firing.made] == [0, 1]
    assert [node.op.name for node in firing.left] == ["sub", "sub"]
    assert sorted(node.op.name for node in firing.right) == ["concat", "concat", "split", "sub"]
    assert "pair put" in repr(firing)


def test_the_budget_bounds_the_walks():
    @rule
    def again(x: Value, y: Value, z: Value) -> Steps:
        yield sub(x, y), sub(x, z)
        yield sub(x, neg(y)), sub(x, neg(z))

    done = run_rules(Graph([sub(X, Y), sub(X, Z)]), [again], budget=5)
    assert done.fired == {"again": 5}
    assert done.stopped == "budget of 5 walks spent between rules of several roots"


def test_readers_are_listed_once_in_order():
    a, b = sub(X, X), relu(X)
    graph = Graph([b, a])
    assert readers(graph) == {X: [b.node, a.node]}


def test_many_pairs_fire_in_one_sweep():
    value = X
    for _ in range(500):
        value = add(sub(value, Y), sub(value, Z))
    done = run_rules(Graph([value]), [pair])
    assert done.fired == {"pair": 500}
    verify(done.graph)


def evaluated(graph: Graph, given: dict[Node, list[float]]) -> list[list[float]]:
    """Compute a graph of the operators used here; each value is a row of four numbers, or as many as it is cut to."""
    rows: dict[Value, list[float]] = {node.outputs[0]: row for node, row in given.items()}
    for node in graph.nodes:
        if node in given:
            continue
        args = [rows[value] for value in node.inputs]
        if node.op is concat:
            rows[node.outputs[0]] = [item for row in args for item in row]
        elif node.op is split:
            size = len(args[0]) // len(node.outputs)
            for i, value in enumerate(node.outputs):
                rows[value] = args[0][i * size : (i + 1) * size]
        else:
            work = {
                "neg": lambda x: -x,
                "relu": lambda x: max(x, 0.0),
                "tanh": lambda x: x / 2,
                "sub": lambda x, y: x - y,
            }
            rows[node.outputs[0]] = [work[node.op.name](*each) for each in zip(*args, strict=True)]
    return [rows[value] for value in graph.outputs]


@given(graphs(UNARY, (sub,), type=f32[4], most=30))
@pytest.mark.parametrize("rules", [[pair], [triple, pair]])
def test_meaning_form_and_the_absence_of_cycles_are_kept(rules: list[Rule], graph: Graph):
    done = run_rules(graph, rules, budget=20)
    verify(done.graph)
    given = {value.node: [1.5 * i, -2.0, 3.0 - i, 0.5] for i, value in enumerate(graph.inputs, 1)}
    assert evaluated(done.graph, given) == evaluated(graph, given)
    assert str(apply_rules(graph, rules)) == str(apply_rules(graph, rules))
