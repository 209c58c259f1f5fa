"""Nodes that are layers: recurrent ones, attention, spectra."""

from typing import Any

import numpy as np
from tests.laws.onnx_nodes.drawing import Case, Draw, draws

PLAIN = ("Relu", "Tanh", "Sigmoid", "Softsign", "Softplus")
TUNED = {"Affine": (1.5, 0.25), "LeakyRelu": (0.1, None), "ThresholdedRelu": (0.3, None), "ScaledTanh": (0.5, 0.75),
         "HardSigmoid": (0.3, 0.4), "Elu": (0.8, None)}  # fmt: skip
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@draws("LSTM", "GRU", "RNN")
def recurrent(draw: Draw) -> Case:
    kind, dtype = draw.type, draw.port(0)
    steps, batch, inward, hidden = (draw.int(1, 3) for _ in range(4))
    direction = draw.pick("forward", "reverse", "bidirectional")
    ways, gates = (2 if direction == "bidirectional" else 1), GATES[kind]
    layout = draw.maybe(draw.int(0, 1)) if draw.has("layout") else None

    def some(*shape: int) -> Any:
        return draw.array(dtype, shape, -1, 1)

    def state() -> Any:
        return some(batch, ways, hidden) if layout else some(ways, batch, hidden)

    inputs = [
        some(batch, steps, inward) if layout else some(steps, batch, inward),
        some(ways, gates * hidden, inward),
        some(ways, gates * hidden, hidden),
        draw.maybe(some(ways, 2 * gates * hidden)),
        draw.maybe(draw.rng.integers(1, steps + 1, batch).astype(np.int32)),
        draw.maybe(state()),
    ]
    if kind == "LSTM":
        inputs += [draw.maybe(state()), draw.maybe(some(ways, 3 * hidden))]
    while inputs[-1] is None:
        inputs.pop()
    given: dict[str, Any] = {"hidden_size": hidden, "layout": layout, "clip": draw.maybe(0.5, 4)}
    given["direction"] = direction if direction != "forward" or draw.flag() else None
    if kind == "GRU":
        given["linear_before_reset"] = draw.maybe(draw.int(0, 1))
    if kind == "LSTM":
        given["input_forget"] = draw.maybe(draw.int(0, 1), 4)
    if draw.flag():
        names = [draw.pick(*PLAIN, *TUNED) for _ in range(ways * {"LSTM": 3, "GRU": 2, "RNN": 1}[kind])]
        alphas = [TUNED[name][0] for name in names if name in TUNED]
        betas = [TUNED[name][1] for name in names if name in TUNED and TUNED[name][1] is not None]
        given |= {"activations": names, "activation_alpha": alphas or None, "activation_beta": betas or None}
    outputs = ["y0", "y1", "y2"][: 3 if kind == "LSTM" else 2]
    if draw.flag(3):
        outputs[0] = ""
    return Case(inputs, given, outputs, loose=8)


@draws("Attention")
def attention(draw: Draw) -> Case:
    dtype, second = draw.dtype("T1"), draw.dtype("T2")
    batch, heads, per, q, k, size, wide = (draw.int(1, 3) for _ in range(7))
    size *= 2
    flat = draw.flag(3)
    all_heads = heads * per
    past = draw.int(1, 2) if draw.flag(3) else 0

    def some(own: object, heads: int, length: int, size: int) -> Any:
        return draw.array(own, (batch, length, heads * size) if flat else (batch, heads, length, size), -1, 1)

    inputs = [some(dtype, all_heads, q, size), some(dtype, heads, k, size), some(second, heads, k, wide), None]
    given: dict[str, Any] = {"scale": draw.maybe(0.5), "is_causal": draw.maybe(int(q == k and draw.flag()))}
    given |= {"softcap": draw.maybe(2.0, 3)}
    if flat:
        given |= {"q_num_heads": all_heads, "kv_num_heads": heads}
    if draw.flag():
        mask_type = draw.pick(np.bool_, dtype)
        shape = (*draw.part((batch, all_heads)), q, k + past)
        mask = draw.array(mask_type, shape[-draw.int(2, len(shape)) :], -1, 1)
        if mask.dtype == np.bool_:
            mask[..., 0] = True
        inputs[3] = mask
    outputs = ["y0"]
    if past:
        inputs += [draw.array(dtype, (batch, heads, past, size), -1, 1), draw.array(second, (batch, heads, past, wide))]
        outputs = ["y0", "y1", "y2"]
    elif draw.flag(4):
        outputs = ["y0", "y1", "y2"]
    if draw.flag(4):
        outputs = [*outputs, *[""] * (3 - len(outputs)), "y3"]
        modes = (1, 3) if given["softcap"] else (None, 0, 1, 3)  # in 2 what is not seen is -inf or the least number;
        given["qk_matmul_output_mode"] = draw.pick(*modes)  # the reference caps 0 in place
    if draw.version >= 24 and not past and inputs[3] is None and draw.flag(4):
        inputs += [None, None, draw.rng.integers(1, k + 1, batch).astype(np.int64)]
    if draw.version >= 25:
        given |= {
            "left_window_size": draw.maybe(draw.int(-1, 2), 4),
            "right_window_size": draw.maybe(draw.int(-1, 2), 4),
        }
    while inputs[-1] is None:
        inputs.pop()
    return Case(inputs, given, outputs, loose=8 if dtype == second != np.float64 else 1e6)


@draws("RotaryEmbedding")
def rotary(draw: Draw) -> Case:
    dtype = draw.port(0)
    batch, heads, steps, half = draw.int(1, 2), draw.int(1, 3), draw.int(1, 3), draw.int(1, 3)
    flat, part = draw.flag(), draw.flag(3)
    size = 2 * (half + 1) if part else 2 * half
    x = draw.array(dtype, (batch, steps, heads * size) if flat else (batch, heads, steps, size), -1, 1)
    positions = draw.maybe(draw.rng.integers(0, 5, (batch, steps)).astype(np.int64))
    shape = (batch, steps, half) if positions is None else (5, half)
    inputs = [x, draw.array(dtype, shape, -1, 1), draw.array(dtype, shape, -1, 1)]
    given = {"interleaved": draw.maybe(draw.int(0, 1)), "num_heads": heads if flat else None}
    given["rotary_embedding_dim"] = 2 * half if part else None
    return Case(inputs if positions is None else [*inputs, positions], given, loose=2)


@draws("LinearAttention")
def linear_attention(draw: Draw) -> Case:
    dtype = draw.dtype("T")
    batch, steps, heads, per, size, wide = (draw.int(1, 2) for _ in range(6))
    rule = draw.maybe(draw.pick("linear", "gated", "delta", "gated_delta"))
    named = rule or "gated_delta"

    def some(*shape: int, low: float = -1, high: float = 1) -> Any:
        return draw.array(dtype, (batch, steps, *shape), low, high)

    inputs = [some(heads * per * size), some(heads * size), some(heads * wide)]
    inputs.append(draw.maybe(draw.array(draw.dtype("S"), (batch, heads, size, wide), -1, 1)))
    inputs.append(some(draw.pick(heads, heads * size), low=-1, high=0) if "gated" in named else None)
    inputs.append(some(heads, low=0, high=1) if "delta" in named else None)
    while inputs[-1] is None:
        inputs.pop()
    given = {"q_num_heads": heads * per, "kv_num_heads": heads, "update_rule": rule, "scale": draw.maybe(0.5)}
    return Case(inputs, given | {"chunk_size": draw.maybe(2)}, 2, loose=8)


@draws("CausalConvWithState")
def causal(draw: Draw) -> Case:
    dtype = draw.dtype("T")
    batch, channels, steps, reach = draw.int(1, 2), draw.int(1, 3), draw.int(1, 4), draw.int(1, 4)
    inputs = [draw.array(dtype, (batch, channels, steps)), draw.array(dtype, (channels, 1, reach))]
    inputs += [draw.maybe(draw.array(dtype, (channels,))), draw.maybe(draw.array(dtype, (batch, channels, reach - 1)))]
    while inputs[-1] is None:
        inputs.pop()
    return Case(inputs, {"activation": draw.maybe(draw.pick("none", "silu", "swish"))}, 2, loose=100)


@draws("HannWindow", "HammingWindow", "BlackmanWindow")
def window(draw: Draw) -> Case:
    target = draw.maybe(draw.pick(1, 11, 10, 7))
    size = np.array(draw.int(2, 9), draw.port(0))
    return Case([size], {"output_datatype": target, "periodic": draw.maybe(draw.int(0, 1))}, fixed=(0,), loose=1e4)


@draws("MelWeightMatrix")
def mel(draw: Draw) -> Case:
    bins, bounds = draw.int(1, 6), draw.int(8, 32)
    numbers = [bins, bounds, 8192]
    inputs = [np.array(each, draw.dtype("T1")) for each in numbers]
    inputs += [np.array(each, draw.dtype("T2")) for each in (0.0, 4096.0)]
    return Case(inputs, {"output_datatype": draw.maybe(draw.pick(1, 11))}, fixed=range(5), loose=1e3)


@draws("DFT")
def fourier(draw: Draw) -> Case:
    dims = [draw.int(1, 4) for _ in range(draw.int(1, 3))]
    axis = draw.int(1, len(dims)) if draw.version < 20 and len(dims) > 1 else draw.int(0, len(dims) - 1)
    axis = min(axis, len(dims) - 1)
    inverse = draw.maybe(draw.int(0, 1))
    onesided = draw.maybe(draw.int(0, 1)) if not inverse else None
    parts = 1 if onesided else draw.int(1, 2)
    x = draw.array(draw.port(0), (*dims, parts))
    length = draw.maybe(np.array(draw.int(1, 6), draw.dtype("T2")))
    given = {"inverse": inverse, "onesided": onesided}
    loose = 1e4 if x.dtype == np.float64 else 8  # ONNX Runtime turns doubles by angles in 32 bits
    if draw.version < 20:
        return Case([x, length] if length is not None else [x], given | {"axis": axis}, fixed=(1,), loose=loose)
    chosen = draw.pick(axis, axis - len(dims) - 1)
    return Case([x, length, np.array(chosen, np.int64)], given, fixed=(1, 2), loose=loose)


@draws("STFT")
def frames(draw: Draw) -> Case:
    dtype, whole = draw.port(0), draw.dtype("T2")
    frame, step, batch = draw.int(2, 5), draw.int(1, 3), draw.int(1, 2)
    length = frame + draw.int(0, 6)
    onesided = draw.maybe(draw.int(0, 1))
    parts = draw.pick(1, 2) if onesided == 0 else 1
    x = draw.array(dtype, (batch, length, parts))
    shown = draw.maybe(draw.array(dtype, (frame,), 0.1, 1))
    inputs = [x, np.array(step, whole), shown, np.array(frame, whole) if shown is None or draw.flag() else None]
    while inputs[-1] is None:
        inputs.pop()
    return Case(inputs, {"onesided": onesided}, fixed=(1, 3), loose=8)
