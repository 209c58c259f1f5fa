from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    NUMBERS,
    Use,
    axes_in,
    by_reference,
    by_runtime,
    check_run,
    check_types,
    ints,
    ours,
    refusal,
    seeds,
    shapes,
    values,
)  # fmt: skip

from nnvm import ops
from nnvm.ir import Op, boolean, dim, f32, i64, named_input

ANY = ("float32", "float64", "int32", "int64", "bool")


@st.composite
def top_ks(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, 3, smallest=1))
    axis = draw(axes_in(len(shape)))
    x = values(draw(seeds), shape, draw(st.sampled_from(["float32", "float64", "int32", "int64"])))
    k = ints([draw(st.integers(0, shape[axis]))])
    fixed = [1] if draw(st.booleans()) else []
    return Use(ops.top_k, [x, k], fixed=fixed, axis=axis, largest=draw(st.booleans()), sorted=True)


@st.composite
def compresses(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, 3, smallest=1))
    axis = draw(st.none() | axes_in(len(shape)))
    length = int(np.prod(shape)) if axis is None else shape[axis]
    condition = values(draw(seeds), (draw(st.integers(0, length)),), "bool")
    x = values(draw(seeds), shape, draw(st.sampled_from(ANY)))
    return Use(ops.compress, [x, condition], fixed=[1] if draw(st.booleans()) else [], axis=axis)


@st.composite
def uniques(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, 3, smallest=1))
    axis = draw(st.none() | axes_in(len(shape)))
    x = values(draw(seeds), shape, draw(st.sampled_from(["float32", "int64", "int8"])), 0, 2).round()
    return Use(ops.unique, [x], axis=axis, sorted=draw(st.booleans()))


@st.composite
def suppressions(draw: st.DrawFn) -> Use:
    batch, kinds, count = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 6))
    boxes = values(draw(seeds), (batch, count, 4), "float32", 0, 4)
    scores = values(draw(seeds), (batch, kinds, count), "float32", 0, 1)
    limits = [ints([draw(st.integers(0, 4))]), *(values(draw(seeds), (1,), "float32", 0, 1) for _ in range(2))]
    given = limits[: draw(st.integers(1, 3))]
    return Use(ops.non_max_suppression, [boxes, scores, *given], center_point_box=draw(st.booleans()))


@st.composite
def reversals(draw: st.DrawFn) -> Use:
    shape = draw(shapes(2, 4, smallest=1))
    batch = draw(st.integers(0, 1))
    lengths = ints([draw(st.integers(0, shape[1 - batch])) for _ in range(shape[batch])])
    x = values(draw(seeds), shape, draw(st.sampled_from(ANY)))
    return Use(ops.reverse_sequence, [x, lengths], batch_axis=batch, time_axis=1 - batch)


@st.composite
def cache_writes(draw: st.DrawFn) -> Use:
    shape = draw(shapes(2, 4, smallest=1))
    axis = draw(st.integers(1, len(shape) - 1))
    width = draw(st.integers(0, shape[axis]))
    mode = draw(st.sampled_from(["linear", "circular"]))
    most = shape[axis] - width if mode == "linear" else 2 * shape[axis]
    starts = ints([draw(st.integers(0, most)) for _ in range(shape[0])])
    dtype = draw(st.sampled_from(["float32", "float16", "int64"]))
    x, update = (
        values(draw(seeds), shape, dtype),
        values(draw(seeds), (*shape[:axis], width, *shape[axis + 1 :]), dtype),
    )
    given = [x, update, starts] if draw(st.booleans()) else [x, update]
    return Use(ops.tensor_scatter, given, axis=axis - draw(st.sampled_from([0, len(shape)])), mode=mode)


USES = {
    ops.top_k: top_ks(), ops.compress: compresses(), ops.unique: uniques(), ops.non_max_suppression: suppressions(),
    ops.reverse_sequence: reversals(), ops.tensor_scatter: cache_writes(),
}  # fmt: skip
JUDGES = {ops.top_k: (by_runtime,), ops.unique: (by_runtime,), ops.reverse_sequence: (by_runtime,)}
NEWEST = {ops.tensor_scatter: 24}


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=30)
    def law(use: Use, seed: int) -> None:
        found = check_run(use, NEWEST.get(op), JUDGES.get(op, (by_runtime, by_reference)))
        check_types(use, found, seed)

    law()


@given(shapes(1, 3), st.sampled_from(NUMBERS), st.booleans(), seeds)
@settings(max_examples=40)
def test_the_first_of_a_stable_order(shape: tuple[int, ...], dtype: str, largest: bool, seed: int) -> None:
    """Every type, also those that no judge knows, and ties."""
    x = values(seed, shape, dtype, -2, 2).round()
    k = seed % (shape[-1] + 1)
    found, places = ours(Use(ops.top_k, [x, ints([k])], largest=largest))
    wide = x.astype(np.float64)
    order = np.argsort(-wide if largest else wide, axis=-1, kind="stable")[..., :k]
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(found, np.take_along_axis(x, order, axis=-1))


def test_the_unsorted_first_are_the_same_ones() -> None:
    x = values(1, (3, 5))
    found, _ = ours(Use(ops.top_k, [x, ints([2])], sorted=False))
    np.testing.assert_array_equal(np.sort(found), np.sort(x)[:, 3:])


def test_nothing_is_picked_without_a_maximum() -> None:
    boxes, scores = values(1, (1, 3, 4)), values(2, (1, 1, 3))
    assert ours(Use(ops.non_max_suppression, [boxes, scores]))[0].shape == (0, 3)


ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.top_k, (f32[3], (4,)), {}, "k is 4, but there are only 3"),
    (ops.top_k, (f32[3], (-1,)), {}, "k is -1"),
    (ops.top_k, (f32[()], (1,)), {}, "a scalar has no axis"),
    (ops.top_k, (f32[3], i64[1, 1]), {}, "k is one number"),
    (ops.top_k, (boolean[3], i64[1]), {}, "elements are boolean"),
    (ops.compress, (f32[3], i64[3]), {}, "elements are i64"),
    (ops.compress, (f32[3], boolean[3, 1]), {}, "a condition is a vector"),
    (ops.unique, (f32[()],), {"axis": 0}, "a scalar has no slices"),
    (ops.non_max_suppression, (f32[1, 2, 5], f32[1, 1, 2]), {}, "a box is four numbers"),
    (ops.non_max_suppression, (f32[2, 4], f32[1, 1, 2]), {}, "three dimensions"),
    (ops.reverse_sequence, (f32[2, 3], i64[4]), {}, "4 lengths for a batch of 3"),
    (ops.reverse_sequence, (f32[2, 3], i64[3]), {"batch_axis": 2}, "0 and 1 in some order"),
    (ops.reverse_sequence, (f32[2], i64[2]), {}, "two dimensions"),
    (ops.tensor_scatter, (f32[2, 3], f32[2, 3]), {"axis": 0}, "axis 0 is the batch"),
    (ops.tensor_scatter, (f32[2, 3], f32[2]), {"axis": 1}, "an update of f32[2]"),
    (ops.tensor_scatter, (f32[2, 3], f32[2, 3]), {"mode": "round"}, "neither linear nor circular"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_dimensions_born_of_data() -> None:
    x, k = named_input("x", f32["n", 3]), named_input("k", i64[1])
    assert [value.type for value in ops.top_k(x, k, axis=0, name="y")] == [f32["y.0", 3], i64["y.0", 3]]
    assert [value.type for value in ops.top_k(x, (2,), axis=0)] == [f32[2, 3], i64[2, 3]]
    assert ops.compress(x, named_input("c", boolean["m"]), axis=1, name="y").type is f32["n", "y.1"]
    assert ops.compress(x, np.array([True, False, True]), axis=1).type is f32["n", 2]
    found = [value.type for value in ops.unique(x, name="y")]
    assert found == [f32["y.0"], i64["y.0"], i64[(dim("n") * 3,)], i64["y.0"]]
    boxes, scores = named_input("b", f32[1, "n", 4]), named_input("s", f32[1, 2, "n"])
    assert ops.non_max_suppression(boxes, scores, name="y").type is i64["y.0", 3]
