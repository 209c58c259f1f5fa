"""Equations between one operator and the several that spell it out."""

import math
from collections.abc import Iterator

from nnvm.ir import Rule, Value, either, equal, f32, f64, rule
from nnvm.ops import erf, gelu, layer_norm, reciprocal, reduce_mean, rms_norm, sqrt, tanh
from nnvm.ops.typing import axis_of
from nnvm.passes.constants import whole


def _halved(x: Value, gate: Value) -> Value:
    """Return half of x times a gate, in each of the orders in which that is multiplied."""
    return either((x * gate) * 0.5, x * (gate * 0.5), (x * 0.5) * gate)


def _is_single(x: Value) -> bool:
    """Say whether the pieces compute in the precision that the whole computes in."""
    return x.dtype in (f32, f64)


@rule
def gelu_by_division(x: Value, a: float) -> Iterator[Value]:
    """x * (erf(x / sqrt(2)) + 1) / 2 = gelu(x)."""
    yield _halved(x, erf(x / a) + 1)
    if _is_single(x) and math.isclose(a, math.sqrt(2), rel_tol=1e-6):
        yield gelu(x)


@rule
def gelu_by_product(x: Value, a: float) -> Iterator[Value]:
    """x * (erf(x * sqrt(1/2)) + 1) / 2 = gelu(x)."""
    yield _halved(x, erf(x * a) + 1)
    if _is_single(x) and math.isclose(a, math.sqrt(0.5), rel_tol=1e-6):
        yield gelu(x)


@rule
def gelu_by_tanh(x: Value, a: float, b: float) -> Iterator[Value]:
    """x * (tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)) + 1) / 2 = gelu(x, approximate="tanh")."""
    cube = either(x**3, x * (x * x))
    yield _halved(x, tanh((x + cube * b) * a) + 1)
    known = math.isclose(a, math.sqrt(2 / math.pi), rel_tol=1e-5) and math.isclose(b, 0.044715, rel_tol=1e-5)
    if _is_single(x) and known:
        yield gelu(x, approximate="tanh")


def _square(x: Value) -> Value:
    return either(x**2, x * x)


@rule
def layer_norm_in_pieces(x: Value, axes: Value, again: Value, scale: Value, eps: float, noop: bool) -> Iterator[Value]:
    """(x - mean) / sqrt(mean of (x - mean)^2 + eps) * scale = layer_norm(x, scale)."""
    centred = x - reduce_mean(x, axes, keepdims=True, noop_with_empty_axes=noop)
    variance = reduce_mean(_square(centred), again, keepdims=True, noop_with_empty_axes=noop)
    yield centred / sqrt(variance + eps) * scale
    last = _trailing(x, axes)
    if last and last == _trailing(x, again) and eps > 0 and _spans(x, last, scale):
        yield layer_norm(x, scale, axis=-last, epsilon=eps)


@rule
def layer_norm_shifted(x: Value, scale: Value, bias: Value, axis: int, eps: float) -> Iterator[Value]:
    """layer_norm(x, scale) + bias = layer_norm(x, scale, bias)."""
    yield layer_norm(x, scale, axis=axis, epsilon=eps) + bias
    if _spans(x, len(x.shape) - axis_of(axis, len(x.shape)), bias):
        yield layer_norm(x, scale, bias, axis=axis, epsilon=eps)


@rule
def rms_norm_in_pieces(x: Value, axes: Value, scale: Value, eps: float, noop: bool) -> Iterator[Value]:
    """x / sqrt(mean of x^2 + eps) * scale = rms_norm(x, scale)."""
    yield x / sqrt(reduce_mean(_square(x), axes, keepdims=True, noop_with_empty_axes=noop) + eps) * scale
    last = _trailing(x, axes)
    if last and eps > 0 and _spans(x, last, scale):
        yield rms_norm(x, scale, axis=-last, epsilon=eps)


def _trailing(x: Value, axes: Value) -> int:
    """Return how many axes at the end of x these are, 0 where they are others."""
    found, rank = whole(axes), len(x.shape)
    places = sorted(axis % rank for axis in found) if found and rank else []
    return len(places) if places and places == list(range(rank - len(places), rank)) else 0


def _spans(x: Value, last: int, scale: Value) -> bool:
    """Say whether there is one scale for each element of the last dimensions of x, in its precision."""
    tail = x.shape[len(x.shape) - last :]
    same = len(scale.shape) == last and all(equal(a, b) is True for a, b in zip(scale.shape, tail, strict=True))
    return same and scale.dtype is x.dtype and _is_single(x)


@rule
def multiply_by_inverse(x: Value, y: Value) -> Iterator[Value]:
    """x * (1 / y) = x / y."""
    yield x * either(reciprocal(y), 1 / y)
    if _is_single(x) and y.dtype is x.dtype:
        yield x / y


COMPOUNDS: tuple[Rule, ...] = (
    gelu_by_division, gelu_by_product, gelu_by_tanh, layer_norm_in_pieces, layer_norm_shifted,
    rms_norm_in_pieces,
)  # fmt: skip
QUOTIENTS: tuple[Rule, ...] = (multiply_by_inverse,)
