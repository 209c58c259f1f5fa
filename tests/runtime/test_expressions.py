"""Sizes and offsets that depend on dimensions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm.errors import Error
from nnvm.runtime.expressions import DEEPEST, LARGEST, evaluate, leaves, parse, show


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (7, 7),
        ("n", 5),
        (("*", 4, "n"), 20),
        (("+", "n", 1, "m"), 9),
        (("-", "n", "m"), 2),
        (("//", ("+", "n", 2), 3), 2),
        (("max", "n", "m", 4), 5),
        (("min", "n", "m", 4), 3),
        (("max", 9), 9),
        (("max", ("end", 2), 100), 128),
        (("-", ("-", "m", "n"), -3), 1),
    ],
)
def test_values(expr, expected):
    assert evaluate(expr, {"n": 5, "m": 3}, {2: 128}) == expected


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        (("-", "m", "n"), r"\(m - n\) is -2"),
        (-1, "-1 is -1, which is no size"),
        (LARGEST + 1, "no size"),
        ("k", "dimension 'k' has no value"),
        (("//", "n", ("-", "n", 5)), "divides by zero"),
        (("end", 3), "end of arena buffer 3"),
        (("*", LARGEST, LARGEST, LARGEST), r"passes 2\*\*96"),
    ],
)
def test_what_is_no_size_is_refused(expr, says):
    with pytest.raises(Error, match=says):
        evaluate(expr, {"n": 5, "m": 3}, {2: 128})


@pytest.mark.parametrize(
    "data",
    [True, 1.0, None, "", [], ["*"], ["-", 1], ["//", 1, 2, 3], ["%", 5, 2], ["end", 9], ["end", "n"], [[1]], {"a": 1}],
)
def test_what_is_no_expression_is_refused(data):
    with pytest.raises(Error):
        parse(data, ends=9)


def test_ends_belong_to_offsets_alone():
    assert parse(["end", 0], ends=1) == ("end", 0)
    with pytest.raises(Error, match="no arena buffer"):
        parse(["*", 2, ["end", 0]])


def test_depth_is_bounded_where_it_is_read_and_free_where_it_is_run():
    deep: list[object] = ["+", 1, "n"]
    for _ in range(DEEPEST + 1):
        deep = ["+", 1, deep]
    with pytest.raises(Error, match="nested deeper"):
        parse(deep)
    tall: object = "n"
    for _ in range(20_000):
        tall = ("+", 1, tall)
    assert evaluate(tall, {"n": 1}) == 20_001
    assert leaves(tall) == ["n"]
    assert len(show(tall)) <= 120


def test_leaves_come_in_order():
    assert leaves(("+", "b", ("*", 2, "a"), ("end", 1), "b")) == ["b", "a", ("end", 1), "b"]


def test_people_can_read_it():
    assert show(("max", ("//", ("+", "n", 3), 4), ("end", 2))) == "max(((n + 3) // 4), end(2))"


expressions = st.recursive(
    st.integers(0, 9) | st.sampled_from("nm"),
    lambda inner: (
        st.tuples(st.sampled_from(["+", "*", "max", "min"]), inner, inner, inner)
        | st.tuples(st.sampled_from(["-", "//"]), inner, inner)
    ),
    max_leaves=12,
)


def plainly(expr, binding):
    """The obvious evaluation, to compare with."""
    if not isinstance(expr, tuple):
        return binding.get(expr, expr)
    operator, *arguments = expr
    values = [plainly(argument, binding) for argument in arguments]
    several = {"+": sum, "*": math.prod, "max": max, "min": min}
    if operator in several:
        return several[operator](values)
    return values[0] - values[1] if operator == "-" else values[0] // values[1]


@given(expressions, st.integers(0, 9), st.integers(0, 9))
def test_law_it_is_what_the_obvious_evaluation_gives(expr, n, m):
    binding = {"n": n, "m": m}
    try:
        expected = plainly(expr, binding)
    except ZeroDivisionError:
        expected = -1
    if not 0 <= expected <= LARGEST:
        with pytest.raises(Error):
            evaluate(expr, binding)
    else:
        assert evaluate(expr, binding) == expected
    assert parse(expr) == expr
