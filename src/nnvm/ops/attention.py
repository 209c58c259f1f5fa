"""Attention of queries over keys, and the rotation that tells positions apart."""

from collections.abc import Mapping
from typing import Any

from nnvm.attrs import macs
from nnvm.ir import DType, Node, TensorType, Value, equal, op, product
from nnvm.ir.dims import Size
from nnvm.ops.typing import of_kind, one_dtype, rank_or_none, require


def _count(inputs: tuple[Value, ...], params: Mapping[str, Any]) -> int:
    """Return how many outputs a use asks for."""
    return int(params["results"])


@op(outputs=_count)
def attention(
    query: Value,
    key: Value,
    value: Value,
    mask: Value | None = None,
    past_key: Value | None = None,
    past_value: Value | None = None,
    nonpad_lengths: Value | None = None,
    *,
    is_causal: bool = False,
    q_heads: int | None = None,
    kv_heads: int | None = None,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: DType | None = None,
    left_window: int = -1,
    right_window: int = -1,
    qk_mode: int = 0,
    results: int = 1,
) -> tuple[TensorType, ...]:
    """Return softmax(query keyT * scale + bias) value, head by head (ONNX Attention).

    Inputs are [batch, heads, steps, size], or [batch, steps, heads * size] with `q_heads` and `kv_heads`; query heads
    in equal groups share one of key and value. `mask` holds truths or is added; `is_causal` and the windows bound what
    a query sees; earlier keys come first. The scale is 1 / sqrt(size). Of four `results` the second and third are all
    keys and values, the fourth the scores at stage `qk_mode`: raw, capped, biased, or softmax.
    """
    dtype = one_dtype((query, key))
    of_kind(query, "float")
    require(results in (1, 3, 4), f"attention has 1, 3 or 4 results, not {results}")
    require((past_key is None) == (past_value is None), "past keys and past values come together")
    require(past_key is None or nonpad_lengths is None, "lengths of what is no padding go without past keys")
    require(past_key is None or results > 1, "with past keys there are at least 3 results")
    require(qk_mode in (0, 1, 2, 3), f"qk_mode {qk_mode} is none of 0, 1, 2, 3")
    if mask is not None:
        require(mask.dtype is dtype or mask.dtype.kind == "bool", f"a mask of {mask.dtype!r} for {dtype!r}")
    batch, heads, steps, size = heads_of(query, q_heads, "query")
    _, groups, length, depth = heads_of(key, kv_heads, "key")
    _, others, _, width = heads_of(value, kv_heads, "value")
    require(equal(size, depth) is not False, f"queries of {size} against keys of {depth}")
    require(equal(groups, others) is not False, f"{groups} heads of keys against {others} of values")
    fits = not (isinstance(heads, int) and isinstance(groups, int)) or (groups > 0 and heads % groups == 0)
    require(fits, f"{heads} heads of queries do not divide among {groups} of keys")
    if past_key is not None:
        length = length + past_key.shape[2]
    found = dtype[batch, heads, steps, width] if len(query.shape) == 4 else dtype[batch, steps, heads * width]
    keys, values = dtype[batch, groups, length, depth], value.dtype[batch, groups, length, width]
    return (found, keys, values, dtype[batch, heads, steps, length])[:results]


def heads_of(x: Value, heads: int | None, what: str) -> tuple[Size, Size, Size, Size]:
    """Return batch, heads, steps and size of one head; raise ValueError for another rank, or heads that do not fit."""
    if len(x.shape) == 4:
        batch, own, steps, size = x.shape
        require(heads is None or equal(own, heads) is not False, f"{own} heads of the {what}, not {heads}")
        return batch, own, steps, size
    require(len(x.shape) == 3, f"the {what} has three or four dimensions, not those of {x.type}")
    require(heads, f"a {what} of three dimensions needs its number of heads")
    batch, steps, hidden = x.shape
    count = heads or 1
    require(not isinstance(hidden, int) or hidden % count == 0, f"{hidden} does not divide into {count} heads")
    return batch, count, steps, hidden // count


@macs(attention)
def _(node: Node) -> Size:
    batch, heads, steps, size = heads_of(node.inputs[0], node.params["q_heads"], "query")
    _, _, length, width = heads_of(node.inputs[2], node.params["kv_heads"], "value")
    if node.params["results"] > 1:
        length = node.outputs[1].shape[2]
    return product((batch, heads, steps, length)) * (size + width)


@op
def rotary_embedding(
    x: Value,
    cos: Value,
    sin: Value,
    positions: Value | None = None,
    *,
    heads: int | None = None,
    interleaved: bool = False,
    rotary_size: int = 0,
) -> TensorType:
    """Turn pairs of features by an angle that grows with the position (ONNX RotaryEmbedding).

    x is [batch, heads, steps, size], or [batch, steps, heads * size] with `heads`. cos and sin are [batch, steps,
    half], or [positions, half] where `positions` [batch, steps] picks. Pairs are neighbours where `interleaved`, else
    halves of the first `rotary_size` features, all of them where it is 0.
    """
    dtype = one_dtype((x, cos, sin))
    of_kind(x, "float")
    rank = 3 if positions is None else 2
    for each in (cos, sin):
        require(rank_or_none(each) in (None, rank), f"angles of {each.type} have {rank} dimensions here")
    if rank_or_none(x) is None:
        return x.tensor
    _, _, _, size = heads_of(x, heads, "input")
    turned = rotary_size or size
    require(not isinstance(turned, int) or turned % 2 == 0, f"{turned} features are no pairs")
    if rank_or_none(cos) is not None:
        require(equal(cos.shape[-1] * 2, turned) is not False, f"angles of {cos.type} for {turned} features")
    return dtype[x.shape]
