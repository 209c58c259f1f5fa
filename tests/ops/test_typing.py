from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.ops.uses import shapes, spread

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import UNKNOWN, boolean, dim, f32, i64, larger, named_input
from nnvm.ir.dims import substitute
from nnvm.ops.typing import axes_of, axis_of, broadcast, broadcast_type, fits, of_kind, one_dtype, rank_or_none, require

N, M = dim("n"), dim("m")


@given(spread(2))
def test_broadcasting_is_numpys(pair: Any) -> None:
    assert broadcast(*pair) == np.broadcast_shapes(*pair)
    assert fits(pair[0], np.broadcast_shapes(*pair))


@given(shapes(), shapes())
def test_what_does_not_broadcast(a: Any, b: Any) -> None:
    try:
        wanted = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(ValueError, match="do not broadcast"):
            broadcast(a, b)
        assert not fits(a, b)
    else:
        assert broadcast(a, b) == wanted
        assert fits(a, b) == (wanted == b)


@pytest.mark.parametrize(
    ("a", "b", "wanted"),
    [
        ((N,), (N,), (N,)),
        ((N,), (1,), (N,)),
        ((N,), (3,), (3,)),
        ((N,), (M,), (larger(N, M),)),
        ((N, 2), (M, 1, 1), (M, N, 2)),
        ((UNKNOWN,), (3,), (3,)),
        ((UNKNOWN,), (1,), (UNKNOWN,)),
        ((UNKNOWN,), (N,), (UNKNOWN,)),
    ],
)
def test_open_dimensions(a: Any, b: Any, wanted: Any) -> None:
    assert broadcast(a, b) == broadcast(b, a) == wanted


@given(st.integers(0, 5), st.integers(0, 5))
def test_two_names_give_their_maximum_but_for_nothing_beside_one(n: int, m: int) -> None:
    assume(n == m or 1 in (n, m))
    assume({n, m} != {0, 1})
    (size,) = broadcast((N,), (M,))
    assert (substitute(size, {"n": n, "m": m}),) == np.broadcast_shapes((n,), (m,))


def test_axes() -> None:
    assert [axis_of(axis, 3) for axis in (0, 2, -1, -3)] == [0, 2, 2, 0]
    assert axis_of(0, 0) == 0
    assert axes_of((-1, 0), 3) == (0, 2)
    for axis in (3, -4):
        with pytest.raises(ValueError, match=f"axis {axis} is not among the 3 axes"):
            axis_of(axis, 3)
    with pytest.raises(ValueError, match="repeated"):
        axes_of((2, -1), 3)


def test_types_of_many() -> None:
    x, y, z = named_input("x", f32["n"]), named_input("y", f32[2, 1]), named_input("z", f32[...])
    assert broadcast_type(x, y).shape == (2, N)
    assert broadcast_type(x, y, z) is f32[...]
    assert rank_or_none(z) is None
    assert rank_or_none(y) == 2
    assert one_dtype((x, y, z)) is f32[()].dtype
    with pytest.raises(ValueError, match=r"f32, i64"):
        one_dtype((x, named_input("i", i64[2])))
    with pytest.raises(ValueError, match="at least one"):
        broadcast_type()


def test_kinds() -> None:
    assert of_kind(named_input("x", f32[2]), "int", "float") is f32[2]
    with pytest.raises(ValueError, match="elements are boolean; they must be of kind int or float"):
        of_kind(named_input("x", boolean[2]), "int", "float")
    with pytest.raises(ValueError, match="so it is"):
        require(False, "so it is")


def test_operators_without_types_compose() -> None:
    x, weight = named_input("x"), named_input("w")
    y = ops.softmax(ops.reshape(ops.relu(ops.conv(x, weight) * 2.0), (0, -1)), axis=1)
    assert y.type is None


@given(st.sampled_from(ops.__all__))
def test_nothing_is_built_of_what_is_no_value(name: str) -> None:
    op = getattr(ops, name)
    missing = {param: 1 for param in op.param_names if param not in op.defaults}
    with pytest.raises((Error, TypeError)):
        op(*["text"] * max(1, len(op.inputs) - len(op.optional)), **missing)
