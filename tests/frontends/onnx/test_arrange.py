from nnvm import ops
from nnvm.frontends.onnx.arrange import arranged
from nnvm.frontends.onnx.records import POSITION
from nnvm.ir import Graph, Node, Value, f32, named_input

X = named_input("x", f32[2])


def at(op: object, position: int | None, *inputs: Value, after: tuple[Node, ...] = ()) -> Value:
    hints = {} if position is None else {POSITION: position}
    return op(*inputs, hints=hints, after=after)  # type: ignore[no-any-return,operator]


def order(*outputs: Value) -> list[str]:
    return [node.op.name for node in arranged(Graph(outputs, [X]))]


def test_positions_decide() -> None:
    assert order(at(ops.relu, 2, X), at(ops.exp, 0, X), at(ops.neg, 1, X)) == ["input", "exp", "neg", "relu"]


def test_a_new_node_follows_what_it_needs() -> None:
    first, second = at(ops.relu, 0, X), at(ops.exp, 5, X)
    assert order(second, at(ops.neg, None, first)) == ["input", "relu", "neg", "exp"]


def test_needs_go_before_positions() -> None:
    late = at(ops.relu, 9, X)
    assert order(at(ops.neg, 0, late), at(ops.exp, 3, X)) == ["input", "exp", "relu", "neg"]


def test_control_edges_count() -> None:
    first = at(ops.relu, 5, X)
    assert order(at(ops.neg, 0, X, after=(first.node,)), at(ops.exp, 1, X)) == ["input", "exp", "relu", "neg"]


def test_a_long_chain_against_its_positions() -> None:
    value = X
    for i in range(20_000):
        value = at(ops.relu, 20_000 - i, value)
    nodes = arranged(Graph([value], [X]))
    assert nodes[-1] is value.node
    assert len(nodes) == 20_001
