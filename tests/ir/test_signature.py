"""Params: checked where a node is built, once for each set of them, and read from texts."""

from typing import Annotated, Literal

import pytest
from tests.ir.operators import add, concat, relu, scaled, split

from nnvm.errors import Error
from nnvm.ir import EMPTY, DType, Node, TensorType, Value, f16, f32, foreign, named_input, op, params, rebuild, verify
from nnvm.ir.annotations import Bounds
from nnvm.ir.graph import Graph
from nnvm.ir.signature import check_params, meant, parse_params

X = named_input("x", f32[4])


@op
def pool(
    x: Value,
    *,
    kernel: tuple[int, ...],
    layout: Literal["NCHW", "NHWC"] = "NCHW",
    groups: Annotated[int, Bounds(ge=1)] = 1,
    to: DType | None = None,
    epsilon: float = 1e-5,
    free=None,
) -> TensorType:
    """Do nothing."""
    return x.tensor


@pytest.mark.parametrize("place", [X, named_input("u")])
def test_params_that_do_not_fit_name_operator_node_field_and_what_was_expected(place: Value) -> None:
    for _ in range(2):
        with pytest.raises(Error, match=r"^pool in node 'p': param 'kernel' is tuple\[int, \.\.\.\], and 3 is not$"):
            pool(place, kernel=3, name="p")
    with pytest.raises(Error, match=r"^pool: param 'groups' is int >= 1, and 0 is not$"):
        pool(place, kernel=(3,), groups=0)
    with pytest.raises(Error, match=r"param 'layout' is 'NCHW' or 'NHWC', and 'CHWN' is not"):
        pool(place, kernel=(3,), layout="CHWN")
    with pytest.raises(Error, match=r"param 'to' is DType \| None, and 'float32' is not"):
        pool(place, kernel=(3,), to="float32")
    assert pool(place, kernel=[3, 3], epsilon=1, to=f32, free=object).node.params["kernel"] == (3, 3)


def test_equal_params_of_other_types_are_told_apart() -> None:
    assert pool(X, kernel=(1,)).type is f32[4]
    with pytest.raises(Error, match=r"and \(True,\) is not"):
        pool(X, kernel=(True,))


def test_what_is_made_without_a_call_is_checked_when_its_types_are() -> None:
    wrong = Node(split, (X,), params({"parts": "2"}), (f32[2], f32[2]), "s")
    with pytest.raises(Error, match="split in node 's': param 'parts' is int, and '2' is not"):
        verify(Graph(wrong.outputs))
    with pytest.raises(Error, match="split in node 's'"):
        rebuild(wrong, (named_input("y", f32[8]),))


def test_the_same_params_are_looked_at_once() -> None:
    looked = []

    class Odd(type):
        def __instancecheck__(cls, value: object) -> bool:
            looked.append(value)
            return True

    class Anything(metaclass=Odd):
        pass

    @op
    def watched(x: Value, *, size: Anything) -> TensorType:
        return x.tensor

    for shape in (2, 3, 4):
        watched(named_input("x", f32[shape]), size=5)
    watched(named_input("u"), size=5)
    assert looked == [5]
    watched(X, size=6)
    assert looked == [5, 6]


def test_numbers_of_numpy_are_plain_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    made = pool(X, kernel=(numpy.int64(3), 3), groups=numpy.int32(2), epsilon=numpy.float32(0.5)).node
    assert made.params is pool(X, kernel=(3, 3), groups=2, epsilon=0.5).node.params


def test_numbers_of_numpy_with_equal_bits_are_told_apart() -> None:
    numpy = pytest.importorskip("numpy")
    bits = numpy.int64(4609434218613702656)
    for _ in range(2):
        assert params({"by": bits}) == {"by": 4609434218613702656}
        assert params({"by": bits.view(numpy.float64)}) == {"by": 1.5}
        assert params({"by": bits.tobytes()}) == {"by": bits.tobytes()}
        assert params({"by": (bits,)}) == {"by": (4609434218613702656,)}


def test_params_of_operators_that_are_carried_may_be_anything() -> None:
    check_params(foreign("Custom", "com.acme"), params({"a": object()}))
    check_params(relu, EMPTY)


def test_texts_become_params() -> None:
    made = parse_params(pool, {"kernel": "(3, 3)", "groups": "2", "to": "float16", "__ctx_group__": "dev1"})
    assert made is pool(X, kernel=(3, 3), groups=2, to=f16).node.params
    assert list(made) == ["kernel", "layout", "groups", "to", "epsilon", "free"]
    assert parse_params(add, {}) is EMPTY
    assert parse_params(concat, {"axis": "-1"})["axis"] == -1
    assert parse_params(scaled, {"by": "2.5"})["by"] == 2.5


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"kernal": "3", "kernel": "3"}, r"^pool in node 'p' has no param 'kernal'; is it kernel\?$"),
        ({"kernel": "3", "zzz": "3"}, r"no param 'zzz'; it takes kernel, layout, groups, to, epsilon, free$"),
        ({}, r"^pool in node 'p' lacks its param 'kernel', tuple\[int, \.\.\.\]$"),
        ({"kernel": "(3,x)"}, r"^pool in node 'p': param 'kernel' is tuple\[int, \.\.\.\], and '\(3,x\)' is not$"),
        ({"kernel": "3", "groups": "0"}, r"'groups' is int >= 1, and '0' is not"),
        ({"kernel": "3", "layout": "HW"}, r"'layout' is 'NCHW' or 'NHWC', and 'HW' is not"),
        ({"kernel": "(" * 200_000}, r"and '\({100}\.\.\.' is not"),
    ],
)
def test_texts_that_are_no_params(texts: dict[str, str], told: str) -> None:
    with pytest.raises(Error, match=told):
        parse_params(pool, texts, node="p")


def test_what_was_meant() -> None:
    assert meant("conv", ["conv1", "conv2", "relu"]) == "; is it conv2 or conv1?"
    assert meant("q", []) == "; there is none"
    assert meant("q", (f"n{i}" for i in range(12))).endswith("n9 and 2 more")
