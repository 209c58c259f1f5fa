"""Layers over sequences that hand a state on from one call to the next."""

from nnvm.ir import TensorType, Value, equal, op
from nnvm.ir.dims import Size
from nnvm.ops.typing import of_kind, one_dtype, rank_or_none, require

RULES = ("linear", "gated", "delta", "gated_delta")


@op(outputs=2)
def linear_attention(
    query: Value,
    key: Value,
    value: Value,
    past: Value | None = None,
    decay: Value | None = None,
    beta: Value | None = None,
    *,
    q_heads: int,
    kv_heads: int,
    scale: float = 0.0,
    update_rule: str = "gated_delta",
) -> tuple[TensorType, TensorType]:
    """Read a state that sums up keys and values step by step; give it back too (ONNX LinearAttention).

    Inputs are [batch, steps, heads * size], the state [batch, kv_heads, key size, value size]. Each step the state
    shrinks by exp(decay) where `update_rule` is gated, and takes in key times value; where it is delta, value is first
    made beta times what the state did not know. A scale of 0 is 1 / sqrt(size). `decay` has a number for each head or
    for each feature of a key, `beta` one for each head or one for all.
    """
    require(update_rule in RULES, f"update_rule {update_rule!r} is none of {', '.join(RULES)}")
    require(q_heads > 0 and kv_heads > 0 and q_heads % kv_heads == 0, f"{q_heads} heads read the states of {kv_heads}")
    for what, given, wanted in (("decay", decay, "gated" in update_rule), ("beta", beta, "delta" in update_rule)):
        require((given is not None) == wanted, f"{update_rule!r} {'needs' if wanted else 'takes no'} {what}")
    dtype = one_dtype([query, key, value, *(each for each in (decay, beta) if each is not None)])
    of_kind(query, "float")
    (batch, steps, size), (_, _, own), (_, _, width) = (
        _split(query, q_heads, "query"), _split(key, kv_heads, "key"), _split(value, kv_heads, "value"),
    )  # fmt: skip
    require(equal(size, own) is not False, f"queries of {size} against keys of {own}")
    if decay is not None:
        last = _last(decay, "decay")
        require(_among(last, (kv_heads, kv_heads * size)), f"a decay of {last} for {kv_heads} heads of {size}")
    if beta is not None:
        last = _last(beta, "beta")
        require(_among(last, (kv_heads, 1)), f"a beta of {last} for {kv_heads} heads")
    state = (dtype if past is None else past.dtype)[batch, kv_heads, size, width]
    if past is not None and rank_or_none(past) is not None:
        of_kind(past, "float")
        fits = len(past.shape) == 4 and all(
            equal(p, q) is not False for p, q in zip(past.shape, state.shape, strict=True)
        )
        require(fits, f"a state of {past.type}, not {state}")
    return dtype[batch, steps, q_heads * width], state


def _split(x: Value, heads: int, what: str) -> tuple[Size, Size, Size]:
    require(len(x.shape) == 3, f"the {what} is [batch, steps, heads * size], not {x.type}")
    batch, steps, hidden = x.shape
    require(not isinstance(hidden, int) or hidden % heads == 0, f"{hidden} does not divide into {heads} heads")
    return batch, steps, hidden // heads


def _last(x: Value, what: str) -> Size:
    require(len(x.shape) == 3, f"{what} is [batch, steps, numbers], not {x.type}")
    return x.shape[2]


def _among(size: Size, allowed: tuple[Size, ...]) -> bool:
    return any(equal(size, each) is not False for each in allowed)


@op(outputs=2)
def causal_conv(
    x: Value, weight: Value, bias: Value | None = None, past: Value | None = None, *, activation: str = "none"
) -> tuple[TensorType, TensorType]:
    """Convolve each channel with what came before it; give the last steps back too (ONNX CausalConvWithState).

    x is [batch, channels, steps], the weight [channels, 1, k], states are the k - 1 steps before (zeros where `past` is
    absent). `activation` is "none", or "silu", also called "swish".
    """
    require(activation in ("none", "silu", "swish"), f"activation {activation!r} is none of none, silu, swish")
    dtype = one_dtype([x, weight, *(each for each in (bias, past) if each is not None)])
    of_kind(x, "float")
    require(len(x.shape) == 3, f"a sequence is [batch, channels, steps], not {x.type}")
    require(len(weight.shape) == 3, f"a weight is [channels, 1, k], not {weight.type}")
    batch, channels, _ = x.shape
    rows, one, reach = weight.shape
    require(equal(rows, channels) is not False, f"a weight of {weight.type} for {channels} channels")
    require(equal(one, 1) is not False, f"a weight of {weight.type} is not one for each channel")
    require(not isinstance(reach, int) or reach > 0, f"a weight of {weight.type} reaches nothing")
    if bias is not None and rank_or_none(bias) is not None:
        fits = len(bias.shape) == 1 and equal(bias.shape[0], channels) is not False
        require(fits, f"a bias of {bias.type} for {channels} channels")
    state = dtype[batch, channels, reach - 1]
    if past is not None and rank_or_none(past) is not None:
        fits = len(past.shape) == 3 and all(
            equal(p, q) is not False for p, q in zip(past.shape, state.shape, strict=True)
        )
        require(fits, f"a state of {past.type}, not {state}")
    return x.tensor, state
