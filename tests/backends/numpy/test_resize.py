import numpy as np
import pytest
from tests.backends.numpy.running import DEVICE, close, compute, draw, runtime, transient

from nnvm.backends.numpy.kernels.resize import resize_workspace


def scaled(x, scales, opset=19, **attributes):
    """Resize by ONNX Runtime."""
    wanted, *_ = runtime("Resize", [x, None, np.array(scales, "f")], [x.dtype], opset=opset, **attributes)
    return wanted


def ours(x, shape, scales, **attributes):
    attributes["coordinates"] = attributes.pop("coordinate_transformation_mode", "half_pixel")
    return compute("resize", (shape, x.dtype), x, None, np.array(scales, "f"), **attributes)


@pytest.mark.parametrize("scales", [(1, 1, 2, 2), (1, 1, 3, 1), (1, 1, 1.7, 0.6), (1, 1, 0.5, 4)])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("antialias", [0, 1])
@pytest.mark.parametrize("shape", [(1, 3, 150, 170), (2, 9, 7, 5), (1, 1, 3, 20000)])
def test_images_larger_than_the_workspace(scales, mode, antialias, shape):
    if mode == "nearest" and antialias:
        return
    x = draw(1, shape)
    wanted = scaled(x, scales, mode=mode, antialias=antialias)
    close(ours(x, wanted.shape, scales, mode=mode, antialias=antialias), wanted, 2e-4 if shape[3] < 9999 else 3e-3)


@pytest.mark.parametrize("rule", ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"])
@pytest.mark.parametrize("where", ["asymmetric", "half_pixel", "align_corners"])
@pytest.mark.parametrize("scales", [(1, 1, 2, 2), (1, 2, 3, 4), (1, 1, 1.5, 2)])
def test_repeats(rule, where, scales):
    x = draw(1, (2, 3, 50, 60))
    given = {"nearest_mode": rule, "coordinate_transformation_mode": where}
    wanted = scaled(x, scales, mode="nearest", **given)
    np.testing.assert_array_equal(ours(x, wanted.shape, scales, **given), wanted)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_channels_last(mode):
    x = draw(1, (2, 70, 80, 3))
    scales = (1, 1.5, 2.5, 1)
    first = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    wanted = ours(first, (2, 3, 105, 200), (1, 1, 1.5, 2.5), mode=mode)
    close(ours(x, (2, 105, 200, 3), scales, mode=mode), np.ascontiguousarray(wanted.transpose(0, 2, 3, 1)))


@pytest.mark.parametrize("antialias", [0, 1])
def test_volumes(antialias):
    x = draw(1, (1, 2, 40, 50, 60))
    scales = (1, 1, 0.5, 0.5, 0.4)
    wanted = scaled(x, scales, mode="linear", antialias=antialias)
    close(ours(x, wanted.shape, scales, mode="linear", antialias=antialias), wanted, 1e-4)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("shape", [(90, 80, 70), (600, 700), (70000,)])
def test_a_filter_over_a_whole_image(shape, dtype):
    x, out = draw(1, shape, dtype), np.empty((1,) * len(shape), dtype)
    params = {"mode": "linear", "coordinates": "half_pixel", "antialias": 1, "exclude_outside": 1}
    size = resize_workspace((out.shape,), (shape,), x.itemsize, params)
    assert size > 262144 or len(shape) > 1
    given = np.array([1 / size for size in shape], "f")
    DEVICE.kernel("numpy:resize/1")(out, x, None, given, **params, workspace=DEVICE.allocate(size))
    wanted = x.astype("d")
    for n in shape:
        row = 1 - abs(np.arange(n) + 0.5 - n / 2) / n
        wanted = np.tensordot(row / row.sum(), wanted, 1)
    np.testing.assert_allclose(out.item(), wanted, atol=1e-3 if dtype == "float16" else 1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32"])
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_whole_numbers_are_cut_off(dtype, mode):
    x = draw(1, (1, 1, 9, 9), dtype)
    found = ours(x, (1, 1, 16, 20), (1, 1, 1.8, 2.25), mode=mode)
    wider = ours(x.astype("d"), (1, 1, 16, 20), (1, 1, 1.8, 2.25), mode=mode)
    ends = np.iinfo(dtype)
    assert np.abs(found - np.clip(wider, ends.min, ends.max)).max() < 1.001
    assert (np.abs(found) <= np.abs(wider) + 1e-3).all()


def test_a_crop_and_what_lies_outside():
    x = np.arange(16, dtype="f").reshape(1, 1, 4, 4)
    roi = np.array([0, 0, 0.5, -1 / 3, 1, 1, 1, 1], "f")
    found = compute(
        "resize", ((1, 1, 2, 5), "f"), x, roi, None, np.array([1, 1, 2, 5]),
        mode="linear", coordinates="tf_crop_and_resize", extrapolation_value=9.0,
    )  # fmt: skip
    close(found, np.array([[[[9, 6, 7, 8, 9], [9, 12, 13, 14, 15]]]], "f"), 1e-5)


def test_nothing_to_do():
    x = draw(1, (2, 3, 4))
    close(ours(x, x.shape, (1, 1, 1)), x)
    assert ours(draw(1, (0, 4)), (0, 8), (1, 2)).shape == (0, 8)


@pytest.mark.parametrize(
    ("x", "roi", "scales", "sizes", "params", "why"),
    [
        ((0, 2), None, [1, 1], None, {}, "nothing can be made of an empty image"),
        ((2, 2), None, None, None, {}, "takes scales or sizes"),
        ((2, 2), None, [1], None, {}, "for 2 axes"),
        ((2, 2), None, [1, 0], None, {}, "there is a positive one for each"),
        ((2, 2), None, [1, 2], None, {"coordinates": "tf_crop_and_resize"}, "takes a roi of 4 numbers"),
        ((2, 2), [0, 1], [1, 2], None, {"coordinates": "tf_crop_and_resize"}, "takes a roi of 4 numbers"),
    ],
)
def test_what_is_refused(x, roi, scales, sizes, params, why):
    given = [None if each is None else np.array(each, "f") for each in (roi, scales)]
    with pytest.raises(ValueError, match=why):
        compute("resize", ((2, 4), "f"), np.zeros(x, "f"), *given, sizes, **params)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("scales", [(1, 1, 2, 2), (1, 1, 1.3, 1.3), (1, 1, 0.6, 0.7)])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_no_tensor_is_allocated(mode, scales, dtype):
    x = draw(1, (1, 16, 100, 110), dtype)
    shape = tuple(int(n * scale) for n, scale in zip(x.shape, scales, strict=True))
    given = {"mode": mode, "antialias": int(mode != "nearest")}
    assert transient("resize", [np.empty(shape, dtype)], [x, None, np.array(scales, "f")], **given) <= 16384


def test_the_workspace_is_small_where_the_image_is():
    assert resize_workspace(((1, 8, 8),), ((1, 4, 4),), 4, {"mode": "nearest"}) < 8192
    assert resize_workspace(((1, 8, 8),), ((1, 4, 4),), 4, {"mode": "linear"}) < 16384
    assert resize_workspace((None,), ((1, 4, 4),), 4, {}) == 262144
