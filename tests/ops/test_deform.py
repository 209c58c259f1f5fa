from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import FLOATS, Use, by_reference, by_runtime, check_run, check_types, ours, refusal, seeds, values

from nnvm import ops
from nnvm.ir import Op, f32, i64, trace
from nnvm.passes import infer_types


@st.composite
def deform_convs(draw: st.DrawFn, rank: int = 2, dtypes: tuple[str, ...] = ("float32",)) -> Use:
    dtype = draw(st.sampled_from(dtypes))
    groups, sharing = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    depth = draw(st.integers(1, 3)) * sharing
    channels, filters = depth * groups, groups * draw(st.integers(1, 2))

    def drawn(low: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, most)) for _ in range(rank))

    window, strides, dilations = drawn(1, 3), drawn(1, 2), drawn(1, 2)
    pads = tuple(draw(st.integers(0, 2)) for _ in range(2 * rank))
    sizes = drawn(1, 3)
    image = tuple(
        max(2, (sizes[i] - 1) * strides[i] + dilations[i] * (window[i] - 1) + 1 - pads[i] - pads[rank + i])
        for i in range(rank)
    )
    sizes = tuple(
        (image[i] + pads[i] + pads[rank + i] - dilations[i] * (window[i] - 1) - 1) // strides[i] + 1
        for i in range(rank)
    )
    batch, taps = draw(st.integers(1, 2)), sharing * int(np.prod(window))
    seed = draw(seeds)
    arrays = [
        values(seed, (batch, channels, *image), dtype),
        values(seed + 1, (filters, depth, *window), dtype),
        values(seed + 2, (batch, taps * rank, *sizes), dtype, low=-2, high=2),
        values(seed + 3, (filters,), dtype) if draw(st.booleans()) else None,
        values(seed + 4, (batch, taps, *sizes), dtype) if draw(st.booleans()) else None,
    ]
    params: dict[str, Any] = {"strides": strides, "pads": pads, "dilations": dilations, "groups": groups}
    params |= {"offset_groups": sharing, "kernel": window if draw(st.booleans()) else ()}
    return Use(ops.deform_conv, arrays, **params)


@given(deform_convs(), st.sampled_from([19, 22]), seeds)
@settings(max_examples=30)
def test_taps_are_shifted_as_onnx_says(use: Use, opset: int, seed: int) -> None:
    check_types(use, check_run(use, opset, (by_runtime,)), seed)


@given(deform_convs(dtypes=("float32", "float64")))
@settings(max_examples=6)
def test_the_reference_agrees(use: Use) -> None:
    check_run(use, 22, (by_reference,))


@given(st.integers(1, 3), st.sampled_from(FLOATS), st.data())
@settings(max_examples=25)
def test_without_offsets_it_is_a_convolution(rank: int, dtype: str, data: st.DataObject) -> None:
    use = data.draw(deform_convs(rank, (dtype,)))
    x, weight, offset, bias, mask = use.arrays
    kept = {key: value for key, value in use.params.items() if key != "offset_groups"}
    still = Use(ops.deform_conv, [x, weight, 0 * offset, bias, mask if mask is None else 0 * mask + 1], **use.params)
    if dtype == "float16":
        x, weight, bias = (None if each is None else each.astype("f") for each in (x, weight, bias))
    wanted = ours(Use(ops.conv, [x, weight, bias], **kept))[0]
    (found,) = ours(still)
    tolerance = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max(initial=1))


@given(deform_convs(3), deform_convs(1), seeds)
@settings(max_examples=12)
def test_images_of_one_and_three_axes_are_read_between_elements(solid: Use, line: Use, seed: int) -> None:
    for use in (solid, line):
        found = ours(use)
        np.testing.assert_allclose(found[0], _slowly(*use.arrays, **use.params), rtol=1e-4, atol=1e-4)
        check_types(use, found, seed)


def _slowly(x: Any, weight: Any, offset: Any, bias: Any, mask: Any, **params: Any) -> Any:
    """Compute each output of one sum over taps, one element at a time."""
    strides, pads, dilations = params["strides"], params["pads"], params["dilations"]
    rank, window, sizes = x.ndim - 2, weight.shape[2:], offset.shape[2:]
    shared, each = x.shape[1] // params["offset_groups"], len(weight) // params["groups"]
    shifts = offset.reshape(len(x), params["offset_groups"], *window, rank, *sizes)
    weights = np.ones_like(shifts[(slice(None),) * (2 + rank) + (0,)]) if mask is None else mask
    weights = weights.reshape(len(x), params["offset_groups"], *window, *sizes)
    out = np.zeros((len(x), len(weight), *sizes))
    for n, m, *at in np.ndindex(out.shape):
        total = 0.0 if bias is None else float(bias[m])
        for c, *tap in np.ndindex(weight.shape[1:]):
            channel = m // each * weight.shape[1] + c
            group = channel // shared
            shift = shifts[(n, group, *tap, slice(None), *at)]
            point = [at[i] * strides[i] - pads[i] + tap[i] * dilations[i] + shift[i] for i in range(rank)]
            total += _between(x[n, channel], point) * weight[(m, c, *tap)] * weights[(n, group, *tap, *at)]
        out[(n, m, *at)] = total
    return out


def _between(plane: Any, point: list[float]) -> float:
    low, total = np.floor(point).astype(int), 0.0
    for corner in np.ndindex(*(2,) * plane.ndim):
        near = low + corner
        if all(0 <= i < size for i, size in zip(near, plane.shape, strict=True)):
            total += float(plane[tuple(near)]) * float(np.prod(1 - np.abs(np.asarray(point) - near)))
    return total


USES = {ops.deform_conv: deform_convs()}
X, W = f32["n", 4, 5, 5], f32[6, 4, 3, 3]
ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.deform_conv, (X, W, f32["n", 18, 5, 5]), {}, "offsets of f32['n', 18, 5, 5] where ['n', 18, 3, 3] is due"),
    (ops.deform_conv, (X, W, f32["n", 18, 3, 3]), {"groups": 2}, "4 channels against 4 in the weight times 2 groups"),
    (ops.deform_conv, (X, W, f32["n", 18, 3, 3]), {"offset_groups": 3}, "4 channels do not divide into 3 groups"),
    (ops.deform_conv, (X, W, f32["n", 18, 3, 3]), {"kernel": (3,)}, "kernel (3,) against weight [3, 3]"),
    (ops.deform_conv, (X, W, f32["n", 18, 3, 3], f32[5]), {}, "a bias of f32[5] where [6] is due"),
    (ops.deform_conv, (X, W, f32["n", 18, 3, 3], None, f32[1, 18, 3, 3]), {}, "a mask of f32[1, 18, 3, 3] where"),
    (ops.deform_conv, (f32[1, 4], f32[6, 4], f32[1, 0]), {}, "an image has axes beside its channels"),
    (ops.deform_conv, (i64[1, 4, 5, 5], i64[6, 4, 3, 3], i64[1, 18, 3, 3]), {}, "they must be of kind float"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL)
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_weights_and_offsets_are_inferred_from_the_image() -> None:
    def net(x: X, weight, offset, bias, mask):  # type: ignore[no-untyped-def, valid-type]
        return ops.deform_conv(x, weight, offset, bias, mask, kernel=(3, 3), groups=2, offset_groups=2)

    graph = infer_types(trace(net))
    assert [str(value.type) for value in graph.inputs][1:3] == ["f32[None, 2, 3, 3]", "f32['n', 36, None, None]"]
