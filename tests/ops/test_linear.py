import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing import Any

from nnvm import ops
from nnvm.attrs import infer_inputs, macs
from nnvm.errors import Error
from nnvm.ir import Op, dim, f32, f64, named_input
from tests.ops.uses import FLOATS, Use, check_run, check_types, seeds, spread, values

DTYPES = (*FLOATS, "int32", "int64", "uint32", "uint64")


@st.composite
def matmuls(draw: st.DrawFn) -> Use:
    rows, inner, columns = (draw(st.integers(0, 4)) for _ in range(3))
    lead, other = draw(spread(2, most=2))
    x = (inner,) if draw(st.integers(0, 3)) == 0 else (*lead, rows, inner)
    y = (inner,) if draw(st.integers(0, 3)) == 0 else (*other, inner, columns)
    dtype = draw(st.sampled_from(DTYPES))
    return Use(ops.matmul, [values(draw(seeds), x, dtype), values(draw(seeds), y, dtype)])


@st.composite
def gemms(draw: st.DrawFn) -> Use:
    rows, inner, columns = (draw(st.integers(1, 4)) for _ in range(3))
    a, b = draw(st.booleans()), draw(st.booleans())
    dtype = draw(st.sampled_from(FLOATS))
    bias = draw(st.sampled_from([None, (), (1,), (columns,), (1, columns), (rows, 1), (rows, columns), (1, 1)]))
    arrays = [
        values(draw(seeds), (inner, rows) if a else (rows, inner), dtype),
        values(draw(seeds), (columns, inner) if b else (inner, columns), dtype),
        None if bias is None else values(draw(seeds), bias, dtype),
    ]
    scales = st.sampled_from([1.0, 0.5, 2.0, 0.0])
    return Use(ops.gemm, arrays, alpha=draw(scales), beta=draw(scales), transpose_a=a, transpose_b=b)


USES = {ops.matmul: matmuls(), ops.gemm: gemms()}


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=30)
    def law(use: Use, seed: int) -> None:
        check_types(use, check_run(use), seed)

    law()
