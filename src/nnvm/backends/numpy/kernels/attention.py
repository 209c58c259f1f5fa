"""Attention, head by head and some queries at a time, and rotation of features by position."""

from itertools import product
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Shapes, carve, lent, wide


def attention_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes that attention wants: scores of some queries."""
    return LIMIT


def attention(
    *arrays: Array | None,
    results: int = 1,
    is_causal: int = 0,
    q_heads: int | None = None,
    kv_heads: int | None = None,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: str = "",
    left_window: int = -1,
    right_window: int = -1,
    qk_mode: int = 0,
    workspace: Array | None = None,
) -> None:
    """Give softmax(q kT * scale + bias) v, then all keys and values, then scores; `results` counts the outputs.

    Inputs are q, k, v, mask?, past keys?, past values?, lengths without padding?. A query that sees nothing gets zeros.
    Floats shorter than 32 bits are widened a head at a time, which allocates that much.
    """
    outs, (q, k, v, mask, past_k, past_v, lengths) = arrays[:results], (*arrays[results:], *[None] * 7)[:7]
    assert q is not None
    assert k is not None
    assert v is not None
    assert outs[0] is not None
    query, keys, values = _heads(q, q_heads), _heads(k, kv_heads), _heads(v, kv_heads)
    target = _heads(outs[0], q_heads or query.shape[1])
    past = 0 if past_k is None else past_k.shape[2]
    if results > 1:
        keys, values = _joined(outs[1], past_k, keys), _joined(outs[2], past_v, values)
    scores = outs[3] if results > 3 else None
    room, (batch, heads, steps, size), length = lent(workspace, "attention"), query.shape, keys.shape[2]
    double = q.dtype.itemsize == 8 or softmax_precision == "float64"
    dtype = np.dtype(np.float64) if double else wide(q.dtype)
    factor = dtype.type(size**-0.5 if scale is None else scale)
    bias = None if mask is None else _spread(mask, (batch, heads, steps))
    group = heads // max(1, keys.shape[1])
    most = room.size // dtype.itemsize // max(1, length)
    rows = max(1, min(steps, most))
    block = room if most else np.empty(length * dtype.itemsize + 1024, np.uint8)
    for one, head in product(range(batch), range(heads)):
        key, value = (np.asarray(each[one, head // group], dtype) for each in (keys, values))
        offset = past if lengths is None else int(lengths[one]) - steps
        limit = length if lengths is None else int(lengths[one])
        for start in range(0, steps, rows):
            stop = min(steps, start + rows)
            (part,) = carve(block, ((stop - start, length), dtype))
            np.matmul(np.asarray(query[one, head, start:stop], dtype), key.T, out=part)
            np.multiply(part, factor, out=part)
            _keep(scores, (one, head, start, stop), part, qk_mode == 0 or (qk_mode == 1 and not softcap))
            if softcap:
                np.divide(part, softcap, out=part)
                np.tanh(part, out=part)
                np.multiply(part, softcap, out=part)
                _keep(scores, (one, head, start, stop), part, qk_mode == 1)
            if bias is not None:
                _add(part, bias[one, head, start:stop])
            for row, step in enumerate(range(start, stop)):
                low, high = _bounds(step + offset, length, is_causal, left_window, right_window)
                part[row, : max(0, low)] = -np.inf
                part[row, max(0, min(high, limit)) :] = -np.inf
            _keep(scores, (one, head, start, stop), part, qk_mode == 2)
            _softmax(part)
            if q.dtype.itemsize < 4 and not double:
                np.copyto(part, part.astype(q.dtype))
            _keep(scores, (one, head, start, stop), part, qk_mode == 3)
            np.copyto(target[one, head, start:stop], np.matmul(part, value), casting="unsafe")


def _heads(x: Array, heads: int | None) -> Array:
    """View an input as [batch, heads, steps, size]."""
    if x.ndim == 4:
        return x
    count = heads or 1
    return x.reshape(*x.shape[:2], count, x.shape[2] // count, copy=False).transpose(0, 2, 1, 3)


def _joined(out: Array | None, past: Array | None, new: Array) -> Array:
    """Put new keys after past ones."""
    assert out is not None
    kept = 0 if past is None else past.shape[2]
    if past is not None:
        np.copyto(out[:, :, :kept], past)
    np.copyto(out[:, :, kept:], new)
    return out


def _spread(mask: Array, lead: tuple[int, ...]) -> Array:
    return np.broadcast_to(mask, (*lead, mask.shape[-1] if mask.ndim else 1))


def _add(part: Array, bias: Array) -> None:
    """Add a bias, or forbid what is false; what a shorter bias leaves out is forbidden."""
    width = bias.shape[-1]
    if bias.dtype.kind == "b":
        np.copyto(part[:, :width], -np.inf, where=~bias)
    else:
        np.add(part[:, :width], bias, out=part[:, :width], casting="unsafe")
    part[:, width:] = -np.inf


def _bounds(place: int, length: int, causal: int, left: int, right: int) -> tuple[int, int]:
    """Return the first key that a query at this place sees, and the one after the last."""
    high = length if not causal else place + 1
    if right >= 0:
        high = min(high, place + right + 1)
    return (place - left if left >= 0 else 0), high


def _softmax(part: Array) -> None:
    """Scale exponentials of each row to add up to one; a row of nothing but -inf becomes zeros."""
    if not part.shape[1]:
        return
    most = part.max(axis=1, keepdims=True)
    nothing = np.isneginf(most)
    most[nothing] = 0
    np.subtract(part, most, out=part)
    np.exp(part, out=part)
    total = np.sum(part, axis=1, keepdims=True)
    total[nothing] = 1
    np.divide(part, total, out=part)


def _keep(scores: Array | None, place: tuple[int, int, int, int], part: Array, wanted: bool) -> None:
    if scores is not None and wanted:
        one, head, start, stop = place
        np.copyto(scores[one, head, start:stop], part, casting="unsafe")


def rotary_embedding(
    out: Array,
    x: Array,
    cos: Array,
    sin: Array,
    positions: Array | None = None,
    *,
    heads: int | None = None,
    interleaved: int = 0,
    rotary_size: int = 0,
) -> None:
    """Turn pairs of features, step by step, by the angles of the step's position."""
    source, target = _heads(x, heads), _heads(out, heads)
    turned = rotary_size or source.shape[-1]
    half, dtype = turned // 2, wide(x.dtype)
    if cos.shape[-1] != half or sin.shape[-1] != half:
        raise ValueError(f"rotary_embedding: angles of {cos.shape[-1]} do not turn {turned} features")
    if positions is not None and positions.size and not 0 <= positions.min() <= positions.max() < len(cos):
        raise ValueError(f"rotary_embedding: a position lies outside 0..{len(cos) - 1}")
    np.copyto(target[..., turned:], source[..., turned:])
    first, second = (slice(0, turned, 2), slice(1, turned, 2)) if interleaved else (slice(0, half), slice(half, turned))
    for one, step in product(range(source.shape[0]), range(source.shape[2])):
        row = (one, step) if positions is None else (int(positions[one, step]),)
        along, across = cos[row].astype(dtype), sin[row].astype(dtype)
        a, b = source[one, :, step, first].astype(dtype), source[one, :, step, second].astype(dtype)
        target[one, :, step, first] = along * a - across * b
        target[one, :, step, second] = across * a + along * b


KERNELS = {"attention": attention, "rotary_embedding": rotary_embedding}
WORKSPACES = {"attention": attention_workspace}
