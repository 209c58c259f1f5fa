from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    FLOATS,
    Use,
    agree,
    by_runtime,
    check_demands,
    check_types,
    graph_of,
    ours,
    refusal,
    seeds,
    values,
)

from nnvm import ops
from nnvm.attrs import infer_inputs, macs
from nnvm.frontends.onnx import to_bytes
from nnvm.ir import Op, dim, f16, f32, i32, named_input
from nnvm.ops.recurrent import ACTIVATIONS, activations_of

GATES = {ops.lstm: 4, ops.gru: 3, ops.rnn: 1}
FUNCTIONS = {ops.lstm: 3, ops.gru: 2, ops.rnn: 1}
NAMES = (
    *("Relu", "Tanh", "Sigmoid", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu"),
    *("Softsign", "Softplus"),
)
ZERO_IN_RUNTIME = {"Affine", "ScaledTanh", "ThresholdedRelu"}
"""Functions whose numbers ONNX Runtime takes for 0 where none are given; ours then have those of their operators."""
MEANT: dict[str, Any] = {
    "affine": lambda x, a, b: a * x + b,
    "elu": lambda x, a, b: np.where(x >= 0, x, a * (np.exp(np.minimum(x, 0)) - 1)),
    "hardsigmoid": lambda x, a, b: np.minimum(1, np.maximum(0, a * x + b)),
    "leakyrelu": lambda x, a, b: np.where(x >= 0, x, a * x),
    "relu": lambda x, a, b: np.maximum(x, 0),
    "scaledtanh": lambda x, a, b: a * np.tanh(b * x),
    "sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "softplus": lambda x, a, b: np.log(1 + np.exp(x)),
    "softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "tanh": lambda x, a, b: np.tanh(x),
    "thresholdedrelu": lambda x, a, b: np.where(x > a, x, 0),
}


def by_definition(use: Use) -> list[Any]:
    """Compute a layer one sequence, one step and one gate at a time in 64 bits, as the definition of ONNX says."""
    given = [None if each is None else np.asarray(each, np.float64) for each in use.arrays]
    x, weight, recurrence, bias, lengths, first, cell, holes = [*given, *[None] * (8 - len(given))]
    params = use.params | {}
    layout, direction = params.get("layout", 0), params.get("direction", "forward")
    if layout:
        x, first, cell = (None if each is None else each.swapaxes(0, 1) for each in (x, first, cell))
    kind, count, size = use.op.name, len(weight), recurrence.shape[2]
    names = [params.get(key, ()) for key in ("activations", "activation_alpha", "activation_beta")]
    each = list(zip(*activations_of(kind, direction, *names), strict=True))
    y = np.zeros((len(x), count, x.shape[1], size))
    h, c = (np.zeros((count, x.shape[1], size)) if start is None else start.copy() for start in (first, cell))
    for d in range(count):
        own = each[d * FUNCTIONS[use.op] : (d + 1) * FUNCTIONS[use.op]]
        used = [lambda v, at=at: MEANT[at[0]](_clip(v, params.get("clip")), at[1], at[2]) for at in own]
        if kind == "lstm":  # the last of them is applied to the state, which is not clipped
            used[2] = lambda v, at=own[2]: MEANT[at[0]](v, at[1], at[2])
        b = np.zeros((2, GATES[use.op], size)) if bias is None else bias[d].reshape(2, -1, size)
        w, r = weight[d].reshape(GATES[use.op], size, -1), recurrence[d].reshape(GATES[use.op], size, size)
        p = np.zeros((3, size)) if holes is None else holes[d].reshape(3, size)
        for n in range(x.shape[1]):
            end = len(x) if lengths is None else int(lengths[n])
            order = range(end)[::-1] if direction == "reverse" or d == 1 else range(end)
            for t in order:
                h[d, n], c[d, n] = _step(kind, x[t, n], h[d, n], c[d, n], w, r, b, p, used, params)
                y[t, d, n] = h[d, n]
    last = [h, c] if kind == "lstm" else [h]
    found = [y.transpose(2, 0, 1, 3), *[each.swapaxes(0, 1) for each in last]] if layout else [y, *last]
    return [each.astype(use.arrays[0].dtype) for each in found]


def _clip(x: Any, limit: float | None) -> Any:
    return x if limit is None else np.clip(x, -limit, limit)


def _step(kind: str, x: Any, h: Any, c: Any, w: Any, r: Any, b: Any, p: Any, used: Any, params: Any) -> Any:
    gates = [w[k] @ x + r[k] @ h + b[0, k] + b[1, k] for k in range(len(w))]
    if kind == "rnn":
        return used[0](gates[0]), c
    if kind == "gru":
        z, reset = used[0](gates[0]), used[0](gates[1])
        if params.get("linear_before_reset"):
            g = used[1](w[2] @ x + b[0, 2] + reset * (r[2] @ h + b[1, 2]))
        else:
            g = used[1](w[2] @ x + b[0, 2] + r[2] @ (reset * h) + b[1, 2])
        return (1 - z) * g + z * h, c
    i, f = used[0](gates[0] + p[0] * c), used[0](gates[2] + p[2] * c)
    if params.get("input_forget"):
        f = 1 - i
    c = f * c + i * used[1](gates[3])
    return used[0](gates[1] + p[1] * c) * used[2](c), c


@st.composite
def layers(draw: st.DrawFn, op: Op[..., Any], plain: bool = False) -> Use:
    """Draw a layer; a `plain` one is of a kind that ONNX Runtime knows."""
    least = 1 if plain else 0
    time, batch, size, hidden = (draw(st.integers(low, 4)) for low in (least, least, 1, 1))
    dtype = "float32" if plain else draw(st.sampled_from(FLOATS))
    direction = draw(st.sampled_from(["forward", "reverse", "bidirectional"]))
    count, gates = 2 if direction == "bidirectional" else 1, GATES[op]
    layout = 0 if plain else draw(st.integers(0, 1))
    state = (batch, count, hidden) if layout else (count, batch, hidden)
    shapes: list[Any] = [
        (batch, time, size) if layout else (time, batch, size),
        (count, gates * hidden, size),
        (count, gates * hidden, hidden),
        (count, 2 * gates * hidden),
        None,
        state,
        *([state, (count, 3 * hidden)] if op is ops.lstm else []),
    ]
    arrays = [
        None
        if shape is None or (i > 2 and draw(st.booleans()))
        else values(draw(seeds), shape, dtype, *((-1, 1) if i else (-2, 2)))
        for i, shape in enumerate(shapes)
    ]
    if draw(st.booleans()):
        arrays[4] = np.array([draw(st.integers(least, time)) for _ in range(batch)], np.int32)
    params: dict[str, Any] = {"direction": direction, "layout": layout}
    if draw(st.booleans()):
        chosen = [draw(st.sampled_from(NAMES)) for _ in range(FUNCTIONS[op] * count)]
        params["activations"] = tuple(chosen)
        if draw(st.booleans()) or ZERO_IN_RUNTIME & {*chosen}:
            taking = [ACTIVATIONS[name.lower()] for name in chosen]
            numbers = st.sampled_from([0.25, 0.4, 0.75])
            params["activation_alpha"] = tuple(draw(numbers) for alpha, _ in taking if alpha is not None)
            params["activation_beta"] = tuple(draw(numbers) for _, beta in taking if beta is not None)
    params["clip"] = draw(st.sampled_from([None, 0.5, 1.0]))
    if op is ops.lstm:
        params["input_forget"] = draw(st.booleans())
    if op is ops.gru:
        params["linear_before_reset"] = draw(st.booleans())
    if draw(st.booleans()):
        params["hidden_size"] = hidden
    return Use(op, arrays, **params)


USES = {op: layers(op) for op in GATES}


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_layer_is_what_its_definition_says(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=60)
    def law(use: Use, seed: int) -> None:
        found = ours(use)
        wanted = by_definition(use)
        assert agree(found, tuple(wanted)), f"{use}:\n{found}\nagainst\n{wanted}"
        check_types(use, found, seed)

    law()


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_layer_is_what_onnx_runtime_makes_of_it(op: Op[..., Any]) -> None:
    @given(layers(op, plain=True), st.sampled_from([7, 14, 21]))
    @settings(max_examples=60)
    def law(use: Use, opset: int) -> None:
        use.params.setdefault("hidden_size", use.arrays[2].shape[2])
        verdict = by_runtime(to_bytes(graph_of(use), opset=opset), use.feeds)
        assert not isinstance(verdict, str), f"{use}: {verdict}"
        found = ours(use)
        assert agree(found, verdict), f"{use}:\n{found}\nagainst\n{verdict}"

    law()


X, W, R = f32["t", "n", 5], f32[1, 12, 5], f32[1, 12, 3]
ILL: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((f32[2, 5], W, R), {}, "a sequence has 3 dimensions (time, batch, features), not 2"),
    ((X, f32[1, 12, 4], R), {}, "weight is [1, 12, 4] where [1, 12, 5] is due"),
    ((X, W, f32[1, 12, 4]), {}, "weight is [1, 12, 5] where [1, 16, 5] is due"),
    ((X, W, f32[12, 3]), {}, "the recurrence has 3 dimensions"),
    ((X, W, R), {"hidden_size": 4}, "hidden_size 4 against 3 in the recurrence"),
    ((X, W, R), {"hidden_size": 0}, "hidden_size is positive"),
    ((X, W, R), {"clip": -1.0}, "clip is not negative"),
    ((X, W, R), {"direction": "bidirectional"}, "weight is [1, 12, 5] where [2, 12, 5] is due"),
    ((X, W, R), {"direction": "sideways"}, "direction 'sideways' is none of forward, reverse, bidirectional"),
    ((X, W, R), {"layout": 2}, "layout 2 is neither 0 (time first) nor 1 (batch first)"),
    ((X, W, R), {"activations": ("Tanh", "Cosine", "Tanh")}, "no layer knows the activation cosine"),
    ((X, W, R), {"activations": ("Tanh",)}, "1 activations where forward takes 3"),
    ((X, f16[1, 12, 5], R), {}, "element types differ"),
    ((X, W, R, f32[1, 12]), {}, "bias is [1, 12] where [1, 24] is due"),
    ((X, W, R, None, f32[2]), {}, "the lengths are a vector of int32"),
    ((i32[2, 2, 5], i32[1, 12, 5], i32[1, 12, 3]), {}, "they must be of kind float"),
]


@pytest.mark.parametrize(("given", "params", "why"), ILL)
def test_what_is_ill_typed_is_refused(given: tuple[Any, ...], params: dict[str, Any], why: str) -> None:
    assert why in refusal(ops.lstm, *given, **params)


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
@given(drawn=st.data())
def test_what_is_demanded_of_weights_is_true(op: Op[..., Any], drawn: st.DataObject) -> None:
    use = drawn.draw(USES[op])
    check_demands(use, range(1, len(use.arrays)))
    check_demands(use, [1, 3])


def test_shapes_stay_open() -> None:
    x, weight, recurrence = named_input("x", X), named_input("w"), named_input("r")
    y, h, c = ops.lstm(x, named_input("w", W), named_input("r", R), layout=1)
    assert (y.type, h.type, c.type) == (f32["t", "n", 1, 3], f32["t", 1, 3], f32["t", 1, 3])
    y, *_ = ops.lstm(x, weight, recurrence, hidden_size=3, layout=1)
    assert infer_inputs[ops.lstm](y.node) == (None, f32[1, 12, 5], f32[1, 12, 3])
    node = ops.gru(x, weight, recurrence, named_input("b"), None, named_input("h"), hidden_size=3)[0].node
    assert infer_inputs[ops.gru](node)[3:] == (f32[1, 18], None, f32[1, "n", 3])
    assert infer_inputs[ops.rnn](ops.rnn(named_input("x"), weight, recurrence)[0].node) == (None,) * 3


def test_multiply_accumulates() -> None:
    made = ops.lstm(named_input("x", X), named_input("w", W), named_input("r", R))[0].node
    assert macs[ops.lstm](made) == dim("t") * dim("n") * 12 * 8


def test_numbers_go_to_the_functions_that_take_one() -> None:
    names = ("LeakyRelu", "TANH", "HardSigmoid")
    assert activations_of("lstm", "reverse", names, (0.5, 0.25), (0.75,)) == (
        ("leakyrelu", "tanh", "hardsigmoid"),
        (0.5, 0.0, 0.25),
        (0.0, 0.0, 0.75),
    )
    assert activations_of("gru", "bidirectional", (), (), ())[0] == ("sigmoid", "tanh") * 2
    assert activations_of("rnn", "forward", ("Tanh", "Tanh"), (), ())[0] == ("tanh",)
