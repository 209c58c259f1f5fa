"""How passes are run one after another, and what they need from above is handed to them."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from nnvm.compile import Backend, Call, compile_graph
from nnvm.errors import Error
from nnvm.ir import Graph, Node, collection_paused, is_constant, operators
from nnvm.ir import verify as verify_graph
from nnvm.ops import fill
from nnvm.passes import DEFAULT, PASSES
from nnvm.runtime.executor import Executable
from nnvm.runtime.program import Program

ROUNDS: Final = 4
"""How often the default pipeline starts again while it still changes the graph."""


class Timing:
    """One run of one pass: its name, its seconds, and the operators it left."""

    __slots__ = ("name", "nodes", "seconds")

    def __init__(self, name: str, seconds: float, nodes: int) -> None:
        self.name: Final = name
        self.seconds: Final = seconds
        self.nodes: Final = nodes


def optimize(
    graph: Graph,
    passes: Iterable[str | Callable[..., Graph]] | None = None,
    *,
    report: Callable[[Timing], None] | None = None,
    verify_each: bool = False,
) -> Graph:
    """Return an equivalent graph that is smaller and faster.

    Without `passes` the default pipeline runs to its fixpoint, a few rounds at most; given passes run once each.
    `report` is told of each pass that ran. Raises Error for an unknown pass.
    """
    chosen = [_find(each) for each in (DEFAULT if passes is None else passes)]
    with collection_paused():
        for _ in range(ROUNDS if passes is None else 1):
            before = graph
            for each in chosen:
                graph = _run(each, graph, report, verify_each)
            if graph is before:
                break
    return graph


def _run(each: Callable[..., Graph], graph: Graph, report: Callable[[Timing], None] | None, verify_each: bool) -> Graph:
    start = time.perf_counter()
    name = getattr(each, "__name__", str(each))
    result = each(graph, *[MACHINERY[need] for need in _needs(each)])
    if verify_each:
        try:
            verify_graph(result)
        except Error as error:
            raise Error(f"after {name}: {error}") from error
    if report is not None:
        report(Timing(name, time.perf_counter() - start, count_nodes(result)))
    return result


def _find(name: str | Callable[..., Graph]) -> Callable[..., Graph]:
    if callable(name):
        return name
    found: Callable[..., Graph] | None = PASSES.get(name)
    if found is None:
        raise Error(f"there is no pass {name!r}; the passes are {', '.join(sorted(PASSES))}")
    return found


def _needs(each: Callable[..., Graph]) -> Sequence[str]:
    """Return the names of the positional-only parameters after the graph: what the driver supplies."""
    code = getattr(each, "__code__", None)
    return () if code is None else code.co_varnames[1 : code.co_posonlyargcount]


def _evaluate(node: Node) -> Any:
    from nnvm.backends.numpy.evaluate import evaluate

    return evaluate(node)


def _pack(blocks: Any, alignment: int) -> Sequence[int]:
    from nnvm.packing.portfolio import pack

    return pack(blocks, alignment).offsets


MACHINERY: Final[Mapping[str, Callable[..., Any]]] = {"evaluate": _evaluate, "pack": _pack}
"""What passes may ask for by the name of a positional-only parameter."""


class _Named:
    """A backend found by name: its table for compile, its device for running."""

    def __init__(self, name: str) -> None:
        self.name: Final = name
        try:
            self._module: Final = import_module(f"nnvm.backends.{name}")
            self.call: Callable[[Node], Call | None] = import_module(f"nnvm.backends.{name}.table").call
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith(f"nnvm.backends.{name}"):
                raise
            raise Error(f"there is no backend {name!r}; there is: numpy") from error

    def run(self, program: Program) -> Executable:
        found: Executable = self._module.run(program)
        return found


def backend(name: str | Backend) -> Backend:
    """Return a backend by its name, or the one given."""
    return _Named(name) if isinstance(name, str) else name


def compile(
    graph: Graph,
    backend: str | Backend = "numpy",
    *,
    order: Sequence[Node] | None = None,
    io: str = "external",
    alignment: int = 64,
    share: bool = True,
    pack: Callable[..., Sequence[int]] | None = None,
    binding: Mapping[str, int] | None = None,
) -> Executable:
    """Plan memory, choose kernels, and return a callable that holds its Program.

    The options are those of nnvm.compile.compile_graph; `pack` is the NumPy portfolio where none is given. Raises one
    Error that lists what cannot run.
    """
    chosen = _backend(backend)
    program = compile_graph(
        graph, chosen, order=order, io=io, alignment=alignment, share=share, pack=pack or _pack, binding=binding
    )
    found: Executable = chosen.run(program)  # type: ignore[assignment]
    return found


_backend = backend


def count_nodes(graph: Graph) -> int:
    """Count the operators of a graph and of its sub-graphs.

    Variables, constants and ONNX's ConstantOfShape with a constant shape do not count.
    """
    return sum(operator_counts(graph).values())


def operator_counts(graph: Graph) -> dict[str, int]:
    """Count the operators by name, those of sub-graphs too, as `count_nodes` does."""
    counts: dict[str, int] = {}
    for node in operators(graph):
        if node.op is fill and is_constant(node.inputs[0]):
            continue
        counts[node.op.name] = counts.get(node.op.name, 0) + 1
        inner = node.params.get("nodes")
        if node.op.foreign and isinstance(inner, Mapping):
            for name, count in inner.items():
                counts[name] = counts.get(name, 0) + count
    return dict(sorted(counts.items()))
