"""What resamples images, or samples parts of them."""

import struct
from fractions import Fraction
from functools import cache

from nnvm.ir import TensorType, Value, born, contents, data_of, equal, op
from nnvm.ir.dims import Size
from nnvm.ir.types import Shape
from nnvm.ops.typing import axes_of, axis_of, of_kind, one_dtype, rank_or_none, require

MODES = ("nearest", "linear", "cubic")
COORDINATES = (
    *("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"),
    *("tf_crop_and_resize", "tf_half_pixel_for_nn"),
)
NEAREST_MODES = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
PADDINGS = ("zeros", "border", "reflection")
POLICIES = ("stretch", "not_larger", "not_smaller")
_LARGEST = 16384
"""Dimensions up to which a fraction is proven to give what a multiplication in 32 bits gives."""


@op
def resize(
    x: Value,
    roi: Value | None = None,
    scales: Value | None = None,
    sizes: Value | None = None,
    *,
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    cubic_coeff_a: float = -0.75,
    exclude_outside: bool = False,
    extrapolation_value: float = 0.0,
    antialias: bool = False,
    axes: tuple[int, ...] | None = None,
    keep_aspect_ratio_policy: str = "stretch",
) -> TensorType:
    """Resample x along `axes` (all of them where absent) by scales or to sizes, one of which is given (ONNX Resize).

    `roi` is what "tf_crop_and_resize" cuts out, starts, then ends, as shares of the dimensions.
    """
    given = ("mode", mode, MODES), ("nearest_mode", nearest_mode, NEAREST_MODES)
    more = (
        ("coordinate_transformation_mode", coordinate_transformation_mode, COORDINATES),
        ("keep_aspect_ratio_policy", keep_aspect_ratio_policy, POLICIES),
    )
    for what, chosen, known in (*given, *more):
        require(chosen in known, f"{what} {chosen!r} is none of {', '.join(known)}")
    places = tuple(range(len(x.shape))) if axes is None else tuple(axis_of(axis, len(x.shape)) for axis in axes)
    axes_of(places, len(x.shape))
    crops = coordinate_transformation_mode == "tf_crop_and_resize"
    require(not crops or roi is not None, "tf_crop_and_resize takes a roi")
    _is_vector(roi if crops else None, 2 * len(places), "the roi")
    counts = scales is not None and _length(scales) != 0
    require(sizes is None or scales is None or not _length(scales), "scales and sizes exclude each other; give one")
    if counts and scales is not None and sizes is None:
        return x.tensor[_scaled(x.shape, places, scales)]
    require(sizes is not None, "scales or sizes are due")
    assert sizes is not None
    return x.tensor[_sized(x.shape, places, sizes, keep_aspect_ratio_policy)]


@op
def upsample(x: Value, scales: Value, *, mode: str = "nearest") -> TensorType:
    """Resample x by scales as it was before opset 11 (ONNX Upsample); `mode` is "nearest" or "linear".

    Coordinates are divided by the scale; the nearest lies below, along an axis that shrinks above.
    """
    require(mode in MODES[:2], f"mode {mode!r} is none of nearest, linear")
    return x.tensor[_scaled(x.shape, tuple(range(len(x.shape))), scales)]


@op
def grid_sample(
    x: Value, grid: Value, *, mode: str = "linear", padding_mode: str = "zeros", align_corners: bool = False
) -> TensorType:
    """Read x [batch, channels, *image] at the points of `grid` [batch, *places, rank] (ONNX GridSample).

    Points lie in -1 to 1, that of the last axis first; `padding_mode` is "zeros", "border" or "reflection".
    """
    require(mode in MODES, f"mode {mode!r} is none of {', '.join(MODES)}")
    require(padding_mode in PADDINGS, f"padding_mode {padding_mode!r} is none of {', '.join(PADDINGS)}")
    of_kind(grid, "float")
    rank = len(x.shape)
    require(rank > 2, f"an image has a batch, channels and axes of its own, not {rank} dimensions")
    require(len(grid.shape) == rank, f"a grid of {len(grid.shape)} dimensions for an image of {rank}")
    require(equal(grid.shape[-1], rank - 2) is not False, f"points have {rank - 2} coordinates, not {grid.shape[-1]}")
    require(equal(grid.shape[0], x.shape[0]) is not False, f"{x.shape[0]} images and {grid.shape[0]} grids")
    return x.tensor[(x.shape[0], x.shape[1], *grid.shape[1:-1])]


@op
def roi_align(
    x: Value,
    rois: Value,
    batch_indices: Value,
    *,
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
    coordinate_transformation_mode: str = "half_pixel",
) -> TensorType:
    """Pool the regions [x1, y1, x2, y2] of `rois` [count, 4], each of one image, into bins (ONNX RoiAlign).

    `mode` is "avg" or "max"; a `sampling_ratio` of 0 reads as many points of a bin as it has elements.
    """
    require(mode in ("avg", "max"), f"mode {mode!r} is none of avg, max")
    known = ("half_pixel", "output_half_pixel")
    what = coordinate_transformation_mode
    require(what in known, f"coordinate_transformation_mode {what!r} is none of {', '.join(known)}")
    require(output_height > 0 and output_width > 0, f"an output of {output_height} x {output_width}")
    require(sampling_ratio >= 0, f"a sampling_ratio of {sampling_ratio}")
    of_kind(x, "float")
    of_kind(batch_indices, "int")
    require(len(x.shape) == 4, f"an image is [batch, channels, height, width], not of {len(x.shape)} dimensions")
    require(len(rois.shape) == 2 and equal(rois.shape[1], 4) is not False, f"regions are [count, 4], not {rois.type}")
    one_dtype((x, rois))
    fits = rank_or_none(batch_indices) in (None, 1)
    fits = fits and (rank_or_none(batch_indices) is None or equal(batch_indices.shape[0], rois.shape[0]) is not False)
    require(fits, f"there is an image for each of {rois.shape[0]} regions, not {batch_indices.type}")
    return x.tensor[(rois.shape[0], x.shape[1], output_height, output_width)]


def _length(value: Value) -> Size | None:
    shape = value.tensor.shape_or_none
    return shape[0] if shape is not None and len(shape) == 1 and isinstance(shape[0], int) else None


def _is_vector(value: Value | None, length: int, what: str) -> None:
    if value is None:
        return
    known = _length(value)
    fits = rank_or_none(value) in (None, 1) and known in (None, length)
    require(fits, f"{what} is a vector of {length}, not {value.type}")


def _scaled(shape: Shape, places: tuple[int, ...], scales: Value) -> Shape:
    """Return the shape times the scales; what cannot be told is born of their data."""
    _is_vector(scales, len(places), "scales")
    data = data_of(scales)
    sizes = list(shape)
    for i, axis in enumerate(places):
        sizes[axis] = born(axis) if data is None else times(shape[axis], float(data.values()[i]), axis)
    return tuple(sizes)


def _sized(shape: Shape, places: tuple[int, ...], sizes: Value, policy: str) -> Shape:
    _is_vector(sizes, len(places), "sizes")
    known = contents(sizes)
    found = list(shape)
    kept = _ratio(shape, places, known, policy) if policy != "stretch" and known is not None else None
    for i, axis in enumerate(places):
        size = shape[axis]
        if known is None or (policy != "stretch" and (kept is None or not isinstance(size, int))):
            found[axis] = born(axis)
        else:
            found[axis] = known[i] if kept is None else _round(kept * size)  # type: ignore[operator]
    return tuple(found)


def _ratio(shape: Shape, places: tuple[int, ...], sizes: tuple[Size, ...], policy: str) -> float | None:
    """Return the scale that keeps the ratio of width to height, None where dimensions are open."""
    scales = []
    for size, axis in zip(sizes, places, strict=True):
        own = shape[axis]
        if not isinstance(size, int) or not isinstance(own, int) or not own:
            return None
        scales.append(_single(size / own))
    return (min if policy == "not_larger" else max)(scales, default=1.0)


def _single(value: float) -> float:
    """Return a number rounded to 32 bits, in which ONNX Runtime computes sizes."""
    found: float = struct.unpack("f", struct.pack("f", value))[0]
    return found


def _round(value: float) -> int:
    return int(_single(value) + 0.5)


def times(size: Size, scale: float, axis: int = 0) -> Size:
    """Return floor(size * scale), multiplied in 32 bits; an open one is born of the axis unless a fraction says it."""
    require(0 < scale < float("inf"), f"a scale of {scale}; it must be positive")
    if isinstance(size, int):
        return int(_single(size * scale))
    fraction = _fraction(scale)
    return born(axis) if fraction is None else size * fraction.numerator // fraction.denominator


@cache
def _fraction(scale: float) -> Fraction | None:
    """Return the small fraction that a scale of 32 bits stands for, if every size times either gives the same."""
    found = Fraction(scale).limit_denominator(1024)
    if found.numerator == 0 or _single(float(found)) != _single(scale):
        return None
    p, q = found.numerator, found.denominator
    if q & (q - 1) == 0 or all(int(_single(size * scale)) == size // q * p for size in range(q, _LARGEST + 1, q)):
        return found
    return None
