"""Equations of arithmetic and logic."""

import math
from collections.abc import Iterator, Sequence

from nnvm.errors import Error
from nnvm.ir import Node, Rule, Value, boolean, either, f32, f64, is_constant, rule, work
from nnvm.ir.tensor_data import Number
from nnvm.ir.types import product
from nnvm.ops import abs as absolute
from nnvm.ops import (
    add,
    add_n,
    ceil,
    div,
    floor,
    identity,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    mean_n,
    minimum,
    mul,
    neg,
    relu,
    sign,
    sub,
    where,
)  # fmt: skip
from nnvm.ops import round as rounded
from nnvm.ops.typing import broadcast
from nnvm.passes.constants import filled, number

_TAME = (1e-30, 1e30)
"""Between these a combined factor is far from under- and overflow."""


def many_armed(nodes: Sequence[Node]) -> int:
    """Measure a piece of graph by its sums of any number of terms."""
    return sum(node.op is add_n for node in nodes)


def _truth(held: bool) -> Value:
    return filled(held, boolean)


@rule(untyped=True)
def same(x: Value) -> Iterator[Value]:
    """identity(x) = x."""
    yield identity(x)
    yield x


@rule
def add_zero(x: Value) -> Iterator[Value]:
    """x + 0 = x."""
    yield x + 0
    yield x


@rule
def subtract_zero(x: Value) -> Iterator[Value]:
    """x - 0 = x."""
    yield x - 0
    yield x


@rule
def multiply_by_one(x: Value) -> Iterator[Value]:
    """x * 1 = x."""
    yield x * 1
    yield x


@rule
def divide_by_one(x: Value) -> Iterator[Value]:
    """x / 1 = x."""
    yield x / 1
    yield x


@rule
def to_the_first_power(x: Value) -> Iterator[Value]:
    """x ** 1 = x."""
    yield x**1
    yield x


@rule(untyped=True)
def negate_twice(x: Value) -> Iterator[Value]:
    """-(-x) = x."""
    yield neg(neg(x))
    yield x


@rule
def subtract_negated(x: Value, y: Value) -> Iterator[Value]:
    """x - (-y) = x + y."""
    yield x - (-y)
    yield x + y


@rule
def add_negated(x: Value, y: Value) -> Iterator[Value]:
    """x + (-y) = x - y."""
    yield x + (-y)
    yield x - y


@rule(untyped=True)
def deny_twice(x: Value) -> Iterator[Value]:
    """not not x = x."""
    yield logical_not(logical_not(x))
    yield x


@rule
def and_true(x: Value) -> Iterator[Value]:
    """x and true = x."""
    yield logical_and(x, _truth(True))
    yield x


@rule
def or_false(x: Value) -> Iterator[Value]:
    """x or false = x."""
    yield logical_or(x, _truth(False))
    yield x


@rule(untyped=True)
def absolute_twice(x: Value) -> Iterator[Value]:
    """| |x| | = |x|, and |-x| = |x|."""
    yield absolute(either(absolute(x), neg(x)))
    yield absolute(x)


@rule(untyped=True)
def absolute_of_relu(x: Value) -> Iterator[Value]:
    """|relu(x)| = relu(x)."""
    yield absolute(relu(x))
    yield relu(x)


@rule
def relu_of_positive(x: Value) -> Iterator[Value]:
    """relu(|x|) = |x|."""
    yield relu(absolute(x))
    yield absolute(x)


@rule
def floor_of_whole(x: Value) -> Iterator[Value]:
    """floor(floor(x)) = floor(x)."""
    yield either(floor(floor(x)), ceil(floor(x)), rounded(floor(x)))
    yield floor(x)


@rule
def ceil_of_whole(x: Value) -> Iterator[Value]:
    """ceil(ceil(x)) = ceil(x)."""
    yield either(floor(ceil(x)), ceil(ceil(x)), rounded(ceil(x)))
    yield ceil(x)


@rule
def round_of_whole(x: Value) -> Iterator[Value]:
    """round(round(x)) = round(x)."""
    yield either(floor(rounded(x)), ceil(rounded(x)), rounded(rounded(x)))
    yield rounded(x)


@rule(untyped=True)
def sign_twice(x: Value) -> Iterator[Value]:
    """sign(sign(x)) = sign(x)."""
    yield sign(sign(x))
    yield sign(x)


@rule(untyped=True)
def one_of_one(x: Value) -> Iterator[Value]:
    """min(x) = max(x) = sum(x) = mean(x) = x."""
    yield either(minimum(x), maximum(x), add_n(x), mean_n(x))
    yield x


@rule(untyped=True)
def extreme_of_equals(x: Value) -> Iterator[Value]:
    """min(x, x) = max(x, x) = x."""
    yield either(minimum(x, x), maximum(x, x))
    yield x


@rule(untyped=True)
def truth_of_equals(x: Value) -> Iterator[Value]:
    """(x and x) = (x or x) = x."""
    yield either(logical_and(x, x), logical_or(x, x))
    yield x


@rule(lowers=many_armed)
def sum_of_two(x: Value, y: Value) -> Iterator[Value]:
    """add_n(x, y) = x + y."""
    yield add_n(x, y)
    yield x + y


@rule
def chosen_by_constant(condition: Value, x: Value, y: Value) -> Iterator[Value]:
    """where(true, x, y) = x, and where(false, x, y) = y."""
    yield where(condition, x, y)
    chosen = number(condition)
    if chosen is not None:
        yield x if chosen else y


@rule
def choice_of_equals(condition: Value, x: Value) -> Iterator[Value]:
    """where(condition, x, x) = x."""
    yield where(condition, x, x)
    yield x


@rule(lowers=work)
def add_twice(x: Value, a: Value, b: Value) -> Iterator[Value]:
    """(x + a) + b = x + (a + b) for constants a and b."""
    yield (x + a) + b
    if _may_join(x, a, b, exact=True):
        yield x + _joined("+", a, b)


@rule(lowers=work)
def add_then_subtract(x: Value, a: Value, b: Value) -> Iterator[Value]:
    """(x + a) - b = x + (a - b) for constants a and b."""
    yield (x + a) - b
    if _may_join(x, a, b, exact=True):
        yield x + _joined("-", a, b)


@rule(lowers=work)
def subtract_then_add(x: Value, a: Value, b: Value) -> Iterator[Value]:
    """(x - a) + b = x + (b - a) for constants a and b."""
    yield (x - a) + b
    if _may_join(x, a, b, exact=True):
        yield x + _joined("-", b, a)


@rule(lowers=work)
def subtract_twice(x: Value, a: Value, b: Value) -> Iterator[Value]:
    """(x - a) - b = x - (a + b) for constants a and b."""
    yield (x - a) - b
    if _may_join(x, a, b, exact=True):
        yield x - _joined("+", a, b)


@rule(lowers=work)
def multiply_twice(x: Value, a: Value, b: Value) -> Iterator[Value]:
    """(x * a) * b = x * (a * b) for constants a and b."""
    yield (x * a) * b
    if _may_join(x, a, b, exact=True):
        yield x * _joined("*", a, b)


@rule(lowers=work)
def multiply_then_divide(x: Value, a: Value, b: Value) -> Iterator[Value]:
    """(x * a) / b = x * (a / b) for constants a and b, not of whole numbers."""
    yield (x * a) / b
    if _may_join(x, a, b, exact=False):
        yield x * _joined("/", a, b)


@rule(lowers=work)
def divide_then_multiply(x: Value, a: Value, b: Value) -> Iterator[Value]:
    """(x / a) * b = x * (b / a) for constants a and b, not of whole numbers."""
    yield (x / a) * b
    if _may_join(x, a, b, exact=False):
        yield x * _joined("/", b, a)


@rule(lowers=work)
def divide_twice(x: Value, a: Value, b: Value) -> Iterator[Value]:
    """(x / a) / b = x / (a * b) for constants a and b, not of whole numbers."""
    yield (x / a) / b
    if _may_join(x, a, b, exact=False):
        yield x / _joined("*", a, b)


def _may_join(x: Value, a: Value, b: Value, *, exact: bool) -> bool:
    """Say whether two constants may be joined first: of enough precision, and no larger together than one of them."""
    if not is_constant(a) or not is_constant(b) or is_constant(x) or a.dtype is not b.dtype:
        return False
    if a.dtype not in (f32, f64) and not (exact and a.dtype.is_integer):
        return False
    sizes = [product(value.shape) for value in (a, b)]
    joined = product(broadcast(a.shape, b.shape))
    return joined in sizes


def _joined(sign: str, a: Value, b: Value) -> Value:
    """Return the combination of two constants: one number where both are, else nodes that folding computes."""
    p, q = number(a), number(b)
    if p is None or q is None:
        return {"+": add, "-": sub, "*": mul, "/": div}[sign](a, b)
    return filled(_tame(sign, p, q), a.dtype, broadcast(a.shape, b.shape))


def _tame(sign: str, p: Number, q: Number) -> Number:
    """Compute with two numbers; raise Error where the result is out of reach of the element type, or nearly so."""
    if sign == "/" and not q:
        raise Error(f"{p} / {q}")
    found = p + q if sign == "+" else p - q if sign == "-" else p * q if sign == "*" else p / q
    tame = math.isfinite(found) and (
        sign in "+-" or not found or isinstance(found, int) or _TAME[0] < abs(found) < _TAME[1]
    )
    if not tame:
        raise Error(f"{p} {sign} {q} = {found}")
    return found


IDENTITIES: tuple[Rule, ...] = (
    same, add_zero, subtract_zero, multiply_by_one, divide_by_one, to_the_first_power, and_true, or_false, one_of_one,
    extreme_of_equals, truth_of_equals, chosen_by_constant, choice_of_equals,
)  # fmt: skip
REPETITIONS: tuple[Rule, ...] = (
    negate_twice, subtract_negated, add_negated, deny_twice, absolute_twice, absolute_of_relu, relu_of_positive,
    floor_of_whole, ceil_of_whole, round_of_whole, sign_twice, sum_of_two,
)  # fmt: skip
CONSTANTS: tuple[Rule, ...] = (
    add_twice, add_then_subtract, subtract_then_add, subtract_twice, multiply_twice, multiply_then_divide,
    divide_then_multiply, divide_twice,
)  # fmt: skip
ARITHMETIC: tuple[Rule, ...] = IDENTITIES + REPETITIONS + CONSTANTS
