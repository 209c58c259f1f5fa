"""No legal order of a small graph needs less than what its plan says that every order needs."""

import os
from collections.abc import Iterator
from itertools import islice
from random import Random

import pytest

import nnvm
from nnvm import Graph, Node, Value, f32, ops

EXAMPLES = int(os.environ.get("NNVM_EXAMPLES", "60"))
ORDERS = 24


def small_graph(seed: int) -> Graph:
    """Draw a graph of a few operators that share memory: over their inputs, as parts of wholes, as terms of sums."""
    chance = Random(seed)
    weight = nnvm.constant(data=nnvm.tensor_data([0.5] * 256, f32[16, 16]))
    values = [nnvm.input(type=f32[4, 16], name="x")]

    def second(value: Value, *axes: int) -> Value:
        fitting = [each for each in values if all(each.shape[axis] == value.shape[axis] for axis in axes)]
        return chance.choice(fitting)

    for _ in range(chance.randint(4, 7)):
        value = chance.choice(values)
        kind = chance.randrange(6)
        if kind == 0:
            made = chance.choice((ops.relu, ops.tanh, ops.exp, ops.sqrt))(value)
        elif kind == 1:
            made = value + second(value, 0, 1)
        elif kind == 2:
            made = ops.concat(value, second(value, 1), axis=0)
        elif kind == 3 and value.shape[0] % 2 == 0:
            made = ops.split(value, axis=0, parts=2)[chance.randrange(2)]
        elif kind == 4:
            made = ops.reduce_sum(value, (1,)) + value
        else:
            made = ops.matmul(value, weight)
        values.append(made)
    read = {each for value in values[1:] for each in value.node.inputs}
    return Graph([value for value in values[1:] if value not in read] or values[-1:])


def orders(graph: Graph) -> Iterator[list[Node]]:
    """Yield legal orders of the nodes that compute."""
    todo = [node for node in graph.nodes if node.inputs]
    needs = {node: {each.node for each in node.inputs if each.node.inputs} for node in todo}
    stack: list[list[Node]] = [[]]
    while stack:
        done = stack.pop()
        if len(done) == len(todo):
            yield done
        stack += [[*done, node] for node in todo if node not in done and needs[node] <= set(done)]


@pytest.mark.parametrize("io", ["external", "arena"])
@pytest.mark.parametrize("seed", range(EXAMPLES // 2))
def test_no_order_is_below_the_bound(seed: int, io: str) -> None:
    graph = small_graph(seed)
    plan = nnvm.compile(graph, io=io).program.meta["plan"]
    for order in islice(orders(graph), ORDERS):
        found = nnvm.compile(graph, order=tuple(order), io=io).program.meta["plan"]
        assert found["peak_bytes"] >= plan["order_bound_bytes"], [node.name for node in order]
        assert found["order_bound_bytes"] == plan["order_bound_bytes"]


def test_a_join_that_lies_in_place_is_not_counted_twice() -> None:
    def main(x: f32[4, 16]) -> tuple[Value, ...]:
        return ops.sqrt(x), ops.tanh(ops.tanh(ops.concat(x, x, axis=0)))

    graph = nnvm.trace(main)
    join_first = sorted((node for node in graph.nodes if node.inputs), key=lambda node: node.op is ops.sqrt)
    found = [nnvm.compile(graph, order=order, io="arena").program.meta["plan"] for order in (None, tuple(join_first))]
    assert found[1]["peak_bytes"] == 768 >= found[0]["order_bound_bytes"]
