"""Kernels that allocate, because only the data says how large their results are."""

from math import ceil, prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels import indexing, layout, patches, reduce, resize, selection, signal
from nnvm.backends.numpy.kernels.quantize import named
from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, normal


def nonzero(x: Array) -> Array:
    """Give the indices of all elements that are not zero, one row an axis."""
    if not x.ndim:
        return np.zeros((0, int(x != 0)), np.int64)
    return np.array(np.nonzero(x), np.int64).reshape(x.ndim, -1)


def compress(x: Array, condition: Array, *, axis: int | None = None) -> Array:
    """Take the slices along an axis (or the elements) where the condition holds."""
    length = x.size if axis is None else x.shape[normal(axis, x.ndim)]
    if condition.size > length:
        if condition[length:].any():
            raise ValueError(f"compress: the condition chooses place {condition.size - 1} or before of only {length}")
        condition = condition[:length]
    return np.compress(condition, x, axis=axis)


def sized_reshape(x: Array, shape: Array, *, allowzero: int = 0) -> Array:
    """Copy the elements into the shape that an array holds; -1 takes what is left, 0 keeps a dimension."""
    wanted = shape.tolist()
    if not allowzero:
        wanted = [x.shape[at] if size == 0 and at < x.ndim else size for at, size in enumerate(wanted)]
    if wanted.count(-1) > 1 or min(wanted, default=0) < -1:
        raise ValueError(f"reshape: {wanted} is no shape")
    rest = prod(size for size in wanted if size != -1)
    if (x.size % rest if rest and -1 in wanted else x.size != rest and -1 not in wanted) or (-1 in wanted and not rest):
        raise ValueError(f"reshape: {x.size} elements do not fit {wanted}")
    return np.array(x.reshape(wanted))


def sized_expand(x: Array, shape: Array) -> Array:
    """Broadcast against the shape that an array holds."""
    return np.array(np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(shape.tolist()))))


def sized_tile(x: Array, repeats: Array) -> Array:
    """Repeat the whole array along each axis as often as an array says."""
    times = repeats.tolist()
    if len(times) != x.ndim or min(times, default=0) < 0:
        raise ValueError(f"tile: {times} are no repeats for {x.ndim} axes")
    return np.tile(x, times)


def sized_slice(x: Array, starts: Array, ends: Array, axes: Array | None = None, steps: Array | None = None) -> Array:
    """Take every step-th element from start to end along the axes, wherever arrays say."""
    return np.array(x[layout.cut(x.shape, starts, ends, axes, steps)])


def sized_pad(
    x: Array, pads: Array, value: Array | None = None, axes: Array | None = None, *, mode: str = "constant"
) -> Array:
    """Pad (or crop) each axis by as much as an array says."""
    amounts, sizes = pads.tolist(), list(x.shape)
    named = range(x.ndim) if axes is None else [normal(axis, x.ndim) for axis in axes.tolist()]
    half = len(amounts) // 2
    for axis, begin, end in zip(named, amounts[:half], amounts[half:], strict=True):
        sizes[axis] += begin + end
    if min(sizes, default=0) < 0:
        raise ValueError(f"pad: {amounts} take away more than {list(x.shape)} has")
    out = np.empty(sizes, x.dtype)
    layout.pad(out, x, pads, value, axes, mode=mode)
    return out


def sized_sequence(start: Array, limit: Array, delta: Array) -> Array:
    """Count from `start` in steps of `delta` up to `limit`, which is left out."""
    first, last, step = (each.reshape(()).item() for each in (start, limit, delta))
    if not step:
        raise ValueError("range: a delta of zero leads nowhere")
    whole = start.dtype.kind in "iu"
    count = -((first - last) // step) if whole else ceil((last - first) / step)
    out = np.empty(max(0, count), start.dtype)
    layout.sequence(out, start, limit, delta)
    return out


def sized_fill(shape: Array, dtype: Array, *, value: float | int | bool | complex = 0) -> Array:
    """Fill the shape that an array holds with one value, of the type of the second array."""
    sizes = shape.tolist()
    if min(sizes, default=0) < 0:
        raise ValueError(f"fill: {sizes} is no shape")
    return np.full(sizes, value, dtype.dtype)


def sized_reduce(x: Array, axes: Array, *, kernel: str, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Array:
    """Reduce by one of the reductions along the axes that an array holds, all of them where it holds none."""
    some = sorted(normal(axis, x.ndim) for axis in axes.reshape(-1).tolist())
    if len(set(some)) != len(some):
        raise ValueError(f"{kernel}: an axis is repeated in {axes.tolist()}")
    if not some and not noop_with_empty_axes:
        some = list(range(x.ndim))
    out = np.empty(
        [1 if axis in some else size for axis, size in enumerate(x.shape) if keepdims or axis not in some], x.dtype
    )
    wants: dict[str, Any] = {"workspace": np.empty(LIMIT, np.uint8)} if kernel in reduce.WORKSPACES else {}
    with np.errstate(all="ignore"):
        reduce.KERNELS[kernel](out, x, axes=tuple(some), **wants)
    return out


def sized_resize(
    x: Array,
    roi: Array | None = None,
    scales: Array | None = None,
    sizes: Array | None = None,
    *,
    axes: tuple[int, ...] | None = None,
    policy: str = "stretch",
    **params: Any,
) -> Array:
    """Resample to as many elements along each axis as arrays of scales or sizes say; `params` are those of a resize."""
    chosen = [normal(axis, x.ndim) for axis in (range(x.ndim) if axes is None else axes)]
    out = np.empty(resize.resized(x.shape, chosen, scales, sizes, policy), x.dtype)
    wants = resize.resize_workspace((out.shape,), (x.shape,), x.itemsize, {**params, "axes": axes, "policy": policy})
    room = np.empty(wants, np.uint8)
    with np.errstate(all="ignore"):
        resize.resize(out, x, roi, scales, sizes, axes=axes, policy=policy, workspace=room, **params)
    return out


def sized_one_hot(indices: Array, depth: Array, values: Array, *, axis: int = -1) -> Array:
    """Put `values[1]` where an index points along a new axis as long as an array says, and `values[0]` elsewhere."""
    at = normal(axis, indices.ndim + 1)
    out = np.empty((*indices.shape[:at], int(depth.reshape(-1)[0]), *indices.shape[at:]), values.dtype)
    indexing.one_hot(out, indices, depth, values, axis=axis, workspace=np.empty(LIMIT // 2, np.uint8))
    return out


def sized_split(x: Array, sizes: Array, *, axis: int = 0) -> tuple[Array, ...]:
    """Cut along an axis into pieces as long as an array says."""
    lengths, axis = sizes.tolist(), normal(axis, x.ndim)
    if sum(lengths) != x.shape[axis] or min(lengths, default=0) < 0:
        raise ValueError(f"split: {lengths} do not add up to the {x.shape[axis]} along axis {axis}")
    ends = np.cumsum(lengths)[:-1]
    return tuple(np.array(part) for part in np.split(x, ends, axis=axis))


def sized_top_k(x: Array, k: Array, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> tuple[Array, Array]:
    """Give the first of the sorted elements along an axis, as many as an array says, and where they were."""
    at, count = normal(axis, x.ndim), int(k.reshape(-1)[0])
    if not 0 <= count <= x.shape[at]:
        raise ValueError(f"top_k: k is {count}, but there are {x.shape[at]} along axis {axis}")
    shape = (*x.shape[:at], count, *x.shape[at + 1 :])
    out, places = np.empty(shape, x.dtype), np.empty(shape, np.int64)
    selection.top_k(out, places, x, axis=axis, largest=largest)
    return out, places


def sized_window(size: Array, *, kind: str, dtype: str, periodic: int = 1) -> Array:
    """Make a window as long as an array says."""
    out = np.empty(max(0, int(size.reshape(()))), named(dtype))
    signal.window(out, kind=kind, periodic=periodic)
    return out


def sized_mel_weight_matrix(
    bins: Array, dft_length: Array, sample_rate: Array, lower: Array, upper: Array, *, dtype: str
) -> Array:
    """Make triangles over a spectrum, as many as an array says."""
    out = np.empty((int(dft_length.reshape(())) // 2 + 1, int(bins.reshape(()))), named(dtype))
    signal.mel_weight_matrix(out, bins, dft_length, sample_rate, lower, upper)
    return out


def sized_dft(
    x: Array, dft_length: Array | None = None, axis: Array | None = None, *, inverse: int = 0, onesided: int = 0
) -> Array:
    """Transform along an axis, of which as many elements count as an array says."""
    at = normal(-2 if axis is None else int(axis.reshape(())), x.ndim)
    own = 2 * (x.shape[at] - 1) if inverse and onesided else x.shape[at]
    length = own if dft_length is None else int(dft_length.reshape(()))
    size = length // 2 + 1 if onesided and not inverse else length
    parts = 1 if inverse and onesided else 2
    out = np.empty((*x.shape[:at], size, *x.shape[at + 1 : -1], parts), x.dtype)
    signal.dft(out, x, dft_length, axis, inverse=inverse, onesided=onesided)
    return out


def sized_stft(
    x: Array, frame_step: Array, window: Array | None = None, frame_length: Array | None = None, *, onesided: int = 1
) -> Array:
    """Transform frames of a signal, as many and as long as arrays say."""
    step, length = int(frame_step.reshape(())), signal.frame(x, window, frame_length)
    if step < 1 or length < 1:
        raise ValueError(f"stft: frames of {length}, {step} apart")
    frames = max(0, (x.shape[1] - length) // step + 1)
    out = np.empty((len(x), frames, length // 2 + 1 if onesided else length, 2), x.dtype)
    signal.stft(out, x, frame_step, window, frame_length, onesided=onesided)
    return out


def unique(x: Array, *, axis: int | None = None, sorted: int = 1) -> tuple[Array, Array, Array, Array]:
    """Give the different elements (or slices), where each came first, which of them each is, and how many each is."""
    found, first, which, counts = np.unique(x, True, True, True, axis=axis)
    which = which.reshape(-1)
    if not sorted:
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        found = np.take(found, order, axis=0 if axis is None else axis)
        first, which, counts = first[order], rank[which], counts[order]
    return found, first.astype(np.int64), which.astype(np.int64), counts.astype(np.int64)


def non_max_suppression(
    boxes: Array,
    scores: Array,
    most: Array | None = None,
    overlap: Array | None = None,
    least: Array | None = None,
    *,
    center_point_box: int = 0,
) -> Array:
    """Pick the boxes of each class by falling score that overlap none picked before by more than `overlap`."""
    limit = 0 if most is None else int(most.reshape(-1)[0])
    threshold = 0.0 if overlap is None else overlap.reshape(-1)[0]
    picked: list[tuple[int, int, int]] = []
    for batch in range(scores.shape[0]):
        low, high = _corners(boxes[batch], center_point_box)
        for kind in range(scores.shape[1]):
            own = scores[batch, kind]
            order = np.argsort(-own, kind="stable")
            if least is not None:
                order = order[own[order] > least.reshape(-1)[0]]
            count = 0
            while order.size and count < limit:
                best, order = order[0], order[1:]
                picked.append((batch, kind, int(best)))
                order = order[~_overlaps(low[best], high[best], low[order], high[order], threshold)]
                count += 1
    return np.array(picked, np.int64).reshape(-1, 3)


def _corners(boxes: Array, center: int) -> tuple[Array, Array]:
    if center:
        half = boxes[:, 2:] / 2
        return boxes[:, :2] - half, boxes[:, :2] + half
    return np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])


def _overlaps(low: Array, high: Array, lows: Array, highs: Array, threshold: Any) -> Array:
    """Say which boxes share more than a part of what they and one other cover together; flat ones share nothing."""
    shared = np.maximum(np.minimum(high, highs) - np.maximum(low, lows), 0).prod(-1)
    own, others = (high - low).prod(-1), (highs - lows).prod(-1)
    union = own + others - shared
    solid = (shared > 0) & (own > 0) & (others > 0) & (union > 0)
    found: Array = solid & (shared / np.where(solid, union, 1) > threshold)
    return found


KERNELS = {
    **patches.SIZED,
    "nonzero": nonzero,
    "compress": compress,
    "unique": unique,
    "non_max_suppression": non_max_suppression,
    "sized_top_k": sized_top_k,
    "sized_window": sized_window,
    "sized_mel_weight_matrix": sized_mel_weight_matrix,
    "sized_dft": sized_dft,
    "sized_stft": sized_stft,
    "sized_reshape": sized_reshape,
    "sized_expand": sized_expand,
    "sized_tile": sized_tile,
    "sized_slice": sized_slice,
    "sized_pad": sized_pad,
    "sized_sequence": sized_sequence,
    "sized_fill": sized_fill,
    "sized_reduce": sized_reduce,
    "sized_resize": sized_resize,
    "sized_one_hot": sized_one_hot,
    "sized_split": sized_split,
}
