"""Convolution whose taps read between elements, where a second input shifts them."""

from math import prod

from nnvm.attrs import infer_inputs, macs
from nnvm.ir import UNKNOWN, Node, TensorType, Value, equal, op, product
from nnvm.ir.dims import Size
from nnvm.ir.types import Shape, Type
from nnvm.ops.nn import window_sizes
from nnvm.ops.typing import of_kind, one_dtype, rank_or_none, require

Ints = tuple[int, ...]


@op
def deform_conv(
    x: Value,
    weight: Value,
    offset: Value,
    bias: Value | None = None,
    mask: Value | None = None,
    *,
    kernel: Ints = (),
    strides: Ints = (),
    pads: Ints = (),
    dilations: Ints = (),
    groups: int = 1,
    offset_groups: int = 1,
) -> TensorType:
    """Slide `weight` [out, channels / groups, *window] over x, each tap shifted by an offset (ONNX DeformConv).

    `offset` is [batch, offset_groups * taps * axes, *out image], the shift along the first axis first; `mask` [batch,
    offset_groups * taps, *out image] weighs what taps read, interpolated, zero outside. Equal runs of channels share
    one of `offset_groups` offsets. `pads` are begins, then ends.
    """
    dtype = one_dtype([each for each in (x, weight, offset, bias, mask) if each is not None])
    of_kind(x, "float")
    require(groups > 0 and offset_groups > 0, f"{groups} groups and {offset_groups} of offsets")
    require(rank_or_none(x) is None or len(x.shape) > 2, "an image has axes beside its channels")
    batch, channels, *image = x.shape
    out, depth, *window = weight.shape
    shares = equal(channels, depth * groups) is not False
    require(shares, f"{channels} channels against {depth} in the weight times {groups} groups")
    for what, count in (("output channels", out), ("channels", channels)):
        each = groups if what == "output channels" else offset_groups
        require(not isinstance(count, int) or count % each == 0, f"{count} {what} do not divide into {each} groups")
    repeats = not kernel or (len(kernel) == len(window) and all(map(_may_equal, kernel, window)))
    require(repeats, f"kernel {kernel} against weight {window}")
    sizes = window_sizes(tuple(image), tuple(window), strides, pads, dilations)
    taps = product(window) * offset_groups
    _check(offset, (batch, taps * len(image), *sizes), "offsets")
    if mask is not None:
        _check(mask, (batch, taps, *sizes), "a mask")
    if bias is not None:
        _check(bias, (out,), "a bias")
    return dtype[(batch, out, *sizes)]


def _check(value: Value, wanted: Shape, what: str) -> None:
    if rank_or_none(value) is None:
        return
    fits = len(value.shape) == len(wanted) and all(map(_may_equal, value.shape, wanted))
    require(fits, f"{what} of {value.type} where {list(wanted)} is due")


def _may_equal(p: Size, q: Size) -> bool:
    return equal(p, q) is not False


@infer_inputs(deform_conv)
def _(node: Node) -> tuple[Type | None, ...]:
    x, weight = node.inputs[:2]
    window = node.params["kernel"]
    if x.type is None or x.tensor.shape_or_none is None or (weight.type is None and not window):
        return (None,) * len(node.inputs)
    out: Size = UNKNOWN if weight.type is None else weight.shape[0]
    window = window or weight.shape[2:]
    groups = node.params["offset_groups"]
    taps = groups * prod(window) if all(isinstance(size, int) for size in window) else UNKNOWN
    image = (UNKNOWN,) * len(window)
    shifts = taps * len(window) if isinstance(taps, int) else UNKNOWN
    demanded = (
        None,
        x.tensor[(out, x.shape[1] // node.params["groups"], *window)],
        x.tensor[(x.shape[0], shifts, *image)],
        x.tensor[(out,)],
        x.tensor[(x.shape[0], taps, *image)],
    )
    return demanded[: len(node.inputs)]


@macs(deform_conv)
def _(node: Node) -> Size:
    return product(node.outputs[0].shape) * product(node.inputs[1].shape[1:])
