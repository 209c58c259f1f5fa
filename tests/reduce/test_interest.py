"""When a smaller graph counts: a pass fails in the same way, or a command exits with status 0."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median

import pytest

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import (
    Graph,
    Node,
    Value,
    apply_rules,
    constant,
    f32,
    i32,
    named_input,
    operators,
    params,
    rule,
    tensor_data,
)
from nnvm.pipeline import optimize
from nnvm.reduce import Command, FailingPass, reduce


@rule
def relu_of_double(x: Value) -> Iterator[Value]:
    yield ops.relu(x + x)
    yield ops.relu(x)


def hasty(graph: Graph) -> Graph:
    return apply_rules(graph, [relu_of_double])


def swapped_operands(graph: Graph) -> Graph:
    return graph.rewrite(lambda node: ops.sub(*node.inputs[::-1]) if node.op is ops.sub else None)


def dropped_cast(graph: Graph) -> Graph:
    def visit(node: Node) -> Value | None:
        inner = node.inputs[0].node if node.op is ops.cast else None
        return inner.inputs[0] if inner is not None and inner.op is ops.cast else None

    return graph.rewrite(visit)


def wrong_axis(graph: Graph) -> Graph:
    def visit(node: Node) -> Value | None:
        return ops.softmax(node.inputs[0], axis=0) if node.op is ops.softmax else None

    return graph.rewrite(visit)


def off_by_one(graph: Graph) -> Graph:
    def visit(node: Node) -> Value | None:
        if node.op is not ops.transpose or node.inputs[0].node.op is not ops.transpose:
            return None
        return node.inputs[0]

    return graph.rewrite(visit)


def stale_type(graph: Graph) -> Graph:
    def visit(node: Node) -> Value | None:
        wrong = node.op is ops.exp and node.types != (f32[9],)
        return node.replace(types=(f32[9],)).outputs[0] if wrong else None

    return graph.rewrite(visit)


def lost_edge(graph: Graph) -> Graph:
    late = next((node for node in graph.nodes if node.after), None)
    if late is None:
        return graph
    bare = late.replace(after=())
    return graph.replace(outputs=[bare.outputs[0] if value.node is late else value for value in graph.outputs])


def careless(graph: Graph) -> Graph:
    for node in graph.nodes:
        if node.op is ops.exp and node.inputs[0].node.op is ops.abs:
            return [graph][len(node.inputs)]
    return graph


def two_outputs(graph: Graph) -> Graph:
    """Merge what two users read, whatever they are."""
    seen: dict[object, Value] = {}

    def visit(node: Node) -> Value | None:
        if node.op not in (ops.tanh, ops.sigmoid):
            return None
        found = seen.setdefault(node.inputs, node.outputs[0])
        return None if found is node.outputs[0] else found

    return graph.rewrite(visit)


PASSES = [
    hasty, swapped_operands, dropped_cast, wrong_axis, off_by_one, stale_type, lost_edge, careless, two_outputs,
]  # fmt: skip


def network(seed: int, size: int) -> Graph:
    """Return a random network in which every one of the passes fails somewhere."""
    random = Random(seed)
    x = named_input("image", f32["batch", 6])
    weights = [
        constant(data=tensor_data([random.uniform(-1, 1) for _ in range(36)], f32[6, 6]), name=f"w{i}")
        for i in range(3)
    ]
    values = [ops.relu(x)]
    shapes: list[Callable[[Value, Value], Value]] = [
        lambda a, b: ops.sigmoid(a),
        lambda a, b: ops.matmul(a, random.choice(weights)),
        lambda a, b: ops.maximum(a, b),
        lambda a, b: a * 0.5 + b * 0.5,
        lambda a, b: ops.transpose(ops.transpose(a, perm=(1, 0)), perm=(1, 0)),
    ]
    bugs: list[Callable[[Value, Value], Value]] = [
        lambda a, b: ops.relu(a + a),
        lambda a, b: a - b,
        lambda a, b: ops.cast(ops.cast(a * 3.0, to=i32), to=f32),
        lambda a, b: ops.softmax(a, axis=1),
        lambda a, b: ops.exp(ops.abs(a)) * 0.1,
        lambda a, b: ops.sigmoid(a) + ops.tanh(a),
    ]
    places = random.sample(range(size), len(bugs))
    for i in range(size):
        build = bugs[places.index(i)] if i in places else random.choice(shapes)
        values.append(build(values[-1], random.choice(values[-6:])))
    late = ops.neg(x, name="late", after=(values[size // 2].node,))
    return Graph([late, *values[-2::-5]], [x])


@pytest.mark.parametrize("wrong", PASSES)
def test_a_wrong_pass_is_reduced_to_a_few_nodes(wrong):
    graph = network(3, 40)
    failing = FailingPass(graph, ["simplify", wrong] if wrong is hasty else [wrong])
    found = reduce(failing.graph, failing)
    assert len(operators(found.graph)) <= 3
    with pytest.raises(Error, match=wrong.__name__):
        optimize(found.graph, [wrong], verify_each=True)


@pytest.mark.slow
def test_wrong_passes_on_large_networks_are_reduced_to_five_nodes_in_the_median():
    left = []
    for seed in range(6):
        for wrong in PASSES:
            try:
                failing = FailingPass(network(seed, 200), [wrong])
            except Error:  # what it gets wrong reaches no output there
                continue
            left.append(len(operators(reduce(failing.graph, failing).graph)))
    assert len(left) > 40
    assert median(left) <= 5
    assert max(left) <= 10


def test_the_failure_stays_the_same():
    failing = FailingPass(network(0, 20), [hasty])
    assert (failing.failure.stage, failing.failure.kind, failing.failure.rule) == ("hasty", "result", "relu_of_double")
    assert repr(failing.failure) == "<hasty: result of rule relu_of_double>"
    assert not failing(Graph([ops.relu(named_input("x", f32[3]))]))

    def worse(graph: Graph) -> Graph:
        if len(graph.nodes) < 4:
            raise ValueError("too small")
        return swapped_operands(graph)

    x, y = named_input("x", f32[3]), named_input("y", f32[3])
    other = FailingPass(Graph([ops.neg(x - y)], [x, y]), [worse])
    assert other.failure.kind == "result"
    assert not other(Graph([x - y], [x, y]))


def test_what_was_raised_is_compared_by_type_and_head():
    def strict(graph: Graph) -> Graph:
        for node in graph.nodes:
            if node.op is ops.exp:
                raise Error(f"cannot do {len(graph.nodes)} nodes at {node.name!r} (because of {node!r})")
            if node.op is ops.tanh:
                raise Error(f"will not do {len(graph.nodes)} nodes")
        raise KeyError("nothing")

    def over(*builders: Callable[[Value], Value]) -> Graph:
        value = named_input("x", f32[3])
        for build in builders:
            value = build(value)
        return Graph([value])

    failing = FailingPass(over(ops.neg, ops.exp, ops.neg), [strict], verify=False)
    assert repr(failing.failure) == "<strict: Error: cannot do # nodes at '…'>"
    assert failing(over(ops.exp))
    assert not failing(over(ops.tanh))
    assert not failing(over(ops.neg))
    assert reduce(failing.graph, failing).graph.outputs[0].node.op is ops.exp


def test_passes_before_the_one_that_fails_run_once():
    x = named_input("x", f32[3])
    graph = Graph([ops.relu(ops.neg(ops.neg(x)) + x)], [x])
    failing = FailingPass(graph, ["simplify", hasty])
    assert [node.op for node in operators(failing.graph)] == [ops.add, ops.relu]
    assert failing(failing.graph)
    assert not failing(graph)


def test_options_of_a_pass_are_kept(monkeypatch):
    from nnvm import passes

    def picky(graph: Graph, *, limit: int = 3) -> Graph:
        if limit == 7:
            raise Error("seven")
        return graph

    monkeypatch.setitem(passes.PASSES, "picky", picky)
    graph = network(0, 10)
    assert FailingPass(graph, "cse,picky{limit=7}")(graph)
    with pytest.raises(Error, match=r"no pass fails on graph main under verification"):
        FailingPass(graph, "picky")


def test_a_rule_found_later_is_no_other_failure():
    failing = FailingPass(network(1, 20), [hasty])
    failing.failure.rule = None
    assert failing(failing.graph)


def python(tmp_path: Path, body: str) -> str:
    script = tmp_path / "test.py"
    script.write_text(f"import sys, os, time, pathlib\npath = pathlib.Path(sys.argv[1])\n{body}\n")
    return f"{sys.executable} {script}"


def tanh_and_more() -> Graph:
    x = named_input("x", f32["n", 3])
    weight = constant(data=tensor_data([float(i) for i in range(900)], f32[3, 300]))
    return Graph([ops.tanh(ops.relu(ops.exp(x)) @ weight)], [x], output_names=["y"])


def test_a_command_judges_files(tmp_path):
    body = "sys.exit('tanh(' not in path.read_text())"
    with Command(python(tmp_path, body)) as command:
        found = reduce(tanh_and_more(), command)
    assert [node.op for node in operators(found.graph)] == [ops.tanh]
    with Command(python(tmp_path, body) + " {}") as command:
        assert command(tanh_and_more())


def test_the_path_stands_where_the_braces_are_and_the_files_go(tmp_path):
    body = "open(path, 'w').write(sys.argv[2])"
    with Command(python(tmp_path, body) + f" {tmp_path / 'seen'} '--model={{}}'", ".onnx") as command:
        assert command(tanh_and_more())
    path = (tmp_path / "seen").read_text().removeprefix("--model=")
    assert path.endswith("candidate.onnx")
    assert not os.path.exists(path)


def test_what_a_command_says_is_not_shown(tmp_path, capfd):
    with Command(python(tmp_path, "print('loud'); print('louder', file=sys.stderr)")) as command:
        assert command(tanh_and_more())
    assert capfd.readouterr() == ("", "")


def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path):
    body = "import subprocess\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with Command(python(tmp_path, body), timeout=0.2) as command:
        assert not command(tanh_and_more())


def test_what_cannot_be_saved_is_not_interesting(tmp_path):
    from nnvm.ir import EMPTY, foreign

    x = named_input("x", f32[3])
    odd = Node(foreign("Odd", "here"), (x,), params({"what": object()}), (f32[3],), "odd")
    with Command("true") as command:
        assert not command(Graph(odd.outputs, [x]))
        assert command.unsaved is not None
        assert command(Graph(Node(odd.op, (x,), EMPTY, (f32[3],), "odd").outputs, [x]))


@pytest.mark.parametrize(
    ("text", "told"), [("", "is empty"), ("'", "cannot be read"), ("no-such-command", "cannot be run")]
)
def test_what_is_no_command_is_refused(text, told):
    with pytest.raises(Error, match=told), Command(text) as command:
        command(tanh_and_more())
