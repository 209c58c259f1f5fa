from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import Use, by_reference, check_run, check_types, close, ours, refusal, seeds, values

from nnvm import ops
from nnvm.ir import Op, f16, f32, i64, named_input


@st.composite
def linear_attentions(draw: st.DrawFn) -> Use:
    batch, heads, group, size, width = (draw(st.integers(1, 3)) for _ in range(5))
    steps, dtype = draw(st.integers(0, 3)), draw(st.sampled_from(["float32", "float16"]))
    rule = draw(st.sampled_from(["linear", "gated", "delta", "gated_delta"]))

    def drawn(*shape: int) -> Any:
        return values(draw(seeds), shape, dtype, -1, 1)

    past = drawn(batch, heads, size, width) if draw(st.booleans()) else None
    decay = drawn(batch, steps, heads * (size if draw(st.booleans()) else 1)) if "gated" in rule else None
    beta = drawn(batch, steps, heads if draw(st.booleans()) else 1) if "delta" in rule else None
    given = [drawn(batch, steps, heads * each) for each in (group * size, size, width)]
    params = {"q_heads": group * heads, "kv_heads": heads, "scale": draw(st.sampled_from([0.0, 0.5]))}
    given += [past, decay, beta]
    while given[-1] is None:
        given.pop()
    return Use(ops.linear_attention, given, update_rule=rule, **params)


@st.composite
def causal_convs(draw: st.DrawFn) -> Use:
    batch, channels, reach, steps = (draw(st.integers(1, 4)) for _ in range(4))
    dtype = draw(st.sampled_from(["float32", "float16"]))
    given = [values(draw(seeds), (batch, channels, steps), dtype), values(draw(seeds), (channels, 1, reach), dtype)]
    bias = values(draw(seeds), (channels,), dtype) if draw(st.booleans()) else None
    past = values(draw(seeds), (batch, channels, reach - 1), dtype) if draw(st.booleans()) else None
    given += [bias, past]
    while given[-1] is None:
        given.pop()
    return Use(ops.causal_conv, given, activation=draw(st.sampled_from(["none", "silu", "swish"])))


USES = {ops.linear_attention: linear_attentions(), ops.causal_conv: causal_convs()}


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=40)
    def law(use: Use, seed: int) -> None:
        check_types(use, check_run(use, 27, judges=(by_reference,)), seed)  # no ONNX Runtime knows these yet

    law()


def test_a_sequence_in_two_calls_is_a_sequence_in_one() -> None:
    q, k, v = (values(i, (1, 6, 8), low=-1, high=1) for i in range(3))
    decay, beta = values(3, (1, 6, 2), low=-1, high=0), values(4, (1, 6, 2), low=0, high=1)
    params = {"q_heads": 2, "kv_heads": 2}
    whole, state = ours(Use(ops.linear_attention, [q, k, v, None, decay, beta], **params))
    first, middle = ours(
        Use(ops.linear_attention, [q[:, :4], k[:, :4], v[:, :4], None, decay[:, :4], beta[:, :4]], **params)
    )
    rest = [q[:, 4:], k[:, 4:], v[:, 4:], middle, decay[:, 4:], beta[:, 4:]]
    second, last = ours(Use(ops.linear_attention, rest, **params))
    assert close(np.concatenate([first, second], 1), whole)
    assert close(last, state)


def test_a_convolution_in_two_calls_is_one() -> None:
    x, weight = values(0, (2, 3, 7)), values(1, (3, 1, 4))
    whole, state = ours(Use(ops.causal_conv, [x, weight]))
    first, middle = ours(Use(ops.causal_conv, [x[:, :, :2].copy(), weight]))
    second, last = ours(Use(ops.causal_conv, [x[:, :, 2:].copy(), weight, None, middle]))
    assert close(np.concatenate([first, second], 2), whole)
    assert close(last, state)


X, K = f32[2, 5, 12], f32[2, 5, 6]
HEADS = {"q_heads": 4, "kv_heads": 2}
LINEAR = {**HEADS, "update_rule": "linear"}
ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.linear_attention, (X, K, K), {**HEADS, "update_rule": "cubic"}, "'cubic' is none of"),
    (ops.linear_attention, (X, K, K), {"q_heads": 3, "kv_heads": 2}, "3 heads read the states of 2"),
    (ops.linear_attention, (X, K, K), HEADS, "'gated_delta' needs decay"),
    (ops.linear_attention, (X, K, K, None, f32[2, 5, 2]), HEADS, "'gated_delta' needs beta"),
    (ops.linear_attention, (X, K, K, None, f32[2, 5, 2]), LINEAR, "'linear' takes no decay"),
    (ops.linear_attention, (X, K, K, None, f32[2, 5, 4], f32[2, 5, 2]), HEADS, "a decay of 4 for 2 heads of 3"),
    (ops.linear_attention, (X, K, K, None, f32[2, 5, 2], f32[2, 5, 3]), HEADS, "a beta of 3 for 2 heads"),
    (ops.linear_attention, (X, f32[2, 5, 8], K), LINEAR, "queries of 3 against keys of 4"),
    (ops.linear_attention, (X, f32[2, 5, 7], K), LINEAR, "7 does not divide into 2 heads"),
    (ops.linear_attention, (f32[5, 12], K, K), LINEAR, "[batch, steps, heads * size]"),
    (ops.linear_attention, (X, K, K, f32[2, 2, 3, 4]), LINEAR, "a state of f32[2, 2, 3, 4], not f32[2, 2, 3, 3]"),
    (ops.linear_attention, (X, K, f16[2, 5, 6]), LINEAR, "element types differ"),
    (ops.causal_conv, (f32[2, 3], f32[3, 1, 2]), {}, "[batch, channels, steps]"),
    (ops.causal_conv, (f32[2, 3, 4], f32[3, 2]), {}, "[channels, 1, k]"),
    (ops.causal_conv, (f32[2, 3, 4], f32[2, 1, 2]), {}, "for 3 channels"),
    (ops.causal_conv, (f32[2, 3, 4], f32[3, 3, 2]), {}, "is not one for each channel"),
    (ops.causal_conv, (f32[2, 3, 4], f32[3, 1, 0]), {}, "reaches nothing"),
    (ops.causal_conv, (f32[2, 3, 4], f32[3, 1, 2], f32[2]), {}, "a bias of f32[2] for 3 channels"),
    (ops.causal_conv, (f32[2, 3, 4], f32[3, 1, 2], None, f32[2, 3, 2]), {}, "a state of f32[2, 3, 2]"),
    (ops.causal_conv, (i64[2, 3, 4], i64[3, 1, 2]), {}, "elements are i64"),
    (ops.causal_conv, (f32[2, 3, 4], f32[3, 1, 2]), {"activation": "relu"}, "'relu' is none of"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_open_dimensions() -> None:
    q, k = named_input("q", f32["b", "s", 12]), named_input("k", f32["b", "s", 6])
    found, state = ops.linear_attention(q, k, k, **LINEAR)
    assert (str(found.type), str(state.type)) == ("f32['b', 's', 12]", "f32['b', 2, 3, 3]")
    x = named_input("x", f32["b", 3, "s"])
    found, state = ops.causal_conv(x, named_input("w", f32[3, 1, "k"]))
    assert (found.type, str(state.type)) == (x.type, "f32['b', 3, 'k - 1']")
