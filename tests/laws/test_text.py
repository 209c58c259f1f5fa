"""What a graph's text keeps: all of it, and its own bytes when it is printed again."""

import os
import subprocess
import sys

from hypothesis import given, settings
from tests.laws.forms import range_names, untyped_and_ordered
from tests.laws.networks import networks

import nnvm
from nnvm import passes
from nnvm.ir import Graph, Node, named_input, params, same
from nnvm.ir.formats.text import keyed_data

EXAMPLES = int(os.environ.get("NNVM_EXAMPLES", "60"))


def assert_comes_back(graph: Graph) -> None:
    text = str(graph)
    found = nnvm.parse(text, keyed_data(graph))
    assert same(graph, found, names=True) is True, text
    assert str(found) == text


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
    held = Node(operator, (value,), params({"body": inner, "other": 1}), (None, None), "call")
    ends = [*outer.outputs, *held.outputs]
    assert_comes_back(Graph(ends, [*outer.inputs, value], output_names=range_names(len(ends))))


PROGRAM = """
import nnvm
from nnvm import ops, f32
net = lambda x, y: {"z": ops.concat(ops.relu(x) + y, x, axis=1), "s": ops.shape(y)}
graph = nnvm.trace(net, x=f32["n", 3], y=f32["n", 3])
text = str(graph)
assert str(nnvm.parse(text)) == text
print(text)
"""


def test_the_same_bytes_under_twenty_hash_seeds() -> None:
    texts = set()
    for seed in range(20):
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False
        )
        assert run.returncode == 0, run.stderr
        texts.add(run.stdout)
    assert len(texts) == 1
