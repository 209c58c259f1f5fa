import numpy as np
import pytest
from tests.backends.numpy.running import close, compute, draw, runtime, transient

from nnvm.backends.numpy.kernels.deform_conv import deform_conv_workspace

STILL = {"strides": (1, 1), "pads": (1, 1, 1, 1), "dilations": (1, 1)}


def given(channels: int, filters: int, size: int, groups: int, sharing: int, dtype: str = "f") -> list:
    return [
        draw(1, (2, channels, size, size), dtype),
        draw(2, (filters, channels // groups, 3, 3), dtype),
        2 * draw(3, (2, sharing * 18, size, size), dtype),
        draw(4, (filters,), dtype),
        draw(5, (2, sharing * 9, size, size), dtype),
    ]


@pytest.mark.parametrize(
    ("channels", "filters", "size", "groups", "sharing"),
    [(256, 300, 9, 1, 1), (96, 96, 20, 96, 2), (64, 128, 30, 4, 8), (6, 4, 40, 2, 1), (512, 1, 5, 1, 4)],
)
def test_more_than_the_workspace_holds(channels, filters, size, groups, sharing):
    ins = given(channels, filters, size, groups, sharing)
    params = {"pads": [1, 1, 1, 1], "group": groups, "offset_group": sharing}
    wanted, *_ = runtime("DeformConv", ins, ["f"], opset=19, **params)
    close(
        compute("deform_conv", (wanted.shape, "f"), *ins, groups=groups, offset_groups=sharing, **STILL), wanted, 2e-4
    )


def test_short_floats_are_summed_in_single_precision():
    ins = given(160, 8, 6, 2, 2, "float16")
    params = {"groups": 2, "offset_groups": 2, **STILL}
    wanted = compute("deform_conv", ((2, 8, 6, 6), "f"), *(each.astype("f") for each in ins), **params)
    close(compute("deform_conv", ((2, 8, 6, 6), "float16"), *ins, **params), wanted.astype("float16"))


def test_what_is_no_number_outside_the_image_is_not_read():
    x, weight, offset, bias, _ = given(1, 1, 4, 1, 1)
    x[...] = np.inf
    offset[...] = 100
    close(
        compute("deform_conv", ((2, 1, 4, 4), "f"), x, weight, offset, bias, None, **STILL), np.full((2, 1, 4, 4), bias)
    )


def test_an_empty_image_with_pads_gives_the_bias():
    x, weight, offset, bias, _ = given(2, 3, 4, 1, 1)
    found = compute("deform_conv", ((2, 3, 1, 4), "f"), x[:, :, :0], weight, offset[:, :, :1], bias, None, **STILL)
    close(found, np.broadcast_to(bias[:, None, None], (2, 3, 1, 4)))


def test_no_tensor_is_allocated():
    ins, out = given(64, 64, 40, 1, 1), np.empty((2, 64, 40, 40), "f")
    assert transient("deform_conv", [out], ins, **STILL) <= 32768


def test_workspace():
    shapes = ((1, 2, 9, 9), (4, 2, 3, 3), (1, 18, 7, 7))
    assert 8192 < deform_conv_workspace(((1, 4, 7, 7),), shapes, 4, {}) <= 262144
    assert deform_conv_workspace((None,), (None, None, None), 4, {}) == 262144
    assert deform_conv_workspace(((1, 60000, 7, 7),), ((1, 2, 9, 9), (60000, 2, 3, 3), None), 4, {}) > 262144
