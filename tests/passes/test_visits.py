"""Attempts that fail quietly, and counts of readers while a graph changes."""

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import Graph, Node, UnknownRank, Value, f16, f32, i64, named_input, rewrite
from nnvm.passes.visits import ROUNDS, Readers, attempt, attempt_all, first_of, fits, until_settled

x = named_input("x", f32["n", 3])
y = ops.exp(x)


def test_fits_asks_for_a_known_type_and_another_node() -> None:
    assert fits(x, y.node)
    assert not fits(None, y.node)
    assert not fits(y, y.node)
    assert not fits(named_input("z", f32["m", 3]), y.node)
    assert not fits(named_input("z", f16["n", 3]), y.node)
    assert not fits(named_input("z"), y.node)
    assert not fits(x, ops.exp(named_input("z")).node)


def test_what_has_some_rank_is_not_known_to_fit() -> None:
    some = named_input("z", f32[...])
    node = Node(ops.reshape, (some, named_input("shape", i64["k"])), {"allowzero": False}, (some.type,))
    assert not fits(some, node)
    assert attempt_all(lambda node: (some,), node) is None


def test_attempts_fail_quietly() -> None:
    def refuses(node: Node) -> Value:
        raise Error("no")

    def does_not_know(node: Node) -> Value:
        raise UnknownRank

    assert attempt(refuses, y.node) is None
    assert attempt(does_not_know, y.node) is None
    assert attempt(lambda node: node.inputs[0], y.node) is x
    assert first_of({ops.exp: (refuses, lambda node: x)}, y.node) is x
    assert first_of({ops.tanh: (lambda node: x,)}, y.node) is None


def test_until_settled_stops() -> None:
    made: list[Graph] = []

    def restless(graph: Graph) -> Graph:
        made.append(Graph(graph.outputs))
        return made[-1]

    until_settled(Graph([y]), restless)
    assert len(made) == ROUNDS


def test_readers_follow_what_stands_for_what() -> None:
    kept = ops.identity(x)
    outputs = [ops.tanh(kept), ops.sqrt(kept)]
    readers = Readers(Graph(outputs))
    seen: list[bool] = []

    def visit(node: Node, origin: Node) -> Value | None:
        readers.see(node, origin)
        if node.op is ops.identity:
            assert readers.one(x)
            return node.inputs[0]
        seen.extend(readers.one(value) for value in node.inputs)
        return None

    rewrite(Graph(outputs), visit, origins=True)
    assert seen == [False, False]
    assert readers.none(ops.exp(x))
    assert readers.one(ops.exp(x))


def test_all_outputs_must_fit() -> None:
    x, y = named_input("x", f32[4]), named_input("y", f32[2])
    node = ops.split(x, axis=0, parts=2)[0].node
    assert attempt_all(lambda node: (y, ops.relu(y)), node) is not None
    assert attempt_all(lambda node: (y,), node) is None
    assert attempt_all(lambda node: (y, x), node) is None
    assert attempt_all(lambda node: None, node) is None

    def refuse(node: Node) -> tuple[Value, ...]:
        raise Error("no")

    assert attempt_all(refuse, node) is None
