from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    FLOATS,
    Use,
    agree,
    by_reference,
    by_runtime,
    check_run,
    check_types,
    close,
    graph_of,
    ours,
    refusal,
    seeds,
    values,
)

from nnvm import ops
from nnvm.frontends.onnx import to_bytes
from nnvm.ir import UNKNOWN, Op, constant, dim, f32, i64, named_input, tensor_data
from nnvm.ir.dims import substitute
from nnvm.ops.image import COORDINATES, NEAREST_MODES, times

SAID = tuple(each for each in COORDINATES if each != "tf_half_pixel_for_nn")  # opset 13 gave it up
SCALES = (0.25, 0.5, 0.6, 0.75, 1.0, 1.5, 1.6, 2.0, 3.0)


def f(items: Any) -> Any:
    return np.asarray(items, np.float32)


@st.composite
def resizes(draw: st.DrawFn, rank: int | None = None, dtypes: tuple[str, ...] = (*FLOATS, "uint8", "int32")) -> Use:
    """Draw a resize that both judges, or our own laws alone, have an opinion on."""
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
    rank = rank or draw(st.integers(1, 3))
    count = draw(st.integers(1, rank))
    axes = None if count == rank and draw(st.booleans()) else tuple(draw(st.permutations(range(rank)))[:count])
    image = tuple(draw(st.integers(1, 6)) for _ in range(rank))
    dtype = draw(st.sampled_from(dtypes if mode == "nearest" else [each for each in dtypes if each in FLOATS]))
    params: dict[str, Any] = {"mode": mode, "axes": axes}
    params["coordinate_transformation_mode"] = draw(st.sampled_from(SAID))
    params["nearest_mode"] = draw(st.sampled_from(NEAREST_MODES)) if mode == "nearest" else "round_prefer_floor"
    roi = scales = sizes = None
    if params["coordinate_transformation_mode"] == "tf_crop_and_resize":
        ends = [(draw(st.sampled_from([0, 0.25, -0.5])), draw(st.sampled_from([1, 0.75, 1.25]))) for _ in range(count)]
        roi = f([start for start, _ in ends] + [end for _, end in ends])
        params["extrapolation_value"] = draw(st.sampled_from([0.0, 2.5]))
    if mode == "cubic":
        params["cubic_coeff_a"] = draw(st.sampled_from([-0.75, -0.5]))
        params["exclude_outside"] = draw(st.booleans())
    params["antialias"] = mode != "nearest" and roi is None and draw(st.booleans())
    if draw(st.booleans()):
        exact = [scale for scale in SCALES if dtype != "float64" or scale * 4 % 1 == 0]
        scales = f([draw(st.sampled_from(exact)) for _ in range(count)])
        places = range(rank) if axes is None else axes
        if any(int(scale * image[axis]) < 1 for scale, axis in zip(scales, places, strict=True)):
            scales = f([2] * count)
    else:
        sizes = np.array([draw(st.integers(1, 8)) for _ in range(count)])
        params["keep_aspect_ratio_policy"] = draw(st.sampled_from(["stretch", "not_larger", "not_smaller"]))
        places = range(rank) if axes is None else axes
        ratios = [size / image[axis] for size, axis in zip(sizes, places, strict=True)]
        if min(ratios) * min(image) < 1:
            params["keep_aspect_ratio_policy"] = "stretch"
    return Use(ops.resize, [values(draw(seeds), image, dtype), roi, scales, sizes], fixed=[1, 2, 3], **params)


def scales_of(use: Use) -> dict[int, tuple[float, float, float]]:
    """Return, by axis, the scale in 32 bits, and where the region starts and ends."""
    x, roi, scales, sizes = use.arrays
    axes = range(x.ndim) if use.params["axes"] is None else use.params["axes"]
    if scales is None:
        ratios = [np.float32(size) / np.float32(x.shape[axis]) for size, axis in zip(sizes, axes, strict=True)]
        policy = use.params["keep_aspect_ratio_policy"]
        scales = ratios if policy == "stretch" else [(min if policy == "not_larger" else max)(ratios)] * len(ratios)
    ends = [(0.0, 1.0)] * len(axes) if roi is None else list(zip(roi[: len(axes)], roi[len(axes) :], strict=True))
    return {axis: (scale, *end) for axis, scale, end in zip(axes, scales, ends, strict=True)}


def original(i: int, size: int, out: int, scale: float, start: float, end: float, mode: str, real: Any) -> Any:
    """Return where an element is from, as the definition of ONNX says."""
    i, scale, half, one = real(i), real(scale), real(0.5), real(1)
    return real(
        {
            "asymmetric": lambda: i / scale,
            "align_corners": lambda: 0 if out == 1 else i * real(size - 1) / real(out - 1),
            "half_pixel": lambda: (i + half) / scale - half,
            "pytorch_half_pixel": lambda: (i + half) / scale - half if out > 1 else 0,
            "half_pixel_symmetric": lambda: (
                half * size * (one - out / (scale * real(size))) + (i + half) / scale - half
            ),
            "tf_crop_and_resize": lambda: (
                start * (size - 1) + i * ((end - start) * (size - 1) / (out - 1))
                if out > 1
                else half * (start + end) * (size - 1)
            ),
        }[mode]()
    )


def weights(x: float, size: int, scale: float, params: dict[str, Any]) -> Any:
    """Return how much each element along an axis contributes to the one at coordinate x."""
    row, below = np.zeros(size), int(np.floor(x))
    if params["mode"] == "nearest":
        rest = x - below
        up = {"floor": False, "ceil": rest > 0, "round_prefer_floor": rest > 0.5, "round_prefer_ceil": rest >= 0.5}
        row[min(max(below + up[params["nearest_mode"]], 0), size - 1)] = 1
        return row
    squeeze = min(float(scale), 1.0) if params["antialias"] else 1.0
    a, reach = params.get("cubic_coeff_a", -0.75), int(np.ceil(2 / squeeze)) + 1
    for k in range(below - reach, below + reach + 1):
        d = abs(k - x) * squeeze
        if params["mode"] == "linear":
            share = max(0.0, 1 - d)
        elif d <= 1:
            share = (a + 2) * d**3 - (a + 3) * d**2 + 1
        else:
            share = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0
        if 0 <= k < size or not params.get("exclude_outside"):
            row[min(max(k, 0), size - 1)] += share
    return row / row.sum() if row.sum() else row


def by_definition(use: Use, shape: tuple[int, ...]) -> Any:
    """Resize by a matrix an axis, in 64 bits."""
    found, mode = use.arrays[0].astype(np.float64), use.params["coordinate_transformation_mode"]
    real = np.float64 if found.dtype == use.arrays[0].dtype and use.params["mode"] != "nearest" else np.float32
    outside = np.zeros(shape, bool)
    for axis, (scale, *ends) in scales_of(use).items():
        size, out = found.shape[axis], shape[axis]
        places = [float(original(i, size, out, scale, *map(real, ends), mode, real)) for i in range(out)]
        matrix = np.stack([weights(place, size, scale, use.params) for place in places])
        found = np.moveaxis(np.tensordot(matrix, found, (1, axis)), 0, axis)
        beyond = np.array([not 0 <= place <= size - 1 for place in places])
        outside |= beyond.reshape(-1, *[1] * (found.ndim - 1 - axis))
    if mode == "tf_crop_and_resize":
        found[outside] = use.params["extrapolation_value"]
    return found.astype(use.arrays[0].dtype)


def is_whole(use: Use, shape: tuple[int, ...]) -> bool:
    """Say whether the reference, which takes scaled lengths for those of the result, has the same idea of a use."""
    sizes, nearest = use.arrays[0].shape, use.params["mode"] == "nearest"
    exact = all(
        scale * sizes[axis] == shape[axis] and not (nearest and scale * 4 % 1)
        for axis, (scale, *_) in scales_of(use).items()
    )
    if use.arrays[0].dtype == np.float64 and not nearest:
        return False  # it keeps coordinates in 32 bits
    return exact and not (use.params["coordinate_transformation_mode"] == "pytorch_half_pixel" and 1 in shape)


def is_on_an_edge(use: Use, shape: tuple[int, ...]) -> bool:
    """Say whether a nearest place, symmetric about the centre, lies where the last bit of float32 decides."""
    if use.params["mode"] != "nearest" or use.params["coordinate_transformation_mode"] != "half_pixel_symmetric":
        return False
    edge = 0.5 if use.params["nearest_mode"].startswith("round") else 0.0
    places = [
        float(original(i, use.arrays[0].shape[axis], shape[axis], scale, *ends, "half_pixel_symmetric", np.float64))
        for axis, (scale, *ends) in scales_of(use).items()
        for i in range(shape[axis])
    ]
    return any(abs(place - edge - round(place - edge)) < 1e-5 for place in places)


@given(resizes(), seeds)
@settings(max_examples=200)
def test_a_resize_is_what_its_definition_says(use: Use, seed: int) -> None:
    (found,) = ours(use)
    assert close(found, by_definition(use, found.shape)), f"{use}\n{found}\n{by_definition(use, found.shape)}"
    check_types(use, (found,), seed)
    model = to_bytes(graph_of(use))
    mode = use.params["coordinate_transformation_mode"]
    if mode != "tf_crop_and_resize" and not is_on_an_edge(use, found.shape):  # ORT skips the first at a scale of 1
        verdict = by_runtime(model, use.feeds)
        assert isinstance(verdict, str) or close(found, verdict[0]), f"{use}\n{found}\n{verdict}"
    if is_whole(use, found.shape):
        verdict = by_reference(model, use.feeds)
        assert isinstance(verdict, str) or close(found, verdict[0]), f"{use}\n{found}\n{verdict}"


@st.composite
def upsamples(draw: st.DrawFn) -> Use:
    mode, image = draw(st.sampled_from(["nearest", "linear"])), tuple(draw(st.integers(1, 5)) for _ in range(4))
    scales = f([1, 1, draw(st.sampled_from([1.0, 1.5, 2.0, 3.0])), draw(st.sampled_from([1.0, 2.0, 2.5]))])
    if draw(st.booleans()):
        scales[2:] = draw(st.sampled_from([0.5, 0.75])), 1
        image = (*image[:2], 4, image[3])
    return Use(ops.upsample, [values(draw(seeds), image), scales], fixed=[1], mode=mode)


@given(upsamples(), st.sampled_from([7, 9, 10]), seeds)
@settings(max_examples=50)
def test_an_upsample_is_what_onnx_runtime_makes_of_it(use: Use, opset: int, seed: int) -> None:
    if use.arrays[1].min() < 1:
        opset = 10  # the older ones only stretch there
    check_types(use, check_run(use, opset, (by_runtime,)), seed)


@given(upsamples(), st.sampled_from([11, 13, 18, 19, 22]))
@settings(max_examples=50)
def test_a_newer_resize_says_the_same(use: Use, opset: int) -> None:
    scales = use.arrays[1]
    if use.params["mode"] == "linear" or scales.min() >= 1 or scales.max() <= 1:
        check_run(use, opset, (by_runtime,))


@st.composite
def grid_samples(draw: st.DrawFn, rank: int | None = None) -> Use:
    rank = rank or draw(st.integers(1, 3))
    count, channels = draw(st.integers(0, 2)), draw(st.integers(0, 3))
    image, places = (tuple(draw(st.integers(1, 4)) for _ in range(rank)) for _ in range(2))
    dtype = draw(st.sampled_from(("float32", "float64")))
    grid = values(draw(seeds), (count, *places, rank), dtype, -1.75, 1.75)
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
    params = {"padding_mode": draw(st.sampled_from(["zeros", "border", "reflection"]))}
    params |= {"align_corners": draw(st.booleans()), "mode": mode}
    return Use(ops.grid_sample, [values(draw(seeds), (count, channels, *image), dtype), grid], **params)


@given(grid_samples(2) | grid_samples(3), seeds)
@settings(max_examples=150)
def test_a_sampled_grid_is_what_onnx_makes_of_it(use: Use, seed: int) -> None:
    x, _ = use.arrays
    found = ours(use)
    check_types(use, found, seed)
    if 0 in x.shape or (1 in x.shape[2:] and use.params["align_corners"]):
        return  # the judges divide by zero
    model = to_bytes(graph_of(use), opset=20)
    for judge in (by_runtime, by_reference):
        if judge is by_reference and use.params["mode"] == "cubic" and use.params["padding_mode"] == "border":
            continue  # it moves points into the image before it looks for neighbours
        verdict = judge(model, use.feeds)
        if isinstance(verdict, str):
            continue
        if judge is by_reference:  # which weighs in 32 bits
            found, verdict = (tuple(each.astype(np.float32) for each in given) for given in (found, verdict))
        assert agree(found, verdict), f"{use}\n{found}\n{verdict}"


@st.composite
def roi_aligns(draw: st.DrawFn) -> Use:
    count, regions = draw(st.integers(1, 2)), draw(st.integers(0, 3))
    x = values(draw(seeds), (count, draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 9))))
    corners = np.sort(values(draw(seeds), (regions, 2, 2), low=-3, high=14), axis=1).reshape(regions, 4)
    images = np.array([draw(st.integers(0, count - 1)) for _ in range(regions)], np.int64)
    params: dict[str, Any] = {"mode": draw(st.sampled_from(["avg", "max"])), "sampling_ratio": draw(st.integers(0, 3))}
    params |= {"output_height": draw(st.integers(1, 4)), "output_width": draw(st.integers(1, 4))}
    params["spatial_scale"] = draw(st.sampled_from([1.0, 0.5, 0.25]))
    params["coordinate_transformation_mode"] = draw(st.sampled_from(["half_pixel", "output_half_pixel"]))
    return Use(ops.roi_align, [x, corners, images], fixed=[2], **params)


@given(roi_aligns(), seeds)
@settings(max_examples=80)
def test_aligned_regions_are_what_onnx_makes_of_them(use: Use, seed: int) -> None:
    if len(use.arrays[2]):
        check_types(use, check_run(use, 16, (by_runtime,)), seed)
    else:
        check_types(use, ours(use), seed)


USES: dict[Op[..., Any], st.SearchStrategy[Use]] = {
    ops.resize: resizes(),
    ops.upsample: upsamples(),
    ops.grid_sample: grid_samples(),
    ops.roi_align: roi_aligns(),
}

X, S = f32["n", 3, "h", "w"], tensor_data((1.0, 1.0, 2.0, 2.0), f32[4])
ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.resize, (X, None, S), {"mode": "soft"}, "mode 'soft' is none of nearest, linear, cubic"),
    (ops.resize, (X, None, S), {"nearest_mode": "up"}, "nearest_mode 'up' is none of round_prefer_floor"),
    (ops.resize, (X, None, S), {"coordinate_transformation_mode": "no"}, "'no' is none of half_pixel"),
    (ops.resize, (X, None, S), {"keep_aspect_ratio_policy": "no"}, "'no' is none of stretch, not_larger"),
    (ops.resize, (X, None, S), {"axes": (2, 3)}, "scales is a vector of 2, not f32[4]"),
    (ops.resize, (X, None, S), {"axes": (2, -2)}, "an axis is repeated"),
    (ops.resize, (X, None, S), {"axes": (4,)}, "axis 4 is not among the 4 axes"),
    (ops.resize, (X, None, S, i64[4]), {}, "scales and sizes exclude each other; give one"),
    (ops.resize, (X,), {}, "scales or sizes are due"),
    (ops.resize, (X, None, None, i64[3]), {}, "sizes is a vector of 4, not i64[3]"),
    (ops.resize, (X, None, tensor_data((1.0, 1.0, 0.0, 2.0), f32[4])), {}, "a scale of 0.0; it must be positive"),
    (ops.resize, (X, None, S), {"coordinate_transformation_mode": "tf_crop_and_resize"}, "takes a roi"),
    (ops.resize, (X, f32[4], S), {"coordinate_transformation_mode": "tf_crop_and_resize"}, "the roi is a vector of 8"),
    (ops.grid_sample, (X, f32["n", 5, 5, 2]), {"mode": "bilinear"}, "mode 'bilinear' is none of nearest"),
    (ops.grid_sample, (X, f32["n", 5, 5, 2]), {"padding_mode": "no"}, "padding_mode 'no' is none of zeros"),
    (ops.grid_sample, (X, f32["n", 5, 2]), {}, "a grid of 3 dimensions for an image of 4"),
    (ops.grid_sample, (X, f32["n", 5, 5, 3]), {}, "points have 2 coordinates, not 3"),
    (ops.grid_sample, (f32[1, 3, 4, 4], f32[2, 5, 5, 2]), {}, "1 images and 2 grids"),
    (ops.grid_sample, (f32[1, 3], f32[2, 5]), {}, "an image has a batch, channels and axes"),
    (ops.grid_sample, (X, i64["n", 5, 5, 2]), {}, "they must be of kind float"),
    (ops.roi_align, (X, f32[2, 4], i64[2]), {"mode": "min"}, "mode 'min' is none of avg, max"),
    (ops.roi_align, (X, f32[2, 5], i64[2]), {}, "regions are [count, 4], not f32[2, 5]"),
    (ops.roi_align, (X, f32[2, 4], i64[3]), {}, "there is an image for each of 2 regions"),
    (ops.roi_align, (f32[3, 4, 4], f32[2, 4], i64[2]), {}, "not of 3 dimensions"),
    (ops.roi_align, (X, f32[2, 4], i64[2]), {"output_width": 0}, "an output of 1 x 0"),
    (ops.upsample, (X, f32[3]), {}, "scales is a vector of 4"),
    (ops.upsample, (X, S), {"mode": "cubic"}, "mode 'cubic' is none of nearest, linear"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL)
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_open_dimensions_times_fractions() -> None:
    x, n, h, w = named_input("x", X), dim("n"), dim("h"), dim("w")
    assert ops.resize(x, None, S).shape == (n, 3, h * 2, w * 2)
    half = constant(data=tensor_data((0.5, 1.5), f32[2]))
    assert ops.resize(x, None, half, axes=(-2, -1)).shape == (n, 3, h // 2, w * 3 // 2)
    taken = ops.slice(ops.shape(x), (2,), (4,))
    assert ops.resize(x, None, None, taken * 2, axes=(2, 3)).shape == (n, 3, h * 2, w * 2)
    computed = named_input("s", f32[4])
    assert ops.resize(x, None, computed, name="r").shape == tuple(dim(f"r.{axis}") for axis in range(4))
    assert len(ops.resize(x, None, None, named_input("s", i64[4])).shape) == 4


def test_sizes_that_keep_the_ratio() -> None:
    x = named_input("x", f32[1, 3, 5, 10])
    sizes = constant(data=tensor_data((7, 7), i64[2]))
    given = {"axes": (2, 3), "keep_aspect_ratio_policy": "not_larger"}
    assert ops.resize(x, None, None, sizes, **given).shape == (1, 3, 4, 7)
    assert ops.resize(x, None, None, sizes, **given | {"keep_aspect_ratio_policy": "not_smaller"}).shape == (
        1,
        3,
        7,
        14,
    )
    loose = ops.resize(named_input("x", X), None, None, sizes, **given, name="r")
    assert loose.shape == (dim("n"), 3, dim("r.2"), dim("r.3"))


@given(st.integers(0, 5000), st.floats(0.0625, 8, width=32))
def test_a_length_times_a_scale_is_what_32_bits_give(size: int, scale: float) -> None:
    wanted = int(np.floor(np.float32(size) * np.float32(scale)))
    assert times(size, scale) == wanted
    open_ended = times(dim("n"), scale)
    assert open_ended is UNKNOWN or substitute(open_ended, {"n": size}) == wanted


@given(st.integers(0, 5000), st.integers(1, 40), st.integers(1, 40))
def test_a_length_times_a_fraction_is_what_32_bits_give(size: int, p: int, q: int) -> None:
    scale = float(np.float32(p / q))
    open_ended = times(dim("n"), scale)
    if open_ended is not UNKNOWN:
        assert substitute(open_ended, {"n": size}) == int(np.floor(np.float32(size) * np.float32(scale)))
    if q in (1, 2, 4, 8, 16, 32):
        assert open_ended == dim("n") * Fraction(p, q).numerator // Fraction(p, q).denominator
