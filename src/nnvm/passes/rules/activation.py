"""Equations of clipping and of what is made of it."""

import math
from collections.abc import Iterator

from nnvm.ir import ABSENT, DType, Node, Rule, Value, bf16, f16, f32, f64, is_constant, rule
from nnvm.ir.tensor_data import Number
from nnvm.ops import clip, hard_sigmoid, relu
from nnvm.passes.constants import filled, number
from nnvm.passes.visits import Attempts

_FLOATS: tuple[DType, ...] = (f16, f32, f64, bf16)


@rule(untyped=True)
def relu_twice(x: Value) -> Iterator[Value]:
    """relu(relu(x)) = relu(x)."""
    yield relu(relu(x))
    yield relu(x)


@rule
def divided_clip(x: Value, a: Value, low: Value, high: Value, d: Value) -> Iterator[Value]:
    """clip(x + a, 0, h) / h = hard_sigmoid(x, alpha=1 / h, beta=a / h)."""
    yield clip(x + a, low, high) / d
    gate = _gate(x, a, low, high, number(d))
    if gate is not None:
        yield gate


@rule
def divided_gate(x: Value, y: Value, a: Value, low: Value, high: Value, d: Value) -> Iterator[Value]:
    """y * clip(x + a, 0, h) / h = y * hard_sigmoid(x, alpha=1 / h, beta=a / h)."""
    yield (y * clip(x + a, low, high)) / d
    gate = _gate(x, a, low, high, number(d))
    if gate is not None:
        yield y * gate


@rule
def scaled_clip(x: Value, a: Value, low: Value, high: Value, c: Value) -> Iterator[Value]:
    """clip(x + a, 0, h) * (1 / h) = hard_sigmoid(x, alpha=1 / h, beta=a / h)."""
    yield clip(x + a, low, high) * c
    gate = _gate(x, a, low, high, _inverse(c, high))
    if gate is not None:
        yield gate


@rule
def scaled_gate(x: Value, y: Value, a: Value, low: Value, high: Value, c: Value) -> Iterator[Value]:
    """y * clip(x + a, 0, h) * (1 / h) = y * hard_sigmoid(x, alpha=1 / h, beta=a / h)."""
    yield (y * clip(x + a, low, high)) * c
    gate = _gate(x, a, low, high, _inverse(c, high))
    if gate is not None:
        yield y * gate


def _inverse(c: Value, high: Value) -> Number | None:
    """Return the number at `high` where c is its inverse but for rounding, else None."""
    factor, limit = number(c), number(high)
    if factor is None or not limit:
        return None
    return limit if math.isclose(factor * limit, 1.0, rel_tol=1e-6) else None


def _gate(x: Value, a: Value, low: Value, high: Value, d: Number | None) -> Value | None:
    shift, limit = number(a), number(high)
    if shift is None or limit is None or number(low) != 0 or d != limit or limit <= 0 or not math.isfinite(limit):
        return None
    if is_constant(x) or x.dtype not in (f16, f32):  # ONNX Runtime has no other HardSigmoid
        return None
    return hard_sigmoid(x, alpha=1 / limit, beta=shift / limit)


class _Bounds:
    """A clip's limits as numbers, infinite where there is none."""

    __slots__ = ("high", "low")

    def __init__(self, low: Number, high: Number) -> None:
        self.low, self.high = low, high


def _bounds(node: Node) -> _Bounds | None:
    """Return the limits of a clip, or of a relu, which is one; None where they are not constant."""
    if node.op is relu:
        return _Bounds(0, math.inf)
    if node.op is not clip:
        return None
    limits: list[Number] = []
    for i, default in ((1, -math.inf), (2, math.inf)):
        value = node.inputs[i] if len(node.inputs) > i else ABSENT
        found = default if value is ABSENT else number(value)
        if found is None or found != found:
            return None
        limits.append(found)
    return _Bounds(*limits)


def join_clips(node: Node) -> Value | None:
    """Make one of two clips or relus in a row.

    min(max(x, a), b) limited to [c, d] is x limited to [max(a, c), min(b, d)], where b >= c.
    """
    inner = node.inputs[0].node
    outer_bounds, inner_bounds = _bounds(node), _bounds(inner)
    if outer_bounds is None or inner_bounds is None or inner.after or inner_bounds.high < outer_bounds.low:
        return None
    return _clipped(inner.inputs[0], max(inner_bounds.low, outer_bounds.low), min(inner_bounds.high, outer_bounds.high))


def plain_clip(node: Node) -> Value | None:
    """Put relu for a clip to what is not negative, and nothing for a clip without limits."""
    bounds = _bounds(node)
    if bounds is None or bounds.high != math.inf or bounds.low not in (0, -math.inf):
        return None
    if bounds.low == 0 and node.inputs[0].dtype not in _FLOATS:
        return None
    return _clipped(node.inputs[0], bounds.low, bounds.high)


def _clipped(x: Value, low: Number, high: Number) -> Value | None:
    if (low, high) == (-math.inf, math.inf):
        return x
    if (low, high) == (0, math.inf) and x.dtype in _FLOATS:
        return relu(x)
    return clip(x, *(ABSENT if math.isinf(limit) else filled(limit, x.dtype) for limit in (low, high)))


ACTIVATIONS: tuple[Rule, ...] = (relu_twice, divided_clip, divided_gate, scaled_clip, scaled_gate)
CLIPS: Attempts = {clip: (join_clips, plain_clip), relu: (join_clips,)}
