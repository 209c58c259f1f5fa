from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import Op, contents, f32, i64, named_input
from tests.ops.uses import FLOATS, JUDGES, Use, axes_in, by_runtime, check_run, check_types, ints, seeds, shapes, values

REDUCTIONS = (
    ops.reduce_sum, ops.reduce_mean, ops.reduce_max, ops.reduce_min, ops.reduce_prod, ops.reduce_l1, ops.reduce_l2, ops.reduce_log_sum,
    ops.reduce_log_sum_exp, ops.reduce_sum_square,
)  # fmt: skip
LOGARITHMS = (ops.reduce_log_sum, ops.reduce_log_sum_exp)


@st.composite
def reductions(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    shape = draw(shapes(0, 4, smallest=1))
    dtype = draw(st.sampled_from(FLOATS if op in (*LOGARITHMS, ops.reduce_mean, ops.reduce_l2) else (*FLOATS, "int32", "int64")))
    chosen = draw(st.none() | st.sets(st.integers(0, len(shape) - 1)).map(sorted)) if shape else None
    axes = None if chosen is None else ints([axis - len(shape) if draw(st.booleans()) else axis for axis in chosen])
    x = values(draw(seeds), shape, dtype, 0.5 if op in LOGARITHMS else -3, 3)
    return Use(op, [x, axes], fixed=[1], keepdims=draw(st.booleans()), noop_with_empty_axes=draw(st.booleans()))


@st.composite
def extremes(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    shape = draw(shapes(1, 4, smallest=1))
    x = values(draw(seeds), shape, draw(st.sampled_from((*FLOATS, "int32", "int8", "uint8"))), -2, 2)
    return Use(op, [x], axis=draw(axes_in(len(shape))), keepdims=draw(st.booleans()), select_last_index=draw(st.booleans()))


@st.composite
def cumsums(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, 4))
    x = values(draw(seeds), shape, draw(st.sampled_from((*FLOATS, "int32", "int64"))))
    axis = ints([draw(axes_in(len(shape)))], draw(st.sampled_from(["int32", "int64"])))
    axis = axis.reshape(()) if draw(st.booleans()) else axis
    return Use(ops.cumsum, [x, axis], fixed=[1] if draw(st.booleans()) else [], exclusive=draw(st.booleans()), reverse=draw(st.booleans()))


USES = (
    {op: reductions(op) for op in REDUCTIONS} | {op: extremes(op) for op in (ops.argmax, ops.argmin)} | {ops.cumsum: cumsums()}
)


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=20)
    def law(use: Use, seed: int) -> None:
        # The reference widens whole numbers.
        judges = (by_runtime,) if op in REDUCTIONS and use.arrays[0].dtype.kind == "i" else JUDGES
        check_types(use, check_run(use, judges=judges), seed)

    law()
