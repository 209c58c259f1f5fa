from collections.abc import Sequence

import pytest

from nnvm import ops
from nnvm.attrs import branch
from nnvm.ir import Graph, Node, Value, boolean, constant, f32, foreign, named_input, tensor_data
from nnvm.passes import dce

CHOICE = foreign("choice", __name__)


@branch(CHOICE)
def _(node: Node, condition: bool) -> Sequence[Value] | None:
    """Take the second input or the third; an absolute value cannot stand alone."""
    taken = node.inputs[1 if condition else 2]
    return None if taken.node.op is ops.abs else (taken,)


def chosen(condition: Value) -> Graph:
    x = named_input("x", f32[2])
    node = Node(CHOICE, (condition, ops.tanh(x), ops.abs(x)), types=(f32[2],))
    return Graph([ops.neg(node.outputs[0])])


def test_the_taken_branch_replaces_the_choice() -> None:
    graph = dce(chosen(constant(data=tensor_data(True, boolean[()]))))
    assert [node.op.name for node in graph.nodes] == ["input", "tanh", "neg"]


@pytest.mark.parametrize("condition", [constant(data=tensor_data(False, boolean[()])), named_input("c", boolean[()])])
def test_what_is_not_known_or_cannot_stand_alone_stays(condition: Value) -> None:
    graph = chosen(condition)
    assert dce(graph) is graph
