"""How nodes are counted, the same way in the file of whoever wrote it."""

from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx import GraphProto


def count_nodes(path: str | Path) -> int:
    """Count the operators in a file and in all its sub-graphs: no Constant, no ConstantOfShape of a constant shape."""
    model = onnx.load(path, load_external_data=False)
    return sum(map(_count, _graphs(model.graph)))


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    waiting = [graph]
    while waiting:
        here = waiting.pop()
        yield here
        for node in here.node:
            for attribute in node.attribute:
                waiting += [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def _count(graph: GraphProto) -> int:
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    return sum(
        node.op_type != "Constant" and not (node.op_type == "ConstantOfShape" and node.input[0] in constants)
        for node in graph.node
    )
