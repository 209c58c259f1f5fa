from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import Use, by_reference, by_runtime, check_run, check_types, ours, refusal, seeds, shapes, values

from nnvm import ops
from nnvm.ir import Op, f32, f64, i64


@st.composite
def losses(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    batch, classes, rest = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(shapes(0, 2, smallest=1))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    labels = values(draw(seeds), (batch, *rest), draw(st.sampled_from(["int32", "int64"])), 0, classes - 1)
    ignored = draw(st.none() | st.integers(0, classes - 1))
    if ignored is not None and (labels == ignored).all():
        ignored = None  # the mean of nothing
    weight = [values(draw(seeds), (classes,), dtype, 0.5, 2)] if draw(st.booleans()) else []
    reduction = draw(st.sampled_from(["none", "sum", "mean"]))
    scores = values(draw(seeds), (batch, classes, *rest), dtype)
    return Use(op, [scores, labels, *weight], ignore_index=ignored, reduction=reduction)


USES = {op: losses(op) for op in (ops.nll_loss, ops.softmax_cross_entropy_loss)}


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=40)
    def law(use: Use, seed: int) -> None:
        check_types(use, check_run(use, judges=(by_runtime, by_reference)), seed)

    law()


def test_many_positions_are_summed_strip_by_strip() -> None:
    scores, labels = values(1, (2, 3, 2000)), values(2, (2, 2000), "int64", 0, 2)
    (found,) = ours(Use(ops.nll_loss, [scores, labels]))
    np.testing.assert_allclose(found, -np.take_along_axis(scores, labels[:, None], 1).mean(), rtol=1e-4)


@pytest.mark.parametrize(
    ("given", "params", "why"),
    [
        ((f32[2, 3], i64[3]), {}, "targets of i64[3] for scores of f32[2, 3]"),
        ((f32[2, 3], i64[2], f32[2]), {}, "weights of f32[2]"),
        ((f32[2, 3], i64[2], f64[3]), {}, "weights are of the type of the scores"),
        ((f32[2], i64[2]), {}, "scores are [batch, classes, ...]"),
        ((f32[2, 3], f32[2]), {}, "elements are f32"),
        ((f32[2, 3], i64[2]), {"reduction": "max"}, "reduction 'max' is none of"),
    ],
)
def test_what_is_ill_typed_is_refused(given: Any, params: Any, why: str) -> None:
    assert why in refusal(ops.nll_loss, *given, **params)
