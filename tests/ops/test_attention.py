from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import Use, by_reference, by_runtime, check_run, check_types, close, ours, refusal, seeds, values

from nnvm import ops
from nnvm.attrs import macs
from nnvm.ir import Op, f16, f32, f64, i64, named_input


@st.composite
def attentions(draw: st.DrawFn) -> Use:
    batch, groups, steps, length, size, width = (draw(st.integers(1, 3)) for _ in range(6))
    heads = groups * draw(st.integers(1, 2))
    flat = draw(st.booleans())
    dtype = draw(st.sampled_from(["float32", "float64", "float16"]))

    def drawn(*shape: int) -> Any:
        x = values(draw(seeds), shape, dtype, -1, 1)
        return x.transpose(0, 2, 1, 3).reshape(shape[0], shape[2], -1).copy() if flat else x

    q, k, v = drawn(batch, heads, steps, size), drawn(batch, groups, length, size), drawn(batch, groups, length, width)
    past = draw(st.integers(0, 2))
    earlier = [values(draw(seeds), (batch, groups, past, each), dtype, -1, 1) for each in (size, width)] if past else []
    mask: Any = None
    if draw(st.booleans()):
        shape = tuple(1 if draw(st.booleans()) else each for each in (batch, heads, steps))[draw(st.integers(0, 2)) :]
        shape = (*shape[:-1], steps, draw(st.integers(1, length + past)))
        mask = values(draw(seeds), shape, draw(st.sampled_from(["bool", dtype])), -1, 1)
    lengths = None
    if not past and draw(st.integers(0, 2)) == 0:
        lengths = values(draw(seeds), (batch,), "int64", 1, length)
    mode, results = draw(st.integers(0, 3)), 4 if draw(st.booleans()) and lengths is None else 3 if past else 1
    params = {
        "is_causal": draw(st.booleans()),
        "q_heads": heads if flat else None,
        "kv_heads": groups if flat else None,
        "scale": draw(st.sampled_from([None, 0.5])),
        "softcap": draw(st.sampled_from([0.0, 2.0])),
        "qk_mode": 2 if mode == 0 and results == 4 else mode,
        "results": results,
    }
    given = [q, k, v, mask, *(earlier or [None, None]), lengths]
    while given[-1] is None:
        given.pop()
    return Use(ops.attention, given, **params)


@st.composite
def rotations(draw: st.DrawFn) -> Use:
    batch, heads, steps, half, rest = (draw(st.integers(1, 3)) for _ in range(5))
    rest = 2 * (rest - 1)
    size, places = 2 * half + rest, draw(st.integers(1, 5))
    flat, picked = draw(st.booleans()), draw(st.booleans())
    dtype = draw(st.sampled_from(["float32", "float16"]))
    x = values(draw(seeds), (batch, steps, heads * size) if flat else (batch, heads, steps, size), dtype)
    angles = [values(draw(seeds), (places, half) if picked else (batch, steps, half), dtype, -1, 1) for _ in range(2)]
    more = [values(draw(seeds), (batch, steps), "int64", 0, places - 1)] if picked else []
    params = {
        "heads": heads if flat else None,
        "interleaved": draw(st.booleans()),
        "rotary_size": 2 * half if rest else 0,
    }
    return Use(ops.rotary_embedding, [x, *angles, *more], **params)


USES = {ops.attention: attentions(), ops.rotary_embedding: rotations()}


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=40)
    def law(use: Use, seed: int) -> None:
        # ONNX Runtime's causal mask knows no earlier keys in all versions; the reference does.
        check_types(use, check_run(use, 24, judges=(by_reference,)), seed)

    law()


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_onnxruntime_agrees(flat: bool, causal: bool) -> None:
    shapes = [(2, 5, 12)] * 3 if flat else [(2, 3, 5, 4)] * 3
    heads = {"q_heads": 3, "kv_heads": 3} if flat else {}
    use = Use(ops.attention, [values(i, shape) for i, shape in enumerate(shapes)], is_causal=causal, **heads)
    check_run(use, 23, judges=(by_runtime,))


@pytest.mark.parametrize(("left", "right"), [(1, 0), (0, 1), (2, -1), (-1, 0)])
def test_windows(left: int, right: int) -> None:
    arrays = [values(i, (1, 2, 6, 3)) for i in range(3)]
    check_run(Use(ops.attention, arrays, left_window=left, right_window=right), 25, judges=(by_reference,))


def test_a_query_that_sees_nothing_gets_zeros() -> None:
    mask = np.array([[False, False], [True, False]])
    (found,) = ours(Use(ops.attention, [values(i, (1, 1, 2, 4)) for i in range(3)] + [mask]))
    assert not found[0, 0, 0].any()
    assert found[0, 0, 1].any()


def test_long_sequences_are_cut() -> None:
    q, k, v = (values(i, (1, 1, 700, 8), "float64") for i in range(3))
    (found,) = ours(Use(ops.attention, [q, k, v], softmax_precision=f64))
    scores = np.exp(q[0, 0] @ k[0, 0].T / np.sqrt(8))
    assert close(found[0, 0], scores / scores.sum(1, keepdims=True) @ v[0, 0])


X, Y = f32[2, 3, 5, 4], f32[2, 5, 12]
ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.attention, (Y, Y, Y), {}, "needs its number of heads"),
    (ops.attention, (Y, Y, Y), {"q_heads": 5, "kv_heads": 4}, "12 does not divide into 5 heads"),
    (ops.attention, (X, f32[2, 2, 5, 4], f32[2, 2, 5, 4]), {}, "3 heads of queries do not divide among 2"),
    (ops.attention, (X, f32[2, 3, 5, 6], X), {}, "queries of 4 against keys of 6"),
    (ops.attention, (X, X, X, i64[5, 5]), {}, "a mask of i64 for f32"),
    (ops.attention, (X, X, X, None, X), {}, "come together"),
    (ops.attention, (X, X, X, None, X, X), {}, "at least 3 results"),
    (ops.attention, (X, X, X), {"results": 2}, "1, 3 or 4 results"),
    (ops.attention, (X, f16[2, 3, 5, 4], X), {}, "element types differ"),
    (ops.rotary_embedding, (X, f32[2, 5, 3], f32[2, 5, 3]), {}, "angles of f32[2, 5, 3] for 4 features"),
    (ops.rotary_embedding, (X, f32[2, 5], f32[2, 5]), {}, "have 3 dimensions here"),
    (ops.rotary_embedding, (X, f32[2, 5, 2], f32[2, 5, 2]), {"rotary_size": 3}, "3 features are no pairs"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_open_dimensions() -> None:
    q, k = named_input("q", f32["b", 2, "s", 8]), named_input("k", f32["b", 2, "t", 8])
    past = named_input("p", f32["b", 2, "u", 8])
    found = ops.attention(q, k, k, None, past, past, results=4)
    assert [str(value.type) for value in found][1:] == ["f32['b', 2, 't + u', 8]"] * 2 + ["f32['b', 2, 's', 't + u']"]
    assert found[0].type is q.type
    assert str(macs[ops.attention](ops.attention(q, k, k)[0].node)) == "32*b*s*t"
