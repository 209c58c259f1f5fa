from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    FLOATS,
    JUDGES,
    Use,
    axes_in,
    by_runtime,
    check_run,
    check_types,
    ints,
    refusal,
    seeds,
    shapes,
    values,
)

from nnvm import ops
from nnvm.ir import Op, contents, dim, f32, i64, named_input

REDUCTIONS = (
    ops.reduce_sum, ops.reduce_mean, ops.reduce_max, ops.reduce_min, ops.reduce_prod, ops.reduce_l1,
    ops.reduce_l2, ops.reduce_log_sum, ops.reduce_log_sum_exp, ops.reduce_sum_square,
)  # fmt: skip
LOGARITHMS = (ops.reduce_log_sum, ops.reduce_log_sum_exp)


@st.composite
def reductions(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    shape = draw(shapes(0, 4, smallest=1))
    dtype = draw(
        st.sampled_from(FLOATS if op in (*LOGARITHMS, ops.reduce_mean, ops.reduce_l2) else (*FLOATS, "int32", "int64"))
    )
    chosen = draw(st.none() | st.sets(st.integers(0, len(shape) - 1)).map(sorted)) if shape else None
    axes = None if chosen is None else ints([axis - len(shape) if draw(st.booleans()) else axis for axis in chosen])
    x = values(draw(seeds), shape, dtype, 0.5 if op in LOGARITHMS else -3, 3)
    return Use(
        op,
        [x, axes],
        fixed=[1] if draw(st.booleans()) else [],
        keepdims=draw(st.booleans()),
        noop_with_empty_axes=draw(st.booleans()),
    )


@st.composite
def extremes(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    shape = draw(shapes(1, 4, smallest=1))
    x = values(draw(seeds), shape, draw(st.sampled_from((*FLOATS, "int32", "int8", "uint8"))), -2, 2)
    return Use(
        op, [x], axis=draw(axes_in(len(shape))), keepdims=draw(st.booleans()), select_last_index=draw(st.booleans())
    )


@st.composite
def cumsums(draw: st.DrawFn, op: Op[..., Any] = ops.cumsum) -> Use:
    shape = draw(shapes(1, 4))
    x = values(draw(seeds), shape, draw(st.sampled_from((*FLOATS, "int32", "int64"))))
    axis = ints([draw(axes_in(len(shape)))], draw(st.sampled_from(["int32", "int64"])))
    axis = axis.reshape(()) if draw(st.booleans()) else axis
    return Use(
        op,
        [x, axis],
        fixed=[1] if draw(st.booleans()) else [],
        exclusive=draw(st.booleans()),
        reverse=draw(st.booleans()),
    )


USES = (
    {op: reductions(op) for op in REDUCTIONS}
    | {op: extremes(op) for op in (ops.argmax, ops.argmin)}
    | {ops.cumsum: cumsums(), ops.cumprod: cumsums(ops.cumprod)}
)


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=20)
    def law(use: Use, seed: int) -> None:
        # The reference widens whole numbers.
        judges = (by_runtime,) if op in REDUCTIONS and use.arrays[0].dtype.kind == "i" else JUDGES
        check_types(use, check_run(use, 26 if op is ops.cumprod else None, judges), seed)

    law()


ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    *[(op, (f32[2, 3], (2,)), {}, "axis 2 is not among the 2 axes") for op in REDUCTIONS],
    *[(op, (f32[2, 3], (1, -1)), {}, "an axis is repeated") for op in REDUCTIONS],
    *[(op, (f32[2, 3], i64[3]), {}, "there are 3 axes to reduce over, and 2 in all") for op in REDUCTIONS],
    *[(op, (f32[2, 3],), {"axis": -3}, "axis -3 is not among the 2 axes") for op in (ops.argmax, ops.argmin)],
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


@pytest.mark.parametrize("op", REDUCTIONS, ids=lambda op: op.name)
def test_axes_that_are_not_known_give_the_rank(op: Op[..., Any]) -> None:
    x = named_input("x", f32[2, "n"])
    kept = op(named_input("z", f32[1, "n"]), named_input("axes", i64[1]), name="y")
    assert kept.type is f32[1, "y.1"]
    assert op(x, named_input("axes", i64[1]), keepdims=False, name="y").type is f32["y.0",]
    assert op(x, named_input("axes", i64["k"]), keepdims=False).type is None
    assert op(x, named_input("axes", i64[2])).type is f32[1, 1]
    assert op(x, named_input("axes", i64[2]), keepdims=False).type is f32[()]
    assert op(x, named_input("axes", i64[0])).type is f32[1, 1]
    assert op(x, (1,)).type is f32[2, 1]
    assert op(x, (1,), keepdims=False).type is f32[2]
    assert op(x).type is f32[1, 1]
    assert op(x, noop_with_empty_axes=True).type is f32[2, "n"]


def test_a_product_of_dimensions_is_followed() -> None:
    whole = ops.shape(named_input("x", f32["n", 3, "m"]))
    assert contents(ops.reduce_prod(whole)) == (3 * dim("n") * dim("m"),)
    assert contents(ops.reduce_sum(whole, keepdims=False)) == (dim("n") + dim("m") + 3,)
    assert contents(ops.reduce_prod(ops.unsqueeze(whole, (0,)), (0,))) is None
