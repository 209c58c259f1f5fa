import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backends.numpy.running import FLOATS, close, compute, draw, runtime, transient

from nnvm.backends.numpy.kernels.conv import conv


def out_shape(image, window, strides, pads, dilations):
    rank = len(image)
    sizes = zip(image, window, strides, pads[:rank], pads[rank:], dilations, strict=True)
    return tuple((i + b + e - (w - 1) * d - 1) // s + 1 for i, w, s, b, e, d in sizes)


def check(x, weight, bias, strides, pads, dilations, groups, rtol=None):
    shape = (x.shape[0], weight.shape[0], *out_shape(x.shape[2:], weight.shape[2:], strides, pads, dilations))
    params = {"strides": strides, "pads": pads, "dilations": dilations}
    found = compute("conv", (shape, x.dtype), x, weight, bias, **params, groups=groups)
    double = [None if each is None else each.astype(np.float64) for each in (x, weight, bias)]
    wanted = exact(*double, **params, groups=groups, shape=shape)
    close(found, wanted.astype(x.dtype), rtol)


def exact(x, weight, bias, *, strides, pads, dilations, groups, shape):
    """Convolve in float64, one output position at a time."""
    rank, depth = x.ndim - 2, weight.shape[1]
    padded = np.pad(x, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)])
    out = np.zeros(shape)
    filters = weight.shape[0] // groups
    for place in np.ndindex(*shape[2:]):
        window = tuple(
            slice(p * s, p * s + (w - 1) * d + 1, d)
            for p, s, w, d in zip(place, strides, weight.shape[2:], dilations, strict=True)
        )
        seen = padded[(slice(None), slice(None), *window)]
        for group in range(groups):
            some = slice(group * filters, (group + 1) * filters)
            part = seen[:, group * depth : (group + 1) * depth]
            axes = list(range(1, rank + 2))
            out[(slice(None), some, *place)] = np.tensordot(part, weight[some], (axes, axes))
    return out if bias is None else out + bias.reshape(-1, *[1] * rank)


@st.composite
def convolutions(draw_from):
    rank = draw_from(st.integers(1, 3))
    groups, depth, each = draw_from(st.integers(1, 3)), draw_from(st.integers(1, 3)), draw_from(st.integers(1, 3))
    side = {1: 12, 2: 7, 3: 4}[rank]
    numbers = lambda low, high, count=rank: tuple(draw_from(st.integers(low, high)) for _ in range(count))  # noqa: E731
    image, window, strides, dilations = numbers(1, side), numbers(1, 3), numbers(1, 3), numbers(1, 2)
    pads = numbers(0, 2, 2 * rank)
    batch = draw_from(st.integers(0, 2))
    seed = draw_from(st.integers(0, 99))
    return batch, groups, depth, each, image, window, strides, pads, dilations, draw_from(st.booleans()), seed


@settings(max_examples=150, deadline=None)
@given(convolutions(), st.sampled_from(FLOATS))
def test_any_small_convolution(case, dtype):
    batch, groups, depth, each, image, window, strides, pads, dilations, biased, seed = case
    if min(out_shape(image, window, strides, pads, dilations)) < 1:
        return
    x = draw(seed, (batch, groups * depth, *image), dtype)
    weight = draw(seed + 1, (groups * each, depth, *window), dtype)
    bias = draw(seed + 2, (groups * each,), dtype) if biased else None
    check(x, weight, bias, strides, pads, dilations, groups)


@pytest.mark.parametrize(
    ("x", "weight", "strides", "pads", "groups"),
    [
        ((1, 300, 9, 11), (40, 300, 3, 3), (1, 1), (1, 1, 1, 1), 1),  # columns beyond the workspace: partial sums
        ((1, 64, 13, 300), (200, 64, 5, 5), (2, 1), (2, 2, 2, 2), 1),
        ((2, 40, 12, 9), (24, 10, 3, 3), (1, 2), (0, 1, 2, 1), 4),
        ((1, 3, 4, 5, 6), (7, 3, 3, 3, 3), (1, 1, 1), (1,) * 6, 1),
        ((1, 6, 70000), (6, 6, 3), (1,), (1, 1), 1),
        ((1, 90, 8, 60), (90, 1, 5, 5), (2, 1), (2, 2, 2, 2), 90),
        ((1, 5, 200, 210), (10, 1, 3, 3), (1, 1), (1, 1, 1, 1), 5),
        ((1, 4, 9, 10, 11), (4, 1, 3, 2, 3), (1, 2, 1), (1, 0, 1, 1, 1, 1), 4),
        ((3, 16, 1, 1), (8, 16, 1, 1), (1, 1), (0, 0, 0, 0), 1),
        ((2, 16, 33, 7), (8, 16, 1, 1), (2, 2), (0, 0, 0, 0), 1),
        ((2, 16, 33, 7), (8, 4, 1, 1), (1, 1), (0, 0, 0, 0), 4),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_larger_convolutions_agree_with_onnx_runtime(x, weight, strides, pads, groups, dtype):
    x, weight = draw(1, x), draw(2, weight)
    bias = draw(3, (weight.shape[0],))
    rank = len(strides)
    given = [each.astype(dtype) for each in (x, weight, bias)]
    attributes = {"strides": strides, "pads": pads, "dilations": (1,) * rank}
    wanted, *_ = runtime("Conv", [each.astype(np.float32) for each in given], [np.float32], group=groups, **attributes)
    close(
        compute("conv", (wanted.shape, dtype), *given, groups=groups, **attributes),
        wanted.astype(dtype),
        4e-3 if dtype == "float16" else 2e-5,
    )


def test_a_dilation_larger_than_the_workspace_still_convolves():
    x = draw(1, (1, 2, 50, 4000))
    check(x, draw(2, (2, 1, 3, 3)), draw(3, (2,)), (1, 1), (0, 0, 0, 0), (20, 1900), 2)
    check(x, draw(2, (2, 2, 2, 2)), None, (1, 1), (0, 0, 0, 0), (40, 3000), 1)


def test_an_empty_sum_is_the_bias():
    out = compute(
        "conv",
        ((1, 2, 3), np.float32),
        np.zeros((1, 0, 5), "f"),
        np.zeros((2, 0, 3), "f"),
        np.array([1, 2], "f"),
        strides=(1,),
        pads=(0, 0),
        dilations=(1,),
    )
    np.testing.assert_array_equal(out[0, :, 0], [1, 2])


def test_channels_that_do_not_match_are_refused():
    x, weight = np.zeros((1, 3, 5), "f"), np.zeros((2, 4, 3), "f")
    with pytest.raises(ValueError, match="does not give"):
        conv(np.zeros((1, 2, 3), "f"), x, weight, strides=(1,), pads=(0, 0), dilations=(1,))


def test_parameters_of_another_rank_are_refused():
    x, weight = np.zeros((1, 3, 5), "f"), np.zeros((2, 3, 3), "f")
    with pytest.raises(ValueError, match="rank 1"):
        conv(np.zeros((1, 2, 3), "f"), x, weight, strides=(1, 1), pads=(0, 0), dilations=(1,))


@pytest.mark.parametrize("groups", [1, 8, 64])
@pytest.mark.parametrize("dtype", FLOATS)
def test_no_tensor_is_allocated(groups, dtype):
    x, weight, bias = draw(1, (1, 64, 64, 64), dtype), draw(2, (64, 64 // groups, 3, 3), dtype), draw(3, (64,), dtype)
    out = np.empty((1, 64, 64, 64), dtype)
    params = {"strides": (1, 1), "pads": (1,) * 4, "dilations": (1, 1), "groups": groups}
    assert transient("conv", [out], [x, weight, bias], **params) <= 16384
