"""Resizing along any axes: copies where elements repeat, gathers for the nearest, one axis after another otherwise."""

from itertools import product
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.resampling import Axis, Filter, beyond, coordinates, neighbours, places, taps
from nnvm.backends.numpy.kernels.scratch import (
    FLOAT,
    INDEX,
    LIMIT,
    Array,
    Box,
    Shape,
    Shapes,
    carve,
    extent,
    lent,
    offset,
    rounded,
    spans,
)

_LONG = 16
"""Elements behind an axis from which on rows are added up one by one instead of being gathered."""


def resize(
    out: Array,
    x: Array,
    roi: Array | None = None,
    scales: Array | None = None,
    sizes: Array | None = None,
    *,
    mode: str = "nearest",
    coordinates: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    antialias: int = 0,
    axes: tuple[int, ...] | None = None,
    policy: str = "stretch",
    workspace: Array | None = None,
) -> None:
    """Resample x to the shape of out; `mode` is nearest, linear or cubic."""
    if not out.size:
        return
    if not x.size:
        raise ValueError(f"nothing can be made of an empty image: {x.shape} becomes {out.shape}")
    way = Filter(mode, coordinates, nearest_mode, cubic_coeff_a, bool(exclude_outside), bool(antialias))
    plan = _plan(out.shape, x.shape, roi, scales, sizes, axes, policy, coordinates == "tf_crop_and_resize")
    moved = [i for i, axis in enumerate(plan) if not _stays(axis)]
    if not moved:
        np.copyto(out, x)
        return
    first, last = moved[0], moved[-1] + 1
    outer, inner = prod(x.shape[:first]), prod(x.shape[last:])
    source = x.reshape(outer, *x.shape[first:last], inner, copy=False)
    target = out.reshape(outer, *out.shape[first:last], inner, copy=False)
    room = lent(workspace, "resize")
    fill = _nearest if mode == "nearest" else _blend
    fill(target, source, plan[first:last], way, room)
    if coordinates == "tf_crop_and_resize":
        _blank(target, plan[first:last], way, extrapolation_value)


def resized(shape: Shape, axes: list[int], scales: Array | None, sizes: Array | None, policy: str = "stretch") -> Shape:
    """Return the shape that scales or sizes of these axes make of one; products are rounded to 32 bits, then down."""
    found = list(shape)
    given = scales if scales is not None and scales.size else sizes
    if given is None or given.size != len(axes):
        raise ValueError(f"a resize takes a scale or a size for each of the axes {axes}, not {given}")
    if given is scales:
        if not (np.isfinite(given) & (given > 0)).all():
            raise ValueError(f"scales {given.tolist()}; each must be positive")
        for axis, scale in zip(axes, given.tolist(), strict=True):
            found[axis] = int(FLOAT.type(shape[axis] * scale))
        return tuple(found)
    wanted = [int(size) for size in given]
    if min(wanted, default=0) < 0 or (policy != "stretch" and not all(shape[axis] for axis in axes)):
        raise ValueError(f"sizes {wanted} cannot be made of {shape}")
    if policy != "stretch":
        pick = min if policy == "not_larger" else max
        kept = pick(float(FLOAT.type(size / shape[axis])) for size, axis in zip(wanted, axes, strict=True))
        wanted = [int(FLOAT.type(kept * shape[axis]) + 0.5) for axis in axes]
    for axis, size in zip(axes, wanted, strict=True):
        found[axis] = size
    return tuple(found)


def _plan(
    out: Shape,
    x: Shape,
    roi: Array | None,
    scales: Array | None,
    sizes: Array | None,
    axes: tuple[int, ...] | None,
    policy: str,
    crops: bool,
) -> list[Axis]:
    """Describe every axis; scales are those given, or what the sizes come to."""
    chosen = [axis % len(x) for axis in axes] if axes is not None else list(range(len(x)))
    if scales is not None and scales.size:
        wanted = [float(scale) for scale in scales]
    elif sizes is None:
        raise ValueError("a resize takes scales or sizes")
    elif policy == "stretch":
        wanted = [float(FLOAT.type(out[axis]) / FLOAT.type(x[axis])) for axis in chosen]
    else:
        pick = min if policy == "not_larger" else max
        wanted = [pick(float(FLOAT.type(size) / x[axis]) for size, axis in zip(sizes, chosen, strict=True))]
        wanted *= len(chosen)
    if len(wanted) != len(chosen) or min(wanted, default=1) <= 0:
        raise ValueError(f"scales {wanted} for {len(chosen)} axes; there is a positive one for each")
    ends = [(0.0, 1.0)] * len(chosen)
    if crops:
        if roi is None or roi.size != 2 * len(chosen):
            raise ValueError(f"tf_crop_and_resize takes a roi of {2 * len(chosen)} numbers")
        ends = [(float(roi[i]), float(roi[len(chosen) + i])) for i in range(len(chosen))]
    plan = [Axis(size, size, 1.0) for size in x]
    for axis, scale, (start, end) in zip(chosen, wanted, ends, strict=True):
        plan[axis] = Axis(x[axis], out[axis], scale, start, end)
    return plan


def _stays(axis: Axis) -> bool:
    return axis.size == axis.out and axis.scale == 1 and (axis.start, axis.end) == (0, 1)


def _nearest(out: Array, x: Array, plan: list[Axis], way: Filter, room: Array) -> None:
    """Copy repeated elements in strides; otherwise find where a stretch of a plane is from once, for all planes."""
    times = [_repeats(axis, way) for axis in plan]
    if all(times):
        _repeat(out, x, times)
        return
    rank, inner = len(plan), x.shape[-1]
    middle, steps = out.shape[1:-1], [prod(x.shape[axis + 2 : -1]) for axis in range(rank)]
    planes, goals = x.reshape(len(x), -1, inner, copy=False), out.reshape(len(x), -1, inner, copy=False)
    for box in spans(middle, max(1, (room.size - 128 * (rank + 1)) // (8 * (rank + 1)))):
        shape = extent(box)
        grid, *tables = carve(room, (shape, INDEX), *(((size,), INDEX) for size in shape))
        grid[...] = 0
        for i, (axis, part, step) in enumerate(zip(plan, box, steps, strict=True)):
            places(axis, way, part.start, part.stop, tables[i])
            np.multiply(tables[i], step, out=tables[i])
            np.add(grid, tables[i].reshape(-1, *[1] * (rank - 1 - i)), out=grid)
        start = offset(box, middle)
        for plane, goal in zip(planes, goals, strict=True):
            piece = goal[start : start + grid.size]
            if inner == 1:
                np.take(plane[:, 0], grid.reshape(-1), out=piece[:, 0], mode="clip")
            else:
                np.take(plane, grid.reshape(-1), axis=0, out=piece, mode="clip")


def _repeats(axis: Axis, way: Filter) -> int:
    """Return how often each element comes in a row, 0 where they do not all come equally often, in order."""
    if axis.out % axis.size:
        return 0
    times = axis.out // axis.size
    found = np.empty(min(256, axis.out), INDEX)
    for start in range(0, axis.out, 256):
        stop = min(start + 256, axis.out)
        places(axis, way, start, stop, found)
        if not np.array_equal(found[: stop - start], np.arange(start, stop) // times):
            return 0
    return times


def _repeat(out: Array, x: Array, times: list[int]) -> None:
    """Write every element into each of its places, one place of all elements at a time."""
    for firsts in product(*map(range, times)):
        strides = (slice(first, None, each) for first, each in zip(firsts, times, strict=True))
        np.copyto(out[(slice(None), *strides)], x)


def _blend(out: Array, x: Array, plan: list[Axis], way: Filter, room: Array) -> None:
    """Resample one axis after another, box by box, so that what is between them fits the room."""
    dtype = np.dtype(np.float64 if x.dtype.itemsize > 4 or (x.dtype.itemsize == 4 and x.dtype != FLOAT) else FLOAT)
    known, room = _tables(x.shape, plan, way, dtype, room)
    sizes = _fit(out.shape, x.shape, plan, way, dtype.itemsize, room.size)
    for corner in product(*(range(0, whole, part) for whole, part in zip(out.shape, sizes, strict=True))):
        box = tuple(
            slice(start, min(start + part, whole)) for start, part, whole in zip(corner, sizes, out.shape, strict=True)
        )
        _blend_box(out[box], x[(box[0], ..., box[-1])], plan, way, box, dtype, room, known)


def _tables(
    x: Shape, plan: list[Axis], way: Filter, dtype: np.dtype[Any], room: Array
) -> tuple[list[tuple[Array, Array]] | None, Array]:
    """Find every neighbour and weight once for all boxes, where that takes an eighth of the room at most."""
    shapes = [(0, 0) if _stays(axis) else (taps(axis, way), axis.out) for axis in plan]
    size = sum(rounded(prod(shape) * each) for shape in shapes for each in (INDEX.itemsize, dtype.itemsize))
    if size > room.size // 8 or _need([1] * (len(plan) + 2), x, plan, way, dtype.itemsize) > room.size - size:
        return None, room
    flat_tables = carve(room, *((shape, kind) for shape in shapes for kind in (INDEX, dtype)))
    known = list(zip(flat_tables[::2], flat_tables[1::2], strict=True))
    for axis, (index, weight) in zip(plan, known, strict=True):
        if index.size:
            neighbours(axis, way, 0, axis.out, index, weight)
    return known, room[size:]


def _fit(out: Shape, x: Shape, plan: list[Axis], way: Filter, item: int, room: int) -> list[int]:
    """Choose how large a box is: fewer planes first, with rows in one piece, then fewer lines, then the rest."""
    sizes = list(out)
    while _need(sizes, x, plan, way, item) > room and max(sizes) > 1:
        place = 0 if sizes[0] > 1 else 1 if sizes[1] > 16 else sizes.index(max(sizes))
        sizes[place] = -(-sizes[place] // 2)
    for share in (7, 6, 5):  # halving leaves up to half of the room empty
        more = [sizes[0], min(out[1], sizes[1] * share // 4), *sizes[2:]]
        if _need(more, x, plan, way, item) <= room:
            return more
    return sizes


def _need(sizes: list[int], x: Shape, plan: list[Axis], way: Filter, item: int) -> int:
    """Return the bytes a box takes: tables, a copy of what it reads, and what each axis leaves."""
    reads, bytes_ = [], 64 * (3 * len(plan) + 4)
    for axis, size in zip(plan, sizes[1:-1], strict=True):
        if _stays(axis):
            reads.append(size)
            continue
        ends = [float(coordinates(axis, way.coordinates, i, i + 1, np.float64)[0]) for i in (0, axis.out - 1)]
        slope = abs(ends[1] - ends[0]) / max(1, axis.out - 1)
        count = taps(axis, way)
        reads.append(min(axis.size, int(slope * (size - 1)) + count + 3))
        bytes_ += size * count * (8 + item)
    now, largest = [sizes[0], *reads, sizes[-1]], 0
    if prod(now[2:]) < _LONG:
        bytes_ += prod(now) * item
    for i, axis in enumerate(plan):
        if not _stays(axis):
            now[i + 1] = sizes[i + 1]
            bytes_ += prod(now) * item
            largest = max(largest, prod(now))
    return bytes_ + largest * item


def _blend_box(
    out: Array,
    x: Array,
    plan: list[Axis],
    way: Filter,
    box: Box,
    dtype: np.dtype[Any],
    room: Array,
    known: list[tuple[Array, Array]] | None,
) -> None:
    """Resample a box; `known` holds the neighbours of every element and their weights, or they are found here."""
    tables: list[tuple[Array, Array] | None] = []
    reads: list[slice] = []
    shapes: list[Shape] = []
    used = 0
    for i, (axis, part) in enumerate(zip(plan, box[1:-1], strict=True)):
        if _stays(axis):
            tables.append(None)
            reads.append(part)
            continue
        shape = (taps(axis, way), part.stop - part.start)
        index, weight = carve(room[used:], (shape, INDEX), (shape, dtype))
        used += -(-index.nbytes // 64) * 64 + -(-weight.nbytes // 64) * 64
        if known is None:
            neighbours(axis, way, part.start, part.stop, index, weight)
        else:
            np.copyto(index, known[i][0][:, part])
            np.copyto(weight, known[i][1][:, part])
        low = int(index.min())
        reads.append(slice(low, int(index.max()) + 1))
        np.subtract(index, low, out=index)
        tables.append((index, weight))
    source = x[(slice(None), *reads)]
    left = list(source.shape)
    for i, table in enumerate(tables):
        if table is not None:
            left[i + 1] = out.shape[i + 1]
            shapes.append(tuple(left))
    direct = out.dtype == dtype
    copied = prod(source.shape[2:]) < _LONG and (source.dtype != dtype or not source.flags.c_contiguous)
    parts: list[tuple[Shape, Any]] = [(source.shape if copied else (0,), dtype), ((max(map(prod, shapes)),), dtype)]
    parts += [(each if i + 1 < len(shapes) or not direct else (0,), dtype) for i, each in enumerate(shapes)]
    copy, spare, *between = carve(room[used:], *parts)
    if copied:
        np.copyto(copy, source, casting="unsafe")
        source = copy
    between = [*between[:-1], out] if direct else between
    for i, table in enumerate(tables):
        if table is not None:
            goal = between.pop(0)
            _along(goal, source, i + 1, *table, spare)
            source = goal
    if not direct:
        _settle(out, source)


def _along(out: Array, x: Array, axis: int, index: Array, weight: Array, spare: Array) -> None:
    """Add up weighted neighbours along one axis."""
    lead: tuple[Any, ...] = (slice(None),) * axis
    whole = x.flags.c_contiguous and x.dtype == out.dtype
    if prod(x.shape[axis + 1 :]) >= _LONG and not whole:
        line = spare[: prod(out.shape) // max(1, out.shape[axis])].reshape(*out.shape[:axis], *out.shape[axis + 1 :])
        for j in range(out.shape[axis]):
            goal = out[(*lead, j)]
            np.multiply(x[(*lead, index[0, j])], weight[0, j], out=goal)
            for k in range(1, len(index)):
                if weight[k, j]:
                    np.multiply(x[(*lead, index[k, j])], weight[k, j], out=line)
                    np.add(goal, line, out=goal)
        return
    part = spare[: out.size].reshape(out.shape)
    tail = (-1, *[1] * (out.ndim - 1 - axis))
    for k, (where, shares) in enumerate(zip(index, weight, strict=True)):
        np.take(x, where, axis=axis, out=part, mode="clip")
        np.multiply(part, shares.reshape(tail), out=out if k == 0 else part)
        if k:
            np.add(out, part, out=out)


def _settle(out: Array, x: Array) -> None:
    """Cast to the type of the result; whole numbers are cut off, and stay within their range."""
    if out.dtype.kind in "iu":
        ends = np.iinfo(out.dtype)
        np.clip(x, ends.min, ends.max, out=x)
    np.copyto(out, x, casting="unsafe")


def _blank(out: Array, plan: list[Axis], way: Filter, value: float) -> None:
    """Put a value where a crop lies outside the image."""
    for i, axis in enumerate(plan):
        if _stays(axis):
            continue
        for start in range(0, axis.out, 256):
            (outside,) = np.nonzero(beyond(axis, way, start, min(start + 256, axis.out)))
            if outside.size:
                where: tuple[Any, ...] = (*(slice(None),) * (i + 1), outside + start)
                out[where] = value


def resize_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes a resize wants, at most 256 KiB unless a filter needs more for a single element."""
    out, x = out_shapes[0], in_shapes[0]
    if out is None or x is None:
        return LIMIT
    if params.get("mode", "nearest") == "nearest":
        return min(LIMIT, 8 * (len(out) + 1) * prod(out) + 2048)
    if not params.get("antialias"):
        return min(LIMIT, 48 * (prod(out) + prod(x)) + 128 * sum(out) + 4096)
    if not prod(out) or not prod(x):
        return 0
    plan = [Axis(size, goal, goal / size * 0.99) for size, goal in zip(x, out, strict=True) if size != goal]
    way = Filter(params["mode"], params.get("coordinates", "half_pixel"), antialias=True)
    return max(LIMIT, _need([1] * (len(plan) + 2), x, plan, way, 8)) if plan else LIMIT


KERNELS = {"resize": resize}
WORKSPACES = {"resize": resize_workspace}
