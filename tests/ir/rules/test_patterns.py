"""What may stand on a left side, and what is refused there, with the reason."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.ir.operators import add, concat, halves, mul, neg, relu, scaled, sub, tanh

from nnvm.errors import Error
from nnvm.ir import ABSENT, Value, constant, either, f32, foreign, named_input, rule, tensor_data
from nnvm.ir.rules.patterns import (
    ParamHole,
    Pattern,
    RowHole,
    alternatives,
    is_operator,
    read_holes,
    same_number,
    swaps,
)

X, Y = named_input("x"), named_input("y")


def test_holes_are_read_from_annotations():
    def fixed(a: Value, b, c: int, d: tuple[Value, ...], *row: Value, e: Sequence[Value], f: float):
        yield a

    def spelt(a: "nnvm.Value", b: "tuple[nnvm.ir.Value, ...]", c: "float"):  # type: ignore[name-defined]  # noqa: F821
        yield a

    names, holes = read_holes(fixed)
    assert names == ("a", "b", "c", "d", "row", "e", "f")
    assert [type(hole) for hole in holes] == [Value, Value, ParamHole, RowHole, RowHole, RowHole, ParamHole]
    assert [hole.name for hole in holes] == list(names)
    assert [type(hole) for hole in read_holes(spelt)[1]] == [Value, RowHole, ParamHole]


@pytest.mark.parametrize(
    "look", [bool, lambda hole: hole == 1, lambda hole: hole != 1, lambda hole: hole < 1, lambda hole: hole >= 1]
)
def test_a_param_is_not_known_yet(look):
    def takes(by: int):
        yield by

    (hole,) = read_holes(takes)[1]
    assert repr(hole) == "<any by>"
    with pytest.raises(TypeError, match="the parameter by is not known yet"):
        look(hole)


def test_alternatives_nest_and_keep_their_order():
    a, b, c = relu(X), tanh(X), neg(X)
    assert alternatives(either(a, either(b, c))) == (a, b, c)
    assert alternatives(a) == (a,)
    assert (is_operator(a), is_operator(X), is_operator(ABSENT)) == (True, False, False)


def test_the_ways_of_a_pattern_are_counted():
    assert Pattern([relu(X)], [X]).ways == 1
    assert Pattern([add(X, Y)], [X, Y]).ways == 2
    assert Pattern([add(X, X)], [X]).ways == 1
    assert Pattern([add(either(relu(X), neg(X), tanh(X)), Y)], [X, Y]).ways == 6
    assert swaps(add(X, Y).node)
    assert not swaps(sub(X, Y).node)


def test_roots_are_ordered_by_what_they_share():
    z = named_input("z")
    first, second, third = add(X, Y), sub(z, z), mul(Y, z)
    pattern = Pattern([first, second, third], [X, Y, z])
    assert pattern.roots == (first, third, second)
    assert pattern.shared == ((), (Y,), (z,))
    real = [relu(X).node, tanh(X).node, neg(X).node]
    assert pattern.found(real) == (real[0].outputs[0], real[2].outputs[0], real[1].outputs[0])


def deep(x: Value, depth: int) -> Value:
    for _ in range(depth):
        x = neg(x)
    return x


Rows = tuple[Value, ...]


def one_way(x: Value, y: Value) -> Any:
    yield either(neg(x), sub(x, y))


def two_ways(x: Value, y: Value) -> Any:
    yield neg(x), neg(y)


def only_a_param(x: Value, y: Value, by: int) -> Any:
    yield scaled(x, by=by), scaled(y, by=by)


def half(x: Value) -> Any:
    yield halves(x)[1], neg(x)


def twice(x: Value) -> Any:
    value = neg(x)
    yield value, value


def too_deep(x: Value) -> Any:
    yield deep(x, 101)


def ordered(x: Value) -> Any:
    yield neg(x, after=(relu(x).node,))


def row_in_one(xs: Rows) -> Any:
    yield neg(*xs)


def value_as_param(x: Value, y: Value) -> Any:
    yield scaled(x, by=y)


def computed_param(x: Value, by: int) -> Any:
    yield scaled(x, by=(1, by + 1))


def bare(x: Value) -> Any:
    yield either(neg(x), x)


def unused(x: Value, *, by: int) -> Any:
    yield neg(x)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (one_way, "does not use y"),
        (two_ways, "its root neg shares no value with the others; nothing joins them"),
        (only_a_param, "its root scaled shares no value"),
        (half, r"must give every output of halves, each once, not \[1\] of 2"),
        (twice, r"must give every output of neg, each once, not \[0, 0\] of 1"),
        (too_deep, "more than 100 operators deep"),
        (ordered, "neg has control edges, which are not looked for"),
        (row_in_one, "xs stands for any number of inputs, and neg takes one there"),
        (value_as_param, "param by of scaled is y, a value; only a hole can stand there"),
        (computed_param, "param by of scaled is .*, a value"),
        (bare, "must be the use of an operator, not x"),
        (unused, "does not use by"),
    ],
)
def test_what_cannot_be_found_is_refused(function, message):
    with pytest.raises(Error, match=f"^rule {function.__name__}: .*{message}"):
        rule(function)


def test_numbers_are_compared_by_value_where_a_hole_stands_for_an_input():
    assert same_number(2, 2.0)
    assert same_number(float("nan"), float("nan"))
    assert not same_number(2, 3.0)
    assert not same_number("2", 2)


def test_foreign_operators_and_rows_may_be_found():
    op = foreign("wild", "acme")
    pattern = Pattern([op(X, RowHole(Y.node, 0, None), constant(data=tensor_data(1, f32[2])))], [X])
    assert pattern.ways == 1
    assert concat(X, X).node.op.variadic
