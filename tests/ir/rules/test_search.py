"""What a search finds where several ways are open, how much it may cost, and what it says of what it did not find."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from tests.ir.operators import add, concat, mul, neg, relu, sub, tanh

from nnvm.ir import Graph, Rule, Value, apply_rules, either, f32, named_input, rule
from nnvm.ir.rules import search as searching
from nnvm.ir.rules.search import Search, told

X, Y, Z = (named_input(name, f32[4]) for name in "xyz")
Steps = Iterator[Any]


def holes(rule: Rule, value: Value) -> list[Any]:
    return [found.holes for found in Search(rule.pattern).at(value.node)]


@rule
def flattened(before: tuple[Value, ...], inner: tuple[Value, ...], after: tuple[Value, ...], axis: int) -> Steps:
    """Concat of a concat."""
    yield concat(*before, concat(*inner, axis=axis), *after, axis=axis)
    yield concat(*before, *inner, *after, axis=axis)


def test_a_row_between_rows_is_found_at_each_place_in_order():
    first, second = concat(X, Y), concat(Z)
    assert holes(flattened, concat(first, X, second)) == [
        ((), (X, Y), (X, second), 0),
        ((first, X), (Z,), (), 0),
    ]
    assert holes(flattened, concat(X, Y)) == []
    assert holes(flattened, concat(concat(X, Y, axis=-1), Y)) == []


def test_nested_joins_become_one():
    value = concat(X, concat(Y, concat(Z, X), concat(X)), concat(Y, axis=-1))
    made = apply_rules(Graph([value]), [flattened]).outputs[0]
    assert [each.node.op.name for each in made.node.inputs] == ["input"] * 5 + ["concat"]
    assert made.node.inputs[:5] == (X, Y, Z, X, X)
    assert made.type is value.type


def test_all_splits_of_rows_around_a_hole():
    @rule
    def around(a: tuple[Value, ...], x: Value, b: tuple[Value, ...]) -> Steps:
        yield concat(*a, x, *b)

    assert holes(around, concat(X, Y, Z)) == [((), X, (Y, Z)), ((X,), Y, (Z,)), ((X, Y), Z, ())]

    @rule
    def doubled(a: tuple[Value, ...]) -> Steps:
        yield concat(*a, *a)

    assert holes(doubled, concat(X, Y, X, Y)) == [((X, Y),)]
    assert holes(doubled, concat(X, Y, Y, X)) == []
    assert holes(doubled, concat(X)) == []


def test_a_long_row_is_found_to_its_end():
    inner = concat(Y)
    value = concat(*[X] * 20_000, inner, X)
    ((before, found, after, _),) = holes(flattened, value)
    assert (len(before), found, after) == (20_000, (Y,), (X,))


def tower(leaves: list[Value]) -> Value:
    value = leaves[0]
    for i, leaf in enumerate(leaves[1:]):
        value = add(value, leaf) if i % 2 else add(leaf, value)
    return value


@pytest.mark.parametrize("depth", [12, 20, 50])
def test_nested_commutative_operators_cost_no_exponential(depth, monkeypatch):
    def pattern(*xs: Value) -> Value:
        value = xs[0]
        for x in xs[1:]:
            value = add(value, x)
        return value

    names = [f"x{i}" for i in range(depth + 1)]
    scope: dict[str, Any] = {"pattern": pattern}
    exec(f"def linear({', '.join(names)}):\n yield pattern({', '.join(names)})\n yield x0", scope)
    linear = rule(scope["linear"])
    assert linear.pattern.ways == 2**depth
    leaves = [relu(X) for _ in range(depth + 1)]
    steps = count_steps(monkeypatch)
    (found, *_) = next(Search(linear.pattern).at(tower(leaves).node))
    assert set(found) == set(leaves)
    assert len(steps) < 20 * depth
    steps.clear()
    assert holes(linear, tower(leaves[:-1])) == []
    assert len(steps) < 20 * depth


def count_steps(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    steps: list[Any] = []
    plain = Search._ways
    monkeypatch.setattr(Search, "_ways", lambda self, goal: steps.append(goal) or plain(self, goal))
    return steps


def test_twenty_nested_sums_of_shared_parts_are_found_and_missed(monkeypatch):
    @rule
    def many(x: Value) -> Steps:
        value = x
        for _ in range(20):
            value = add(tanh(x), value)
        yield value
        yield x

    value = X
    for _ in range(20):
        value = add(value, tanh(X))
    steps = count_steps(monkeypatch)
    assert apply_rules(Graph([value]), [many]).outputs == (X,)
    assert len(steps) < 1_000
    steps.clear()
    wrong = Y
    for _ in range(20):
        wrong = add(wrong, tanh(X))
    assert apply_rules(Graph([wrong]), [many]).outputs == (wrong,)
    assert len(steps) <= searching.STEPS + 20


def test_a_search_that_needs_too_much_is_given_up(monkeypatch):
    monkeypatch.setattr(searching, "STEPS", 0)
    search = Search(flattened.pattern, reasons=True)
    node = concat(concat(X)).node
    list(search.at(node))
    assert "given up after 0 steps" in search.reason()


def test_every_order_of_commutative_inputs_is_found():
    @rule
    def fused(x: Value, y: Value, z: Value) -> Steps:
        yield add(add(neg(x), relu(y)), tanh(z))

    parts = [neg(X), relu(Y), tanh(Z)]
    found = 0
    for a, b, c in permutations(parts):
        found += len(holes(fused, add(add(a, b), c)))
        found += len(holes(fused, add(c, add(a, b))))
    assert found == 4


def test_a_shared_choice_is_one_choice():
    @rule
    def same_twice(x: Value, y: Value) -> Steps:
        which = either(neg(x), tanh(y), sub(x, y))
        yield mul(sub(which, x), sub(which, y))

    assert same_twice.pattern.ways == 6
    search = Search(same_twice.pattern)
    left = sub(X, Y)
    assert [each.holes for each in search.at(mul(sub(left, X), sub(left, Y)).node)] == [(X, Y)]
    assert not list(search.at(mul(sub(left, X), sub(sub(X, Y), Y)).node))


def test_values_are_told_by_operator_and_name():
    assert told(relu(X, name="r")) == "relu (r)"
    assert told(relu(X)) == "relu"
    assert told(X) == "input (x)"
    assert told(add(X, 2.0).node.inputs[1]) == "the constant 2.0"
