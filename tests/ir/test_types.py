import copy
import pickle

import pytest

from nnvm.errors import Error
from nnvm.ir import (
    DTYPES,
    UNKNOWN,
    TensorType,
    UnknownRank,
    bf16,
    boolean,
    container_type,
    dim,
    dtype,
    f32,
    f64,
    i64,
    parse_dim,
    same_type,
    set_dims,
    tensor_type,
    u8,
)
from nnvm.ir.types import Type


class Index:
    """A whole number of another library."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def test_one_object_for_one_type() -> None:
    assert f32[2, "n"] is f32[2, dim("n")] is tensor_type(f32, (2, dim("n")))
    assert f32[2] is not f64[2]
    assert f32[()] is not f32[...]
    assert container_type("sequence", f32[2]) is container_type("sequence", f32[2])


@pytest.mark.parametrize(
    ("type", "text"),
    [
        (f32[()], "f32[()]"),
        (f32[3], "f32[3]"),
        (bf16[2, "n", None], "bf16[2, 'n', None]"),
        (boolean[...], "boolean[...]"),
        (i64[dim("n") // 2], "i64['((n)//2)']"),
        (container_type("optional", u8[1]), "optional[u8[1]]"),
        (DTYPES["float8_e4m3fn"][1], "float8_e4m3fn[1]"),
    ],
)
def test_text(type: Type, text: str) -> None:
    assert repr(type) == text


@pytest.mark.parametrize("type", [f32[2, "n", None], f32[...], container_type("sequence", f32["n"])])
def test_pickle_and_deepcopy_keep_identity(type: Type) -> None:
    assert pickle.loads(pickle.dumps(type)) is type
    assert copy.deepcopy(type) is type


def test_element_types() -> None:
    assert dtype("f32") is dtype("float32") is f32
    assert dtype("bool") is dtype("boolean") is boolean
    assert (f32.is_float, i64.is_float, bf16.is_float) == (True, False, True)
    assert (u8.is_integer, boolean.is_integer) == (True, False)
    assert [name for name, one in DTYPES.items() if dtype(repr(one)) is not one] == []
    with pytest.raises(Error, match=r"'floaty' is no element type; the types are bool, "):
        dtype("floaty")


def test_whole_numbers_of_other_libraries_are_dimensions() -> None:
    assert tensor_type(f32, (Index(7), 3)) is f32[7, 3]  # type: ignore[arg-type]
    with pytest.raises(Error, match="negative"):
        tensor_type(f32, (Index(-7),))  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(-1,), (2, -3)])
def test_negative_dimensions_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(Error, match="negative"):
        f32[shape]


def test_broken_dimensions_are_refused_and_break_no_type() -> None:
    before = f32[41]
    with pytest.raises(Error, match="no whole number"):
        f32[41.5]  # type: ignore[index]
    assert f32[41] is before


def test_unknown_rank() -> None:
    with pytest.raises(UnknownRank):
        _ = f32[...].shape
    assert f32[...].shape_or_none is None


def test_elements() -> None:
    n = dim("n")
    assert f32[2, 3].elements == 6
    assert f32[()].elements == 1
    assert f32[2, "n"].elements is 2 * n
    assert f32[2, None].elements is UNKNOWN


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        (f32[2], f32[2], True),
        (f32[2], f64[2], False),
        (f32[2], f32[3], False),
        (f32[2], f32[2, 1], False),
        (f32["n"], f32["n"], True),
        (f32["n"], f32["m"], None),
        (f32["n", 2], f32["m", 3], False),
        (f32[None], f32[None], None),
        (f32[...], f32[2], None),
        (f32[2], None, None),
        (container_type("sequence", f32[2]), f32[2], False),
        (container_type("sequence", f32[2]), container_type("sequence", f32[2]), True),
    ],
)
def test_same_type(a: Type | None, b: Type | None, answer: bool | None) -> None:
    assert same_type(a, b) is answer
    assert same_type(b, a) is answer


def test_set_dims() -> None:
    n = dim("n")
    assert set_dims(f32[n * 2, "m"], {"n": 3}) is f32[6, "m"]
    assert set_dims(container_type("sequence", f32["n"]), {"n": 3}) is container_type("sequence", f32[3])
    assert set_dims(f32[...], {"n": 3}) is f32[...]
    assert set_dims(None, {"n": 3}) is None
    with pytest.raises(Error, match="negative"):
        set_dims(f32[n - 4], {"n": 3})
    with pytest.raises(Error, match="divides by zero"):
        set_dims(f32[12 // n], {"n": 0})


def test_parse_dim() -> None:
    assert parse_dim("12") == 12
    assert parse_dim("batch size") is dim("batch size")


def test_indexing_keeps_the_element_type() -> None:
    made: TensorType = f64[2][(3, 4)]
    assert made is f64[3, 4]
    assert f64[2][None] is f64[...]
