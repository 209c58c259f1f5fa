"""Graphs inside nodes are optimised; how is said where they are read: see tests of `attrs.bodies` and of ONNX's If."""

from tests.attrs.test_bodies import HOLDER, holding

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import Graph, Node, f32, named_input
from nnvm.passes import optimize_bodies
from nnvm.pipeline import optimize


def holder(inside: Graph) -> Graph:
    x = named_input("x", f32[2])
    return Graph([ops.tanh(Node(HOLDER, (x,), holding(inside), (f32[2],)).outputs[0])], [x])


def test_a_graph_in_a_graph_in_a_graph() -> None:
    y = named_input("y", f32[2])
    inside = holder(Graph([ops.relu(ops.relu(y))], [y]))
    made = optimize(holder(inside))
    middle = made.nodes[1].params["held"]
    assert [node.op.name for node in middle.nodes[1].params["held"].nodes] == ["input", "relu"]
    assert optimize(made) is made


def test_what_cannot_be_read_stays() -> None:
    def refuse(graph: Graph) -> Graph:
        raise Error("no")

    graph = holder(Graph([ops.relu(named_input("y", f32[2]))]))
    assert optimize_bodies(graph, refuse) is graph
