"""Writes wait for the reads of what they overwrite."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.interpret import MEANINGS, array, compute

from nnvm import ops
from nnvm.analyses.state import overwritten, versions, writes
from nnvm.errors import Error
from nnvm.ir import Graph, Node, Value, f32, named_input, same, tensor_data, variable, verify
from nnvm.passes import order_mutations, place_devices, simplify

DATA = tensor_data([1.0, 2.0], f32[2])
MEANINGS.setdefault(variable, lambda type, init: array(init))
MEANINGS.setdefault(ops.assign, lambda x, y: y)
MEANINGS.setdefault(ops.copy, lambda x, device: x)


def state(name: str) -> Value:
    return variable(type=f32[2], init=DATA, name=name)


def named(graph: Graph) -> dict[str, Node]:
    return {node.name: node for node in graph.nodes if node.name is not None}


def after(graph: Graph) -> dict[str, list[str | None]]:
    """Return the control edges of the nodes that have some, by name."""
    return {name: [other.name for other in node.after] for name, node in named(graph).items() if node.after}


def test_the_example_of_nnvm() -> None:
    """NNVM's own test: y = conv(x); a1 = add(y, x); z = assign(x, y); t = add(y, x), which reads the new x."""
    x = variable(type=f32[1, 1, 4, 4], name="x")
    y = ops.conv(x, variable(type=f32[1, 1, 1, 1], name="w"), name="conv")
    a1 = ops.add(y, x, name="a1")
    z = ops.assign(x, y, name="assign")
    t = ops.add(y, z, name="t")
    graph = Graph([t, a1])
    made = verify(order_mutations(graph))
    assert after(made) == {"assign": ["conv", "a1"]}
    found = named(made)
    assert found["t"].inputs[1].node is found["assign"]
    assert versions(made)[found["assign"].inputs[0]] == (x, 0)
    assert versions(made)[found["assign"].outputs[0]] == (x, 1)
    assert made.output_names == graph.output_names
    assert same(made, Graph([node.outputs[0] for node in (found["t"], found["a1"])], output_names=("t", "a1")))


def test_each_write_waits_for_the_reads_of_what_it_overwrites() -> None:
    x, y = state("x"), named_input("y", f32[2])
    r0 = ops.tanh(x, name="r0")
    x1 = ops.assign(x, y, name="x1")
    r1, s1 = ops.tanh(x1, name="r1"), ops.exp(x1, name="s1")
    x2 = ops.assign(x1, y, name="x2")
    x3 = ops.assign(x2, y, name="x3")
    made = order_mutations(Graph([x3, s1, r0, r1], [y]))
    assert after(made) == {"x1": ["r0"], "x2": ["s1", "r1"]}
    assert made.inputs == (y,)


def test_edges_names_and_hints_that_were_there_stay() -> None:
    x, y = state("x"), named_input("y", f32[2])
    before, read = ops.exp(y, name="before"), ops.tanh(x, name="read")
    write = ops.assign(x, y, name="write", after=(before.node,), hints={"line": 3})
    last = ops.exp(y, name="last", after=(write.node,))
    made = order_mutations(Graph([last, read], [y]))
    assert after(made) == {"write": ["before", "read"], "last": ["write"]}
    assert dict(named(made)["write"].hints) == {"line": 3}


def test_without_writes_the_graph_stays() -> None:
    graph = Graph([ops.tanh(state("x")) + state("y")])
    assert order_mutations(graph) is graph


def test_with_nothing_to_wait_for_the_graph_stays() -> None:
    graph = Graph([ops.tanh(ops.assign(state("x"), named_input("y", f32[2])))])
    assert order_mutations(graph) is graph


def test_a_write_of_a_state_to_itself_does_not_wait_for_itself() -> None:
    x = state("x")
    graph = Graph([ops.assign(x, x)])
    assert order_mutations(graph) is graph


def test_an_output_that_is_overwritten_is_read_first() -> None:
    x = state("x")
    write = ops.assign(x, x * 2, name="write", hints={"device": "a"})
    made = order_mutations(Graph([x, write, x], output_names=["old", "new", "again"]))
    old, new, again = made.outputs
    assert (old, old.node.op, old.node.inputs) == (again, ops.copy, (x,))
    assert old.node in new.node.after
    assert order_mutations(made) is made


def test_a_read_of_a_placed_state_runs_where_the_state_is() -> None:
    x = state("x")
    placed = place_devices(Graph([x, ops.assign(x, x * 2)], output_names="ab"), devices={}, default="b")
    assert order_mutations(placed).outputs[0].node.hints["device"] == "b"


def test_a_target_that_is_no_state_is_refused() -> None:
    y = named_input("y", f32[2])
    with pytest.raises(Error, match=r"z = assign\(tanh, y\) writes to tanh: f32\[2\], which is no state"):
        order_mutations(Graph([ops.assign(ops.tanh(y), y, name="z")]))


def test_two_writes_to_one_state_are_refused() -> None:
    x, y = state("x"), named_input("y", f32[2])
    with pytest.raises(Error, match=r"a = assign\(x, y\) and b = assign\(x, y\) both write to the state x"):
        order_mutations(Graph([ops.assign(x, y, name="a"), ops.assign(x, y, name="b")]))


def test_an_old_state_read_after_its_write_is_refused() -> None:
    x, y = state("x"), named_input("y", f32[2])
    write = ops.assign(x, y, name="w")
    far = ops.exp(ops.tanh(write))
    late = [ops.add(x, write, name="t"), ops.tanh(x, name="t", after=(write.node,)), ops.add(far, x, name="t")]
    for value in late:
        with pytest.raises(Error, match=r"t = .* reads x: f32\[2\] too late: w = assign\(x, y\) overwrites it"):
            order_mutations(Graph([value], [y]))
    cured = order_mutations(simplify(Graph([ops.copy(x, name="i") + write], [y])))
    assert after(cured) == {"w": ["i"]}


def test_writes_that_wait_for_one_another_are_refused() -> None:
    x, y = state("x"), state("y")
    graph = Graph([ops.assign(x, y, name="a"), ops.assign(y, x, name="b")])
    message = (
        r"writes wait for one another: a = assign\(x, y\) overwrites x: f32\[2\], which b = assign\(y, x\) reads; "
        r"b = assign\(y, x\) overwrites y: f32\[2\], which a = assign\(x, y\) reads; copy one of the states first"
    )
    with pytest.raises(Error, match=message):
        order_mutations(graph)
    old = ops.copy(x, name="old")
    cured = order_mutations(Graph([ops.assign(x, y, name="a"), ops.assign(y, old, name="b")]))
    assert after(cured) == {"a": ["old"], "b": ["a"]}


def test_it_walks_long_chains_and_many_reads() -> None:
    x = now = state("x")
    reads: list[Value] = []
    for _ in range(10_000):
        reads.append(ops.tanh(now))
        now = ops.assign(now, ops.exp(now))
    reads += [ops.tanh(x) for _ in range(10_000)]
    made = order_mutations(Graph([now, *reads]))
    assert sum(len(node.after) for node in made.nodes) == 30_000


@st.composite
def stateful(draw: st.DrawFn) -> Graph:
    """Draw a graph that runs in the order in which it is built, so that its reads can come before its writes."""
    values: list[Value] = [named_input("y", f32[2])]
    states = [state(f"s{i}") for i in range(draw(st.integers(1, 3)))]
    ever = list(states)
    for i in range(draw(st.integers(0, 14))):
        known = values + states
        if draw(st.booleans()):
            place = draw(st.integers(0, len(states) - 1))
            source = draw(st.sampled_from(known))
            before = tuple({each.node: None for each in draw(st.lists(st.sampled_from(values), max_size=1))})
            states[place] = ops.assign(states[place], source, name=f"n{i}", after=before)
            ever.append(states[place])
        else:
            first, second = draw(st.sampled_from(known)), draw(st.sampled_from(known))
            values.append(ops.add(first, second, name=f"n{i}"))
    outputs = draw(st.lists(st.sampled_from(values + ever), min_size=1, max_size=4))
    return Graph(outputs, [values[0]], output_names=[f"o{i}" for i in range(len(outputs))])


def run(graph: Graph, order: Sequence[Node]) -> list[Any]:
    """Run nodes in an order on one memory a variable: a read gives what the memory holds at that time."""
    known = versions(graph)
    memory: dict[Value, Any] = {}
    now: dict[Value, Any] = {}

    def read(value: Value) -> Any:
        return memory[known[value][0]] if value in known else now[value]

    for node in order:
        if node.name == "y":
            now[node.outputs[0]] = np.array([3.0, 5.0])
            continue
        found = compute(node, [read(value) for value in node.inputs])
        for value, each in zip(node.outputs, found, strict=True):
            now[value] = each
            if value in known:
                memory[known[value][0]] = each
    return [read(value) for value in graph.outputs]


def shuffled(graph: Graph, seed: int) -> list[Node]:
    """Return a random order that inputs and control edges allow."""
    draw, done, order, left = random.Random(seed), set[Node](), [], list(graph.nodes)
    while left:
        can = [node for node in left if done.issuperset(value.node for value in node.inputs) and done >= {*node.after}]
        node = draw.choice(can)
        left.remove(node)
        done.add(node)
        order.append(node)
    return order


@given(stateful(), st.integers(0, 1000))
@settings(max_examples=150)
def test_any_order_that_the_edges_allow_computes_the_same(graph: Graph, seed: int) -> None:
    now: dict[Value, Any] = {graph.inputs[0]: np.array([3.0, 5.0])}
    for node in graph.nodes:
        if node.name != "y":
            now.update(zip(node.outputs, compute(node, [now[value] for value in node.inputs]), strict=True))
    made = verify(order_mutations(graph))
    assert order_mutations(made) is made
    found = run(made, shuffled(made, seed))
    for wanted, value in zip(graph.outputs, found, strict=True):
        np.testing.assert_array_equal(value, now[wanted])


@given(stateful())
def test_every_read_comes_before_the_write_and_no_other_edge_is_added(graph: Graph) -> None:
    made = order_mutations(graph)
    written = overwritten(made)
    reads = {(written[value], node) for node in made.nodes for value in node.inputs if value in written}
    edges = {(node, other) for node in made.nodes for other in node.after}
    assert {(writer, node) for writer, node in reads if writer is not node} <= edges
    assert len(edges - reads) <= sum(len(node.after) for node in graph.nodes)
    assert all(writes(writer) for writer, _ in edges)
