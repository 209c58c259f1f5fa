"""Linear attention and causal convolution, a step or a tap at a time for all heads and channels."""

from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import Array, wide


def linear_attention(
    out: Array,
    present: Array,
    query: Array,
    key: Array,
    value: Array,
    past: Array | None = None,
    decay: Array | None = None,
    beta: Array | None = None,
    *,
    q_heads: int,
    kv_heads: int,
    scale: float = 0.0,
    update_rule: str = "gated_delta",
) -> None:
    """Let a state decay, take in what it did not know, and be read; allocates a state for each batch."""
    batch, steps, _ = query.shape
    dtype, size, width = wide(query.dtype), query.shape[2] // q_heads, value.shape[2] // kv_heads
    group, factor = q_heads // kv_heads, scale or max(size, 1) ** -0.5
    for one in range(batch):
        state = np.zeros((kv_heads, size, width), dtype) if past is None else past[one].astype(dtype)
        for step in range(steps):
            q = query[one, step].astype(dtype).reshape(kv_heads, group, size)
            k = key[one, step].astype(dtype).reshape(kv_heads, size, 1)
            v = value[one, step].astype(dtype).reshape(kv_heads, 1, width)
            if decay is not None:
                shrinks = np.exp(decay[one, step].astype(dtype))
                state *= shrinks.reshape(kv_heads, -1 if shrinks.size else size, 1)
            if beta is not None:
                v = (v - k.swapaxes(1, 2) @ state) * beta[one, step].astype(dtype).reshape(-1, 1, 1)
            state += k * v
            np.copyto(out[one, step], (q @ state * dtype.type(factor)).reshape(-1), casting="unsafe")
        np.copyto(present[one], state, casting="unsafe")


def causal_conv(
    out: Array,
    present: Array,
    x: Array,
    weight: Array,
    bias: Array | None = None,
    past: Array | None = None,
    *,
    activation: str = "none",
) -> None:
    """Add up taps over the sequence and what came before it; allocates a sequence of at least 32 bits."""
    steps, before = x.shape[2], weight.shape[2] - 1
    dtype = wide(x.dtype)
    total = np.zeros(x.shape, dtype)
    for tap in range(before + 1):
        weights, late = weight[:, 0, tap, None].astype(dtype), before - tap
        if late < steps:
            total[:, :, late:] += weights * x[:, :, : steps - late]
        if past is not None and late:
            total[:, :, :late] += weights * past[:, :, tap : tap + min(late, steps)]
    if bias is not None:
        total += bias[:, None].astype(dtype)
    if activation != "none":
        total = total.astype(x.dtype).astype(dtype)
        total *= 1 / (1 + np.exp(-total))
    np.copyto(out, total, casting="unsafe")
    kept = min(before, steps)
    present[:, :, before - kept :] = x[:, :, steps - kept :]
    present[:, :, : before - kept] = 0 if past is None else past[:, :, kept:]


KERNELS: dict[str, Any] = {"linear_attention": linear_attention, "causal_conv": causal_conv}
WORKSPACES: dict[str, Any] = {}
