from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    Use,
    by_reference,
    by_runtime,
    check_run,
    check_types,
    close,
    ints,
    ours,
    refusal,
    seeds,
    shapes,
    values,
)

from nnvm import ops
from nnvm.ir import Op, f32, i64, named_input


@st.composite
def crops(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, 4))
    chosen = draw(st.none() | st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    sizes = [draw(st.integers(0, 5)) for _ in (shape if chosen is None else chosen)]
    axes = chosen and tuple(axis - len(shape) if draw(st.booleans()) else axis for axis in chosen)
    x = values(draw(seeds), shape, draw(st.sampled_from(["float32", "int8", "bool"])))
    return Use(ops.center_crop_pad, [x, ints(sizes)], [1] if draw(st.booleans()) else [], axes=axes)


@st.composite
def columns(draw: st.DrawFn) -> Use:
    rank = draw(st.integers(1, 3))

    def drawn(most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(1, most)) for _ in range(rank))

    block, dilations, strides = drawn(3), drawn(2), drawn(3)
    pads = tuple(draw(st.integers(0, 2)) for _ in range(2 * rank))
    counts = drawn(3)
    image = tuple(
        (counts[i] - 1) * strides[i]
        + dilations[i] * (block[i] - 1)
        + 1
        - pads[i]
        - pads[rank + i]
        + draw(st.integers(0, strides[i] - 1))
        for i in range(rank)
    )
    if min(image) < 1:
        pads, image = (0,) * (2 * rank), tuple(size + pads[i] + pads[rank + i] for i, size in enumerate(image))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 2)) * int(np.prod(block)), int(np.prod(counts)))
    x = values(draw(seeds), shape, draw(st.sampled_from(["float32", "int32"])))
    fixed = draw(st.sampled_from([[1, 2], [2], [1], []]))
    return Use(ops.col2im, [x, ints(image), ints(block)], fixed, dilations=dilations, pads=pads, strides=strides)


@st.composite
def unpools(draw: st.DrawFn) -> Use:
    rank = draw(st.integers(1, 3))
    kernel, strides = ([draw(st.integers(1, 3)) for _ in range(rank)] for _ in range(2))
    pads = [draw(st.integers(0, max(0, min(size) - 1))) for size in [(k,) for k in kernel]] * 2
    shape = tuple(draw(st.integers(1, 3)) for _ in range(2 + rank))
    whole = [(shape[i + 2] - 1) * strides[i] + kernel[i] - pads[i] - pads[rank + i] for i in range(rank)]
    if min(whole) < 1:
        pads, whole = [0] * (2 * rank), [size + 2 * pads[i] for i, size in enumerate(whole)]
    whole = [*shape[:2], *whole]
    x = values(draw(seeds), shape, draw(st.sampled_from(["float32", "float64"])))
    random = np.random.default_rng(draw(seeds))
    places = random.choice(int(np.prod(whole)), x.size, replace=x.size > np.prod(whole)).reshape(shape)
    if x.size > np.prod(whole):
        places = np.zeros(shape, np.int64)
        x = np.full_like(x, 2)
    given = [x, places.astype(np.int64)]
    if draw(st.booleans()):
        given.append(ints([size + draw(st.integers(0, 2)) for size in whole]))
    fixed = [2] if len(given) > 2 and draw(st.booleans()) else []
    return Use(ops.max_unpool, given, fixed, kernel=tuple(kernel), pads=tuple(pads), strides=tuple(strides))


@st.composite
def grids(draw: st.DrawFn) -> Use:
    axes, align = draw(st.integers(2, 3)), draw(st.booleans())
    size = [draw(st.integers(2 if align else 1, 4)) for _ in range(2 + axes)]
    theta = values(draw(seeds), (size[0], axes, axes + 1), "float32")
    return Use(ops.affine_grid, [theta, ints(size)], [1] if draw(st.booleans()) else [], align_corners=align)


USES = {ops.center_crop_pad: crops(), ops.col2im: columns(), ops.max_unpool: unpools(), ops.affine_grid: grids()}
JUDGES = {ops.affine_grid: (by_runtime,)}
"""The reference loses the last row of some grids to rounding; ONNX Runtime rejects what is empty."""


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=40)
    def law(use: Use, seed: int) -> None:
        check_types(use, check_run(use, 22 if op is ops.max_unpool else 20, JUDGES.get(op, (by_reference,))), seed)

    law()


def test_one_element_lies_in_the_corner_where_corners_are_aligned() -> None:
    theta = np.array([[[1, 0, 0], [0, 1, 0]]], "f")
    (found,) = ours(Use(ops.affine_grid, [theta, ints([1, 1, 1, 3])], align_corners=True))
    assert found[0, 0].tolist() == [[-1, -1], [0, -1], [1, -1]]


def test_blocks_that_lie_in_the_padding_alone_are_dropped() -> None:
    use = Use(ops.col2im, [values(0, (1, 1, 5)), ints([3]), ints([1])], pads=(1, 1))
    (found,) = ours(use)
    assert close(found, use.arrays[0][:, :, 1:4])


X, PLACES = f32[1, 1, 2, 2], i64[1, 1, 2, 2]
ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.center_crop_pad, (f32[2, 3], (1,)), {}, "sizes (1,) for 2 axes"),
    (ops.center_crop_pad, (f32[2, 3], (1, -1)), {}, "sizes of (1, -1)"),
    (ops.center_crop_pad, (f32[2, 3], (1,)), {"axes": (2,)}, "axis 2 is not among the 2 axes"),
    (ops.center_crop_pad, (f32[2, 3], (1, 2)), {"axes": (1, -1)}, "an axis is repeated"),
    (ops.col2im, (f32[2, 3], (3, 3), (1, 1)), {}, "[batch, channels * block, blocks]"),
    (ops.col2im, (f32[1, 3, 4], (3, 3), (1,)), {}, "a block of (1,) in an image of (3, 3)"),
    (ops.col2im, (f32[1, 3, 4], (3, 3), (2, 1)), {}, "3 rows do not divide into blocks"),
    (ops.col2im, (f32[1, 4, 4], (3, 3), (2, 1)), {"pads": (1, 1)}, "pads (1, 1) for 2 axes"),
    (ops.col2im, (f32[1, 4, 4], (3, 3), (2, 1)), {"strides": (0, 1)}, "are positive"),
    (ops.max_unpool, (X, PLACES), {"kernel": (2,)}, "a window of (2,) for f32[1, 1, 2, 2]"),
    (ops.max_unpool, (X, i64[1, 1, 2, 3]), {"kernel": (2, 2)}, "indices of i64[1, 1, 2, 3]"),
    (ops.max_unpool, (X, PLACES), {"kernel": (2, 2), "strides": (2,)}, "strides (2,) for a window"),
    (ops.max_unpool, (X, PLACES, (4, 4)), {"kernel": (2, 2)}, "an output of 2 dimensions"),
    (ops.affine_grid, (f32[1, 2, 3], (1, 1, 2)), {}, "images of 3 dimensions"),
    (ops.affine_grid, (f32[1, 2, 3], (1, 1, 2, 2, 2)), {}, "for images of 3 axes"),
    (ops.affine_grid, (f32[2, 2, 3], (1, 1, 2, 2)), {}, "2 maps for 1 images"),
    (ops.affine_grid, (f32[2, 3], (1, 1, 2, 2)), {}, "[batch, axes, axes + 1]"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_sizes_that_only_a_run_knows() -> None:
    x, sizes = named_input("x", f32[1, 4, 9]), named_input("s", i64[2])
    assert str(ops.col2im(x, sizes, (2, 2), name="y").type) == "f32[1, 1, 'y.2', 'y.3']"
    assert str(ops.center_crop_pad(x, sizes, axes=(0, 2), name="y").type) == "f32['y.0', 4, 'y.2']"
    assert ops.col2im(x, named_input("s", i64["k"]), (2, 2)).type is None
