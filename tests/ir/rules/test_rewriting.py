"""Rules run to a fixpoint: what many of them cost, in which order they come, what the report says."""

import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ir.operators import add, concat, halves, mul, neg, relu, scaled, split, sub, tanh

import nnvm
from nnvm.ir import Graph, Rule, Value, apply_rules, f32, is_constant, named_input, op, rule, run_rules, verify
from nnvm.ir.rules.rewriting import indexed
from nnvm.ir.scope import hints, prefix

X, Y = named_input("x", f32[4]), named_input("y", f32[4])
Steps = Iterator[Any]


@rule
def two_negations_vanish(x: Value) -> Steps:
    yield neg(neg(x))
    yield x


def test_the_report_prints_what_fired_and_why_it_stopped():
    @rule
    def idempotent(x: Value) -> Steps:
        yield relu(relu(x))
        yield relu(x)

    value = X
    for _ in range(12):
        value = relu(value)
    done = run_rules(Graph([neg(neg(value))]), [two_negations_vanish, idempotent])
    assert str(done) == "11 idempotent\n 1 two_negations_vanish\nstopped: fixpoint"
    assert str(run_rules(Graph([X]), [idempotent])) == "stopped: nothing to change"


def a_hundred_rules() -> list[Rule]:
    def numbered(number: int) -> Rule:
        outer, inner = [(neg, relu), (tanh, relu), (relu, tanh), (neg, tanh)][number % 4]

        def equation(x: Value) -> Steps:
            yield outer(inner(scaled(x, by=number)))
            yield outer(x)

        equation.__name__ = f"rule_{number}"
        return rule(equation)

    return [numbered(number) for number in range(100)]


def test_a_hundred_rules_on_ten_thousand_nodes_cost_one_walk_and_the_matches():
    rules = a_hundred_rules()
    value = X
    for i in range(3_400):
        value = sub(relu(value), neg(Y)) if i % 100 else tanh(relu(scaled(value, by=41)))
    value = mul(value, X)
    graph = Graph([value])
    assert len(graph.nodes) >= 10_000
    calls: dict[str, int] = {}

    def count(frame: Any, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and (code.co_filename.startswith("<pattern of") or code.co_name == "equation"):
            kind = "match" if code.co_name == "match" else "fire"
            calls[kind] = calls.get(kind, 0) + 1
        if event == "call" and code.co_name == "_settle":
            calls["walk"] = calls.get("walk", 0) + 1

    sys.setprofile(count)
    try:
        done = run_rules(graph, rules)
    finally:
        sys.setprofile(None)
    assert done.fired == {"rule_41": 34}
    # 25 rules ask at each tanh of a relu, 25 at each relu of a tanh, and none anywhere else.
    assert calls["match"] <= 2 * 34 * 25
    assert calls["fire"] == 3 * 34  # its generator is started, goes on to its right side, and is closed
    assert calls["walk"] == len(graph.nodes)


def test_the_index_keeps_the_order_of_the_rules():
    rules = a_hundred_rules()
    index = indexed(rules)
    assert sorted(operator.name for operator in index) == ["neg", "relu", "tanh"]
    assert [each.name for each, _ in index[neg].rows[relu]] == [f"rule_{i}" for i in range(0, 100, 4)]
    assert index[neg].any == ()

    @rule
    def any_neg(x: Value) -> Steps:
        yield neg(x)
        yield x

    mixed = indexed([rules[0], any_neg, rules[4], rules[3]])[neg]
    assert [each.name for each, _ in mixed.rows[relu]] == ["rule_0", "any_neg", "rule_4"]
    assert [each.name for each, _ in mixed.rows[tanh]] == ["any_neg", "rule_3"]
    assert [each.name for each, _ in mixed.any] == ["any_neg"]


def test_all_outputs_of_an_operator_are_replaced_at_once():
    @rule
    def turned(x: Value) -> Steps:
        yield halves(neg(x))
        first, second = halves(x)
        yield neg(first), neg(second)

    effect = relu(Y)
    first, second = halves(neg(X), name="h", after=(effect.node,))
    done = run_rules(Graph([sub(second, first), relu(second)], [X, Y]), [turned])
    assert done.fired == {}
    first, second = halves(neg(X), name="h")
    graph = Graph([sub(second, first), relu(second)], [X, Y])
    done = run_rules(graph, [turned])
    verify(done.graph)
    assert done.fired == {"turned": 1}
    assert [node.op.name for node in done.graph.nodes] == ["input", "halves", "neg", "neg", "sub", "relu"]
    wanted = done.graph.outputs[0].node
    assert [value.node.inputs[0].index for value in wanted.inputs] == [1, 0]

    @rule
    def short(x: Value) -> Steps:
        yield halves(neg(x))
        yield x

    with pytest.raises(nnvm.Error, match=r"rule short failed at .*it finds 2 values and puts 1"):
        run_rules(graph, [short])


def test_a_new_node_of_several_outputs_takes_over_name_and_control_edges():
    @rule
    def plain(x: Value, axis: int) -> Steps:
        yield halves(x, axis=axis)
        yield split(x, parts=2)

    effect = relu(Y)
    first, second = halves(X, name="h", after=(effect.node,), hints={"layer": 3})
    made = apply_rules(Graph([sub(second, first)]), [plain]).outputs[0].node.inputs
    assert made[0].node is made[1].node
    assert (made[0].index, made[1].index) == (1, 0)
    node = made[0].node
    assert (node.op, node.name, node.after, node.hints) == (split, "h", (effect.node,), {"layer": 3})


def test_outputs_may_be_put_for_each_other_only_anew():
    @rule
    def crossed(x: Value) -> Steps:
        yield halves(x)
        first, second = halves(x)
        yield second, first

    first, second = halves(X)
    done = run_rules(Graph([sub(first, second)]), [crossed], budget=3)
    assert done.fired == {"crossed": 3}
    assert [value.index for value in done.graph.outputs[0].node.inputs] == [1, 0]


def test_numbers_are_bound_by_holes_where_inputs_stand():
    @rule
    def joined(x: Value, first: float, second: float) -> Steps:
        yield mul(mul(x, first), second)
        if first * second < 10:
            yield mul(x, first * second)

    value = apply_rules(Graph([mul(3.0, mul(X, 2.0))]), [joined]).outputs[0]
    assert nnvm.data_of(value.node.inputs[1]).item() == 6.0
    kept = mul(mul(X, 5.0), 2.0)
    assert apply_rules(Graph([kept]), [joined]).outputs == (kept,)
    kept = mul(mul(X, 2.0), Y)
    assert apply_rules(Graph([kept]), [joined]).outputs == (kept,)


def test_a_row_given_by_star_is_a_tuple_in_guard_and_right_side():
    @rule
    def turned(*xs: Value, axis: int) -> Steps:
        yield neg(concat(*xs, axis=axis))
        if len(xs) < 4 and not any(map(is_constant, xs)):
            yield concat(*[neg(x) for x in xs], axis=axis)

    made = apply_rules(Graph([neg(concat(X, Y, X))]), [turned]).outputs[0]
    assert [each.node.op for each in made.node.inputs] == [neg] * 3
    assert [each.node.inputs[0] for each in made.node.inputs] == [X, Y, X]
    kept = neg(concat(X, Y, X, Y))
    assert apply_rules(Graph([kept]), [turned]).outputs == (kept,)


def test_tuples_of_params_bind_their_holes():
    @rule
    def even(x: Value, p: int, q: int) -> Steps:
        yield scaled(x, by=(p, q, p))
        yield scaled(x, by=p * q)

    assert apply_rules(Graph([scaled(X, by=(2, 3, 2))]), [even]).outputs[0].node.params == {"by": 6}
    for other in [(2, 3, 4), (2, 3), 2, (2, 3, 2.0)]:
        kept = scaled(X, by=other)
        assert apply_rules(Graph([kept]), [even]).outputs == (kept,)


def test_matches_that_share_a_border_all_fire():
    @op
    def lone(x: Value) -> nnvm.TensorType:
        return x.tensor

    @rule
    def pairs(x: Value) -> Steps:
        yield relu(add(neg(x), 1.0))
        yield tanh(x)

    value = X
    for _ in range(9):
        value = relu(add(neg(value), 1.0))
    done = run_rules(Graph([lone(value)]), [pairs])
    assert done.fired == {"pairs": 9}
    assert [node.op.name for node in done.graph.nodes] == ["input", *["tanh"] * 9, "lone"]

    @rule
    def border(x: Value, y: Value) -> Steps:
        yield sub(relu(x), relu(y))
        yield mul(x, y)

    shared = [relu(named_input(f"v{i}", f32[4])) for i in range(6)]
    done = run_rules(Graph([sub(a, b) for a, b in pairwise(shared)]), [border])
    assert done.fired == {"border": 5}


def test_scopes_of_the_user_do_not_reach_what_rules_build():
    @rule
    def renamed(x: Value) -> Steps:
        yield relu(x)
        yield tanh(x, name="t")

    graph = Graph([relu(X)])
    with prefix("mine/"), hints(device="gpu1"):
        made = apply_rules(graph, [renamed]).outputs[0].node
    assert (made.name, made.hints) == ("t", {})


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), st.integers(1, 5))
def test_rewriting_always_ends(letters: list[str], budget: int):
    table = {"a": (relu, tanh), "b": (tanh, neg), "c": (neg, relu)}

    def turns(letter: str) -> Rule:
        old, new = table[letter]

        def equation(x: Value) -> Steps:
            yield old(x)
            yield new(new(x))

        return rule(equation)

    done = run_rules(Graph([relu(tanh(neg(X)))]), [turns(letter) for letter in letters], budget=budget)
    verify(done.graph)
    assert sum(done.fired.values()) <= 3 * budget
    assert done.stopped == "fixpoint" or done.stopped.startswith(f"budget of {budget} firings")
