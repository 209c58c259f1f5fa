"""What scales by norms and moments over some of the axes."""

from nnvm.attrs import infer_inputs
from nnvm.ir import Node, TensorType, Value, equal, f32, op
from nnvm.ir.types import Shape, Type
from nnvm.ops.nn import window_sizes
from nnvm.ops.typing import axes_of, axis_of, fits, of_kind, one_dtype, rank_or_none, require

Ints = tuple[int, ...]


@op(outputs=3)
def batch_norm_training(
    x: Value, scale: Value, bias: Value, mean: Value, var: Value, *, epsilon: float = 1e-5, momentum: float = 0.9
) -> tuple[TensorType, TensorType, TensorType]:
    """Normalise each channel by its statistics over the batch (ONNX BatchNormalization); give running ones too.

    Those are `momentum` of the old `mean` and `var`, and the rest of the batch's own.
    """
    of_kind(x, "float")
    if rank_or_none(x) is not None:
        require(len(x.shape) > 1, "a batch has channels")
        for value in (scale, bias, mean, var):
            require(_has_shape(value, (x.shape[1],)), f"{value.type} for {x.shape[1]} channels")
    return x.tensor, mean.tensor, var.tensor


@op
def batch_norm_each(
    x: Value, scale: Value, bias: Value, mean: Value, var: Value, *, epsilon: float = 1e-5, momentum: float = 0.9
) -> TensorType:
    """Return (x - mean) / sqrt(var + epsilon) * scale + bias element by element (ONNX BatchNormalization).

    All but x have the shape of one image; opset 9 gave this up.
    """
    of_kind(x, "float")
    if rank_or_none(x) is not None:
        require(len(x.shape) > 0, "a batch has images")
        for value in (scale, bias, mean, var):
            require(_has_shape(value, x.shape[1:]), f"{value.type} for images of {list(x.shape[1:])}")
    return x.tensor


def _has_shape(value: Value, wanted: Shape) -> bool:
    shape = value.tensor.shape_or_none
    if shape is None:
        return True
    return len(shape) == len(wanted) and all(equal(p, q) is not False for p, q in zip(shape, wanted, strict=True))


@op(outputs=3)
def layer_norm_with_statistics(
    x: Value, scale: Value, bias: Value | None = None, *, axis: int = -1, epsilon: float = 1e-5
) -> tuple[TensorType, TensorType, TensorType]:
    """Normalise over all dimensions from `axis` on; give mean and 1/deviation too (ONNX LayerNormalization).

    Statistics are f32, and have 1 for each of those dimensions.
    """
    of_kind(x, "float")
    one_dtype([x, scale, *([] if bias is None else [bias])])
    rank = len(x.shape)
    first = axis_of(axis, rank)
    for value in (scale, bias):
        shape = None if value is None else value.tensor.shape_or_none
        require(shape is None or fits(shape, x.shape[first:]), f"{shape} does not fit {list(x.shape[first:])}")
    kept = f32[(*x.shape[:first], *(1,) * (rank - first))]
    return x.tensor, kept, kept


@op
def group_norm(x: Value, scale: Value, bias: Value, *, groups: int, epsilon: float = 1e-5) -> TensorType:
    """Normalise each group of channels of each image, then scale and shift it (ONNX GroupNormalization).

    `scale` and `bias` hold one element a channel or, as before opset 21, one a group.
    """
    of_kind(x, "float")
    one_dtype((x, scale, bias))
    require(groups > 0, f"{groups} groups")
    if rank_or_none(x) is not None:
        require(len(x.shape) > 1, "an image has a batch and channels")
        channels = x.shape[1]
        require(not isinstance(channels, int) or channels % groups == 0, f"{channels} channels in {groups} groups")
        for value in (scale, bias):
            shape = value.tensor.shape_or_none
            known = shape is None or (
                len(shape) == 1 and (equal(shape[0], channels) is not False or equal(shape[0], groups) is not False)
            )
            require(known, f"{value.type} for {channels} channels in {groups} groups")
    return x.tensor


@op
def rms_norm(x: Value, scale: Value, *, axis: int = -1, epsilon: float = 1e-5) -> TensorType:
    """Divide by the root mean square over all dimensions from `axis` on, then scale (ONNX RMSNormalization)."""
    of_kind(x, "float")
    if rank_or_none(x) is not None:
        at = axis_of(axis, len(x.shape))
        shape = scale.tensor.shape_or_none
        require(shape is None or fits(shape, x.shape[at:]), f"scale {scale.type} does not fit {list(x.shape[at:])}")
    return x.tensor


@infer_inputs(rms_norm)
def _(node: Node) -> tuple[Type | None, ...]:
    x = node.inputs[0]
    if x.type is None or x.tensor.shape_or_none is None:
        return None, None
    return None, x.tensor[x.shape[axis_of(node.params["axis"], len(x.shape)) :]]


@op
def lp_normalization(x: Value, *, axis: int = -1, p: int = 2) -> TensorType:
    """Divide by the p-norm along an axis, `p` being 1 or 2; what is zero throughout stays so (ONNX LpNormalization)."""
    of_kind(x, "float")
    require(p in (1, 2), f"p is 1 or 2, not {p}")
    require(rank_or_none(x) is None or axis_of(axis, len(x.shape)) >= 0, "no such axis")
    return x.tensor


@op
def mean_variance_normalization(x: Value, *, axes: Ints = (0, 2, 3)) -> TensorType:
    """Bring mean and variance over `axes` to 0 and 1 (ONNX MeanVarianceNormalization)."""
    of_kind(x, "float")
    if rank_or_none(x) is not None:
        axes_of(axes, len(x.shape))
    return x.tensor


@op
def lp_pool(
    x: Value,
    *,
    kernel: Ints,
    strides: Ints = (),
    pads: Ints = (),
    dilations: Ints = (),
    ceil_mode: bool = False,
    auto_pad: str = "NOTSET",
    p: int = 2,
) -> TensorType:
    """Return the p-norm of each window (ONNX LpPool)."""
    of_kind(x, "float")
    require(p > 0, f"p is positive, not {p}")
    batch, channels, *image = x.shape
    sizes = window_sizes(tuple(image), kernel, strides, pads, dilations, auto_pad, ceil_mode=ceil_mode, clip=True)
    return x.tensor[(batch, channels, *sizes)]


@op
def global_lp_pool(x: Value, *, p: int = 2) -> TensorType:
    """Return the p-norm over all spatial dimensions, which stay as 1 (ONNX GlobalLpPool)."""
    of_kind(x, "float")
    require(p > 0, f"p is positive, not {p}")
    return x.tensor[(*x.shape[:2], *[1 for _ in x.shape[2:]])]
