"""Numbers as a few whole steps of a scale, and products of such."""

from nnvm.attrs import macs
from nnvm.ir import DType, Node, TensorType, Value, equal, f32, i32, op, product, u8
from nnvm.ir.dims import Size
from nnvm.ops.linear import product_shape
from nnvm.ops.nn import window_sizes
from nnvm.ops.typing import axis_of, of_kind, rank_or_none, require

Ints = tuple[int, ...]


@op
def quantize_linear(
    x: Value,
    scale: Value,
    zero_point: Value | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: DType | None = None,
    precision: DType | None = None,
    saturate: bool = True,
) -> TensorType:
    """Return x / scale rounded to even, plus the zero point, within its type, bytes without one (ONNX QuantizeLinear).

    The scale is one number, one for each along `axis`, or one for each block of `block_size` there. The quotient is
    rounded to `precision`, else to the scale's type; `saturate` is about overflowing float8.
    """
    require(scale.dtype is i32 or scale.dtype.is_float, f"the scale is {scale.dtype!r}; it must be a float or i32")
    _check_scale(x, scale, zero_point, axis, block_size)
    dtype = output_dtype or u8 if zero_point is None else zero_point.dtype
    require(output_dtype in (None, dtype), f"the zero point is {dtype!r}, not {output_dtype!r}")
    return _like(dtype, x)


@op
def dequantize_linear(
    x: Value,
    scale: Value,
    zero_point: Value | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: DType | None = None,
) -> TensorType:
    """Return (x - zero point) * scale, in the scale's type or `output_dtype` (ONNX DequantizeLinear)."""
    of_kind(scale, "float")
    _check_scale(x, scale, zero_point, axis, block_size)
    if zero_point is not None:
        require(zero_point.dtype is x.dtype, f"elements are {x.dtype!r}, the zero point {zero_point.dtype!r}")
    return _like(output_dtype or scale.dtype, x)


def _like(dtype: DType, x: Value) -> TensorType:
    return dtype[...] if x.tensor.shape_or_none is None else dtype[x.shape]


def _check_scale(x: Value, scale: Value, zero_point: Value | None, axis: int, block_size: int) -> None:
    require(block_size >= 0, f"a block of {block_size}")
    if rank_or_none(x) is None or rank_or_none(scale) is None:
        return
    rank = len(scale.shape)
    if block_size and rank == len(x.shape):
        at = axis_of(axis, rank)
        wanted = [
            -(-size // block_size) if i == at and isinstance(size, int) else size for i, size in enumerate(x.shape)
        ]
        alike = all(
            i == at or equal(p, q) is not False for i, (p, q) in enumerate(zip(scale.shape, wanted, strict=True))
        )
        require(alike and equal(scale.shape[at], wanted[at]) is not False, f"scales of {scale.type} for {x.type}")
    else:
        require(rank < 2, f"a scale of {scale.type} for {x.type} without blocks")
        if rank and len(x.shape) > 1 and scale.shape[0] != 1:
            length = x.shape[axis_of(axis, len(x.shape))]
            require(
                equal(scale.shape[0], length) is not False, f"{scale.shape[0]} scales for {length} along axis {axis}"
            )
    if zero_point is not None and rank_or_none(zero_point) is not None:
        alike = len(zero_point.shape) == rank or zero_point.tensor.elements == 1
        require(alike, f"a zero point of {zero_point.type} for a scale of {scale.type}")


@op
def dynamic_quantize_linear(x: Value) -> tuple[TensorType, TensorType, TensorType]:
    """Return x as bytes, with the scale and zero point that its range asks for (ONNX DynamicQuantizeLinear)."""
    require(x.dtype is f32, f"elements are {x.dtype!r}; they must be f32")
    return _like(u8, x), f32[()], u8[()]


@op
def matmul_integer(a: Value, b: Value, a_zero: Value | None = None, b_zero: Value | None = None) -> TensorType:
    """Multiply matrices of bytes, less their zero points, into whole numbers (ONNX MatMulInteger)."""
    return _product(i32, a, b)


@op
def qlinear_matmul(
    a: Value,
    a_scale: Value,
    a_zero: Value,
    b: Value,
    b_scale: Value,
    b_zero: Value,
    y_scale: Value,
    y_zero: Value,
) -> TensorType:
    """Multiply quantised matrices into steps of another scale (ONNX QLinearMatMul)."""
    return _product(y_zero.dtype, a, b)


def _product(dtype: DType, a: Value, b: Value) -> TensorType:
    for value in (a, b):
        of_kind(value, "int", "uint", "float")
    return dtype[product_shape(a.shape, b.shape)]


@op
def conv_integer(
    x: Value,
    weight: Value,
    x_zero: Value | None = None,
    w_zero: Value | None = None,
    *,
    kernel: Ints = (),
    strides: Ints = (),
    pads: Ints = (),
    dilations: Ints = (),
    groups: int = 1,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """Convolve bytes, less their zero points, into whole numbers (ONNX ConvInteger)."""
    return i32[_convolved(x, weight, strides, pads, dilations, groups, auto_pad)]


@op
def qlinear_conv(
    x: Value,
    x_scale: Value,
    x_zero: Value,
    weight: Value,
    w_scale: Value,
    w_zero: Value,
    y_scale: Value,
    y_zero: Value,
    bias: Value | None = None,
    *,
    kernel: Ints = (),
    strides: Ints = (),
    pads: Ints = (),
    dilations: Ints = (),
    groups: int = 1,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """Convolve a quantised image into steps of another scale (ONNX QLinearConv)."""
    require(bias is None or bias.dtype is i32, "the bias is a vector of i32")
    return y_zero.dtype[_convolved(x, weight, strides, pads, dilations, groups, auto_pad)]


def _convolved(
    x: Value, weight: Value, strides: Ints, pads: Ints, dilations: Ints, groups: int, auto_pad: str
) -> tuple[Size, ...]:
    batch, channels, *image = x.shape
    out, depth, *window = weight.shape
    alike = equal(channels, depth * groups) is not False
    require(alike, f"{channels} channels against {depth} in the weight times {groups} groups")
    require(not isinstance(out, int) or out % groups == 0, f"{out} output channels do not divide into {groups} groups")
    return (batch, out, *window_sizes(tuple(image), tuple(window), strides, pads, dilations, auto_pad))


@macs(matmul_integer)
def _(node: Node) -> Size:
    return product(node.outputs[0].shape) * node.inputs[0].shape[-1]


@macs(qlinear_matmul)
def _(node: Node) -> Size:
    return product(node.outputs[0].shape) * node.inputs[0].shape[-1]


@macs(conv_integer)
def _(node: Node) -> Size:
    return product(node.outputs[0].shape) * product(node.inputs[1].shape[1:])


@macs(qlinear_conv)
def _(node: Node) -> Size:
    return product(node.outputs[0].shape) * product(node.inputs[3].shape[1:])
