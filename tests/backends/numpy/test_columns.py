from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.backends.numpy.running import compute, transient

from nnvm.backends.numpy.kernels.columns import cut, gather, stage_cells
from nnvm.backends.numpy.kernels.scratch import extent, spans
from nnvm.backends.numpy.kernels.windows import Axis


@st.composite
def planned_axis(draw):
    size, window = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    stride, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    begin, end = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    room = size + begin + end - dilation * (window - 1) - 1
    return Axis(size, max(1, room // stride + 1), window, stride, dilation, begin, end)


def padded(x, plan):
    """Return the columns by definition, from a copy with zeros all around."""
    wide = np.zeros((len(x), *(3 * (axis.size + 40) for axis in plan)), x.dtype)
    wide[(slice(None), *(slice(axis.size + 40, 2 * axis.size + 40) for axis in plan))] = x
    columns = np.empty((len(x), *(axis.window for axis in plan), *(axis.out for axis in plan)), x.dtype)
    for tap in product(*(range(axis.window) for axis in plan)):
        for place in product(*(range(axis.out) for axis in plan)):
            reads = (
                axis.size + 40 + i * axis.stride - axis.begin + t * axis.dilation
                for axis, i, t in zip(plan, place, tap, strict=True)
            )
            columns[(slice(None), *tap, *place)] = wide[(slice(None), *reads)]
    return columns


@given(
    st.lists(planned_axis(), min_size=1, max_size=3),
    st.integers(1, 3),
    st.integers(1, 40),
    st.sampled_from([0, 7, 1 << 16]),
    st.booleans(),
)
def test_every_way_to_gather_gives_the_same_columns(plan, channels, limit, spare, contiguous):
    image = tuple(axis.size for axis in plan)
    x = np.arange(1, channels * prod(image) + 1, dtype="f").reshape(channels, *image)
    given_x = x if contiguous else np.stack([x, -x], axis=1)[:, 0]
    wanted = padded(x, plan)
    for box in spans(tuple(axis.out for axis in plan), limit):
        part = wanted[(slice(None), *(slice(None) for _ in plan), *box)]
        columns = np.full(part.shape, np.nan, "f")
        gather(columns, given_x, plan, box, np.full(spare, np.nan, "f"))
        np.testing.assert_array_equal(columns, part)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("window", [2, 3, 7])
def test_a_padded_copy_is_as_large_as_what_is_read(window, stride):
    axis = Axis(100, 20, window, stride, 1, 1, 1)
    read = 19 * stride + window
    assert read <= stage_cells([axis], (20,)) < read + stride


@given(st.integers(1, 600), st.integers(1, 8), st.lists(planned_axis(), min_size=1, max_size=2), st.integers(64, 9000))
def test_a_cut_fits_its_room(depth, groups, plan, room):
    image = tuple(axis.out for axis in plan)
    taps = prod(axis.window for axis in plan)
    way = cut(room, groups, depth, 16, tuple(plan))
    columns = way.groups * way.channels * taps * prod(extent(next(spans(image, way.positions))))
    assert columns <= room
    assert way.channels == depth or (way.groups == 1 and way.filters * way.positions + columns <= room)


def test_a_window_that_no_room_holds_is_refused():
    with pytest.raises(ValueError, match="1000 taps is too large"):
        cut(600, 1, 1, 1, (Axis(2000, 5, 1000, 1, 1, 0, 0),))


@given(
    st.integers(2, 70),
    st.integers(1, 5),
    st.integers(1, 5),
    st.lists(planned_axis(), min_size=1, max_size=2),
    st.booleans(),
)
def test_many_small_images_give_what_each_gives_alone(count, channels, filters, plan, biased):
    random = np.random.default_rng(count)
    plan = [axis for axis in plan if axis.size + axis.begin + axis.end > axis.dilation * (axis.window - 1)]
    x = random.standard_normal((count, channels, *(axis.size for axis in plan)), np.float32)
    weight = random.standard_normal((filters, channels, *(axis.window for axis in plan)), np.float32)
    bias = [random.standard_normal(filters, np.float32)] if biased else []
    params = {
        "strides": tuple(axis.stride for axis in plan),
        "dilations": tuple(axis.dilation for axis in plan),
        "pads": (*(axis.begin for axis in plan), *(axis.end for axis in plan)),
    }
    shape = (filters, *(axis.out for axis in plan))
    together = compute("conv", ((count, *shape), "f"), x, weight, *bias, **params)
    alone = [compute("conv", ((1, *shape), "f"), each[None], weight, *bias, **params) for each in x]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "window", "stride", "pad"),
    [((32, 1, 832), 256, 128, 0), ((32, 64, 4), 3, 1, 1), ((1, 24, 80, 80), 3, 1, 1), ((1, 24, 81, 81), 7, 2, 3)],
)
def test_columns_lie_in_the_workspace(shape, window, stride, pad):
    rank = len(shape) - 2
    out = [(size + 2 * pad - window) // stride + 1 for size in shape[2:]]
    weight = np.ones((40, shape[1], *[window] * rank), "f")
    params = {"strides": (stride,) * rank, "pads": (pad,) * 2 * rank, "dilations": (1,) * rank}
    assert transient("conv", [np.empty((shape[0], 40, *out), "f")], [np.ones(shape, "f"), weight], **params) <= 16384


def test_an_empty_output_wants_no_room():
    x, weight = np.ones((1, 2, 3), "f"), np.ones((4, 2, 3), "f")
    params = {"strides": (1,), "pads": (0, 0), "dilations": (1,)}
    assert compute("conv", ((0, 4, 1), "f"), x[:0], weight, **params).shape == (0, 4, 1)
