"""Pooling of regions whose corners lie between elements: each bin is read at a few points."""

from collections.abc import Iterator
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from nnvm.backends.numpy.kernels.scratch import INDEX, LIMIT, Array, Shapes, carve, lent, wide

_LONGEST = 128
"""Points in a line that are read at a time."""


class Bins(NamedTuple):
    """One axis of a region: where it starts, how long a bin is, how many points of one are read, out of how much."""

    start: Any
    length: Any
    points: int
    size: int

    def around(self, part: Array, point: Array) -> tuple[Array, Array, Array, Array]:
        """Return, for points of bins, the element below, that above, the share of the latter, and what is inside."""
        x = self.start + part * self.length + (point + 0.5) * self.length / max(1, self.points)
        inside = (x >= -1) & (x <= self.size)
        x = np.clip(x, 0, self.size - 1)
        below = x.astype(INDEX)
        above = np.minimum(below + 1, self.size - 1)
        return below, above, x - below, inside


def roi_align(
    out: Array,
    x: Array,
    rois: Array,
    batch_indices: Array,
    *,
    mode: str = "avg",
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
    coordinate_transformation_mode: str = "half_pixel",
    workspace: Array | None = None,
) -> None:
    """Pool regions [x1, y1, x2, y2] of images; a maximum is that of weighted neighbours, as ONNX says."""
    if not out.size:
        return
    if not x.size:
        raise ValueError(f"no region can be read from an empty image of shape {x.shape}")
    if int(batch_indices.min()) < 0 or int(batch_indices.max()) >= len(x):
        raise ValueError(f"regions of images {batch_indices.min()} to {batch_indices.max()} among {len(x)}")
    room, dtype = lent(workspace, "roi_align"), wide(x.dtype)
    half, height, width = coordinate_transformation_mode == "half_pixel", *out.shape[2:]
    channels = max(1, min(x.shape[1], (room.size - 512) // (_LONGEST * (4 * dtype.itemsize + x.itemsize))))
    for roi, image, target in zip(rois, batch_indices, out, strict=True):
        corners = roi.astype(dtype) * dtype.type(spatial_scale) - dtype.type(0.5 if half else 0)
        rows = _bins(corners[1], corners[3], height, sampling_ratio, half, x.shape[2])
        columns = _bins(corners[0], corners[2], width, sampling_ratio, half, x.shape[3])
        for first in range(0, x.shape[1], channels):
            some = slice(first, first + channels)
            planes = x[int(image), some].reshape(-1, x.shape[2] * x.shape[3], copy=False)
            _region(target[some], planes, rows, columns, mode == "max", dtype, room)


def _bins(start: Any, end: Any, count: int, ratio: int, half: bool, size: int) -> Bins:
    length = (end - start if half else max(end - start, type(end)(1))) / type(end)(count)
    return Bins(start, length, max(ratio if ratio > 0 else ceil(length), 0), size)


def _region(
    out: Array, planes: Array, rows: Bins, columns: Bins, largest: bool, dtype: np.dtype[Any], room: Array
) -> None:
    """Pool one region of a few channels; bins that no point is in are zero."""
    out[...] = 0
    if not rows.points or not columns.points:
        return
    count, height, width = out.shape
    group = max(1, min(width, _LONGEST // columns.points))
    for row in range(height):
        for first in range(0, width, group):
            bins = slice(first, min(first + group, width))
            size = bins.stop - first
            (result,) = carve(room, ((count, size), dtype))
            rest = room[-(-result.nbytes // 64) * 64 :]
            for turn, total in enumerate(_pieces(planes, rows, columns, row, bins, largest, dtype, rest)):
                lines = total.reshape(count, size, -1)
                if turn == 0:
                    (np.max if largest else np.sum)(lines, axis=2, out=result)
                else:
                    part = (np.max if largest else np.sum)(lines, axis=2)
                    (np.maximum if largest else np.add)(result, part, out=result)
            if not largest:
                np.divide(result, rows.points * columns.points, out=result)
            np.copyto(out[:, row, bins], result, casting="unsafe")


def _pieces(
    planes: Array, rows: Bins, columns: Bins, row: int, bins: slice, largest: bool, dtype: np.dtype[Any], room: Array
) -> Iterator[Array]:
    """Yield what the points of some bins come to, over all lines of a row of bins, a stretch of points at a time."""
    for start in range(0, columns.points, _LONGEST):
        points = np.arange(start, min(start + _LONGEST, columns.points))
        part = np.repeat(np.arange(bins.start, bins.stop), len(points))
        left, right, across, inside = columns.around(part, np.tile(points, bins.stop - bins.start))
        shape = (len(planes), len(part))
        total, value, raw = carve(room, (shape, dtype), (shape, dtype), (shape, planes.dtype))
        for line in range(rows.points):
            above, below, down, within = rows.around(np.asarray(row), np.asarray(line))
            for tap, (near, share) in enumerate(((above, 1 - down), (below, down))):
                for side, (column, extent) in enumerate(((left, 1 - across), (right, across))):
                    np.take(planes, near * columns.size + column, axis=1, out=raw, mode="clip")
                    weight = (share * extent * (inside & within)).astype(dtype)
                    fresh = line == tap == side == 0
                    np.multiply(raw, weight, out=total if fresh else value, casting="unsafe")
                    if not fresh:
                        (np.maximum if largest else np.add)(total, value, out=total)
        yield total


def roi_align_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes wanted: four numbers a point of as many channels as fit, at most 256 KiB."""
    x = in_shapes[0]
    return LIMIT if x is None else min(LIMIT, max(1, x[1]) * _LONGEST * (4 * max(4, itemsize) + itemsize) + 1024)


KERNELS = {"roi_align": roi_align}
WORKSPACES = {"roi_align": roi_align_workspace}
