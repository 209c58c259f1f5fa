from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    FLOATS,
    Use,
    check_demands,
    check_run,
    check_types,
    refusal,
    seeds,
    shapes,
    spread,
    values,
)

from nnvm import ops
from nnvm.attrs import macs
from nnvm.ir import Op, dim, f32, f64, named_input

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


@st.composite
def dets(draw: st.DrawFn) -> Use:
    size = draw(st.integers(1, 4))
    x = values(draw(seeds), (*draw(shapes(0, 2)), size, size), draw(st.sampled_from(["float32", "float64"])))
    return Use(ops.det, [x])


USES = {ops.matmul: matmuls(), ops.gemm: gemms(), ops.det: dets()}


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=30)
    def law(use: Use, seed: int) -> None:
        check_types(use, check_run(use), seed)

    law()


ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.matmul, (f32[2, 3], f32[4, 5]), {}, "3 columns against 4 rows"),
    (ops.matmul, (f32[2, 3], f64[3, 5]), {}, "element types differ"),
    (ops.matmul, (f32[()], f32[3, 5]), {}, "a scalar has no rows"),
    (ops.matmul, (f32[2, 2, 3], f32[3, 3, 5]), {}, "do not broadcast"),
    (ops.gemm, (f32[2, 3], f32[4, 5]), {}, "3 columns against 4 rows"),
    (ops.gemm, (f32[2, 3], f32[3, 5]), {"transpose_b": True}, "3 columns against 5 rows"),
    (ops.gemm, (f32[1, 2, 3], f32[3, 5]), {}, "gemm takes matrices"),
    (ops.gemm, (f32[2, 3], f32[3, 5], f32[4]), {}, "does not broadcast to the product"),
    (ops.gemm, (f32[1, 3], f32[3, 5], f32[2, 5]), {}, "does not broadcast to the product"),
    (ops.gemm, (f32[2, 3], f32[3, 5], f64[5]), {}, "element types differ"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


@given(gemms(), seeds)
def test_what_a_gemm_demands_of_its_weights_is_true(use: Use, seed: int) -> None:
    check_demands(use, (1, 2))


def test_multiply_accumulates() -> None:
    x, y = named_input("x", f32[5, 2, 3]), named_input("y", f32[3, 4])
    assert macs[ops.matmul]((x @ y).node) == 5 * 2 * 3 * 4
    row = named_input("r", f32[3])
    assert macs[ops.matmul]((row @ y).node) == 3 * 4
    a = named_input("a", f32[3, "n"])
    product = ops.gemm(a, y, transpose_a=True)
    assert macs[ops.gemm](product.node) == 12 * dim("n")
