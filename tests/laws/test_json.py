"""What a graph's JSON keeps: all of it, and its own bytes when it is written again; through the text and back too."""

import os
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.forms import range_names, untyped_and_ordered
from tests.laws.networks import networks

import nnvm
from nnvm import ops, passes
from nnvm.frontends.nnvm.json import from_json, to_json
from nnvm.ir import Graph, Node, f32, named_input, params, same, tensor_data, variable
from nnvm.ir.formats.text import keyed_data

EXAMPLES = int(os.environ.get("NNVM_EXAMPLES", "60"))


def assert_comes_back(graph: Graph) -> None:
    text, data = to_json(graph), keyed_data(graph)
    found = from_json(text, data)
    assert same(graph, found, names=True) is True, text
    assert to_json(found) == text
    through = from_json(to_json(nnvm.parse(str(graph), data)), data)
    assert same(graph, through, names=True) is True, text
    assert str(through) == str(graph)


@settings(max_examples=EXAMPLES)
@given(graph=networks())
def test_a_network_comes_back(graph: Graph) -> None:
    assert_comes_back(graph)


@settings(max_examples=EXAMPLES // 2)
@given(graph=networks())
def test_so_does_what_passes_make_of_it(graph: Graph) -> None:
    assert_comes_back(passes.simplify(passes.cse(graph)))


@settings(max_examples=EXAMPLES // 2)
@given(graph=networks())
def test_so_does_one_without_types_or_with_control_edges(graph: Graph) -> None:
    for each in untyped_and_ordered(graph):
        assert_comes_back(each)


@settings(max_examples=EXAMPLES // 2)
@given(inner=networks(8), outer=networks(8))
def test_so_do_nested_graphs(inner: Graph, outer: Graph) -> None:
    operator = nnvm.ir.foreign("calls", "tests")
    value = named_input("z")
    held = Node(operator, (value,), params({"body": inner, "both": (inner, inner), "other": 1}), (None, None), "call")
    ends = [*outer.outputs, *held.outputs]
    graph = Graph(ends, [*outer.inputs, value], output_names=range_names(len(ends)))
    data = keyed_data(graph)
    found = from_json(to_json(graph), data)
    assert to_json(found) == to_json(graph)
    (call,) = [node for node in found.nodes if node.op is operator]
    assert same(inner, call.params["body"], names=True) is True
    assert call.params["both"] == (call.params["body"],) * 2


@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 10**6))
def test_so_do_writes_to_states(seed: int) -> None:
    """Read and overwrite variables at random, a state twice at times, and leave the order to control edges."""
    random = Random(seed)
    states = [variable(type=f32[2], init=tensor_data([i, 1.0], f32[2]), name=f"s{i}") for i in range(3)]
    seen = list(states)
    for _ in range(random.randint(1, 12)):
        value = random.choice(seen)
        match random.randrange(3):
            case 0:
                seen.append(ops.assign(value, random.choice(seen)))
            case 1:
                i = random.randrange(3)
                states[i] = made = ops.assign(states[i], value)
                seen.append(made)
            case 2:
                seen.append(ops.add(value, random.choice(seen), after=(random.choice(seen).node,)))
    graph = Graph(random.sample(seen, min(4, len(seen))), [], output_names=range_names(min(4, len(seen))))
    assert_comes_back(graph)
