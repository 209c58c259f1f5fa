"""Elements as bits, and conversion to the type of another value."""

from nnvm.attrs import elementwise
from nnvm.ir import DType, TensorType, Value, op
from nnvm.ops.arithmetic import ROUND_MODES
from nnvm.ops.typing import broadcast_type, of_kind, require


@op
def bit_shift(x: Value, y: Value, *, direction: str) -> TensorType:
    """Shift the bits of x by y places to the "LEFT" or "RIGHT" (ONNX BitShift)."""
    require(direction in ("LEFT", "RIGHT"), f"direction {direction!r} is neither LEFT nor RIGHT")
    of_kind(x, "int", "uint")
    return broadcast_type(x, y)


@op
def bit_cast(x: Value, *, to: DType) -> TensorType:
    """Read the bits of each element as another type of the same size (ONNX BitCast)."""
    require(to.bits == x.dtype.bits, f"elements of {x.dtype.bits} bits are none of {to!r}, which has {to.bits}")
    return to[...] if x.tensor.shape_or_none is None else to[x.shape]


@op
def cast_like(x: Value, like: Value, *, saturate: bool = True, round_mode: str = "up") -> TensorType:
    """Convert elements to the type that another value has (ONNX CastLike); the rest is as `cast` has it."""
    require(round_mode in ROUND_MODES, f"round_mode {round_mode!r} is none of {', '.join(ROUND_MODES)}")
    return like.dtype[...] if x.tensor.shape_or_none is None else like.dtype[x.shape]


elementwise(bit_shift)(True)
