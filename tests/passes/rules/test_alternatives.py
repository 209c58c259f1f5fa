"""Branches that the rest of a graph cannot use, and those that it can."""

from collections.abc import Sequence

from tests.passes.rewrites import operators

from nnvm import ops
from nnvm.attrs import branch
from nnvm.errors import Error
from nnvm.ir import Graph, Node, Value, boolean, f32, foreign, i64, named_input, tensor_data
from nnvm.passes import optimize_bodies
from nnvm.passes.rules.alternatives import without_impossible
from nnvm.pipeline import optimize

EITHER = foreign("either", __name__)


@branch(EITHER)
def _(node: Node, condition: bool) -> Sequence[Value] | None:
    """Take the second input, or the third; a sine cannot stand alone."""
    taken = node.inputs[1 if condition else 2]
    return None if taken.node.op is ops.sin else (taken,)


def chosen(first: Value, second: Value) -> Value:
    return Node(EITHER, (named_input("c", boolean[()]), first, second), types=(None,)).outputs[0]


def squeezed(x: Value) -> Value:
    return ops.squeeze(x, tensor_data([-1], i64[1]))


def recurrent(rows: Value) -> Value:
    """Run what takes three dimensions and no other number."""
    w, r = (tensor_data(0.5, f32[1, 3, size]) for size in (4, 3))
    return ops.rnn(ops.unsqueeze(rows, tensor_data([0], i64[1])), w, r, hidden_size=3)[0]


def image() -> Value:
    return named_input("x", f32["n", 4, "m"])


def test_the_branch_that_the_rest_cannot_use_goes() -> None:
    x = image()
    graph = Graph([recurrent(chosen(squeezed(x), ops.exp(x)))])
    assert operators(without_impossible(graph, optimize)) == ["squeeze", "unsqueeze", "rnn"]


def test_it_may_be_either_of_both() -> None:
    x = image()
    graph = Graph([recurrent(chosen(ops.exp(x), squeezed(x)))])
    assert operators(without_impossible(graph, optimize)) == ["squeeze", "unsqueeze", "rnn"]


def test_what_depends_on_the_rank_is_settled_before() -> None:
    """A rank that is asked for is known under each assumption, and so is what is computed of it."""
    x = image()
    rows = chosen(squeezed(x), ops.exp(x))
    deep = ops.equal(ops.size(ops.shape(rows)), tensor_data(3, i64[()]))
    again = Node(EITHER, (deep, ops.unsqueeze(rows, tensor_data([0], i64[1])), rows), types=(None,)).outputs[0]
    made = optimize(without_impossible(Graph([recurrent(again)]), optimize))
    assert EITHER not in {node.op for node in made.nodes}


def test_both_that_can_be_used_stay() -> None:
    x = image()
    graph = Graph([ops.exp(chosen(squeezed(x), ops.abs(x)))])
    assert without_impossible(graph, optimize) is graph


def test_neither_that_can_be_used_stays() -> None:
    x = image()
    graph = Graph([recurrent(chosen(ops.unsqueeze(x, tensor_data([0], i64[1])), ops.exp(x)))])
    assert without_impossible(graph, optimize) is graph


def test_what_cannot_stand_alone_stays() -> None:
    x = image()
    graph = Graph([recurrent(chosen(squeezed(x), ops.sin(x)))])
    assert without_impossible(graph, optimize) is graph


def test_a_known_type_is_not_asked_about() -> None:
    def refuse(graph: Graph, passes: str) -> Graph:
        raise Error("asked")

    x = named_input("x", f32["n", 4])
    node = Node(EITHER, (named_input("c", boolean[()]), x, ops.exp(x)), types=(f32["n", 4],))
    graph = Graph([ops.neg(node.outputs[0])])
    assert without_impossible(graph, refuse) is graph
    assert optimize_bodies(graph) is graph


def test_a_pass_that_breaks_says_nothing_of_a_branch() -> None:
    def broken(graph: Graph, passes: str) -> Graph:
        def strange(graph: Graph) -> Graph:
            raise KeyError(operators(graph)[0])

        return optimize(graph, [strange]) if len(operators(graph)) == len(operators(left)) else graph

    x = image()
    graph = Graph([ops.exp(chosen(squeezed(x), ops.abs(x)))])
    left = Graph([ops.exp(x)])
    assert without_impossible(graph, broken) is graph
