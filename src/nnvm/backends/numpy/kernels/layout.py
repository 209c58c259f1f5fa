"""Copies that move elements and change none: reshape, transpose, concat, split, slice, pad, tile and their kin."""

from itertools import product
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import Array, Shape, flat, normal


def copy(out: Array, x: Array) -> None:
    """Copy."""
    np.copyto(out, x)


def reshape(out: Array, x: Array, *_: Array) -> None:
    """Copy the elements in order into another shape; further inputs only said which."""
    if out.size != x.size:
        raise ValueError(f"{x.size} elements do not fit the shape {out.shape}")
    np.copyto(flat(out), flat(x))


def dropout(out: Array, mask: Array, x: Array, *_: Array) -> None:
    """Copy, as dropout does outside training, and give a mask that keeps everything."""
    np.copyto(out, x)
    mask.fill(True)


def shape(out: Array, x: Array, *, start: int = 0, end: int | None = None) -> None:
    """Give the dimensions from `start` to `end`."""
    out[...] = x.shape[start:end]


def size(out: Array, x: Array) -> None:
    """Give the number of elements."""
    out[...] = x.size


def transpose(out: Array, x: Array, *, perm: Shape | None = None) -> None:
    """Permute the axes, or turn their order round."""
    np.copyto(out, x.transpose(perm))


def concat(out: Array, *xs: Array, axis: int) -> None:
    """Join along an axis; what lies in its place already is left alone."""
    axis, start = normal(axis, out.ndim), 0
    lead = (slice(None),) * axis
    for x in xs:
        stop = start + x.shape[axis]
        part = out[(*lead, slice(start, stop))]
        if part.__array_interface__["data"][0] != x.__array_interface__["data"][0]:
            part[...] = x
        start = stop
    if start != out.shape[axis]:
        raise ValueError(f"concat: the inputs add up to {start} along axis {axis}, not {out.shape[axis]}")


def split(*arrays: Array, axis: int, sections: int | None = None) -> None:
    """Cut the input along an axis: all arrays are outputs, but for the input and, after it, lengths if given.

    `sections` is the number of outputs; without it only the last array is an input.
    """
    count = len(arrays) - 1 if sections is None else sections
    outs, x = arrays[:count], arrays[count]
    axis, start = normal(axis, x.ndim), 0
    lead = (slice(None),) * axis
    for out in outs:
        stop = start + out.shape[axis]
        np.copyto(out, x[(*lead, slice(start, stop))])
        start = stop


def slice_array(
    out: Array, x: Array, starts: Array, ends: Array, axes: Array | None = None, steps: Array | None = None
) -> None:
    """Take every step-th element from start to end along the axes, as Python's slices do."""
    np.copyto(out, x[cut(x.shape, starts, ends, axes, steps)])


def cut(
    shape: tuple[int, ...], starts: Array, ends: Array, axes: Array | None = None, steps: Array | None = None
) -> tuple[Any, ...]:
    """Return Python's index for what slice_array takes of an array of this shape."""
    index: list[Any] = [slice(None)] * len(shape)
    named = range(len(starts)) if axes is None else axes.tolist()
    strides = [1] * len(starts) if steps is None else steps.tolist()
    for axis, start, end, step in zip(named, starts.tolist(), ends.tolist(), strides, strict=True):
        where = normal(axis, len(shape))
        index[where] = _cut(start, end, step, shape[where])
    return (*index, ...)


def _cut(start: int, end: int, step: int, length: int) -> slice:
    """Clamp as ONNX does: a negative index counts from the end once, and what is still outside is cut off."""
    if not step:
        raise ValueError("slice: a step of 0 leads nowhere")
    start, end = (start + length if start < 0 else start), (end + length if end < 0 else end)
    if step > 0:
        return slice(min(max(start, 0), length), min(max(end, 0), length), step)
    start, end = min(max(start, 0), length - 1), min(max(end, -1), length - 1)
    return slice(start, None if end < 0 else end, step) if length else slice(0, 0)


def expand(out: Array, x: Array, *_: Array) -> None:
    """Repeat along axes of length one, and along new ones in front."""
    np.copyto(out, x)


def tile(out: Array, x: Array, repeats: Array) -> None:
    """Repeat the whole array along each axis."""
    times = repeats.tolist()
    if not out.size:
        return
    target = out.reshape([part for pair in zip(times, x.shape, strict=True) for part in pair])
    np.copyto(target, x.reshape([part for length in x.shape for part in (1, length)]))


def fill(out: Array, *_: Array, value: Any = 0) -> None:
    """Fill with one value; inputs only said the shape."""
    out.fill(value)


def sequence(out: Array, start: Array, limit: Array, delta: Array) -> None:
    """Count from `start` in steps of `delta`."""
    first, step = start.reshape(()), delta.reshape(())
    for begin in range(0, out.size, 512):
        part = out[begin : begin + 512]
        part[...] = np.arange(begin, begin + part.size) * step + first


def depth_to_space(out: Array, x: Array, *, blocksize: int, mode: str = "DCR") -> None:
    """Move blocks of channels into the image."""
    n, c, h, w = x.shape
    b, depth = blocksize, c // blocksize**2
    target = out.reshape(n, depth, h, b, w, b)
    if mode == "DCR":
        np.copyto(target, x.reshape(n, b, b, depth, h, w).transpose(0, 3, 4, 1, 5, 2))
    elif mode == "CRD":
        np.copyto(target, x.reshape(n, depth, b, b, h, w).transpose(0, 1, 4, 2, 5, 3))
    else:
        raise ValueError(f"depth_to_space knows the modes DCR and CRD, not {mode!r}")


def space_to_depth(out: Array, x: Array, *, blocksize: int, mode: str = "DCR") -> None:
    """Move blocks of the image into channels, before the channels that there are or after them."""
    n, c, h, w = x.shape
    b = blocksize
    pieces = x.reshape(n, c, h // b, b, w // b, b)
    if mode == "DCR":
        np.copyto(out.reshape(n, b, b, c, h // b, w // b), pieces.transpose(0, 3, 5, 1, 2, 4))
    else:
        np.copyto(out.reshape(n, c, b, b, h // b, w // b), pieces.transpose(0, 1, 3, 5, 2, 4))


def eye_like(out: Array, x: Array, *, k: int = 0) -> None:
    """Put ones on the k-th diagonal of zeros."""
    out.fill(0)
    rows, columns = out.shape
    first = k if k >= 0 else -k * columns
    count = min(rows, columns - k) if k >= 0 else min(rows + k, columns)
    if count > 0:
        flat(out)[first : first + (count - 1) * (columns + 1) + 1 : columns + 1] = 1


def trilu(out: Array, x: Array, k: Array | None = None, *, upper: int = 1) -> None:
    """Keep the part of each matrix above (or below) its k-th diagonal, and replace the rest by zero."""
    diagonal = 0 if k is None else int(k.reshape(()))
    np.copyto(out, x)
    rows, columns = x.shape[-2:]
    for row in range(rows):
        edge = min(max(row + diagonal + (0 if upper else 1), 0), columns)
        out[..., row, slice(0, edge) if upper else slice(edge, None)] = 0


def pad(
    out: Array, x: Array, pads: Array, value: Array | None = None, axes: Array | None = None, *, mode: str = "constant"
) -> None:
    """Crop each axis where pads are negative, then pad it: by a constant, the edge, a reflection or by going round."""
    amounts, begins, kept = pads.tolist(), [0] * x.ndim, [slice(0, size) for size in x.shape]
    named = range(x.ndim) if axes is None else [normal(axis, x.ndim) for axis in axes.tolist()]
    half = len(amounts) // 2
    for axis, begin, end in zip(named, amounts[:half], amounts[half:], strict=True):
        begins[axis] = max(0, begin)
        kept[axis] = slice(max(0, -begin), max(0, -begin, x.shape[axis] + min(0, end)))
    cropped: Any = (*kept, ...)
    x = x[cropped]
    if mode not in ("constant", "edge", "reflect", "wrap"):
        raise ValueError(f"pad knows the modes constant, edge, reflect and wrap, not {mode!r}")
    if mode == "constant":
        out.fill(0 if value is None else value.reshape(()).item() if value.dtype.kind in "biuf" else value.reshape(()))
    spans = zip(out.shape, x.shape, begins, strict=True)
    segments = [_segments(length, size, begin, mode) for length, size, begin in spans]
    for cell in product(*segments):
        target: Any = (*(part for part, _ in cell), ...)
        source: Any = (*(part for _, part in cell), ...)
        out[target] = x[source]


def _segments(length: int, source: int, begin: int, mode: str) -> list[tuple[slice, slice]]:
    """Cut an output axis into runs that each read the input forwards, backwards or at one place."""
    parts = []
    low, high = max(0, begin), max(0, min(length, begin + source))
    if low < high:
        parts.append((slice(low, high), slice(low - begin, high - begin)))
    if mode == "constant":
        return parts
    if not source and length:
        raise ValueError(f"pad: an empty axis has nothing to pad with in mode {mode!r}; use mode constant")
    place = 0
    while place < length:
        if low <= place < high:
            place = high
            continue
        step, run = _run(place - begin, source, mode)
        stop = min(length, place + run) if place >= high else min(low, place + run)
        parts.append((slice(place, stop), _read(step[0], step[1], stop - place)))
        place = stop
    return parts


def _run(place: int, length: int, mode: str) -> tuple[tuple[int, int], int]:
    """Say what an index outside the axis reads, in which direction its neighbours read on, and for how many."""
    if mode == "edge" or length == 1:
        return (0 if place < 0 else length - 1, 0), 1 << 60
    if mode == "wrap":
        return (place % length, 1), length - place % length
    turn, back = divmod(place, length - 1)
    if turn % 2:
        return (length - 1 - back, -1), length - 1 - back
    return (back, 1), length - 1 - back


def _read(start: int, step: int, count: int) -> slice:
    if not step:
        return slice(start, start + 1)
    stop = start + step * count
    return slice(start, stop if stop >= 0 else None, step)


KERNELS = {
    "copy": copy,
    "reshape": reshape,
    "dropout": dropout,
    "shape": shape,
    "size": size,
    "transpose": transpose,
    "concat": concat,
    "split": split,
    "slice_array": slice_array,
    "expand": expand,
    "tile": tile,
    "fill": fill,
    "sequence": sequence,
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
    "eye_like": eye_like,
    "trilu": trilu,
    "pad": pad,
}
