"""A network that rounds, which two ways of the same arithmetic send over a step now and then."""

import numpy as np

from nnvm import ops
from nnvm.ir import Graph, TensorData, constant, f32, i64, tensor_data, trace


def stepped(divides: bool) -> Graph:
    """Return a network whose scale is found from its weights, and rounds what it multiplies to whole steps."""
    random = np.random.default_rng(0)
    weight = TensorData(f32[64, 64], random.standard_normal((64, 64)).astype("f").tobytes())
    gain = TensorData(f32[64], random.standard_normal(64).astype("f").tobytes())

    def net(x):
        scaled = x * constant(data=gain)
        root = ops.sqrt(ops.reduce_mean(scaled * scaled, tensor_data((1,), i64[1])))
        normal = scaled / root if divides else scaled * ops.reciprocal(root)
        return ops.matmul(ops.round(normal * 300.0), constant(data=weight))

    return trace(net, x=f32[512, 64])
