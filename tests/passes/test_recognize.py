"""What the pieces of one operator compute, it computes; and only where a file could say it."""

import onnx
import pytest
from tests.passes.rewrites import operators

from nnvm import ops
from nnvm.frontends.onnx import load, to_bytes
from nnvm.ir import Graph, f32, named_input, trace
from nnvm.passes import decompose, recognize
from nnvm.pipeline import count_nodes, optimize


def graph_of_pieces() -> Graph:
    return decompose(trace(lambda x: ops.gelu(x), x=f32["n", 4]))


def test_a_graph_from_no_file_may_say_anything() -> None:
    assert operators(recognize(graph_of_pieces())) == ["gelu"]
    assert "erf" in operators(recognize(graph_of_pieces(), lambda graph, op: op is not ops.gelu))


@pytest.mark.parametrize(("opset", "nodes"), [(13, 5), (19, 5), (20, 1)])
def test_a_file_gets_what_its_opset_has(opset: int, nodes: int) -> None:
    graph = optimize(load(to_bytes(graph_of_pieces(), opset=opset)))
    assert count_nodes(graph) == nodes
    written = onnx.load_from_string(to_bytes(graph))
    assert sum(node.op_type != "Constant" for node in written.graph.node) == nodes
    assert written.opset_import[0].version == opset


def test_a_whole_is_spelled_out_for_an_older_file() -> None:
    x = named_input("x", f32["n", 4])
    graph = Graph([ops.gelu(x)], [x], output_names=["y"])
    written = onnx.load_from_string(to_bytes(graph, opset=13))
    onnx.checker.check_model(written, full_check=True)
    assert [node.op_type for node in written.graph.node] == ["Mul", "Erf", "Add", "Mul", "Mul"]
    assert operators(optimize(load(to_bytes(graph, opset=20)))) == ["gelu"]
