"""What straight-line tests find: the same as the search, way by way."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from tests.ir.operators import UNARY, add, concat, halves, mul, neg, relu, scaled, sub, tanh
from tests.laws.graphs import graphs

from nnvm.ir import ABSENT, Graph, Rule, Value, either, f32, foreign, named_input, rule
from nnvm.ir.rules.matchers import MOST, Matcher, compilable
from nnvm.ir.rules.search import Search

X, Y = named_input("x", f32[2, 3]), named_input("y", f32[2, 3])
Steps = Iterator[Any]


@rule
def sums(x: Value, y: Value) -> Steps:
    yield add(neg(x), y)


@rule
def chosen(x: Value, y: Value) -> Steps:
    yield either(mul(neg(x), y), sub(either(relu(x), neg(x)), y))


@rule
def shared(x: Value) -> Steps:
    inner = neg(x)
    yield add(tanh(inner), inner)


@rule
def nested(x: Value, y: Value, z: Value) -> Steps:
    yield add(add(x, y), mul(x, z))


@rule
def numbers(x: Value, scale: float) -> Steps:
    yield add(mul(x, scale), scale)


@rule
def one(x: Value) -> Steps:
    yield mul(x, 1)


@rule
def both(x: Value) -> Steps:
    yield neg(add(x, x))


@rule
def outputs(x: Value, axis: int) -> Steps:
    first, second = halves(x, axis=axis)
    yield add(first, second)


@rule
def rows(x: Value, xs: tuple[Value, ...], axis: int) -> Steps:
    yield concat(*xs, neg(x), axis=axis)


@rule
def repeated(xs: tuple[Value, ...], axis: int) -> Steps:
    yield add(concat(*xs, axis=axis), concat(*xs, axis=axis))


@rule
def tupled(x: Value, p: int) -> Steps:
    yield scaled(x, by=(p, (p, 2)))


RULES = (sums, chosen, shared, nested, numbers, one, both, outputs, rows, repeated, tupled)


def halved(x: Value, *, name: str | None = None) -> Value:
    first, second = halves(x, name=name)
    return concat(second, first)


def plus(number: float) -> Any:
    return lambda x, name=None: add(x, number, name=name)


def times(number: float) -> Any:
    return lambda x, name=None: mul(x, number, name=name)


def cut(x: Value, *, name: str | None = None) -> Value:
    first, second = halves(x)
    return concat(add(first, second), neg(add(second, first)), name=name)


def joined(x: Value, y: Value, *, name: str | None = None) -> Value:
    return halves(concat(x, y), name=name)[0]


BUILDERS = (
    *UNARY,
    plus(1.0),
    times(2.0),
    times(1.0),
    plus(2.0),
    halved,
    cut,
    lambda x, name=None: scaled(x, by=(2, (2, 2))),
)


def compiled_matches(rule: Rule, graph: Graph) -> set[Any]:
    return {
        (node, found)
        for node in graph.nodes
        for matcher in rule.matchers
        if matcher.operator is node.op
        and (matcher.first is None or matcher.first is node.inputs[0].node.op)
        and (found := matcher.find(node)) is not None
    }


@given(graphs(BUILDERS, (add, mul, sub, joined)))
def test_the_search_finds_what_the_compiled_matchers_find(graph: Graph) -> None:
    for each in RULES:
        assert each.matchers
        expected = compiled_matches(each, graph)
        for reasons in (False, True):
            search = Search(each.pattern, reasons=reasons)
            assert {(node, found.holes) for node in graph.nodes for found in search.at(node)} == expected


def test_each_rule_of_the_law_finds_something() -> None:
    n = neg(X)
    wide = [add(*halves(X)), add(concat(X, Y), concat(X, Y)), concat(X, n), scaled(X, by=(2, (2, 2)))]
    values = [add(Y, n), sub(n, Y), add(n, tanh(n)), add(mul(Y, X), add(X, Y)), add(2.0, mul(X, 2.0)), mul(1, X)]
    graph = Graph([*values, neg(add(X, X)), *wide])
    for each in RULES:
        assert compiled_matches(each, graph), each


def test_a_matcher_says_its_first_inputs_operator() -> None:
    def firsts(rule: Rule) -> list[Any]:
        return [(matcher.operator, None if matcher.first is None else matcher.first.name) for matcher in rule.matchers]

    assert firsts(sums) == [(add, "neg"), (add, None)]
    assert firsts(one) == [(mul, None), (mul, "constant")]
    assert firsts(chosen)[0] == (mul, "neg")
    assert firsts(rows) == [(concat, None)]
    assert isinstance(sums.matchers[0], Matcher)


def test_many_ways_several_rows_and_several_roots_are_searched_for() -> None:
    value = X
    for _ in range(7):
        value = add(value, tanh(X))

    @rule
    def many(x: Value) -> Steps:
        value = x
        for _ in range(7):
            value = add(value, tanh(x))
        yield value

    @rule
    def roots(x: Value) -> Steps:
        yield neg(x), tanh(x)

    @rule
    def split(x: Value, a: tuple[Value, ...], b: tuple[Value, ...]) -> Steps:
        yield concat(*a, x, *b)

    for each in (many, roots, split):
        assert each.matchers == ()
        assert not compilable(each.pattern)
    assert many.pattern.ways == 128 > MOST


def test_absent_inputs_are_part_of_a_row_of_a_foreign_operator() -> None:
    wild = foreign("wild", "acme")

    @rule
    def ends(x: Value, xs: tuple[Value, ...]) -> Steps:
        yield wild(*xs, x)

    node = wild(X, ABSENT, Y).node
    (matcher,) = ends.matchers
    assert matcher.find(node) == (Y, (X, ABSENT))
    assert [found.holes for found in Search(ends.pattern).at(node)] == [(Y, (X, ABSENT))]
    assert matcher.find(wild(X).node) == (X, ())
