"""Thirty true equations as rules, and chains in which they hold often or nowhere."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from nnvm import ops
from nnvm.ir import Op, Rule, Value, f32, named_input, rule

Unary = Op[..., Any]


def _absorbs(outer: Unary, inner: Unary) -> Rule:
    """Return the rule outer(inner(x)) = inner(x)."""

    def equation(x: Value) -> Iterator[Value]:
        yield outer(inner(x))
        yield inner(x)

    equation.__name__ = f"{outer.name}_of_{inner.name}"
    return rule(equation)


def _undoes(outer: Unary, inner: Unary) -> Rule:
    """Return the rule outer(inner(x)) = x."""

    def equation(x: Value) -> Iterator[Value]:
        yield outer(inner(x))
        yield x

    equation.__name__ = f"{outer.name}_undoes_{inner.name}"
    return rule(equation)


def _keeps(sign: Callable[[Value, float], Value], number: float, name: str) -> Rule:
    """Return the rule sign(x, number) = x."""

    def equation(x: Value) -> Iterator[Value]:
        yield sign(x, number)
        yield x

    equation.__name__ = name
    return rule(equation)


def _sign_is_lost(x: Value) -> Iterator[Value]:
    yield ops.abs(ops.neg(x))
    yield ops.abs(x)


_POSITIVE: Final = (ops.abs, ops.relu, ops.sigmoid, ops.exp, ops.sqrt)
_WHOLE: Final = (ops.floor, ops.ceil, ops.round, ops.sign)

RULES: Final = (
    *[_absorbs(outer, inner) for outer in (ops.relu, ops.abs) for inner in _POSITIVE],
    *[_absorbs(outer, inner) for outer in (ops.floor, ops.ceil, ops.round) for inner in _WHOLE],
    _absorbs(ops.sign, ops.sign),
    _undoes(ops.neg, ops.neg),
    _undoes(ops.log, ops.exp),
    _keeps(lambda x, number: x + number, 0, "plus_zero"),
    _keeps(lambda x, number: x - number, 0, "minus_zero"),
    _keeps(lambda x, number: x * number, 1, "times_one"),
    _keeps(lambda x, number: x / number, 1, "over_one"),
    rule(_sign_is_lost),
)


def chain_with_matches(nodes: int) -> Value:
    """Build blocks of twenty nodes, one of which a rule removes."""
    relu, neg, add, mul, floor = ops.relu, ops.neg, ops.add, ops.mul, ops.floor
    x = named_input("x", f32[32, 64])
    for _ in range(nodes // 20):
        start = x
        for _ in range(4):
            x = mul(add(neg(floor(x)), start), start)
        x = add(neg(relu(relu(x))), start)
    return x


def chain_without_matches(nodes: int) -> Value:
    """Build the same blocks, none of which a rule changes."""
    relu, neg, add, mul, floor = ops.relu, ops.neg, ops.add, ops.mul, ops.floor
    x = named_input("x", f32[32, 64])
    for _ in range(nodes // 20):
        start = x
        for _ in range(4):
            x = mul(add(neg(floor(x)), start), start)
        x = add(neg(relu(neg(x))), start)
    return x
