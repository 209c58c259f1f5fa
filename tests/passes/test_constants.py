"""Reading constants, and making them."""

import pytest

from nnvm.errors import Error
from nnvm.ir import constant, f32, i8, i64, named_input, tensor_data
from nnvm.ops import concat, shape
from nnvm.passes.constants import filled, number, vector, whole


def test_number() -> None:
    assert number(constant(data=tensor_data([2, 2], f32[2]))) == 2
    assert number(constant(data=tensor_data([2, 3], f32[2]))) is None
    assert number(named_input("x", f32[2])) is None


def test_whole() -> None:
    x = named_input("x", f32["n", 3])
    assert whole(vector([1, 2])) == (1, 2)
    assert whole(shape(x, start=1)) == (3,)
    assert whole(concat(vector([7]), shape(x, start=1), axis=0)) == (7, 3)
    assert whole(shape(x)) is None
    assert whole(x) is None
    assert whole(constant(data=tensor_data([1.0], f32[1]))) is None


def test_vector() -> None:
    assert vector(range(3)).type is i64[3]
    assert vector([]).type is i64[0]


def test_filled() -> None:
    assert number(filled(3, f32, (2, 2))) == 3
    assert filled(3, f32).type is f32[()]
    with pytest.raises(Error, match="fit"):
        filled(1000, i8)
