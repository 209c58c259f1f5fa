"""Arithmetic, comparison and logic element by element, with NumPy's broadcasting."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Shapes, boxes, carve, lent

Kernel = Callable[..., None]


def _unary(ufunc: np.ufunc) -> Kernel:
    def kernel(out: Array, x: Array) -> None:
        ufunc(x, out=out)

    kernel.__name__ = ufunc.__name__
    kernel.__doc__ = f"Apply numpy.{ufunc.__name__} to each element."
    return kernel


def _binary(ufunc: np.ufunc) -> Kernel:
    def kernel(out: Array, x: Array, y: Array) -> None:
        ufunc(x, y, out=out)

    kernel.__name__ = ufunc.__name__
    kernel.__doc__ = f"Apply numpy.{ufunc.__name__} to each pair of elements."
    return kernel


def _variadic(ufunc: np.ufunc) -> Kernel:
    def kernel(out: Array, x: Array, *rest: Array, workspace: Array | None = None) -> None:
        if not rest:
            np.copyto(out, x)
        elif any(np.may_share_memory(out, each) for each in rest[1:]):
            _fold_aside(ufunc, out, (x, *rest), lent(workspace, ufunc.__name__))
        else:
            ufunc(x, rest[0], out=out)
            for each in rest[1:]:
                ufunc(out, each, out=out)

    kernel.__name__ = ufunc.__name__
    kernel.__doc__ = f"Apply numpy.{ufunc.__name__} to one or more arrays, from the left."
    return kernel


def _fold_aside(ufunc: np.ufunc, out: Array, xs: tuple[Array, ...], room: Array) -> None:
    """Combine in the workspace, where `out` is the memory of an input that is read late."""
    whole = [np.broadcast_to(x, out.shape) for x in xs]
    for box in boxes(out.shape, room.size // out.itemsize):
        (part,) = carve(room, (out[box].shape, out.dtype))
        ufunc(whole[0][box], whole[1][box], out=part)
        for each in whole[2:]:
            ufunc(part, each[box], out=part)
        np.copyto(out[box], part)


def aside_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes wanted where the output may be the memory of an input that is read late."""
    return LIMIT // 4 if len(in_shapes) > 2 else 0


_sum = _variadic(np.add)


def mean_n(out: Array, x: Array, *rest: Array, workspace: Array | None = None) -> None:
    """Take the mean of one or more arrays."""
    _sum(out, x, *rest, workspace=workspace)
    np.divide(out, out.dtype.type(1 + len(rest)), out=out)


def div(out: Array, x: Array, y: Array, *, workspace: Array | None = None) -> None:
    """Divide; signed integers truncate toward zero, and division of an integer by zero gives zero."""
    if out.dtype.kind == "u":
        np.floor_divide(x, y, out=out)
        return
    if out.dtype.kind != "i":
        np.divide(x, y, out=out)
        return
    room = lent(workspace, "div")
    x, y = np.broadcast_to(x, out.shape), np.broadcast_to(y, out.shape)
    for box in boxes(out.shape, room.size // out.itemsize):
        piece = out[box]
        (rest,) = carve(room, (piece.shape, out.dtype))
        np.fmod(x[box], y[box], out=rest)
        np.subtract(x[box], rest, out=rest)
        np.floor_divide(rest, y[box], out=piece)


def div_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `div` wants for signed integers; floats and unsigned ones leave it alone."""
    return LIMIT // 4


def power(out: Array, x: Array, y: Array, *, workspace: Array | None = None) -> None:
    """Raise x to the power y; the result has x's type, whatever y's."""
    if y.size == 1 and x.dtype.kind != "b" and y.reshape(()) == 2:
        np.multiply(x, x, out=out)
    elif x.dtype == y.dtype and (x.dtype.kind not in "iu" or not y.size or y.min() >= 0):
        np.power(x, y, out=out)
    else:
        _power_of_two_types(out, x, y, lent(workspace, "power"))


def _power_of_two_types(out: Array, x: Array, y: Array, room: Array) -> None:
    """Compute in 64 bits: integers stay integers where no exponent is negative, so that none is rounded."""
    whole = x.dtype.kind in "iu" and y.dtype.kind in "iu" and (not y.size or y.min() >= 0)
    dtype = np.dtype(np.int64 if whole and x.dtype.kind == "i" else np.uint64 if whole else np.float64)
    x, y = np.broadcast_to(x, out.shape), np.broadcast_to(y, out.shape)
    for box in boxes(out.shape, room.size // 16 - 64):
        base, exponent = carve(room, *[(out[box].shape, dtype)] * 2)
        np.copyto(base, x[box], casting="unsafe")
        np.copyto(exponent, y[box], casting="unsafe")
        np.power(base, exponent, out=base)
        np.copyto(out[box], base, casting="unsafe")


def power_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes `pow` wants where its operands' types differ."""
    return LIMIT // 2


def mod(out: Array, x: Array, y: Array, *, fmod: int = 0) -> None:
    """Take the remainder, with the sign of the divisor, or under `fmod` with that of the dividend."""
    (np.fmod if fmod else np.remainder)(x, y, out=out)


def bit_shift(out: Array, x: Array, y: Array, *, direction: str) -> None:
    """Shift the bits of x by y places; ValueError unless the direction is LEFT or RIGHT."""
    if direction not in ("LEFT", "RIGHT"):
        raise ValueError(f"bit_shift goes LEFT or RIGHT, not {direction!r}")
    (np.left_shift if direction == "LEFT" else np.right_shift)(x, y, out=out)


def round_even(out: Array, x: Array) -> None:
    """Round to the nearest integer, halves to even."""
    np.rint(x, out=out)


def where(out: Array, condition: Array, x: Array, y: Array, *, workspace: Array | None = None) -> None:
    """Take x where the condition holds, else y."""
    if not np.may_share_memory(out, x) and not np.may_share_memory(out, condition):
        np.copyto(out, y)
        np.copyto(out, x, where=condition)
        return
    room = lent(workspace, "where")
    condition, x, y = (np.broadcast_to(each, out.shape) for each in (condition, x, y))
    for box in boxes(out.shape, room.size // out.itemsize):
        (part,) = carve(room, (out[box].shape, out.dtype))
        np.copyto(part, y[box])
        np.copyto(part, x[box], where=condition[box])
        np.copyto(out[box], part)


def isinf(out: Array, x: Array, *, detect_negative: int = 1, detect_positive: int = 1) -> None:
    """Say which elements are infinite, of the signs asked for."""
    if detect_negative and detect_positive:
        np.isinf(x, out=out)
    elif detect_negative or detect_positive:
        np.equal(x, x.dtype.type(np.inf if detect_positive else -np.inf), out=out)
    else:
        out.fill(False)


_UNARY = {
    "neg": np.negative,
    "absolute": np.absolute,
    "reciprocal": np.reciprocal,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "floor": np.floor,
    "ceil": np.ceil,
    "sign": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "isnan": np.isnan,
    "logical_not": np.logical_not,
    "bitwise_not": np.invert,
}
_BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "equal": np.equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
}
KERNELS = (
    {name: _unary(ufunc) for name, ufunc in _UNARY.items()}
    | {name: _binary(ufunc) for name, ufunc in _BINARY.items()}
    | {
        "add_n": _sum,
        "minimum": _variadic(np.minimum),
        "maximum": _variadic(np.maximum),
        "mean_n": mean_n,
        "div": div,
        "power": power,
        "mod": mod,
        "bit_shift": bit_shift,
        "round_even": round_even,
        "where": where,
        "isinf": isinf,
    }
)
WORKSPACES = {
    "div": div_workspace,
    "power": power_workspace,
    "add_n": aside_workspace,
    "minimum": aside_workspace,
    "maximum": aside_workspace,
    "mean_n": aside_workspace,
    "where": aside_workspace,
}
