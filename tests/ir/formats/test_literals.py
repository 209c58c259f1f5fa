import ast
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm.ir import UNKNOWN, dim, f32, larger, smaller, tensor_data
from nnvm.ir.dims import Size
from nnvm.ir.formats.literals import Literals, Place
from nnvm.ir.formats.text import dim_text, type_text

READER = Literals({}, {})


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def sizes() -> st.SearchStrategy[Size]:
    names = st.sampled_from(["n", "m", "batch.0", "a b", "n+1", "max", "min", "(", "été"]).map(dim)
    leaves = names | st.integers(-3, 9)
    join = st.sampled_from([lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, larger, smaller])
    return st.recursive(
        leaves,
        lambda parts: (
            st.builds(lambda f, a, b: f(a, b), join, parts, parts)
            | st.builds(lambda a, b: a // b if b != 0 else a, parts, parts)
        ),
        max_leaves=8,
    )


@given(sizes())
def test_every_dimension_is_read_as_itself(size: Size) -> None:
    assert READER.size(expression(dim_text(size))) is size or size == READER.size(expression(dim_text(size)))
    if not isinstance(size, int) or size >= 0:
        type = f32[size, 3]
        assert READER.type(expression(type_text(type))) is type


def test_a_string_is_an_expression_and_dim_is_a_name() -> None:
    n = dim("n")
    assert READER.size(expression("'n + 1'")) is n + 1
    assert READER.size(expression("dim('n + 1')")) is dim("n + 1")
    assert READER.size(expression("'max(n, m//2)'")) is larger(n, dim("m") // 2)
    assert READER.size(expression("None")) is UNKNOWN
    assert type_text(f32[dim("n + 1"), n + 1]) == "f32[dim('n + 1'), 'n + 1']"


@pytest.mark.parametrize("text", ["dim(n)", "dim('n', 'm')", "max('n')", "True", "'n' / 2", "'n + '", "''", "'n(2)'"])
def test_what_is_no_dimension_is_refused(text: str) -> None:
    with pytest.raises(Place, match="dimension"):
        READER.size(expression(text))


@pytest.mark.parametrize("text", ["nan(b'1')", "complex(1, 2)", "f32(1)", "x.y", "a[0](1)", "{**{}}", "1 + 2j"])
def test_what_is_no_literal_is_refused(text: str) -> None:
    with pytest.raises(Place):
        READER.value(expression(text), {})


def test_data_is_found_by_its_key_and_kinds_by_their_name() -> None:
    data = tensor_data([1.0, 2.0], f32[2])
    reader = Literals({"k": data}, {"fraction": Fraction})
    assert reader.value(expression("f32[2]('k')"), {}) is data
    assert reader.value(expression("fraction(1, 2)"), {}) == Fraction(1, 2)
    with pytest.raises(Place, match="this is no fraction"):
        reader.value(expression("fraction('x')"), {})
    assert reader.value(expression("f32[3](1.5)"), {}).key == tensor_data(1.5, f32[3]).key
