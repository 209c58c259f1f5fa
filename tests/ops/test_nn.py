from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    FLOATS,
    JUDGES,
    Use,
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
from nnvm.attrs import infer_inputs, macs, random
from nnvm.ir import Op, boolean, constant, dim, f32, f64, i64, named_input, tensor_data

DTYPES = st.sampled_from(FLOATS)
# Where the reference is wrong (groups with a bias, SAME_LOWER, dilated means, indices of many images, global maxima of
# other ranks, sizes of 1) ONNX Runtime judges alone, of the types that it knows.
JUDGED = {
    ops.conv_transpose: ("float16", "float32"),
    ops.max_pool: (*FLOATS, "int8", "uint8"),
    ops.max_pool_with_indices: FLOATS,
    ops.average_pool: ("float16", "float32"),
    ops.global_average_pool: ("float16", "float32"),
    ops.global_max_pool: ("float16", "float32"),
    ops.lrn: ("float32",),
}


@st.composite
def windows(draw: st.DrawFn, rank: int, padded: bool = True) -> dict[str, Any]:
    """Draw what convolutions and pools share."""
    each = [(draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2))) for _ in range(rank)]
    kernel, strides, dilations = (tuple(column) for column in zip(*each, strict=True))
    auto_pad = draw(st.sampled_from(["NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]))
    if auto_pad.startswith(
        "SAME"
    ):  # a window shorter than its stride wants negative pads, and no two judges agree on those
        dilations, kernel = (1,) * rank, tuple(map(max, kernel, strides))
    pads = tuple(draw(st.integers(0, (kernel[i % rank] - 1) * dilations[i % rank])) for i in range(2 * rank))
    given = {"kernel": kernel, "strides": strides, "dilations": dilations, "auto_pad": auto_pad}
    given["pads"] = pads if padded and auto_pad == "NOTSET" and draw(st.booleans()) else ()
    if all(stride == 1 for stride in strides) and draw(st.booleans()):
        given["strides"] = ()
    if all(dilation == 1 for dilation in dilations) and draw(st.booleans()):
        given["dilations"] = ()
    return given


def image(draw: Any, window: dict[str, Any], rank: int) -> tuple[int, ...]:
    """Draw spatial dimensions that the window fits into."""
    dilations = window["dilations"] or (1,) * rank
    return tuple(draw(st.integers((window["kernel"][i] - 1) * dilations[i] + 1, 8)) for i in range(rank))


@st.composite
def convs(draw: st.DrawFn) -> Use:
    rank = draw(st.integers(1, 3))
    window = draw(windows(rank))
    groups, depth, each = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    dtype = draw(DTYPES)
    x = values(draw(seeds), (draw(st.integers(0, 2)), groups * depth, *image(draw, window, rank)), dtype)
    weight = values(draw(seeds), (groups * each, depth, *window["kernel"]), dtype)
    bias = values(draw(seeds), (groups * each,), dtype) if draw(st.booleans()) else None
    if draw(st.booleans()):
        window["kernel"] = ()
    return Use(ops.conv, [x, weight, bias], groups=groups, **window)


@st.composite
def conv_transposes(draw: st.DrawFn) -> Use:
    rank = draw(st.integers(1, 2))
    window = draw(windows(rank))
    groups, depth, each = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    dtype = draw(st.sampled_from(JUDGED[ops.conv_transpose]))
    size = image(draw, window, rank)
    x = values(draw(seeds), (draw(st.integers(1, 2)), groups * depth, *size), dtype)
    weight = values(draw(seeds), (groups * depth, each, *window["kernel"]), dtype)
    bias = values(draw(seeds), (groups * each,), dtype) if draw(st.booleans()) else None
    strides = window["strides"] or (1,) * rank
    padding = tuple(draw(st.integers(0, stride - 1)) for stride in strides)
    if any(padding) and draw(st.booleans()):
        window["output_padding"] = padding
    elif window["auto_pad"] in ("NOTSET", "SAME_UPPER", "SAME_LOWER") and draw(st.booleans()):
        window["pads"] = ()
        window["output_shape"] = tuple(size[i] * strides[i] for i in range(rank))
    if draw(st.booleans()):
        window["kernel"] = ()
    return Use(ops.conv_transpose, [x, weight, bias], groups=groups, **window)


@st.composite
def pools(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    rank = draw(st.integers(1, 3))
    window = draw(windows(rank))
    window["pads"] = tuple(min(pad, window["kernel"][i % rank] - 1) for i, pad in enumerate(window["pads"]))
    window["ceil_mode"] = draw(st.booleans()) and not window["auto_pad"].startswith("SAME")
    if op is ops.average_pool:
        window["count_include_pad"] = draw(st.booleans())
    if op is ops.max_pool_with_indices:
        window["storage_order"] = draw(st.integers(0, 1)) if rank == 2 else 0
    x = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *image(draw, window, rank))
    return Use(op, [values(draw(seeds), x, draw(st.sampled_from(JUDGED[op])))], **window)


@st.composite
def overall(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    return Use(op, [values(draw(seeds), draw(shapes(3, 5, smallest=1)), draw(st.sampled_from(JUDGED[op])))])


@st.composite
def batch_norms(draw: st.DrawFn) -> Use:
    shape, dtype = draw(shapes(2, 4, smallest=1)), draw(DTYPES)
    channels = (shape[1],)
    given = [values(draw(seeds), channels, dtype) for _ in range(3)]
    var = values(draw(seeds), channels, dtype, 0.5, 2)
    return Use(
        ops.batch_norm, [values(draw(seeds), shape, dtype), *given, var], epsilon=draw(st.sampled_from([1e-5, 1e-2]))
    )


@st.composite
def instance_norms(draw: st.DrawFn) -> Use:
    shape, dtype = draw(shapes(3, 4, smallest=1)), draw(DTYPES)
    given = [values(draw(seeds), (shape[1],), dtype) for _ in range(2)]
    return Use(
        ops.instance_norm, [values(draw(seeds), shape, dtype), *given], epsilon=draw(st.sampled_from([1e-3, 1e-2]))
    )


@st.composite
def layer_norms(draw: st.DrawFn) -> Use:
    shape, dtype = draw(shapes(1, 4, smallest=1)), draw(DTYPES)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    own = shape[axis:]
    scale = values(draw(seeds), own, dtype)
    bias = values(draw(seeds), own, dtype) if draw(st.booleans()) else None
    return Use(
        ops.layer_norm,
        [values(draw(seeds), shape, dtype), scale, bias],
        axis=axis,
        epsilon=draw(st.sampled_from([1e-3, 1e-2])),
    )


@st.composite
def lrns(draw: st.DrawFn) -> Use:
    x = values(draw(seeds), draw(shapes(4, 4, smallest=1)), "float32")
    size = draw(st.sampled_from([1, 3, 5]))
    return Use(
        ops.lrn,
        [x],
        size=size,
        alpha=draw(st.sampled_from([1e-4, 0.5])),
        beta=draw(st.sampled_from([0.75, 0.5])),
        bias=draw(st.sampled_from([1.0, 2.0])),
    )


@st.composite
def dropouts(draw: st.DrawFn) -> Use:
    dtype = draw(DTYPES)
    ratio = np.asarray(0.5, dtype) if draw(st.booleans()) else None
    training = np.asarray(False) if draw(st.booleans()) else None
    return Use(
        ops.dropout,
        [values(draw(seeds), draw(shapes()), dtype), ratio, training],
        fixed=[1, 2],
        seed=draw(st.none() | st.integers(0, 5)),
    )


USES = {
    ops.conv: convs(), ops.conv_transpose: conv_transposes(), ops.max_pool: pools(ops.max_pool),
    ops.max_pool_with_indices: pools(ops.max_pool_with_indices), ops.average_pool: pools(ops.average_pool),
    ops.global_average_pool: overall(ops.global_average_pool), ops.global_max_pool: overall(ops.global_max_pool),
    ops.batch_norm: batch_norms(), ops.instance_norm: instance_norms(), ops.layer_norm: layer_norms(), ops.lrn: lrns(),
    ops.dropout: dropouts(),
}  # fmt: skip


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=30)
    def law(use: Use, seed: int) -> None:
        check_types(use, check_run(use, judges=(by_runtime,) if op in JUDGED else JUDGES), seed)

    law()


X, IMAGE = f32[1, 4, 8, 8], {"kernel": (3, 3)}
VECTOR = f32[4]
POOLS = (ops.max_pool, ops.max_pool_with_indices, ops.average_pool)
ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.conv, (X, f32[6, 3, 3, 3]), {}, "4 channels against 3 in the weight times 1 groups"),
    (ops.conv, (X, f32[5, 2, 3, 3]), {"groups": 2}, "5 output channels do not divide into 2 groups"),
    (ops.conv, (X, f64[6, 4, 3, 3]), {}, "element types differ"),
    (ops.conv, (X, f32[6, 4, 3, 3]), {"kernel": (3, 5)}, "kernel (3, 5) against weight"),
    (ops.conv, (X, f32[6, 4, 3, 3], f32[5]), {}, "the bias is a vector of the 6 output channels"),
    (ops.conv, (X, f32[6, 4, 9, 3]), {}, "a window of 9 (dilation 1) is larger than 8, padded"),
    (ops.conv, (X, f32[6, 4, 3]), {}, "a window of 1 dimensions for 2 spatial dimensions"),
    (ops.conv, (X, f32[6, 4, 3, 3]), {"strides": (0, 1)}, "strides and dilations are positive"),
    (ops.conv, (X, f32[6, 4, 3, 3]), {"strides": (1,)}, "strides [1] for 2 spatial dimensions"),
    (ops.conv, (X, f32[6, 4, 3, 3]), {"pads": (1, 1)}, "2 pads for 2 spatial dimensions"),
    (ops.conv, (X, f32[6, 4, 3, 3]), {"auto_pad": "SAME"}, "auto_pad 'SAME' is none of"),
    (ops.conv_transpose, (X, f32[3, 4, 3, 3]), {}, "4 channels against 3 in the weight"),
    (ops.conv_transpose, (X, f32[4, 2, 3, 3], f32[2]), {"groups": 2}, "the bias is a vector of 4 channels"),
    (ops.conv_transpose, (X, f32[4, 2, 3]), {}, "a window of 1 dimensions for 2"),
    (ops.conv_transpose, (X, f32[4, 2, 3, 3]), {"pads": (1, 1)}, "2 pads for 2 spatial dimensions"),
    *[(op, (X,), {"kernel": (3,)}, "a window of 1 dimensions for 2") for op in POOLS],
    *[(op, (X,), {"kernel": (9, 3)}, "is larger than 8, padded") for op in POOLS],
    *[(op, (X,), {**IMAGE, "pads": (1,)}, "1 pads for 2 spatial dimensions") for op in POOLS],
    (ops.batch_norm, (X, VECTOR, VECTOR, VECTOR, f32[3]), {}, "f32[3] for 4 channels"),
    (ops.batch_norm, (X, f32[1, 4], VECTOR, VECTOR, VECTOR), {}, "f32[1, 4] for 4 channels"),
    (ops.instance_norm, (X, f32[3], VECTOR), {}, "for 4 channels"),
    (ops.layer_norm, (X, f32[8]), {"axis": 4}, "axis 4 is not among the 4 axes"),
    (ops.layer_norm, (i64[2, 8], i64[8]), {}, "they must be of kind float"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


@pytest.mark.parametrize("op", [ops.conv, ops.batch_norm], ids=lambda op: op.name)
@given(drawn=st.data())
def test_what_is_demanded_of_weights_is_true(op: Op[..., Any], drawn: st.DataObject) -> None:
    use = drawn.draw(USES[op])
    check_demands(use, range(1, len(use.arrays)))
    if op is ops.conv:
        check_demands(use, [2])


def test_types_flow_back_to_weights() -> None:
    x, weight, bias = named_input("x", f32["n", 4, 8, 8]), named_input("w"), named_input("b")
    node = ops.conv(x, weight, bias, kernel=(3, 5), groups=2).node
    assert infer_inputs[ops.conv](node)[1:] == (f32[None, 2, 3, 5], f32[None,])
    node = ops.conv(x, named_input("w", f32[6, 4, 3, 3]), bias).node
    assert infer_inputs[ops.conv](node)[1:] == (f32[6, 4, 3, 3], f32[6])
    node = ops.batch_norm(x, *[named_input(name) for name in "abcd"]).node
    assert infer_inputs[ops.batch_norm](node) == (None, *[f32[4]] * 4)


def test_multiply_accumulates() -> None:
    x = named_input("x", f32[2, 4, 8, 8])
    assert macs[ops.conv](ops.conv(x, named_input("w", f32[6, 2, 3, 3]), groups=2).node) == 2 * 6 * 6 * 6 * 2 * 9
    made = ops.conv_transpose(x, named_input("w", f32[4, 3, 2, 2]), strides=(2, 2))
    assert macs[ops.conv_transpose](made.node) == 2 * 4 * 8 * 8 * 3 * 4
    open_batch = named_input("x", f32["n", 4, 8, 8])
    assert macs[ops.conv](ops.conv(open_batch, named_input("w", f32[6, 4, 8, 8])).node) == 6 * 4 * 64 * dim("n")


def test_a_dropout_that_trains_is_random() -> None:
    x, training = named_input("x", f32[2]), named_input("t", boolean[()])
    nodes = [
        ops.dropout(x)[0].node,
        ops.dropout(x, 0.5, constant(data=tensor_data(False, boolean[()])))[0].node,
        ops.dropout(x, 0.5, constant(data=tensor_data(True, boolean[()])))[0].node,
        ops.dropout(x, 0.5, training)[0].node,
    ]
    assert [random[ops.dropout](node) for node in nodes] == [False, False, True, True]
