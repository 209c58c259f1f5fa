import numpy as np
import pytest

from nnvm.backends.numpy.kernels.resampling import Axis, Filter, beyond, coordinates, nearest, neighbours, places, taps

HALVES = np.array([-0.5, -0.25, 0, 0.5, 1.25, 1.5, 2.75], "f")


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("asymmetric", [0, 0.5, 1, 1.5]),
        ("align_corners", [0, 1 / 3, 2 / 3, 1]),
        ("half_pixel", [-0.25, 0.25, 0.75, 1.25]),
        ("pytorch_half_pixel", [-0.25, 0.25, 0.75, 1.25]),
        ("half_pixel_symmetric", [-0.25, 0.25, 0.75, 1.25]),
        ("tf_crop_and_resize", [0.25, 0.25 + 1 / 6, 0.25 + 1 / 3, 0.75]),
    ],
)
def test_where_elements_are_from(mode, wanted):
    axis = Axis(2, 4, 2.0, 0.25, 0.75) if mode == "tf_crop_and_resize" else Axis(2, 4, 2.0)
    np.testing.assert_allclose(coordinates(axis, mode, 0, 4), wanted, rtol=1e-6)
    np.testing.assert_allclose(coordinates(axis, mode, 1, 3, np.float64), wanted[1:3], rtol=1e-12)


def test_a_single_element():
    axis = Axis(5, 1, 0.2, 0.5, 1.0)
    found = {mode: coordinates(axis, mode, 0, 1)[0] for mode in ("align_corners", "pytorch_half_pixel")}
    assert found == {"align_corners": 0, "pytorch_half_pixel": 0}
    assert coordinates(axis, "tf_crop_and_resize", 0, 1)[0] == 3
    with pytest.raises(ValueError, match="no coordinates are called 'other'"):
        coordinates(axis, "other", 0, 1)


@pytest.mark.parametrize(
    ("rule", "scale", "wanted"),
    [
        ("floor", 2, [-1, -1, 0, 0, 1, 1, 2]),
        ("ceil", 2, [0, 0, 0, 1, 2, 2, 3]),
        ("round_prefer_floor", 2, [-1, 0, 0, 0, 1, 1, 3]),
        ("round_prefer_ceil", 2, [0, 0, 0, 1, 1, 2, 3]),
        ("simple", 2, [0, 0, 0, 0, 1, 1, 2]),
        ("simple", 0.5, [0, 0, 0, 1, 2, 2, 3]),
    ],
)
def test_what_is_nearest(rule, scale, wanted):
    assert nearest(HALVES, rule, scale).tolist() == wanted


def test_no_such_rule():
    with pytest.raises(ValueError, match="no nearest_mode is called 'other'"):
        nearest(HALVES, "other", 1)


def test_places_stay_inside():
    found = np.empty(700, np.int64)
    places(Axis(100, 700, 7.0), Filter("nearest", "half_pixel"), 0, 700, found)
    np.testing.assert_array_equal(found, np.arange(700) // 7)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("exclude", [False, True])
def test_weights_add_up_to_one_and_keep_lines(mode, antialias, exclude):
    axis, way = Axis(90, 40, 40 / 90), Filter(mode, "half_pixel", exclude=exclude, antialias=antialias)
    index, weight = np.empty((taps(axis, way), 40), np.int64), np.empty((taps(axis, way), 40))
    neighbours(axis, way, 0, 40, index, weight)
    np.testing.assert_allclose(weight.sum(axis=0), 1)
    inner = slice(10, 30)
    line = (np.arange(90.0)[index] * weight).sum(axis=0)[inner]
    np.testing.assert_allclose(line, coordinates(axis, "half_pixel", 0, 40, np.float64)[inner], atol=0.06)


def test_taps():
    assert taps(Axis(10, 20, 2.0), Filter("linear", "half_pixel", antialias=True)) == 2
    assert taps(Axis(10, 20, 2.0), Filter("cubic", "half_pixel")) == 4
    assert taps(Axis(10, 4, 0.4), Filter("cubic", "half_pixel", antialias=True)) == 10


def test_what_lies_beyond():
    axis = Axis(5, 4, 1.0, -0.25, 1.0)
    assert beyond(axis, Filter("linear", "tf_crop_and_resize"), 0, 4).tolist() == [True, False, False, False]
