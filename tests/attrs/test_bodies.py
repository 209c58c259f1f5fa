"""A stranger's operator that holds a graph has it optimised, once it says how."""

from collections.abc import Callable

from nnvm import ops
from nnvm.attrs import bodies
from nnvm.ir import Graph, Node, Params, f32, foreign, named_input
from nnvm.passes import optimize_bodies

HOLDER = foreign("holder", __name__)


def holding(graph: Graph) -> Params:
    made = Params({"held": graph})
    made.literal = False
    return made


@bodies(HOLDER)
def _(node: Node, function: Callable[[Graph], Graph]) -> Node | None:
    held = node.params["held"]
    made = function(held)
    return None if made is held else node.replace(params=holding(made))


def test_the_graph_inside_is_put_through_the_function() -> None:
    y = named_input("y", f32[2])
    inside = Graph([ops.relu(ops.relu(y))])
    x = named_input("x", f32[2])
    graph = Graph([Node(HOLDER, (x,), holding(inside), (f32[2],)).outputs[0]])
    smaller = Graph([ops.relu(y)])
    (_, node) = optimize_bodies(graph, lambda held: smaller).nodes
    assert node.params["held"] is smaller
    assert optimize_bodies(graph, lambda held: held) is graph
    assert optimize_bodies(graph) is graph
