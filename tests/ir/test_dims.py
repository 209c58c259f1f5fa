import copy
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm.ir import UNKNOWN, Dim, at_least, dim, equal, larger, smaller
from nnvm.ir.dims import Size, names, substitute, tree

NAMES = ("a", "b", "n")
OPERATORS = ("+", "-", "*", "//", "max", "min")
Expression = int | str | tuple[str, Any, Any]


def grow(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    division = st.tuples(st.just("//"), inner, st.integers(1, 5))
    return st.one_of(st.tuples(st.sampled_from(OPERATORS), inner, inner), division)


expressions = st.recursive(st.one_of(st.integers(-4, 9), st.sampled_from(NAMES)), grow, max_leaves=8)
bindings = st.fixed_dictionaries({name: st.integers(0, 12) for name in NAMES})


def apply(operator: str, a: Any, b: Any, *, symbolic: bool) -> Any:
    if operator in ("max", "min"):
        return ({"max": larger, "min": smaller} if symbolic else {"max": max, "min": min})[operator](a, b)
    calls = {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "//": lambda: a // b}
    return calls[operator]()


def symbolic(expression: Expression) -> Size | None:
    """Return the dimension, or None where something is divided by zero for every binding."""
    if isinstance(expression, int):
        return expression
    if isinstance(expression, str):
        return dim(expression)
    a, b = symbolic(expression[1]), symbolic(expression[2])
    if a is None or b is None or (expression[0] == "//" and isinstance(b, int) and b == 0):
        return None
    return apply(expression[0], a, b, symbolic=True)


def plain(expression: Expression, binding: Mapping[str, int]) -> int | None:
    if isinstance(expression, int):
        return expression
    if isinstance(expression, str):
        return binding[expression]
    a, b = plain(expression[1], binding), plain(expression[2], binding)
    if a is None or b is None or (expression[0] == "//" and b == 0):
        return None
    return apply(expression[0], a, b, symbolic=False)


@given(expressions, bindings)
def test_arithmetic_is_that_of_whole_numbers(expression: Expression, binding: dict[str, int]) -> None:
    size, number = symbolic(expression), plain(expression, binding)
    if size is not None and number is not None:
        assert substitute(size, binding) == number


@given(expressions, bindings, st.sets(st.sampled_from(NAMES)))
def test_substituting_in_two_steps_is_substituting(
    expression: Expression, binding: dict[str, int], first: set[str]
) -> None:
    size, number = symbolic(expression), plain(expression, binding)
    if size is not None and number is not None:
        half = substitute(size, {name: binding[name] for name in first})
        assert set(names(half)) <= set(NAMES) - first
        assert substitute(half, binding) == number


@given(expressions, expressions, st.lists(bindings, min_size=1, max_size=8))
def test_comparisons_are_never_wrong(p: Expression, q: Expression, many: list[dict[str, int]]) -> None:
    a, b = symbolic(p), symbolic(q)
    if a is None or b is None:
        return
    same, above = equal(a, b), at_least(a, b)
    for binding in many:
        x, y = plain(p, binding), plain(q, binding)
        if x is None or y is None:
            continue
        assert same is None or same is (x == y)
        assert above is None or above is (x >= y)


@given(expressions)
def test_a_tree_evaluates_to_the_same(expression: Expression) -> None:
    size = symbolic(expression)
    if size is None:
        return
    binding = {"a": 3, "b": 5, "n": 7}
    number = plain(expression, binding)
    if number is not None:
        assert evaluate(tree(size), binding) == number


def evaluate(node: Any, binding: Mapping[str, int]) -> int:
    if isinstance(node, int):
        return node
    if isinstance(node, str):
        return binding[node]
    first, *others = [evaluate(item, binding) for item in node[1:]]
    for other in others:
        first = apply(node[0], first, other, symbolic=False)
    return first


@given(expressions)
def test_pickle_and_deepcopy_keep_identity(expression: Expression) -> None:
    size = symbolic(expression)
    assert pickle.loads(pickle.dumps(size)) is size or isinstance(size, int)
    assert copy.deepcopy(size) is size or isinstance(size, int)


def test_one_object_for_one_dimension() -> None:
    n, m = dim("n"), dim("m")
    assert dim("n") is n
    assert n + m is m + n
    assert n * m * 2 is 2 * (m * n)
    assert n - n == 0
    assert (n + 1) - 1 is n
    assert n * 0 == 0
    assert n * m // n is m
    assert (4 * n + 6) // 2 is 2 * n + 3
    assert larger(n, 0) is n
    assert larger(n + 1, n) is n + 1
    assert smaller(n, m) is smaller(m, n)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (dim("n") * 4 + 1, "4*n + 1"),
        (1 - dim("n"), "-n + 1"),
        ((dim("n") - 1) // 2 + 1, "((n - 1)//2) + 1"),
        (larger(dim("n"), 3) * dim("m"), "m*max(3, n)"),
        (UNKNOWN, "?"),
    ],
)
def test_text(size: Size, text: str) -> None:
    assert str(size) == text


def test_comparisons_that_are_known() -> None:
    n, m = dim("n"), dim("m")
    assert equal(n, n) is True
    assert equal(n, n + 1) is False
    assert equal(n, m) is None
    assert equal(3, 3) is True
    assert at_least(n, 0) is True
    assert at_least(n + 1, 1) is True
    assert at_least(n, 1) is None
    assert at_least(n, n + 1) is False
    assert at_least(larger(n, 3), 3) is True
    assert at_least(larger(n, 3) * larger(m, 2), 6) is True
    assert at_least(smaller(n + 5, 3), 3) is True
    assert at_least(larger(n - 5, -3), -3) is True
    assert at_least(larger(n, 9) // 2, 4) is True


def test_nothing_is_known_of_the_unknown() -> None:
    assert equal(UNKNOWN, UNKNOWN) is None
    assert at_least(UNKNOWN, 0) is None
    assert UNKNOWN + 1 is UNKNOWN
    assert larger(UNKNOWN, 3) is UNKNOWN
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN
    with pytest.raises(ValueError, match="unknown dimension"):
        tree(UNKNOWN)


def test_a_dimension_has_no_truth() -> None:
    with pytest.raises(TypeError, match=r"truth of the dimension 2\*n is not known"):
        bool(dim("n") * 2)


def test_what_is_no_whole_number_is_refused() -> None:
    n = dim("fresh")
    with pytest.raises(TypeError, match=r"not 2\.5"):
        n * 2.5  # type: ignore[operator]
    with pytest.raises(ZeroDivisionError):
        n // 0


def test_names() -> None:
    assert names((dim("b") + larger(dim("a"), 3)) * dim("n")) == ("a", "b", "n")
    assert names(3) == names(UNKNOWN) == ()


def test_nested_comparisons_do_not_blow_up() -> None:
    """Forty levels that each look twice at the level below: doubling work would never end."""
    size: Size = dim("n")
    for i in range(40):
        size = larger(smaller(size, dim("m")) - 1, i)
    assert at_least(size, 39) is True
    assert isinstance(size, Dim)
    assert substitute(size, {"n": 1, "m": 2}) == 39
