"""A fixed family of graphs, and digests of all that is made of each: `python -m tests.laws.family`, a row a line."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from random import Random

from tests.laws.networks import BINDING, REFUSALS, STEPS, Drawer, _Growing, _input_type, _named

import nnvm
from nnvm import ops, report
from nnvm.errors import Error
from nnvm.frontends.nnvm.json import to_json
from nnvm.ir import Graph, Node, Value, f32, foreign, named_input, params, tensor_data, variable
from nnvm.ir.formats.text import keyed_data
from nnvm.passes import place_devices, set_dims
from nnvm.pipeline import all_passes

NETWORKS = 12


def network(seed: int, steps: int = 30) -> Graph:
    """Draw what `networks` draws, from a seed and without hypothesis."""
    random = Random(seed)
    inputs = [named_input(f"x{i}", _input_type(random)) for i in range(random.randint(1, 3))]
    growing = _Growing(inputs)
    drawer = Drawer(random, growing.values)
    for i in range(steps):
        try:
            growing.add(_named(random.choice(STEPS)(drawer), i, random, growing))
        except REFUSALS:
            continue
    outputs = growing.values[-5:]
    return Graph(outputs, inputs, output_names=[f"y{i}" for i in range(len(outputs))], name=f"net{seed}")


def states() -> Graph:
    """Write to two states and read them between, in an order that only control edges give."""
    a, b = (
        variable(type=f32[4], init=tensor_data([1.0, 2.0, 3.0, i], f32[4]), name=name) for i, name in enumerate("ab")
    )
    x = named_input("x", f32[4])
    reads = [ops.relu(a), ops.add(a, b), ops.neg(b)]
    first = ops.assign(a, ops.add_n(*reads), name="first")
    second = ops.assign(b, ops.add(first, x, after=(reads[2].node,)), name="second")
    third = ops.assign(first, second, name="third")
    return Graph([third, second, *reads], [x], output_names=[f"y{i}" for i in range(5)], name="states")


def edges() -> Graph:
    """Hold nodes that wait for others without reading them."""
    graph = network(7)
    made = [value.node.replace(after=tuple(graph.nodes[:3])).outputs[value.index] for value in graph.outputs[1:]]
    return graph.replace(outputs=[*made, graph.outputs[0]], output_names=[f"y{i}" for i in range(len(made) + 1)])


def nested() -> Graph:
    """Hold graphs among the params, one of them twice."""
    operator, x = foreign("calls", "tests"), named_input("z", f32[2])
    inner = network(3)
    middle = Graph(Node(operator, (x,), params({"body": inner}), (f32[2],), "inside").outputs, [x], name="middle")
    held = Node(operator, (x,), params({"then": middle, "otherwise": inner, "k": {"b": 1, "a": 2.5}}), (f32[2], None))
    return Graph([ops.relu(held.outputs[0]), held.outputs[1]], [x], name="nested")


def grouped() -> Graph:
    """Hint at the groups of nodes, for placement on devices."""
    names = iter(("left", "right", "middle") * 40)

    def visit(node: Node) -> tuple[Value, ...] | None:
        return node.replace(hints={"group": next(names)}).outputs if node.inputs else None

    return network(5).rewrite(visit)


def family() -> Iterator[Graph]:
    """Yield every graph of the family."""
    yield from (network(seed) for seed in range(NETWORKS))
    yield from (states(), edges(), nested(), grouped())


def placed(graph: Graph) -> Graph:
    """Place groups on devices."""
    return place_devices(graph, devices={"left": "cpu", "right": "gpu", "middle": "npu", "b": "gpu"})


def bound(graph: Graph) -> Graph:
    """Give open dimensions their sizes."""
    return set_dims(graph, {name: BINDING[name] for name in BINDING if f"'{name}'" in str(graph)})


def saved(graph: Graph, suffix: str) -> bytes:
    """Return the bytes of a graph's file."""
    with tempfile.TemporaryDirectory() as folder:
        nnvm.save(graph, os.path.join(folder, f"m{suffix}"))
        return b"".join(path.read_bytes() for path in sorted(Path(folder).iterdir()))


def planned(graph: Graph) -> bytes:
    """Return what `nnvm plan` tells of a graph, seconds apart, and the bytes of its Program."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.program")
        told = report.plan(graph, backend="numpy", io="external", alignment=64, buffers=True, save=path)
        rows = {key: row for key, row in told.items() if "seconds" not in key}
        return repr(report.plain(rows)).encode() + path.read_bytes()


def products(graph: Graph) -> Iterator[tuple[str, Callable[[], str | bytes]]]:
    """Yield what is made of a graph, by name."""
    yield "text", lambda: str(graph)
    yield "json", lambda: to_json(graph, hints=True)
    yield "data", lambda: repr(list(keyed_data(graph)))
    for name in all_passes():
        yield name, lambda name=name: str(nnvm.optimize(graph, name))  # type: ignore[misc]
    yield "set_dims", lambda: str(bound(graph))
    yield "place_devices", lambda: to_json(placed(graph), hints=True)
    yield "optimised", lambda: str(nnvm.optimize(graph))
    yield "onnx", lambda: saved(nnvm.optimize(graph), ".onnx")
    yield ".json", lambda: saved(graph, ".json")
    yield ".nnvm", lambda: saved(graph, ".nnvm")
    yield "plan", lambda: planned(nnvm.optimize(bound(graph)))
    yield "open plan", lambda: planned(nnvm.optimize(graph))


def digests() -> Mapping[str, str]:
    """Return a digest of every product of every graph; of its error where there is none."""
    found = {}
    for i, graph in enumerate(family()):
        for name, make in products(graph):
            try:
                made = make()
            except Error as error:
                made = f"{type(error).__name__}: {error}"
            data = made.encode(errors="surrogatepass") if isinstance(made, str) else made
            refused = "!" if isinstance(made, str) and "Error: " in made[:40] else ""
            found[f"{i} {graph.name} {name}{refused}"] = sha256(data).hexdigest()
    return found


if __name__ == "__main__":
    for name, digest in digests().items():
        print(digest[:32], name)
