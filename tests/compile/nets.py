"""Small networks with seeded weights, for tests of what runs."""

from typing import Any

import numpy as np

from nnvm import ops
from nnvm.ir import Graph, TensorData, Value, constant, f32, i32, i64, tensor_data, trace


def weights(*shape: int, seed: int = 0) -> Value:
    """Return a constant of seeded normal numbers."""
    drawn = np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32) / 4
    return constant(data=TensorData(f32[shape], memoryview(drawn.tobytes())))


def branchy(x: f32["n", 3, "h", "w"]) -> Any:
    """Convolve, branch, join, pool, reshape by a computed shape; four outputs, one of them the input itself."""
    y = ops.conv(x, weights(16, 3, 3, 3), strides=(2, 2), pads=(1, 1, 1, 1))
    y = ops.relu(y * 2.0 + 1)
    z = ops.max_pool(y, kernel=(3, 3), strides=(2, 2), ceil_mode=True)
    z = ops.conv(z, weights(16, 16, 1, 1)) + z
    y = ops.global_average_pool(z)
    batch = ops.slice(ops.cast(ops.shape(y), to=i32), (0,), (1,), (0,))
    wanted = ops.concat(ops.cast(batch, to=i64), constant(data=tensor_data([16], i64[1])), axis=-1)
    z = ops.reshape(y, wanted)
    return {
        "p": ops.softmax(z),
        "flat": ops.reshape(y, (0, -1)),
        "tail": ops.split(z, axis=1, parts=3)[2],
        "x_again": x,
    }


def branchy_graph() -> Graph:
    """Return the graph of `branchy`."""
    return trace(branchy)


def image(*shape: int, seed: int = 0) -> Any:
    """Return a seeded array."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
