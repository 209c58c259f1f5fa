"""Which nodes are paired: by what they are made of, by what becomes of them, by their neighbours; names last."""

from typing import Any

from nnvm import ops
from nnvm.diff import align
from nnvm.ir import Graph, Value, constant, f32, i64, named_input, tensor_data, trace, variable


def traced(function: Any, **types: Any) -> Graph:
    return trace(function, **(types or {"x": f32[3, 3]}))


def paired(a: Graph, b: Graph) -> list[tuple[str, str]]:
    return [(x.op.name, y.op.name) for x, y in align(a, b).there.items()]


def lone(a: Graph, b: Graph) -> tuple[list[str], list[str]]:
    found = align(a, b)
    return (
        [node.op.name for node in a.nodes if node not in found.there],
        [node.op.name for node in b.nodes if node not in found.back],
    )


def weight(amount: float) -> Value:
    return constant(data=tensor_data([amount + i for i in range(9)], f32[3, 3]))


def test_equal_graphs_are_paired_whole():
    def net(x):
        return {"y": ops.relu(x @ weight(1)) + ops.relu(x @ weight(2))}

    assert lone(traced(net), traced(net)) == ([], [])


def test_what_was_put_in_between_is_alone():
    def before(x):
        return {"y": ops.exp(ops.matmul(ops.relu(x), weight(1)))}

    def after(x):
        return {"y": ops.exp(ops.relu(ops.matmul(ops.relu(x), weight(1))))}

    assert lone(traced(before), traced(after)) == ([], ["relu"])
    a, b = traced(before), traced(after)
    relu = next(node for node in a.nodes if node.op is ops.relu)
    assert align(a, b).there[relu].inputs == b.inputs


def test_between_two_changes_neighbours_are_followed():
    def net(first: float, last: Any):
        def build(x):
            x = x @ weight(first)
            for _ in range(5):
                x = ops.relu(ops.neg(x))
            return {"y": last(x)}

        return build

    a, b = traced(net(1, ops.exp)), traced(net(2, ops.tanh))
    assert lone(a, b) == (["exp"], ["tanh"])
    assert ("constant", "constant") in paired(a, b)


def test_parallel_branches_are_told_by_their_weights():
    def net(*amounts: float):
        def build(x):
            parts = [ops.relu(x @ weight(amount)) for amount in amounts]
            return {"y": ops.tanh(ops.add_n(*parts))}

        return build

    a, b = traced(net(10, 20, 30)), traced(net(30, 10, 20))
    found = align(a, b)

    def read(node: Any) -> Any:
        return node.inputs[1].node.params["data"].values()[0]

    products = [(read(x), read(y)) for x, y in found.there.items() if x.op is ops.matmul]
    assert products == [(10, 10), (20, 20), (30, 30)]


def test_one_of_two_equal_nodes_stays():
    def twice(x):
        return {"y": ops.relu(x) @ ops.relu(x)}

    def once(x):
        h = ops.relu(x)
        return {"y": h @ h}

    assert lone(traced(twice), traced(once)) == (["relu"], [])
    assert lone(traced(once), traced(twice)) == ([], ["relu"])


def test_inputs_go_by_name_then_by_type_then_by_place():
    def pairs(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
        a, b = (Graph((), [named_input(name, each) for name, each in row.items()]) for row in (before, after))
        return [(a.inputs[i].name, b.inputs[j].name) for i, j in align(a, b).inputs]

    one, two = f32[1], f32[2]
    assert pairs({"a": one, "b": one}, {"b": one, "a": one}) == [("a", "a"), ("b", "b")]
    assert pairs({"a": one, "b": two}, {"p": two, "q": one}) == [("a", "q"), ("b", "p")]
    assert pairs({"a": one}, {"b": two}) == [("a", "b")]
    assert pairs({"a": one, "c": one}, {"b": two}) == []
    assert pairs({"a": one, "b": i64[3]}, {"a": i64[3], "c": one}) == [("a", "a"), ("b", "c")]


def test_variables_are_paired_as_ends_are():
    def net(name: str, amount: float) -> Graph:
        state = variable(init=tensor_data(amount, f32[3, 3]), name=name)
        return Graph([ops.add(named_input("x", f32[3, 3]), state)])

    assert lone(net("s", 1), net("t", 1)) == ([], [])
    assert lone(net("s", 1), net("s", 2)) == ([], [])


def test_names_choose_among_equals():
    x = named_input("x", f32[3])
    parts = [ops.relu(x, name=name) for name in ("p", "q", "r")]
    a, b = Graph([ops.add_n(*parts)], [x]), Graph([ops.neg(ops.relu(x, name="q"))], [x])
    assert [(p.name, q.name) for p, q in align(a, b).there.items() if p.op is ops.relu] == [("q", "q")]


def test_sources_choose_among_equals():
    x = named_input("x", f32[3])
    parts = [ops.relu(x, hints={"sources": (f"line {i}",)}) for i in range(3)]
    one = ops.relu(x, name="other", hints={"sources": ("line 1",)})
    a, b = Graph([ops.add_n(*parts)], [x]), Graph([ops.neg(one)], [x])
    assert align(a, b).back[one.node] is parts[1].node


def test_graphs_among_params_are_compared_by_what_they_are():
    from nnvm.ir import Node, foreign, params

    def loop(body: Any) -> Graph:
        x = named_input("x", f32[3])
        node = Node(foreign("Loop", "onnx"), (x,), params({"body": trace(body, x=f32[3])}), (f32[3],), "loop")
        return Graph([ops.relu(node.outputs[0])], [x])

    assert lone(loop(ops.exp), loop(ops.exp)) == ([], [])
    assert lone(loop(ops.exp), loop(ops.tanh)) == ([], [])


def test_a_node_that_moved_in_a_deep_graph_is_found():
    def chain(length: int, odd: int) -> Graph:
        x = start = named_input("x", f32[2])
        for i in range(length):
            x = ops.tanh(x) if i == odd else ops.relu(x)
        return Graph([x], [start])

    assert lone(chain(20_000, 9_000), chain(20_001, 12_000)) == (["relu"], ["relu", "relu"])
