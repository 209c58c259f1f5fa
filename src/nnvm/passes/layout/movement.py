"""What moves, joins or cuts elements and leaves them all where they were."""

from collections.abc import Iterator

from nnvm.ir import ABSENT, Node, Rule, Value, either, is_constant, rule, work
from nnvm.ops import (
    concat,
    depth_to_space,
    expand,
    gather,
    pad,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
    reshape,
    resize,
    slice,
    space_to_depth,
    split,
    tile,
    transpose,
    unsqueeze,
    upsample,
)  # fmt: skip
from nnvm.passes.constants import number, vector, whole
from nnvm.passes.visits import Attempts


@rule
def reshaped_to_same(x: Value, shape: Value, allowzero: bool) -> Iterator[Value]:
    """reshape(x, its own shape) = x."""
    yield reshape(x, shape, allowzero=allowzero)
    yield x


@rule
def expanded_to_same(x: Value, shape: Value) -> Iterator[Value]:
    """expand(x, its own shape) = x."""
    yield expand(x, shape)
    yield x


@rule
def tiled_once(x: Value, repeats: Value) -> Iterator[Value]:
    """tile(x, ones) = x."""
    yield tile(x, repeats)
    yield x


@rule(untyped=True)
def joined_alone(x: Value, axis: int) -> Iterator[Value]:
    """concat(x) = x."""
    yield concat(x, axis=axis)
    yield x


@rule
def cut_into_one(x: Value, axis: int) -> Iterator[Value]:
    """split(x, into one) = x."""
    yield split(x, axis=axis, parts=1)[0]
    yield x


@rule
def cut_into_one_of_all(x: Value, sizes: Value, axis: int) -> Iterator[Value]:
    """split(x, [its length]) = x."""
    yield split(x, sizes, axis=axis, parts=1)[0]
    yield x


@rule
def transposed_in_place(x: Value, perm: tuple[int, ...]) -> Iterator[Value]:
    """transpose(x, to its own order) = x."""
    yield transpose(x, perm=perm)
    if perm == tuple(range(len(x.shape))) or len(x.shape) < 2:
        yield x


@rule
def reduced_over_nothing(x: Value, axes: Value, keepdims: bool, noop_with_empty_axes: bool) -> Iterator[Value]:
    """Sum, mean, maximum, minimum or product over no axes, or over kept axes of 1, = x."""
    yield either(
        reduce_sum(x, axes, keepdims=keepdims, noop_with_empty_axes=noop_with_empty_axes),
        reduce_mean(x, axes, keepdims=keepdims, noop_with_empty_axes=noop_with_empty_axes),
        reduce_max(x, axes, keepdims=keepdims, noop_with_empty_axes=noop_with_empty_axes),
        reduce_min(x, axes, keepdims=keepdims, noop_with_empty_axes=noop_with_empty_axes),
        reduce_prod(x, axes, keepdims=keepdims, noop_with_empty_axes=noop_with_empty_axes),
    )
    yield x


@rule(lowers=work)
def taken_then_unsqueezed(x: Value, i: Value, axis: int, axes: Value) -> Iterator[Value]:
    """unsqueeze(x[i], at its axis) = x[[i]]."""
    yield unsqueeze(gather(x, i, axis=axis), axes)
    if is_constant(i) and len(i.shape) == 0 and whole(axes) in ((axis,), (axis - len(x.shape),)):
        yield gather(x, reshape(i, vector([1])), axis=axis)


@rule
def blocks_of_one(x: Value, mode: str) -> Iterator[Value]:
    """depth_to_space(x, block=1) = x."""
    yield depth_to_space(x, block=1, mode=mode)
    yield x


@rule
def blocks_of_one_back(x: Value, mode: str) -> Iterator[Value]:
    """space_to_depth(x, block=1) = x."""
    yield space_to_depth(x, block=1, mode=mode)
    yield x


def whole_slice(node: Node) -> Value | None:
    """Take everything, in order, and there is nothing to take; that the type stays says where it starts and ends."""
    steps = node.inputs[4] if len(node.inputs) > 4 else ABSENT
    strides = () if steps is ABSENT else whole(steps)
    return node.inputs[0] if strides is not None and all(step == 1 for step in strides) else None


def whole_pad(node: Node) -> Value | None:
    """Pad by nothing, whatever the value and axes."""
    amounts = whole(node.inputs[1])
    return node.inputs[0] if amounts is not None and not any(amounts) else None


def resized_to_same(node: Node) -> Value | None:
    """resize(x, to its own size) = x, whatever interpolates; a scale must be one, not only round to the same size.

    An infinite pixel stays one: kernels that weigh its neighbours by zero would make NaN of them.
    """
    if node.params["coordinate_transformation_mode"] == "tf_crop_and_resize":
        return None
    scales = node.inputs[2] if len(node.inputs) > 2 else ABSENT
    return node.inputs[0] if scales is ABSENT or scales.shape == (0,) or number(scales) == 1 else None


def upsampled_to_same(node: Node) -> Value | None:
    """upsample(x, by ones) = x."""
    return node.inputs[0] if number(node.inputs[1]) == 1 else None


MOVEMENTS: tuple[Rule, ...] = (
    reshaped_to_same, expanded_to_same, tiled_once, joined_alone, cut_into_one, cut_into_one_of_all,
    transposed_in_place, taken_then_unsqueezed,
    reduced_over_nothing, blocks_of_one, blocks_of_one_back,
)  # fmt: skip
CUTS: Attempts = {
    slice: (whole_slice,), pad: (whole_pad,), resize: (resized_to_same,), upsample: (upsampled_to_same,)
}  # fmt: skip
