"""What is said of a rule that does not apply: one line for each kind of reason, and the truth against the driver."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from tests.ir.operators import UNARY, add, biased, concat, halves, mul, neg, relu, scaled, sub, tanh
from tests.laws.graphs import graphs

from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Value, constant, either, f32, is_constant, named_input, rule, run_rules, tensor_data
from nnvm.ir.rules.why_not import why_not

X, Y = named_input("x", f32[2, 3]), named_input("y", f32[2, 3])
Steps = Iterator[Any]


@rule
def scale_moves(x: Value, weight: Value, scale: float) -> Steps:
    yield mul(biased(x, weight), scale)
    if scale <= 1:
        return
    if is_constant(weight):
        yield biased(x, mul(weight, scale))


@rule
def by_two(x: Value) -> Steps:
    yield relu(scaled(add(x, 1.0), by=(2, "a")))
    yield relu(x)


@rule
def many(x: Value, xs: tuple[Value, ...]) -> Steps:
    yield concat(*xs, neg(x), axis=0)
    yield x


@rule
def outputs(x: Value, y: Value, axis: int) -> Steps:
    first, second = halves(x, axis=axis)
    yield add(sub(second, y), scaled(first, by=axis))
    yield x


@rule
def doubled(x: Value) -> Steps:
    yield add(tanh(x), sub(x, tanh(x)))
    yield x


@rule
def shared(x: Value) -> Steps:
    inner = tanh(x)
    yield sub(inner, neg(inner))
    yield x


@rule
def left_out(x: Value, weight: Value) -> Steps:
    yield biased(x, weight, ABSENT)
    yield x


@rule
def chosen(x: Value) -> Steps:
    yield either(relu(neg(tanh(x))), sub(x, neg(x)))
    yield x


M, S, ONE = named_input("m", f32[2, 3]), named_input("s"), constant(data=tensor_data([1, 2, 3, 4, 5, 6], f32[2, 3]))
FIRST, SECOND = halves(X, name="h")


@pytest.mark.parametrize(
    ("rule", "value", "reason"),
    [
        (scale_moves, relu(X, name="r"), "it is relu (r), not mul"),
        (scale_moves, mul(relu(X, name="a2"), 2.0, name="m3"), "input 0 of mul (m3) is relu (a2), not biased"),
        (scale_moves, mul(biased(X, Y), ONE), "input 1 of mul is a constant of several numbers, not a constant of one"),
        (scale_moves, mul(biased(X, Y, Y, name="b"), 2.0), "biased (b) has 3 inputs, not 2"),
        (by_two, relu(scaled(X, by=(1, "a"))), "param by of scaled is (1, 'a'), not (2, 'a')"),
        (by_two, relu(scaled(add(X, 0.5), by=(2, "a"))), "input 1 of add is the constant 0.5, not 1.0"),
        (
            by_two,
            relu(scaled(X, by=(2, "a"), after=(tanh(Y).node,), name="s")),
            "is scaled (s), which has control edges",
        ),
        (by_two, relu(scaled(add(X, Y, name="a"), by=(2, "a"))), "input 1 of add (a) is input (y), not 1.0"),
        (many, concat(X, Y, name="c"), "input 1 of concat (c) is input (y), not neg"),
        (many, concat(neg(X), axis=1), "param axis of concat is 1, not 0"),
        (outputs, add(sub(FIRST, S), S), "input 0 of sub is halves (h.0), which is output 0, not 1"),
        (outputs, add(sub(SECOND, S), scaled(FIRST, by=3)), "param by of scaled is 3, not 0 as before"),
        (outputs, add(sub(SECOND, S), scaled(SECOND, by=0)), "input 0 of scaled is halves (h.1), not halves (h.0) as"),
        (doubled, add(tanh(X), sub(Y, tanh(X))), "input 0 of sub is input (y), not input (x) as before"),
        (shared, sub(tanh(X), neg(tanh(X, name="t"))), "input 0 of neg is tanh (t), not tanh as before"),
        (chosen, relu(neg(relu(X))), "input 0 of neg is relu, not tanh"),
        (chosen, sub(X, neg(M)), "input 0 of neg is input (m), not input (x) as before"),
    ],
)
def test_the_first_mismatch_of_the_closest_match_is_named(rule, value, reason):
    told = why_not(rule, value.node)
    assert told.startswith(f"{rule.name} does not match {value.node.op.name}")
    assert reason in told
    assert run_rules(Graph([value]), [rule]).graph.outputs == (value,)


def test_the_guard_is_shown():
    told = why_not(scale_moves, mul(biased(X, Y), 0.5, name="m").node)
    assert told.startswith("scale_moves matches mul (m), but the guard at line ")
    assert told.endswith("`return`, let it pass without a right side")
    assert "`if is_constant(weight):`" in why_not(scale_moves, mul(biased(X, Y), 2.0).node)
    assert why_not(scale_moves, mul(biased(X, ONE), 2.0, name="m").node) == "scale_moves applies to mul (m)"


def test_a_right_side_that_does_not_fit_is_told():
    @rule
    def grown(x: Value, y: Value) -> Steps:
        yield sub(x, y)
        yield add(x, concat(y, y))

    @rule
    def changed(x: Value) -> Steps:
        yield relu(x)
        yield concat(x, x)

    @rule
    def silent(x: Value) -> Steps:
        yield relu(x)

    @rule
    def looks(x: Value) -> Steps:
        yield relu(x)
        if x.shape:
            yield tanh(x)

    value = relu(X, name="r")
    assert "is refused: add(x: f32[2, 3], y: f32[4, 3]): the shapes differ" in why_not(grown, sub(X, Y).node)
    assert "but the right side would be f32[4, 3] where f32[2, 3] is" in why_not(changed, value.node)
    assert why_not(silent, value.node) == "silent matches relu (r), but it has no right side"
    unknown = relu(named_input("u"), name="q").node
    assert "`if x.shape:`, asks for a type that is not known" in why_not(looks, unknown)
    assert "the type of relu (q) is not known, and the rule is not declared untyped" in why_not(changed, unknown)


def test_control_edges_that_would_be_lost_are_told():
    @rule
    def gone(x: Value) -> Steps:
        yield relu(x)
        yield x

    value = relu(X, after=(tanh(Y, name="t").node,), name="r")
    told = why_not(gone, value.node)
    assert told == "gone matches relu (r), but what stands for relu (r) then would not wait for tanh (t)"
    assert run_rules(Graph([value]), [gone]).fired == {}


@rule
def pair(x: Value, a: Value, b: Value) -> Steps:
    yield sub(x, a), sub(x, b)
    yield neg(a), neg(b)


def test_other_roots_are_told():
    alone = sub(X, Y, name="s")
    with pytest.raises(Error, match="rule pair has several roots; give the graph"):
        why_not(pair, alone.node)
    assert "no sub with the rest of the left side reads input (x)" in why_not(pair, alone.node, Graph([alone]))
    second = sub(X, tanh(alone))
    told = why_not(pair, alone.node, Graph([second]))
    assert "pair applies to sub (s)" in told

    @rule
    def crossed(x: Value, a: Value, b: Value) -> Steps:
        yield sub(x, a), sub(x, b)
        yield neg(b), neg(b)

    told = why_not(crossed, alone.node, Graph([second]))
    assert "one of its roots needs another, so that replacing them would close a cycle" in told


def test_a_tracer_that_was_there_stays():
    seen: list[Any] = []

    def tracer(frame: Any, event: str, _: Any) -> None:
        seen.append(event)

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        why_not(scale_moves, mul(biased(X, Y), 0.5).node)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


@given(graphs((*UNARY, lambda x, name=None: scaled(x, by=2, name=name)), (add, sub, mul)))
def test_a_rule_applies_where_it_says_so_and_nowhere_else(graph: Graph):
    @rule
    def turned(x: Value, y: Value) -> Steps:
        yield either(add(neg(x), scaled(y, by=2)), sub(x, neg(y)))
        yield mul(x, y)

    for node in graph.nodes:
        applies = why_not(turned, node, graph).startswith("turned applies")
        try:
            fires = bool(run_rules(Graph([node.outputs[0]]), [turned], budget=1).fired)
        except Error:
            continue
        inner = any(why_not(turned, each).startswith("turned applies") for each in Graph([node.outputs[0]]).nodes)
        assert fires == inner
        assert applies <= fires


def test_shared_and_absent_parts_are_told():
    with_bias = biased(X, Y, Y)
    assert "has 3 inputs, not 2" in why_not(left_out, with_bias.node)
