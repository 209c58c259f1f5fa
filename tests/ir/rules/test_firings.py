"""Firings of rules as an observer sees them: both sides, no constants, whichever way the observer is named."""

from collections.abc import Iterator

import pytest

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Value, apply_rules, f32, rule, run_rules, trace
from nnvm.ir.rules.firings import Firing, current_observer, observing, piece


@rule
def negate_twice(x: Value) -> Iterator[Value]:
    yield ops.neg(ops.neg(x))
    yield x


@rule
def double(x: Value) -> Iterator[Value]:
    yield x + x
    yield x * 2.0


def graph_of_both() -> Graph:
    return trace(lambda x: ops.neg(ops.neg(ops.tanh(x))) + ops.tanh(x), x=f32[2])


def test_an_observer_sees_both_sides_of_every_firing():
    seen: list[Firing] = []
    graph = trace(lambda x: ops.relu(ops.neg(ops.neg(x)) + ops.neg(ops.neg(x))), x=f32[2])
    run_rules(graph, [negate_twice, double], observer=seen.append)
    assert [each.rule.name for each in seen] == ["negate_twice", "negate_twice", "double"]
    first, _, last = seen
    assert ([node.op for node in first.left], first.right) == ([ops.neg, ops.neg], ())
    assert first.made == graph.inputs
    assert [value.node for value in first.found] == [first.node]
    assert ([node.op for node in last.left], [node.op for node in last.right]) == ([ops.add], [ops.mul])
    assert last.node.op is ops.add
    assert "double put" in repr(last)


def test_observing_reaches_rules_that_a_pass_runs_and_ends_with_the_block():
    seen: list[Firing] = []
    with observing(seen.append):
        apply_rules(graph_of_both(), [negate_twice])
        with observing(lambda firing: None):
            apply_rules(graph_of_both(), [negate_twice])
    assert current_observer() is None
    apply_rules(graph_of_both(), [negate_twice])
    assert [each.rule for each in seen] == [negate_twice, negate_twice]


def test_an_observer_that_raises_ends_the_run():
    def refuse(firing: Firing) -> None:
        raise Error("no")

    with pytest.raises(Error, match="no"), observing(refuse):
        apply_rules(graph_of_both(), [negate_twice])
    assert current_observer() is None


def test_without_an_observer_the_result_is_the_same():
    seen: list[Firing] = []
    graph = graph_of_both()
    watched = run_rules(graph, [negate_twice, double], observer=seen.append)
    alone = run_rules(graph, [negate_twice, double])
    assert watched.fired == alone.fired == {"negate_twice": 1}
    assert str(watched.graph) == str(alone.graph)


def test_a_piece_ends_at_what_is_given_old_constant_or_absent():
    graph = trace(lambda x: ops.clip(ops.neg(ops.tanh(x)) * 2.0, ABSENT, 1.0), x=f32[2])
    (root,) = graph.outputs
    tanh = next(node for node in graph.nodes if node.op is ops.tanh)
    assert [node.op for node in piece([root], {tanh.outputs[0]})] == [ops.clip, ops.mul, ops.neg]
    assert [node.op for node in piece([root], (), {tanh})] == [ops.clip, ops.mul, ops.neg]
    assert piece([root], {root}) == ()


def test_a_piece_of_a_long_chain_needs_no_deep_stack():
    def chain(x: Value) -> Value:
        for _ in range(20_000):
            x = ops.neg(x)
        return x

    graph = trace(chain, x=f32[2])
    assert len(piece(graph.outputs, set(graph.inputs))) == 20_000
