import numpy as np
from tests.frontends.onnx.models import graph_of, model, node, spelled, written

from nnvm import ops


def test_an_unpool_comes_back_as_it_was() -> None:
    weights = {"i": np.zeros((1, 1, 2, 2), np.int64), "s": np.array([1, 1, 5, 5])}
    made = model(
        [node("MaxUnpool", ["x", "i", "s"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
        [("x", [1, 1, 2, 2])],
        [("y", [1, 1, 5, 5])],
        opset=21,
        weights=weights,
    )
    graph = graph_of(made)
    assert graph.outputs[0].node.op is ops.max_unpool
    assert spelled(written(graph)) == spelled(made)
