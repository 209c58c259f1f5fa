"""What slides windows over images, and what normalises."""

from nnvm.attrs import infer_inputs, macs, random
from nnvm.ir import ABSENT, UNKNOWN, Node, TensorType, Value, boolean, data_of, equal, i64, larger, op, product, smaller
from nnvm.ir.dims import Size
from nnvm.ir.types import Shape, Type
from nnvm.ops.typing import axis_of, of_kind, one_dtype, require

Ints = tuple[int, ...]


def _is_vector(value: Value, length: Size) -> bool:
    """Say whether a value may be a vector of this length."""
    shape = value.tensor.shape_or_none
    return shape is None or (len(shape) == 1 and equal(shape[0], length) is not False)


def _each(values: Ints, rank: int, default: int, what: str) -> Ints:
    require(not values or len(values) == rank, f"{what} {list(values)} for {rank} spatial dimensions")
    return values or (default,) * rank


def window_sizes(
    image: Shape,
    kernel: Shape,
    strides: Ints,
    pads: Ints,
    dilations: Ints,
    auto_pad: str = "NOTSET",
    *,
    ceil_mode: bool = False,
    clip: bool = False,
) -> Shape:
    """Return the spatial output shape of a convolution or pool; `pads` are begins, then ends; () is the default.

    With `clip` a window that is larger than the padded image by less than a stride is cut to it, as ONNX's own shape
    inference and ONNX Runtime do for pools; otherwise it is an error.
    """
    rank = len(image)
    require(len(kernel) == rank, f"a window of {len(kernel)} dimensions for {rank} spatial dimensions")
    strides, dilations = _each(strides, rank, 1, "strides"), _each(dilations, rank, 1, "dilations")
    require(min((*strides, *dilations), default=1) > 0, "strides and dilations are positive")
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        return tuple((size + stride - 1) // stride for size, stride in zip(image, strides, strict=True))
    require(auto_pad in ("NOTSET", "VALID"), f"auto_pad {auto_pad!r} is none of NOTSET, VALID, SAME_UPPER, SAME_LOWER")
    require(not pads or len(pads) == 2 * rank, f"{len(pads)} pads for {rank} spatial dimensions")
    if auto_pad == "VALID" or not pads:
        pads = (0,) * (2 * rank)
    sizes = []
    for i in range(rank):
        room = image[i] + pads[i] + pads[rank + i] - dilations[i] * (kernel[i] - 1) - 1
        least = 1 - strides[i] if clip else 0
        require(
            not isinstance(room, int) or room >= least,
            f"a window of {kernel[i]} (dilation {dilations[i]}) is larger than {image[i]}, padded",
        )
        count = room // strides[i] + 1
        if ceil_mode:
            last = (image[i] + pads[i] - 1) // strides[i]
            count = smaller((room + strides[i] - 1) // strides[i], last) + 1
        sizes.append(larger(count, 1) if clip else count)
    return tuple(sizes)


@op
def conv(
    x: Value,
    weight: Value,
    bias: Value | None = None,
    *,
    kernel: Ints = (),
    strides: Ints = (),
    pads: Ints = (),
    dilations: Ints = (),
    groups: int = 1,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """Slide `weight` [out, channels / groups, *window] over x [batch, channels, *image] (ONNX Conv).

    `pads` are begins, then ends; empty tuples mean strides 1, pads 0, dilations 1; `kernel` repeats the window for
    untyped weights.
    """
    dtype = one_dtype((x, weight))
    batch, channels, *image = x.shape
    out, depth, *window = weight.shape
    require(
        equal(channels, depth * groups) is not False,
        f"{channels} channels against {depth} in the weight times {groups} groups",
    )
    require(not isinstance(out, int) or out % groups == 0, f"{out} output channels do not divide into {groups} groups")
    require(
        not kernel or all(equal(p, q) is not False for p, q in zip(kernel, window, strict=True)),
        f"kernel {kernel} against weight {window}",
    )
    require(bias is None or _is_vector(bias, out), f"the bias is a vector of the {out} output channels")
    sizes = window_sizes(tuple(image), tuple(window), strides, pads, dilations, auto_pad)
    return dtype[(batch, out, *sizes)]


@infer_inputs(conv)
def _(node: Node) -> tuple[Type | None, ...]:
    x, weight = node.inputs[:2]
    if x.type is None or x.tensor.shape_or_none is None or (weight.type is None and not node.params["kernel"]):
        return (None,) * len(node.inputs)
    out: Size = UNKNOWN if weight.type is None else weight.shape[0]
    window = node.params["kernel"] or weight.shape[2:]
    demanded = x.tensor[(out, x.shape[1] // node.params["groups"], *window)]
    return (None, demanded, x.tensor[(out,)])[: len(node.inputs)]


@macs(conv)
def _(node: Node) -> Size:
    return product(node.outputs[0].shape) * product(node.inputs[1].shape[1:])


@op
def conv_transpose(
    x: Value,
    weight: Value,
    bias: Value | None = None,
    *,
    kernel: Ints = (),
    strides: Ints = (),
    pads: Ints = (),
    dilations: Ints = (),
    groups: int = 1,
    output_padding: Ints = (),
    output_shape: Ints = (),
    auto_pad: str = "NOTSET",
) -> TensorType:
    """Spread x over a larger image by `weight` [channels, out / groups, *window] (ONNX ConvTranspose)."""
    dtype = one_dtype((x, weight))
    batch, channels, *image = x.shape
    depth, out, *window = weight.shape
    require(equal(channels, depth) is not False, f"{channels} channels against {depth} in the weight")
    rank = len(image)
    require(len(window) == rank, f"a window of {len(window)} dimensions for {rank} spatial dimensions")
    require(bias is None or _is_vector(bias, out * groups), f"the bias is a vector of {out * groups} channels")
    require(not pads or len(pads) == 2 * rank, f"{len(pads)} pads for {rank} spatial dimensions")
    strides, dilations = _each(strides, rank, 1, "strides"), _each(dilations, rank, 1, "dilations")
    extra = _each(output_padding, rank, 0, "output_padding")
    if output_shape:
        return dtype[(batch, out * groups, *output_shape[-rank:])]
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        return dtype[(batch, out * groups, *[size * stride for size, stride in zip(image, strides, strict=True)])]
    begin_end = pads if pads and auto_pad == "NOTSET" else (0,) * (2 * rank)
    sizes = [
        (image[i] - 1) * strides[i] + extra[i] + (window[i] - 1) * dilations[i] + 1 - begin_end[i] - begin_end[rank + i]
        for i in range(rank)
    ]
    return dtype[(batch, out * groups, *sizes)]


@macs(conv_transpose)
def _(node: Node) -> Size:
    return product(node.inputs[0].shape) * product(node.inputs[1].shape[1:])


def _pool(
    x: Value, kernel: Ints, strides: Ints, pads: Ints, dilations: Ints, auto_pad: str, ceil_mode: bool
) -> TensorType:
    batch, channels, *image = x.shape
    sizes = window_sizes(tuple(image), kernel, strides, pads, dilations, auto_pad, ceil_mode=ceil_mode, clip=True)
    return x.tensor[(batch, channels, *sizes)]


@op
def max_pool(
    x: Value,
    *,
    kernel: Ints,
    strides: Ints = (),
    pads: Ints = (),
    dilations: Ints = (),
    ceil_mode: bool = False,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """Return the maximum of each window (ONNX MaxPool)."""
    return _pool(x, kernel, strides, pads, dilations, auto_pad, ceil_mode)


@op
def max_pool_with_indices(
    x: Value,
    *,
    kernel: Ints,
    strides: Ints = (),
    pads: Ints = (),
    dilations: Ints = (),
    ceil_mode: bool = False,
    auto_pad: str = "NOTSET",
    storage_order: int = 0,
) -> tuple[TensorType, TensorType]:
    """Return the maximum of each window, and where it was in the flattened input (ONNX MaxPool with two outputs)."""
    pooled = _pool(x, kernel, strides, pads, dilations, auto_pad, ceil_mode)
    return pooled, i64[pooled.shape]


@op
def average_pool(
    x: Value,
    *,
    kernel: Ints,
    strides: Ints = (),
    pads: Ints = (),
    dilations: Ints = (),
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    auto_pad: str = "NOTSET",
) -> TensorType:
    """Return the average of each window (ONNX AveragePool)."""
    return _pool(x, kernel, strides, pads, dilations, auto_pad, ceil_mode)


@op
def global_average_pool(x: Value) -> TensorType:
    """Average over all spatial dimensions, which stay as 1 (ONNX GlobalAveragePool)."""
    return x.tensor[(*x.shape[:2], *[1 for _ in x.shape[2:]])]


@op
def global_max_pool(x: Value) -> TensorType:
    """Return the maximum over all spatial dimensions, which stay as 1 (ONNX GlobalMaxPool)."""
    return x.tensor[(*x.shape[:2], *[1 for _ in x.shape[2:]])]


@op
def batch_norm(
    x: Value, scale: Value, bias: Value, mean: Value, var: Value, *, epsilon: float = 1e-5, momentum: float = 0.9
) -> TensorType:
    """Return (x - mean) / sqrt(var + epsilon) * scale + bias by channel, statistics given (ONNX BatchNormalization)."""
    if x.tensor.shape_or_none is not None:
        channels = x.shape[1] if len(x.shape) > 1 else 1
        for value in (scale, bias, mean, var):
            require(_is_vector(value, channels), f"{value.type} for {channels} channels")
    return x.tensor


@infer_inputs(batch_norm)
def _(node: Node) -> tuple[Type | None, ...]:
    x = node.inputs[0]
    if x.type is None or x.tensor.shape_or_none is None or len(x.shape) < 2:
        return (None,) * len(node.inputs)
    return None, *(x.tensor[(x.shape[1],)],) * 4


@op
def instance_norm(x: Value, scale: Value, bias: Value, *, epsilon: float = 1e-5) -> TensorType:
    """Normalise each channel of each image by its own mean and variance (ONNX InstanceNormalization)."""
    if x.tensor.shape_or_none is not None:
        channels = x.shape[1]
        vectors = _is_vector(scale, channels) and _is_vector(bias, channels)
        require(vectors, f"scale {scale.type} and bias {bias.type} for {channels} channels")
    return x.tensor


@op
def layer_norm(
    x: Value, scale: Value, bias: Value | None = None, *, axis: int = -1, epsilon: float = 1e-5
) -> TensorType:
    """Normalise over all dimensions from `axis` on (ONNX LayerNormalization with one output)."""
    of_kind(x, "float")
    require(x.tensor.shape_or_none is None or axis_of(axis, len(x.shape)) >= 0, "no such axis")
    return x.tensor


@op
def lrn(x: Value, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> TensorType:
    """Divide by a power of the squared sum over neighbouring channels (ONNX LRN)."""
    return x.tensor


@op
def dropout(
    x: Value, ratio: Value | None = None, training: Value | None = None, *, seed: int | None = None
) -> tuple[TensorType, TensorType]:
    """Return x and a mask of what is kept; at inference (`training` absent or false) all is (ONNX Dropout)."""
    return x.tensor, boolean[...] if x.tensor.shape_or_none is None else boolean[x.shape]


@random(dropout)
def _(node: Node) -> bool:
    return not is_inference(node)


def is_inference(node: Node) -> bool:
    """Say whether a dropout surely keeps everything: it does not train, or drops a share of zero."""
    ratio, training = (node.inputs[i] if len(node.inputs) > i else ABSENT for i in (1, 2))
    share, data = (None if value is ABSENT else data_of(value) for value in (ratio, training))
    nothing = share is not None and not any(share.read())
    return training is ABSENT or nothing or (data is not None and not data.item())
