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
    refusal,
    seeds,
    shapes,
    values,
)

from nnvm import ops
from nnvm.ir import Op, boolean, f32, f64, i64, named_input

alphas = st.floats(0.125, 2).map(lambda alpha: round(alpha, 3))
PLAIN: dict[Op[..., Any], dict[str, st.SearchStrategy[Any]]] = {
    ops.relu: {},
    ops.sigmoid: {},
    ops.tanh: {},
    ops.leaky_relu: {"alpha": alphas},
    ops.elu: {"alpha": alphas},
    ops.selu: {"alpha": alphas, "gamma": alphas},
    ops.celu: {"alpha": alphas},
    ops.softplus: {},
    ops.softsign: {},
    ops.hard_sigmoid: {"alpha": alphas, "beta": alphas},
    ops.hard_swish: {},
    ops.thresholded_relu: {"alpha": alphas},
    ops.mish: {},
    ops.swish: {"alpha": alphas},
    ops.shrink: {"lambd": alphas, "bias": alphas},
    ops.gelu: {"approximate": st.sampled_from(["none", "tanh"])},
}
ALONG = (ops.softmax, ops.log_softmax, ops.hardmax)
SPANNING = (ops.softmax_from, ops.log_softmax_from, ops.hardmax_from)
OPSETS = dict.fromkeys(SPANNING, 12) | {ops.swish: 24, ops.swiglu: 28}


@st.composite
def plain(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    params = {name: draw(strategy) for name, strategy in PLAIN[op].items()}
    dtypes = ("float32",) if op is ops.celu else (*FLOATS, "int32", "int8") if op is ops.relu else FLOATS
    dtype = draw(st.sampled_from(dtypes))
    least = (
        1 if op is ops.softsign and dtype != "float32" else 0
    )  # ONNX Runtime knows no other type, the reference no scalar
    return Use(op, [values(draw(seeds), draw(shapes(least)), dtype)], **params)


@st.composite
def gated(draw: st.DrawFn) -> Use:
    shape, dtype = draw(shapes()), draw(st.sampled_from(FLOATS))
    return Use(ops.swiglu, [values(draw(seeds), shape, dtype) for _ in range(2)], alpha=draw(alphas))


@st.composite
def prelus(draw: st.DrawFn) -> Use:
    shape, dtype = draw(shapes()), draw(st.sampled_from((*FLOATS, "int32", "int64", "uint32", "uint64")))
    kept = shape[draw(st.integers(0, len(shape))) :]
    slope = tuple(1 if draw(st.booleans()) else size for size in kept)
    return Use(ops.prelu, [values(draw(seeds), shape, dtype), values(draw(seeds), slope, dtype)])


@st.composite
def along(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    shape = draw(shapes(1, 4, smallest=1))
    dtypes = ("float32",) if op in SPANNING else FLOATS
    return Use(op, [values(draw(seeds), shape, draw(st.sampled_from(dtypes)))], axis=draw(axes_in(len(shape))))


USES = (
    {op: plain(op) for op in PLAIN}
    | {ops.prelu: prelus(), ops.swiglu: gated()}
    | {op: along(op) for op in (*ALONG, *SPANNING)}
)


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=15)
    def law(use: Use, seed: int) -> None:
        # The reference reads old softmaxes as new ones.
        judges = (by_runtime,) if op in SPANNING else JUDGES
        check_types(use, check_run(use, OPSETS.get(op), judges), seed)

    law()


ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    *[
        (op, (i64[2, 3],), {}, "elements are i64")
        for op in (*PLAIN, *ALONG, *SPANNING)
        if op not in (ops.relu, ops.shrink)
    ],
    *[(op, (f32[2, 3],), {"axis": 2}, "axis 2 is not among the 2 axes") for op in ALONG],
    *[(op, (f32[2, 3],), {"axis": 3}, "axis 3 is not among the 2 axes") for op in SPANNING],
    (ops.relu, (boolean[2],), {}, "elements are boolean"),
    (ops.prelu, (f32[2, 3], f32[2]), {}, "a slope of [2] does not broadcast to [2, 3]"),
    (ops.prelu, (f32[3], f32[1, 3]), {}, "does not broadcast"),
    (ops.prelu, (f32[1, 3], f32[2, 3]), {}, "does not broadcast"),
    (ops.prelu, (f32[3], f64[3]), {}, "element types differ"),
    (ops.swiglu, (f32[3], f64[3]), {}, "element types differ"),
    (ops.swiglu, (f32[2, 3], f32[3]), {}, "a gate of [2, 3] for [3]; nothing broadcasts"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_a_softmax_from_the_end_on_takes_each_element_alone() -> None:
    assert ops.softmax_from(named_input("x", f32[2, 3]), axis=2).type is f32[2, 3]
