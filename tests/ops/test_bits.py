from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    Use,
    by_reference,
    by_runtime,
    check_run,
    check_types,
    ours,
    refusal,
    seeds,
    shapes,
    spread,
    values,
)

from nnvm import ops
from nnvm.ir import DTYPES, Op, f32, u8

WHOLE = ("uint8", "uint16", "uint32", "uint64")
SAME = (("float32", "int32"), ("float32", "uint32"), ("float64", "int64"), ("int8", "uint8"), ("float16", "int16"))


@st.composite
def shifts(draw: st.DrawFn) -> Use:
    dtype = draw(st.sampled_from(WHOLE))
    first, second = draw(spread(2))
    given = [values(draw(seeds), first, dtype, 0, 200), values(draw(seeds), second, dtype, 0, 7)]
    return Use(ops.bit_shift, given, direction=draw(st.sampled_from(["LEFT", "RIGHT"])))


@st.composite
def casts(draw: st.DrawFn) -> Use:
    pair = draw(st.sampled_from(SAME))
    source, target = pair if draw(st.booleans()) else pair[::-1]
    return Use(ops.bit_cast, [values(draw(seeds), draw(shapes()), source)], to=DTYPES[target])


@st.composite
def likes(draw: st.DrawFn) -> Use:
    source, target = (draw(st.sampled_from(["float32", "float16", "int32", "uint8", "bool"])) for _ in range(2))
    x = values(draw(seeds), draw(shapes()), source, 0, 9)
    return Use(ops.cast_like, [x, values(draw(seeds), draw(shapes()), target)])


@pytest.mark.parametrize(("round_mode", "saturate", "codes"), [
    ("up", True, [127, 128, 128, 129, 0xFE, 0xFF]),
    ("down", True, [127, 127, 128, 128, 0xFE, 0xFF]),
    ("nearest", True, [127, 128, 128, 128, 0xFE, 0xFF]),
    ("nearest", False, [127, 128, 128, 128, 0xFF, 0xFF]),
])  # fmt: skip
def test_powers_of_two_are_rounded_as_one_likes(round_mode: str, saturate: bool, codes: list[int]) -> None:
    x = np.array([1.0, 1.5, 2.0, 2.5, 3.4e38, np.nan], np.float32)
    (found,) = ours(Use(ops.cast, [x], to=DTYPES["float8_e8m0fnu"], round_mode=round_mode, saturate=saturate))
    assert found.view(np.uint8).tolist() == codes


USES = {ops.bit_shift: shifts(), ops.bit_cast: casts(), ops.cast_like: likes()}
NEWEST = {ops.bit_cast: 26}


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=40)
    def law(use: Use, seed: int) -> None:
        check_types(use, check_run(use, NEWEST.get(op), (by_runtime, by_reference)), seed)

    law()


def test_a_shift_by_all_bits_leaves_nothing() -> None:
    x = np.array([255, 255], np.uint8)
    for direction in ("LEFT", "RIGHT"):
        use = Use(ops.bit_shift, [x, np.array([7, 0], np.uint8)], direction=direction)
        check_run(use, judges=(by_runtime,))


@pytest.mark.parametrize(
    ("op", "given", "params", "why"),
    [
        (ops.bit_shift, (u8[2], u8[2]), {"direction": "UP"}, "neither LEFT nor RIGHT"),
        (ops.bit_shift, (f32[2], f32[2]), {"direction": "LEFT"}, "elements are f32"),
        (ops.cast_like, (f32[2], u8[()]), {"round_mode": "away"}, "round_mode 'away' is none of up, down, nearest"),
        (ops.bit_cast, (f32[2],), {"to": u8}, "elements of 32 bits are none of u8, which has 8"),
    ],
)
def test_what_is_ill_typed_is_refused(op: Op[..., Any], given: Any, params: Any, why: str) -> None:
    assert why in refusal(op, *given, **params)
