"""A small net with an open dimension, to report on."""

from nnvm import ops
from nnvm.ir import Graph, constant, f32, tensor_data, trace


def net(x):
    weight = constant(data=tensor_data([0.5] * 12, f32[3, 4]))
    return {"y": ops.relu(ops.matmul(x, weight)), "n": ops.shape(x)}


def graph_of_net() -> Graph:
    return trace(net, x=f32["n", 3])
