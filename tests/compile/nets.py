"""Small networks with seeded weights, for tests of what runs."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from nnvm import ops
from nnvm.ir import Graph, TensorData, Value, constant, f32, i32, i64, named_input, tensor_data, trace


def weights(*shape: int, seed: int = 0) -> Value:
    """Return a constant of seeded normal numbers."""
    drawn = np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32) / 4
    return constant(data=TensorData(f32[shape], memoryview(drawn.tobytes())))


def branchy(x: Value) -> Any:
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
    return trace(branchy, x=f32["n", 3, "h", "w"])


def image(*shape: int, seed: int = 0) -> Any:
    """Return a seeded array."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@st.composite
def open_nets(draw: st.DrawFn, most: int = 12) -> Graph:
    """Draw a graph over matrices of the open dimensions n and m: in place, viewed, joined, cut, several outputs."""
    values = [named_input("x", f32["n", "m"]), named_input("y", f32[8, "m"])]
    inputs = tuple(values)
    for _ in range(draw(st.integers(1, most))):
        values += draw(st.sampled_from(STEPS))(draw, values)
    outputs = draw(st.lists(st.sampled_from(values[2:] or values), min_size=1, max_size=3))
    return Graph(outputs, inputs, output_names=[f"y{i}" for i in range(len(outputs))])


def _matrix(draw: st.DrawFn, values: list[Value]) -> Value:
    return draw(st.sampled_from([value for value in values if len(value.shape) == 2]))


def _mate(draw: st.DrawFn, values: list[Value], x: Value, axis: int) -> Value:
    """Draw a value that is as long as `x` along an axis."""
    matrices = [value for value in values if len(value.shape) == 2]
    return draw(st.sampled_from([value for value in matrices if value.shape[axis] is x.shape[axis]] or [x]))


def _unary(draw: st.DrawFn, values: list[Value]) -> list[Value]:
    return [draw(st.sampled_from([ops.tanh, ops.relu]))(draw(st.sampled_from(values)))]


def _binary(draw: st.DrawFn, values: list[Value]) -> list[Value]:
    x = draw(st.sampled_from(values))
    return [x + draw(st.sampled_from([value for value in values if value.type is x.type]))]


def _join(draw: st.DrawFn, values: list[Value]) -> list[Value]:
    x = _matrix(draw, values)
    return [ops.concat(x, _mate(draw, values, x, 1), axis=0)]


def _turn(draw: st.DrawFn, values: list[Value]) -> list[Value]:
    return [ops.transpose(_matrix(draw, values))]


def _view(draw: st.DrawFn, values: list[Value]) -> list[Value]:
    x = draw(st.sampled_from(values))
    return [ops.reshape(x, (-1,)), ops.unsqueeze(x, (0,))] if len(x.shape) < 4 else [ops.identity(x)]


def _cut(draw: st.DrawFn, values: list[Value]) -> list[Value]:
    return list(ops.split(_matrix(draw, values), axis=0, parts=2))


def _reduce(draw: st.DrawFn, values: list[Value]) -> list[Value]:
    return [ops.reduce_sum(_matrix(draw, values), (draw(st.integers(0, 1)),))]


STEPS = (_unary, _unary, _binary, _join, _turn, _view, _cut, _reduce)
