"""The graphs that mutants are run on: random networks, each full of one kind of step, and left sides of the rules."""

import contextlib
import io
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any, Final, get_origin

from tests.laws.networks import REFUSALS, STEPS, Drawer, _Growing, _input_type, _named

from nnvm import ops
from nnvm.frontends import load
from nnvm.ir import (
    UNKNOWN,
    DType,
    Graph,
    Node,
    Rule,
    TensorType,
    Value,
    boolean,
    constant,
    f16,
    f32,
    f64,
    i32,
    i64,
    input,
    named_input,
    rewrite,
    tensor_data,
    variable,
    verify,
)

EACH: Final = 10
"""Networks drawn for each kind of step."""
TRIES: Final = 160
WITNESSES: Final = 12
TESTS: Final = Path(__file__).parent.parent / "tests" / "passes"
LARGEST: Final = 24
MODELS: Final = (
    ("rapidocr_onnxruntime", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx"),
    ("onnx", "backend/test/data/light/light_squeezenet.onnx"),
    ("silero_vad", "data/silero_vad_openvino_16k.onnx"),
)


def network(seed: int, length: int, favourite: int | None = None) -> Graph:
    """Draw a network from a seed, most of its steps of one kind where there is a favourite."""
    random = Random(seed)
    inputs = [named_input(f"x{i}", _input_type(random)) for i in range(random.randint(1, 2))]
    growing = _Growing(inputs)
    drawer = Drawer(random, growing.values)
    for i in range(length):
        step = random.choice(STEPS) if favourite is None or random.random() < 0.3 else STEPS[favourite]
        for _ in range(3):
            with suppress(*REFUSALS):
                growing.add(_named(step(drawer), i, random, growing))
                break
    outputs = [*growing.values[-1:], *random.choices(growing.values[-4:], k=random.randint(0, 2))]
    return Graph(outputs, inputs, output_names=[f"y{i}" for i in range(len(outputs))], name=f"net{seed}")


def with_edges(graph: Graph, seed: int) -> Graph:
    """Let some nodes wait for nodes before them that they do not read."""
    random = Random(seed)
    seen: list[Node] = []

    def visit(node: Node) -> tuple[Value, ...] | None:
        made = None
        if node.inputs and seen and random.random() < 0.5:
            above = {value.node for value in node.inputs}
            early = [each for each in random.sample(seen, min(2, len(seen))) if each not in above]
            made = node.replace(after=tuple(dict.fromkeys((*node.after, *early)))) if early else None
        if node.inputs:
            seen.append(made or node)
        return None if made is None else made.outputs

    made = rewrite(graph, visit)
    if not seen:
        return made
    return made.replace(outputs=[*made.outputs, seen[0].outputs[0]], output_names=[*made.output_names, "early"])


def untyped(graph: Graph) -> Graph:
    """Forget the types of all but inputs and constants."""

    def visit(node: Node) -> tuple[Value, ...] | None:
        return node.replace(types=(None,) * len(node.outputs)).outputs if node.inputs else None

    return rewrite(graph, visit)


def vague(seed: int) -> Graph:
    """Hold weights whose shapes only their users know."""
    random = Random(seed)
    out = random.randint(1, 3)
    x, image = named_input("x", f32["n", 4]), named_input("image", f32[2, 3, 4, 4])
    b, c = named_input("b", f32[UNKNOWN]), named_input("c", None)
    y = ops.gemm(x, constant(data=tensor_data(0.5, f32[4, out])), b)
    z = ops.conv(image, constant(data=tensor_data(0.5, f32[out, 3, 2, 2])), c)
    return Graph([ops.relu(y), z], [x, image, b, c], output_names=["y0", "y1"], name=f"vague{seed}")


def grouped(graph: Graph, seed: int) -> Graph:
    """Hint at the groups of nodes, for placement on devices."""
    random = Random(seed)

    def visit(node: Node) -> tuple[Value, ...] | None:
        group = random.choice(("left", "right", None))
        return node.replace(hints={"group": group}).outputs if node.inputs and group else None

    return rewrite(graph, visit)


def states(seed: int) -> Graph:
    """Write to states and read them between, in an order that only control edges give."""
    random = Random(seed)
    a, b = (variable(type=f32[4], init=tensor_data([1.0, 2.0, 3.0, i], f32[4]), name=n) for i, n in enumerate("ab"))
    x = named_input("x", f32[4])
    read = random.choice((ops.relu, ops.neg, ops.tanh))
    reads = [read(a), ops.add(a, b, name="both"), ops.neg(b)]
    first = ops.assign(a, ops.add_n(*reads), name=random.choice(("first", None)))
    second = ops.assign(b, ops.add(random.choice((first, x)), x, after=(reads[2].node,)), name="second")
    outputs = [second, *reads, *random.choices((a, b, first), k=2)]
    return Graph(outputs, [x], output_names=[f"y{i}" for i in range(len(outputs))], name=f"states{seed}")


def corpus() -> list[Graph]:
    """Return the graphs, the small ones first."""
    found = []
    for i in range(len(STEPS)):
        for k in range(EACH):
            found.append(network(1000 * i + k, 2 + 3 * (k % 4), i))
    found += [network(90_000 + k, 16) for k in range(24)]
    found += [with_edges(graph, i) for i, graph in enumerate(found[::12])]
    found += [untyped(graph) for graph in found[3 : EACH * len(STEPS) : 19]]
    found += [grouped(graph, i) for i, graph in enumerate(found[1 : EACH * len(STEPS) : 23])]
    found += [vague(seed) for seed in range(3)]
    found += [states(seed) for seed in range(6)]
    return sorted(found, key=lambda graph: len(graph.nodes))


def from_tests() -> list[Graph]:
    """Return the small graphs that the tests of the passes make: whatever a pass looks for is among them."""
    import pytest

    seen: list[Graph] = []
    build = Graph.__init__

    def noted(self: Graph, *arguments: Any, **fields: Any) -> None:
        build(self, *arguments, **fields)
        seen.append(self)

    Graph.__init__ = noted  # type: ignore[method-assign]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main([str(TESTS), "-q", "-p", "no:cacheprovider", "--assert=plain", "-W", "ignore"])
    found: dict[str, Graph] = {}
    for graph in seen:
        with contextlib.suppress(*REFUSALS):
            if 0 < len(graph.nodes) <= LARGEST and all(map(_is_ours, graph.nodes)):
                verify(graph)
                found.setdefault(f"{graph}{[value.type for value in graph.inputs]}", graph)
    return [found[text] for text in sorted(found, key=lambda text: (len(found[text].nodes), text))]


def _is_ours(node: Node) -> bool:
    """Say whether a node can be run here: its operator is none of a test's, and its values are not huge."""
    known = node.op in (constant, input, variable) or vars(ops).get(node.op.name) is node.op
    return known and not _is_huge(node)


def _is_huge(node: Node) -> bool:
    """Say whether a value is too large to run with again and again, at the sizes that comparisons try."""
    for type in node.types:
        if isinstance(type, TensorType) and type.shape_or_none is not None:
            elements = 1
            for size in type.shape:
                elements *= max(1, size) if isinstance(size, int) else 8
            if elements > 1 << 16:
                return True
    return False


def harvested() -> list[Graph]:
    """Return `from_tests` of another process, so that what tests import is not loaded here."""
    place = os.pathsep.join([str(TESTS.parent.parent / "src"), str(TESTS.parent.parent)])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.mutants_corpus"], capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": place}, cwd=TESTS.parent.parent,
    )  # fmt: skip
    found: list[Graph] = pickle.loads(done.stdout)
    return found


def models() -> list[Graph]:
    """Return the real models that are installed."""
    found = []
    for package, path in MODELS:
        root = find_spec(package)
        place = None if root is None or root.origin is None else Path(root.origin).parent / path
        if place is not None and place.exists():
            found.append(load(place))
    return found


def witnesses(rule: Rule, seed: int) -> Iterator[Graph]:
    """Yield graphs that are a rule's left side, over inputs, constants and params of many kinds."""
    shown = 0
    for i in range(TRIES):
        with suppress(*REFUSALS, AttributeError, KeyError, StopIteration):
            verify(_witness(rule, Random(seed * TRIES + i), bound=True))  # an open size may hide that it is ill-formed
            graph = verify(_witness(rule, Random(seed * TRIES + i)))
            yield graph
            shown += 1
        if shown == WITNESSES:
            return


def _witness(rule: Rule, random: Random, bound: bool = False) -> Graph:
    scope = rule.function.__globals__
    either = scope.get("either")
    inputs: list[Value] = []
    given = _given(rule, random, inputs, bound)
    try:
        scope["either"] = lambda *values: random.choice(values)
        left = next(rule.start(given))
    finally:
        if either is None:
            del scope["either"]
        else:
            scope["either"] = either
    values = [left] if isinstance(left, Value) else [each for each in left if isinstance(each, Value)]
    if random.random() < 0.3:
        values = [ops.tanh(value) if value.dtype.is_float else value for value in values]
    return Graph(values, inputs, output_names=[f"y{i}" for i in range(len(values))], name=rule.name)


def _given(rule: Rule, random: Random, inputs: list[Value], bound: bool) -> list[Any]:
    n = 2 if bound else "n"
    shape = random.choice(((2, 3), (3,), (), (n, 3), (2, 1, 4), (2, 3, 4, 4), (1, 2), (0, 3)))
    dtype = random.choice((f32, f32, f32, f32, f64, f16, i64, i32, boolean))
    notes = rule.function.__annotations__
    first = named_input("x", dtype[shape])
    found: list[Any] = []
    for name in rule.arguments:
        note = notes.get(name)
        if note is Value or (get_origin(note) is tuple and note.__args__[0] is Value):
            value = _value(name, first, random, inputs, bool(found))
            found.append((value,) if note is not Value else value)
        else:
            found.append(_param(name, note, len(shape), random))
    if not inputs:
        inputs.append(first)
    return found


def _value(name: str, first: Value, random: Random, inputs: list[Value], later: bool) -> Value:
    rank = len(first.shape)
    if name in ("shape", "repeats", "axes", "sizes"):
        plain = [size if isinstance(size, int) else -1 for size in first.shape]
        near = [size * random.choice((1, 1, 1, 2)) for size in plain]
        chosen = {
            "shape": random.choice((near, [-1], [0] * rank)),
            "repeats": [random.choice((1, 1, 1, 2)) for _ in plain],
            "axes": [random.randrange(rank)] if rank and random.random() < 0.7 else [],
            "sizes": [random.choice(plain or [1])],
        }[name]
        return constant(data=tensor_data(chosen, i64[len(chosen)]))
    if name == "condition":
        return constant(data=tensor_data(random.random() < 0.5, boolean[()]))
    if not later or random.random() < 0.3:
        value = first if not later else named_input(f"x{len(inputs)}", first.dtype[first.shape])
        inputs.append(value)
        return value
    numbers: Sequence[Any] = (0, 1, 2, 3, 6) if not first.dtype.is_float else (0.0, 0.0, 6.0, 6.0, 1 / 6, 3.0, 0.5, 1.0)
    if first.dtype is boolean:
        return constant(data=tensor_data(random.random() < 0.5, boolean[()]))
    if random.random() < 0.7 or not rank or not isinstance(first.shape[-1], int):
        return constant(data=tensor_data(random.choice(numbers), first.dtype[()]))
    count = first.shape[-1]
    return constant(data=tensor_data([1 + k for k in range(count)], first.dtype[count]))


def _param(name: str, note: Any, rank: int, random: Random) -> Any:
    if note is DType:
        return random.choice((f16, f32, f64, i32, i64, boolean))
    if note is bool:
        return random.random() < 0.6
    if note is str:
        return "DCR"
    if note is int:
        return random.randrange(-rank, rank) if rank else 0
    if note is float:
        return random.choice((0.0, 0.5, 1.0, 2.0))
    return tuple(random.sample(range(rank), rank)) if random.random() < 0.8 else ()


__all__ = ["corpus", "harvested", "models", "witnesses"]

if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(from_tests()))
