"""Conversions that go, and those that lose something on the way."""

import itertools
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites

from nnvm import ops
from nnvm.ir import DType, Value, bf16, boolean, f16, f32, f64, i8, i16, i32, i64, u8, u16, u64
from nnvm.passes import simplify
from nnvm.passes.rules.cast import is_lossless

TYPES = (boolean, i8, u8, i16, u16, i32, i64, u64, f16, bf16, f32, f64)


def program(first: DType, *steps: DType):
    def build(x) -> Value:
        for to in steps:
            x = ops.cast(x, to=to)
        return x

    build.__annotations__ = {"x": first[3]}
    return build


@pytest.mark.parametrize("type", [f32, i64, boolean, bf16])
def test_to_the_same_type(type: DType) -> None:
    assert_rewrites(simplify, program(type, type), program(type))


WIDE = [
    (i32, i64, i32),
    (f16, f32, f16),
    (f16, f32, f64),
    (u8, i32, f32),
    (boolean, i64, f32),
    (i16, f32, i16),
    (i8, i64, u8),
]


@pytest.mark.parametrize("steps", WIDE, ids=str)
def test_through_a_wider_type(steps: tuple[DType, ...]) -> None:
    first, _, last = steps
    assert_rewrites(simplify, program(*steps), program(first, *([] if last is first else [last])))


NARROW = [
    (f32, f16, f32),
    (f32, i32, f32),
    (i64, i32, i64),
    (i32, f32, i32),
    (i64, f64, i64),
    (u8, i8, u8),
    (f32, boolean, f32),
    (f16, bf16, f16),
]


@pytest.mark.parametrize("steps", NARROW, ids=str)
def test_through_a_narrower_type(steps: tuple[DType, ...]) -> None:
    def build(x) -> Value:
        for to in steps[1:]:
            x = ops.cast(x, to=to)
        return x

    build.__annotations__ = {"x": steps[0][3]}
    assert_keeps(simplify, build)


EXACT = [pair for pair in itertools.product(TYPES, TYPES) if is_lossless(*pair)]


@pytest.mark.parametrize("pair", EXACT, ids=str)
def test_lossless_means_that_all_numbers_come_back(pair: tuple[DType, DType]) -> None:
    first, second = pair
    ends = _ends(first)
    with np.errstate(all="ignore"):
        back = ends.astype(_plain(second)).astype(_plain(first))
    np.testing.assert_array_equal(back, ends)


@pytest.mark.parametrize("pair", sorted(set(itertools.permutations(TYPES, 2)) - set(EXACT), key=str), ids=str)
def test_the_others_lose_some(pair: tuple[DType, DType]) -> None:
    first, second = pair
    ends = _ends(first)
    with np.errstate(all="ignore"):
        back = ends.astype(_plain(second)).astype(_plain(first))
        negative = np.array([second.kind == "uint" and bool(each < 0) for each in ends])
    assert bool(np.any(back != ends)) or bool(negative.any()) or second.is_integer


def _plain(dtype: DType) -> Any:
    return ml_dtypes.bfloat16 if dtype is bf16 else np.dtype(dtype.name)


def _ends(dtype: DType) -> Any:
    """Return the numbers of a type that are hardest to hold."""
    if dtype is boolean:
        return np.array([False, True])
    if dtype.is_float:
        info = ml_dtypes.finfo(_plain(dtype))
        return np.array([info.max, info.min, info.tiny, 1 + info.eps], _plain(dtype))
    limits = np.iinfo(dtype.name)
    return np.array([limits.min, limits.max, limits.max - 1], dtype.name)
