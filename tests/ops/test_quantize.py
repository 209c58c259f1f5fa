from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    Use,
    axes_in,
    by_reference,
    by_runtime,
    check_run,
    check_types,
    ours,
    refusal,
    seeds,
    shapes,
    values,
)

from nnvm import ops
from nnvm.attrs import macs
from nnvm.ir import DTYPES, Op, f16, f32, i8, named_input, u8

BYTES = st.sampled_from(["uint8", "int8"])


def scales(draw: Any, shape: Any, dtype: str = "float32") -> Any:
    """Draw powers of two, so that no quotient is near a tie that rounding decides."""
    return np.asarray(2.0 ** values(draw(seeds), shape, "int64", -4, 3)).astype(dtype).reshape(shape)


def granularity(draw: Any, shape: Any) -> tuple[Any, int, int]:
    """Draw the shape of a scale, the axis and the size of a block."""
    kind = draw(st.sampled_from(["tensor", "axis", "block"] if shape else ["tensor"]))
    if kind == "tensor":
        return (), 0, 0
    axis = draw(axes_in(len(shape)))
    if kind == "axis":
        return (shape[axis],), axis, 0
    block = draw(st.integers(1, shape[axis]))
    sizes = list(shape)
    sizes[axis] = -(-shape[axis] // block)
    return tuple(sizes), axis, block


@st.composite
def quantizes(draw: st.DrawFn) -> Use:
    shape = draw(shapes(0, 3, smallest=1))
    given, axis, block = granularity(draw, shape)
    to = draw(st.sampled_from(["uint8", "int8", "uint16", "int16"]))
    x = values(draw(seeds), shape, "float32", -40, 40)
    zero = values(draw(seeds), given, to, -3, 3) if draw(st.booleans()) else None
    dtype = DTYPES[to] if zero is None else None
    return Use(ops.quantize_linear, [x, scales(draw, given), zero], axis=axis, block_size=block, output_dtype=dtype)


@st.composite
def dequantizes(draw: st.DrawFn) -> Use:
    shape = draw(shapes(0, 3, smallest=1))
    given, axis, block = granularity(draw, shape)
    kind = draw(st.sampled_from(["uint8", "int8", "uint16", "int16", "int32"]))
    x = values(draw(seeds), shape, kind, -40, 40)
    zero = values(draw(seeds), given, kind, -3, 3) if kind != "int32" and draw(st.booleans()) else None
    scale = scales(draw, given, draw(st.sampled_from(["float32", "float16"])))
    return Use(ops.dequantize_linear, [x, scale, zero], axis=axis, block_size=block)


@st.composite
def dynamic(draw: st.DrawFn) -> Use:
    ends = draw(st.sampled_from([(-4, 4), (1, 4), (-4, -1)]))
    return Use(ops.dynamic_quantize_linear, [values(draw(seeds), draw(shapes(1, 3, smallest=1)), "float32", *ends)])


@st.composite
def products(draw: st.DrawFn) -> Use:
    rows, depth, columns = (draw(st.integers(1, 5)) for _ in range(3))
    lead = draw(shapes(0, 2, smallest=1, largest=3))
    a, b = (
        values(draw(seeds), (*lead, rows, depth), draw(BYTES), -128, 255 // 2),
        values(draw(seeds), (depth, columns), draw(BYTES), -128, 127),
    )
    zeros = [values(draw(seeds), (), each.dtype.name, -9, 9) for each in (a, b)]
    if draw(st.booleans()):
        zeros[1] = values(draw(seeds), (columns,), b.dtype.name, -9, 9)
    return Use(ops.matmul_integer, [a, b, *zeros[: draw(st.sampled_from([0, 2]))]])


@st.composite
def scaled_products(draw: st.DrawFn) -> Use:
    rows, depth, columns = (draw(st.integers(1, 5)) for _ in range(3))
    kind = draw(BYTES)
    a, b = values(draw(seeds), (2, rows, depth), kind, -9, 9), values(draw(seeds), (depth, columns), kind, -9, 9)
    zero = [values(draw(seeds), (), kind, -3, 3) for _ in range(3)]
    scale = [scales(draw, ()) for _ in range(3)]
    return Use(ops.qlinear_matmul, [a, scale[0], zero[0], b, scale[1], zero[1], scale[2], zero[2]])


def window(draw: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Draw the shapes of an image and a weight, and the params of a convolution."""
    groups, depth, filters = (draw(st.integers(1, 2)) for _ in range(3))
    sizes, taps = [draw(st.integers(3, 6)) for _ in range(2)], [draw(st.integers(1, 3)) for _ in range(2)]
    params = {
        "groups": groups,
        "strides": tuple(draw(st.integers(1, 2)) for _ in range(2)),
        "pads": tuple(draw(st.integers(0, 1)) for _ in range(4)),
        "dilations": (1, draw(st.integers(1, 2)) if taps[1] < 3 else 1),
    }
    return (draw(st.integers(1, 2)), groups * depth, *sizes), (groups * filters, depth, *taps), params


@st.composite
def convolutions(draw: st.DrawFn) -> Use:
    image, weight, params = window(draw)
    x, w = values(draw(seeds), image, "uint8", 0, 255), values(draw(seeds), weight, "uint8", 0, 255)
    zeros = [values(draw(seeds), (), "uint8", 0, 9) for _ in range(2)]
    return Use(ops.conv_integer, [x, w, *zeros[: draw(st.sampled_from([0, 1, 2]))]], **params)


@st.composite
def scaled_convolutions(draw: st.DrawFn) -> Use:
    image, weight, params = window(draw)
    x, w = values(draw(seeds), image, "uint8", 0, 20), values(draw(seeds), weight, "int8", -20, 20)
    of = draw(st.sampled_from([(), (weight[0],)]))
    zeros = [values(draw(seeds), (), "uint8", 0, 9), np.zeros(of, np.int8), values(draw(seeds), (), "uint8", 0, 9)]
    bias = [values(draw(seeds), (weight[0],), "int32", -50, 50)] if draw(st.booleans()) else []
    scale = [scales(draw, ()), scales(draw, of), scales(draw, ())]
    return Use(ops.qlinear_conv, [x, scale[0], zeros[0], w, scale[1], zeros[1], scale[2], zeros[2], *bias], **params)


USES = {
    ops.quantize_linear: quantizes(), ops.dequantize_linear: dequantizes(), ops.dynamic_quantize_linear: dynamic(),
    ops.matmul_integer: products(), ops.qlinear_matmul: scaled_products(), ops.conv_integer: convolutions(),
    ops.qlinear_conv: scaled_convolutions(),
}  # fmt: skip
# The reference multiplies in bytes and takes zero points of images for those of weights.
JUDGES = {op: (by_runtime,) for op in (ops.qlinear_matmul, ops.conv_integer, ops.qlinear_conv, ops.matmul_integer)} | {
    ops.dynamic_quantize_linear: (by_runtime,)
}


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=25)
    def law(use: Use, seed: int) -> None:
        check_types(use, check_run(use, judges=JUDGES.get(op, (by_runtime, by_reference))), seed)

    law()


@pytest.mark.parametrize("saturate", [True, False])
@pytest.mark.parametrize("to", ["float8_e4m3fn", "float8_e5m2"])
def test_short_floats(to: str, saturate: bool) -> None:
    x = np.array([0.1, -3.0, 1e6, np.nan, 0.0], np.float32)
    use = Use(ops.quantize_linear, [x, np.float32(0.5)], output_dtype=DTYPES[to], saturate=saturate)
    found = ours(use)[0].astype(np.float32)
    assert np.isfinite(found[2]) == saturate
    np.testing.assert_array_equal(found[[1, 4]], [-6, 0])


def test_nibbles() -> None:
    x = np.array([-100, -3.4, 2.5, 3.5, 100], np.float32)
    (found,) = ours(Use(ops.quantize_linear, [x, np.float32(1)], output_dtype=DTYPES["int4"]))
    np.testing.assert_array_equal(found.astype(int), [-8, -3, 2, 4, 7])
    (back,) = ours(Use(ops.dequantize_linear, [found, np.float32(0.5)]))
    np.testing.assert_array_equal(back, [-4, -1.5, 1, 2, 3.5])


def test_the_quotient_is_rounded_to_the_precision() -> None:
    x, scale = np.array([2.0**11 + 1], np.float32), np.float32(2)
    for precision, wanted in ((None, 1024), (f16, 1024), (f32, 1024)):
        use = Use(ops.quantize_linear, [x, scale], precision=precision, output_dtype=DTYPES["uint16"])
        np.testing.assert_array_equal(ours(use)[0], [wanted])
    fine = Use(ops.quantize_linear, [np.float32([4099]), np.float32(1)], output_dtype=DTYPES["uint16"])
    coarse = Use(ops.quantize_linear, fine.arrays, output_dtype=DTYPES["uint16"], precision=f16)
    assert (int(ours(fine)[0][0]), int(ours(coarse)[0][0])) == (4099, 4100)


def test_zeros_and_nothing_have_a_range() -> None:
    for x in (np.zeros(3, np.float32), np.zeros(0, np.float32)):
        found, _, zero = ours(Use(ops.dynamic_quantize_linear, [x]))
        assert not found.any()
        assert zero == 0


ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.quantize_linear, (f32[2, 3], f32[2, 3]), {}, "without blocks"),
    (ops.quantize_linear, (f32[2, 3], f32[2]), {}, "2 scales for 3 along axis 1"),
    (ops.quantize_linear, (f32[2, 3], f32[2, 3]), {"block_size": 2}, "scales of f32[2, 3] for f32[2, 3]"),
    (ops.quantize_linear, (f32[2], f32[()], u8[()]), {"output_dtype": i8}, "the zero point is u8, not i8"),
    (ops.quantize_linear, (f32[2], u8[()]), {}, "the scale is u8; it must be a float or i32"),
    (ops.dequantize_linear, (u8[2], u8[()]), {}, "elements are u8; they must be of kind float"),
    (ops.dequantize_linear, (u8[2], f32[()], i8[()]), {}, "elements are u8, the zero point i8"),
    (ops.dequantize_linear, (u8[2], f32[()], u8[2]), {}, "a zero point of u8[2]"),
    (ops.dynamic_quantize_linear, (f16[2],), {}, "they must be f32"),
    (ops.matmul_integer, (u8[2, 3], u8[4, 2]), {}, "3 columns against 4 rows"),
    (ops.conv_integer, (u8[1, 3, 4, 4], u8[2, 2, 1, 1]), {}, "3 channels against 2"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_work() -> None:
    a, b = named_input("a", u8["n", 4]), named_input("b", u8[4, 5])
    assert str(macs[ops.matmul_integer](ops.matmul_integer(a, b).node)) == "20*n"
