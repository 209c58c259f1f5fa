"""Activation functions; every kernel here may write over its first input."""

from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.elementwise import ROW, against, formula_kernel, row
from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Shapes, boxes, carve, flat, is_low, lent, rounded, wide
from nnvm.backends.numpy.kernels.special import erf_of


def relu(out: Array, x: Array) -> None:
    """Replace what is negative by zero."""
    against(np.maximum, flat(x), row(0, x.dtype), flat(out))


def clip(
    out: Array, x: Array, low: Array | None = None, high: Array | None = None, *, workspace: Array | None = None
) -> None:
    """Raise to `low`, then lower to `high`; either may be absent."""
    source, target = flat(x), flat(out)
    if low is None and high is None:
        np.copyto(target, source)
        return
    length = max(1, min(ROW, source.size))
    rows = carve(lent(workspace, "clip"), ((length,), x.dtype), ((length,), x.dtype))
    step = 16384
    for bound, values in zip((low, high), rows, strict=True):
        if bound is not None:
            values[...] = bound.reshape(())
    for start in range(0, source.size, step):
        piece, goal = source[start : start + step], target[start : start + step]
        if low is not None:
            against(np.maximum, piece, rows[0], goal)
        if high is not None:
            against(np.minimum, piece if low is None else goal, rows[1], goal)


def clip_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `clip` wants: a row for each bound."""
    shape = in_shapes[0]
    return 2 * rounded(itemsize * (ROW if shape is None else max(1, min(ROW, prod(shape)))))


def _sigmoid(out: Array, x: Array) -> None:
    """Map onto (0, 1) by 1 / (1 + exp(-x))."""
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.reciprocal(out, out=out)


def _tanh(out: Array, x: Array) -> None:
    """Take the hyperbolic tangent."""
    np.tanh(x, out=out)


def _leaky_relu(out: Array, x: Array, part: Array, *, alpha: float = 0.01) -> None:
    """Multiply what is negative by `alpha`."""
    against(np.minimum, x, row(0, x.dtype), part)
    np.multiply(part, alpha, out=part)
    against(np.maximum, x, row(0, x.dtype), out)
    np.add(out, part, out=out)


def _elu(out: Array, x: Array, part: Array, *, alpha: float = 1.0) -> None:
    """Bend what is negative to alpha * (exp(x) - 1)."""
    against(np.minimum, x, row(0, x.dtype), part)
    np.expm1(part, out=part)
    np.multiply(part, alpha, out=part)
    against(np.maximum, x, row(0, x.dtype), out)
    np.add(out, part, out=out)


def _selu(
    out: Array,
    x: Array,
    part: Array,
    *,
    alpha: float = 1.67326319217681884765625,
    gamma: float = 1.05070102214813232421875,
) -> None:
    """Scale elu by `gamma`."""
    _elu(out, x, part, alpha=alpha)
    np.multiply(out, gamma, out=out)


def _celu(out: Array, x: Array, part: Array, *, alpha: float = 1.0) -> None:
    """Bend what is negative to alpha * (exp(x / alpha) - 1)."""
    against(np.minimum, x, row(0, x.dtype), part)
    np.divide(part, alpha, out=part)
    np.expm1(part, out=part)
    np.multiply(part, alpha, out=part)
    against(np.maximum, x, row(0, x.dtype), out)
    np.add(out, part, out=out)


def _softplus(out: Array, x: Array, part: Array) -> None:
    """Take log(1 + exp(x)) without overflow."""
    np.abs(x, out=part)
    np.negative(part, out=part)
    np.exp(part, out=part)
    np.log1p(part, out=part)
    against(np.maximum, x, row(0, x.dtype), out)
    np.add(out, part, out=out)


def _softsign(out: Array, x: Array, part: Array) -> None:
    """Divide by 1 + |x|."""
    np.abs(x, out=part)
    np.add(part, 1, out=part)
    np.divide(x, part, out=out)


def _hard_sigmoid(out: Array, x: Array, *, alpha: float = 0.2, beta: float = 0.5) -> None:
    """Clip alpha * x + beta to [0, 1]."""
    np.multiply(x, alpha, out=out)
    np.add(out, beta, out=out)
    against(np.maximum, out, row(0, x.dtype), out)
    against(np.minimum, out, row(1, x.dtype), out)


def _hard_swish(out: Array, x: Array, part: Array) -> None:
    """Multiply by hard_sigmoid with alpha = 1/6 and beta = 1/2."""
    _hard_sigmoid(part, x, alpha=1 / 6, beta=0.5)
    np.multiply(x, part, out=out)


def _thresholded_relu(out: Array, x: Array, part: Array, *, alpha: float = 1.0) -> None:
    """Keep what is greater than `alpha`, and replace the rest by zero."""
    keep = part.view(np.bool_)[: x.size]
    np.greater(x, alpha, out=keep)
    np.logical_not(keep, out=keep)
    np.copyto(out, x)
    np.copyto(out, 0, where=keep)


def _shrink(
    out: Array, x: Array, part: Array, below: Array, kept: Array, *, lambd: float = 0.5, bias: float = 0.0
) -> None:
    """Move what is beyond `lambd` by `bias` towards zero, and replace the rest by zero."""
    low, keep = below.view(np.bool_)[: x.size], kept.view(np.bool_)[: x.size]
    np.less(x, -lambd, out=low)
    np.greater(x, lambd, out=keep)
    np.logical_or(low, keep, out=keep)
    np.subtract(x, bias, out=part, casting="unsafe")
    np.add(x, bias, out=part, where=low, casting="unsafe")
    np.logical_not(keep, out=keep)
    np.copyto(out, part)
    np.copyto(out, 0, where=keep)


def _mish(out: Array, x: Array, part: Array, other: Array) -> None:
    """Multiply by tanh(softplus(x))."""
    _softplus(part, x, other)
    np.tanh(part, out=part)
    np.multiply(x, part, out=out)


def _swish(out: Array, x: Array, part: Array, *, alpha: float = 1.0) -> None:
    """Multiply by sigmoid(alpha * x)."""
    np.multiply(x, alpha, out=part)
    _sigmoid(part, part)
    np.multiply(x, part, out=out)


def _gelu(out: Array, x: Array, part: Array, *rest: Array, approximate: str = "none") -> None:
    """Weigh by the normal distribution's integral, or by its tanh approximation."""
    if approximate == "tanh":
        np.multiply(x, x, out=part)
        np.multiply(part, 0.044715, out=part)
        np.add(part, 1, out=part)
        np.multiply(part, x, out=part)
        np.multiply(part, np.sqrt(2 / np.pi).item(), out=part)
        np.tanh(part, out=part)
    else:
        np.multiply(x, np.sqrt(0.5).item(), out=part)
        erf_of(part, part, *rest)
    np.add(part, 1, out=part)
    np.multiply(part, 0.5, out=part)
    np.multiply(x, part, out=out)


def _erf(out: Array, x: Array, *rest: Array) -> None:
    """Take the error function."""
    erf_of(out, x, *rest)


def erf(out: Array, x: Array, *, workspace: Array | None = None) -> None:
    """Take the error function; of whole numbers it is cut off, which leaves ones where it rounds to one."""
    if x.dtype.kind not in "iu":
        _MADE["erf"][0](out, x, workspace=workspace)
        return
    for box in boxes(x.shape, 4096):
        np.copyto(out[box], x[box] >= 6)
        if x.dtype.kind == "i":
            np.subtract(out[box], x[box] <= -6, out=out[box])


def prelu(out: Array, x: Array, slope: Array, *, workspace: Array | None = None) -> None:
    """Multiply what is negative by `slope`, which broadcasts to x."""
    dtype = wide(x.dtype)
    room = lent(workspace, "prelu")
    slopes, zero = np.broadcast_to(slope, x.shape), dtype.type(0)
    for box in boxes(x.shape, (room.size - 256) // (3 * dtype.itemsize)):
        piece, factor = x[box], slopes[box]
        low, high, scale = carve(room, *[(piece.shape, dtype)] * 3)
        if is_low(x.dtype):
            np.copyto(high, piece)
            np.copyto(scale, factor)
            piece, factor = high, scale
        np.minimum(piece, zero, out=low)
        np.multiply(low, factor, out=low)
        np.maximum(piece, zero, out=high)
        np.add(high, low, out=high)
        np.copyto(out[box], high, casting="unsafe")


def prelu_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `prelu` wants: three pieces."""
    return LIMIT * 3 // 4


def swiglu(out: Array, gate: Array, x: Array, *, alpha: float = 1.0, workspace: Array | None = None) -> None:
    """Multiply by the swish of a gate, piece by piece."""
    dtype, room = wide(x.dtype), lent(workspace, "swiglu")
    step = (room.size - 128) // (2 * dtype.itemsize)
    opened, source, target = flat(gate), flat(x), flat(out)
    for start in range(0, source.size, step):
        piece = slice(start, start + step)
        some, part = carve(room, *[(source[piece].shape, dtype)] * 2)
        np.copyto(some, opened[piece])
        _swish(some, some, part, alpha=alpha)
        np.copyto(part, source[piece])
        np.multiply(some, part, out=some)
        np.copyto(target[piece], some, casting="unsafe")


def swiglu_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `swiglu` wants: two pieces."""
    return LIMIT // 2


_FORMULAS = (
    ("sigmoid", _sigmoid, 0),
    ("tanh", _tanh, 0),
    ("leaky_relu", _leaky_relu, 1),
    ("elu", _elu, 1),
    ("selu", _selu, 1),
    ("celu", _celu, 1),
    ("softplus", _softplus, 1),
    ("softsign", _softsign, 1),
    ("hard_sigmoid", _hard_sigmoid, 0),
    ("hard_swish", _hard_swish, 1),
    ("thresholded_relu", _thresholded_relu, 1),
    ("mish", _mish, 2),
    ("swish", _swish, 1),
    ("shrink", _shrink, 3),
    ("gelu", _gelu, 4),
    ("erf", _erf, 3),
)
_MADE = {name: formula_kernel(name, formula, temporaries) for name, formula, temporaries in _FORMULAS}
KERNELS = {name: kernel for name, (kernel, _) in _MADE.items()} | {
    "relu": relu,
    "clip": clip,
    "prelu": prelu,
    "swiglu": swiglu,
    "erf": erf,
}
WORKSPACES = {"clip": clip_workspace, "prelu": prelu_workspace, "swiglu": swiglu_workspace} | {
    name: size for name, (_, size) in _MADE.items()
}
