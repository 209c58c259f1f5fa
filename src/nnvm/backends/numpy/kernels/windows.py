"""Which inputs a sliding window reads, where it hangs over the edges."""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from nnvm.backends.numpy.kernels.scratch import Box


class Axis(NamedTuple):
    """One spatial axis of a convolution or a pool: its sizes, and how the window moves along it."""

    size: int
    out: int
    window: int
    stride: int
    dilation: int
    begin: int
    end: int


class Reach(NamedTuple):
    """The outputs that one tap of the window reaches, counted from the start of a box, and what they read."""

    taken: slice
    source: slice
    short: bool


def axes(
    image: tuple[int, ...],
    out: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    pads: tuple[int, ...],
    dilations: tuple[int, ...],
) -> list[Axis]:
    """Describe each spatial axis; ValueError where the ranks disagree, or a window is larger than its padded image."""
    rank = len(image)
    if not len(out) == len(window) == len(strides) == len(dilations) == rank or len(pads) != 2 * rank:
        raise ValueError(
            f"an image of rank {rank} needs as many strides, dilations and window sizes and twice as many pads, "
            f"not window {window}, strides {strides}, dilations {dilations}, pads {pads}, output {out}"
        )
    found = [Axis(*each) for each in zip(image, out, window, strides, dilations, pads[:rank], pads[rank:], strict=True)]
    for axis in found:
        room = axis.size + axis.begin + axis.end - axis.dilation * (axis.window - 1) - 1
        if room < 0 and (axis.out < 1 or room <= -axis.stride):
            raise ValueError(f"a window of {axis.window} (dilation {axis.dilation}) is larger than {axis.size}, padded")
    return found


def reach(axis: Axis, tap: int, part: slice) -> Reach:
    """Say what one tap reads for the outputs in `part`; the slices are empty where it reads only padding."""
    shift = tap * axis.dilation - axis.begin
    low = max(part.start, -(shift // axis.stride))
    high = min(part.stop, (axis.size - 1 - shift) // axis.stride + 1)
    if low >= high:
        return Reach(slice(0, 0), slice(0, 0), True)
    first = low * axis.stride + shift
    source = slice(first, first + (high - low - 1) * axis.stride + 1, axis.stride)
    return Reach(slice(low - part.start, high - part.start), source, high - low < part.stop - part.start)


def taps(axes: list[Axis], box: Box) -> Iterator[tuple[tuple[int, ...], tuple[Reach, ...]]]:
    """Yield every tap of the window, first axis slowest, with what it reads along each axis for a box of outputs."""
    along = [[reach(axis, tap, part) for tap in range(axis.window)] for axis, part in zip(axes, box, strict=True)]
    indices = product(*(range(axis.window) for axis in axes))
    yield from zip(indices, product(*along), strict=True)
