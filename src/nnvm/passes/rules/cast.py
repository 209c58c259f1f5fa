"""Equations of conversions between element types."""

from collections.abc import Iterator

from nnvm.ir import DType, Rule, Value, bf16, f16, f32, f64, rule
from nnvm.ops import cast

_MANTISSA = {f16: 11, bf16: 8, f32: 24, f64: 53}
_WIDER = {f16: (f32, f64), bf16: (f32, f64), f32: (f64,)}


def is_lossless(first: DType, second: DType) -> bool:
    """Say whether every number of the first element type is one of the second."""
    if first is second:
        return True
    if first.kind == "bool":
        return second.is_integer or second in _MANTISSA
    if first.is_integer and second.is_integer:
        grown = second.bits - first.bits
        return grown >= 0 if first.kind == second.kind else first.kind == "uint" and grown > 0
    if first.is_integer:
        return second in _MANTISSA and first.bits - (first.kind == "int") <= _MANTISSA[second]
    return second in _WIDER.get(first, ())


@rule
def cast_to_same(x: Value, to: DType, saturate: bool) -> Iterator[Value]:
    """cast(x, its own type) = x."""
    yield cast(x, to=to, saturate=saturate)
    if x.dtype is to:
        yield x


@rule
def cast_twice(x: Value, between: DType, to: DType, inner: bool, outer: bool) -> Iterator[Value]:
    """cast(cast(x, wider), type) = cast(x, type)."""
    yield cast(cast(x, to=between, saturate=inner), to=to, saturate=outer)
    if is_lossless(x.dtype, between):
        yield cast(x, to=to, saturate=outer)


CASTS: tuple[Rule, ...] = (cast_to_same, cast_twice)
