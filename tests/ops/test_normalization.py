from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.ops.test_nn import image, windows
from tests.ops.uses import (
    Use,
    by_reference,
    by_runtime,
    check_demands,
    check_run,
    check_types,
    refusal,
    seeds,
    shapes,
    values,
)

from nnvm import ops
from nnvm.ir import Op, f16, f32, i32

DTYPES = st.sampled_from(("float16", "float32"))  # the judges compute a float64 in 32 bits
EPSILONS = st.sampled_from([1e-3, 1e-2])


@st.composite
def group_norms(draw: st.DrawFn) -> Use:
    groups, each = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    shape = (draw(st.integers(1, 2)), groups * each, *draw(shapes(1, 2, 1)))
    dtype = draw(DTYPES)
    given = [values(draw(seeds), (groups * each,), dtype) for _ in range(2)]
    return Use(ops.group_norm, [values(draw(seeds), shape, dtype), *given], groups=groups, epsilon=draw(EPSILONS))


@st.composite
def rms_norms(draw: st.DrawFn) -> Use:
    shape, dtype = draw(shapes(1, 4)), draw(DTYPES)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    own = shape[axis:]
    scale = values(draw(seeds), own if draw(st.booleans()) else own[draw(st.integers(0, len(own))) :], dtype)
    return Use(ops.rms_norm, [values(draw(seeds), shape, dtype), scale], axis=axis, epsilon=draw(EPSILONS))


@st.composite
def trainings(draw: st.DrawFn) -> Use:
    shape, dtype = (draw(st.integers(1, 3)), draw(st.integers(1, 3)), *draw(shapes(0, 2, 1))), draw(DTYPES)
    given = [values(draw(seeds), (shape[1],), dtype) for _ in range(3)]
    given.append(np.abs(values(draw(seeds), (shape[1],), dtype)))
    momentum = draw(st.sampled_from([0.5, 0.9, 1.0]))
    x = values(draw(seeds), shape, dtype)
    return Use(ops.batch_norm_training, [x, *given], epsilon=draw(EPSILONS), momentum=momentum)


@st.composite
def each_normalised(draw: st.DrawFn) -> Use:
    shape = (draw(st.integers(1, 3)), *draw(shapes(1, 3, 1)))
    given = [values(draw(seeds), shape[1:]) for _ in range(3)]
    given.append(np.abs(values(draw(seeds), shape[1:])))
    return Use(ops.batch_norm_each, [values(draw(seeds), shape), *given], epsilon=draw(EPSILONS))


@st.composite
def lp_normalizations(draw: st.DrawFn) -> Use:
    x = values(draw(seeds), draw(shapes(1, 4, 1)), draw(st.sampled_from(("float32", "float64"))))
    return Use(ops.lp_normalization, [x], axis=draw(st.integers(-x.ndim, x.ndim - 1)), p=draw(st.integers(1, 2)))


@st.composite
def mean_variances(draw: st.DrawFn) -> Use:
    x = values(draw(seeds), draw(shapes(1, 4, 2)), "float32")
    axes = draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True))
    assume(x.var(axis=tuple(axes)).min() > 0.25)  # of less the reference makes NaN
    return Use(ops.mean_variance_normalization, [x], axes=tuple(axes))


@st.composite
def lp_pools(draw: st.DrawFn) -> Use:
    rank = draw(st.integers(1, 3))
    window = draw(windows(rank))
    window["pads"] = tuple(min(pad, window["kernel"][i % rank] - 1) for i, pad in enumerate(window["pads"]))
    window["ceil_mode"] = draw(st.booleans()) and not window["auto_pad"].startswith("SAME")
    x = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *image(draw, window, rank))
    return Use(ops.lp_pool, [values(draw(seeds), x)], p=draw(st.integers(1, 3)), **window)


@st.composite
def global_lp_pools(draw: st.DrawFn) -> Use:
    x = values(draw(seeds), draw(shapes(3, 5, 1)))
    return Use(ops.global_lp_pool, [x], p=draw(st.integers(1, 3)))


@st.composite
def layer_norms(draw: st.DrawFn) -> Use:
    shape, dtype = draw(shapes(1, 4, smallest=1)), draw(st.sampled_from(["float32", "float16"]))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    given = [values(draw(seeds), each, dtype) for each in (shape, shape[axis:], shape[axis:])]
    return Use(ops.layer_norm_with_statistics, given[: draw(st.integers(2, 3))], axis=axis, epsilon=draw(EPSILONS))


EPSILONS = st.sampled_from([1e-3, 1e-2])
USES = {
    ops.batch_norm_training: trainings(), ops.batch_norm_each: each_normalised(),
    ops.layer_norm_with_statistics: layer_norms(),
    ops.group_norm: group_norms(), ops.rms_norm: rms_norms(), ops.lp_normalization: lp_normalizations(),
    ops.mean_variance_normalization: mean_variances(), ops.lp_pool: lp_pools(), ops.global_lp_pool: global_lp_pools(),
}  # fmt: skip
OPSETS = {ops.rms_norm: 23, ops.batch_norm_training: 15, ops.batch_norm_each: 8}
JUDGED: dict[Op[..., Any], tuple[Any, ...]] = {
    ops.layer_norm_with_statistics: (by_runtime,),  # the reference keeps statistics as short as x
    ops.batch_norm_training: (by_reference,),  # the runtime does not train
    ops.batch_norm_each: (by_runtime,),  # the reference knows channels alone
    ops.lp_pool: (by_runtime,),
    ops.global_lp_pool: (by_runtime,),
    ops.lp_normalization: (by_runtime,),  # the reference adds up what is negative as it is
}


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=40)
    def law(use: Use, seed: int) -> None:
        opset = OPSETS.get(op, 21)
        check_types(use, check_run(use, opset, JUDGED.get(op, (by_runtime, by_reference))), seed)

    law()


X = f32["n", 6, 8, 8]
ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.group_norm, (X, f32[6], f32[6]), {"groups": 4}, "6 channels in 4 groups"),
    (ops.group_norm, (X, f32[6], f32[6]), {"groups": 0}, "0 groups"),
    (ops.group_norm, (X, f32[5], f32[6]), {"groups": 3}, "f32[5] for 6 channels in 3 groups"),
    (ops.group_norm, (X, f32[6], f16[6]), {"groups": 3}, "element types differ"),
    (ops.batch_norm_training, (X, *[f32[5]] * 4), {}, "f32[5] for 6 channels"),
    (ops.batch_norm_training, (f32[6], *[f32[6]] * 4), {}, "a batch has channels"),
    (ops.batch_norm_each, (X, *[f32[6]] * 4), {}, "f32[6] for images of [6, 8, 8]"),
    (ops.batch_norm_each, (f32[()], *[f32[()]] * 4), {}, "a batch has images"),
    (ops.rms_norm, (X, f32[7]), {}, "does not fit [8]"),
    (ops.rms_norm, (X, f32[8]), {"axis": 4}, "axis 4 is not among the 4 axes"),
    (ops.layer_norm_with_statistics, (X, f32[7]), {}, "does not fit [8]"),
    (ops.layer_norm_with_statistics, (X, f32[8]), {"axis": 4}, "axis 4 is not among the 4 axes"),
    (ops.layer_norm_with_statistics, (X, f16[8]), {}, "element types differ"),
    (ops.lp_normalization, (X,), {"p": 3}, "p is 1 or 2, not 3"),
    (ops.lp_normalization, (X,), {"axis": 4}, "axis 4 is not among the 4 axes"),
    (ops.mean_variance_normalization, (X,), {"axes": (0, 4)}, "axis 4 is not among the 4 axes"),
    (ops.mean_variance_normalization, (i32[2, 2, 2, 2],), {}, "they must be of kind float"),
    (ops.lp_pool, (X,), {"kernel": (3,)}, "a window of 1 dimensions for 2"),
    (ops.lp_pool, (X,), {"kernel": (3, 3), "p": 0}, "p is positive, not 0"),
    (ops.global_lp_pool, (X,), {"p": 0}, "p is positive, not 0"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL)
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


@given(st.integers(0, 3), st.integers(1, 3))
def test_what_is_demanded_of_weights_is_true(axis: int, size: int) -> None:
    x = values(axis, (2, 3, size, 4))
    check_demands(Use(ops.rms_norm, [x, values(1, x.shape[axis:])], axis=axis), [1])
