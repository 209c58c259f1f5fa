"""How passes are run one after another, and what they need from above is handed to them."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import Any, Final, Protocol

from nnvm import plugins
from nnvm.compile import EFFORT, Backend, Call, compile_graph
from nnvm.errors import Error
from nnvm.ir import Graph, Node, Value, collection_paused, input, is_constant, operators
from nnvm.ir.provenance import current_history, recording
from nnvm.ir.rules.firings import Firing, observing
from nnvm.ops import fill, identity
from nnvm.options import Stage, parse
from nnvm.passes import DEFAULT, PASSES
from nnvm.runtime.executor import Executable
from nnvm.runtime.program import Program

ROUNDS: Final = 4
"""How often the default pipeline starts again while it still changes the graph."""


class PassRun:
    """One run of one pass: its number from 1, the graphs before and after, its seconds, and the operators it left.

    `unchecked` says why verification could not compare what the two graphs compute; None where it did or was not asked.
    `judged` says how they were found to compute the same where that was not by equal numbers on NumPy.
    """

    __slots__ = ("after", "before", "judged", "nodes", "number", "seconds", "stage", "unchecked")

    def __init__(self, number: int, stage: Stage, before: Graph, after: Graph, seconds: float) -> None:
        self.number: Final = number
        self.stage: Final = stage
        self.before: Final = before
        self.after: Final = after
        self.seconds: Final = seconds
        self.nodes: Final = count_nodes(after)
        self.unchecked: str | None = None
        self.judged: str | None = None

    @property
    def name(self) -> str:
        """The name of the pass."""
        return self.stage.name

    @property
    def changed(self) -> bool:
        """Whether the pass gave another graph."""
        return self.after is not self.before

    def __repr__(self) -> str:
        return f"<{self.number} {self.stage}: {self.nodes} nodes>"


class PassError(Error):
    """Say which run of which pass failed; `after` is what verification refused, None where the pass itself raised."""

    def __init__(self, message: str, number: int, stage: Stage, before: Graph, after: Graph | None) -> None:
        super().__init__(message)
        self.number: Final = number
        self.stage: Final = stage
        self.before: Final = before
        self.after: Final = after


class Checker(Protocol):
    """Who verifies every run of a pass; `nnvm.verifying.Verifier` does."""

    def watch(self, firing: Firing, /) -> None:
        """See one firing of a rule; raise Error where it breaks the rule's promise."""

    def check(self, before: Graph, after: Graph, /) -> str | None:
        """Raise Error where a pass broke a graph; return why what they compute could not be compared, or None."""


def optimize(
    graph: Graph,
    passes: str | Iterable[str | Callable[..., Graph]] | None = None,
    *,
    report: Callable[[PassRun], None] | None = None,
    verify_each: bool | Checker = False,
    stop_after: int | None = None,
    provenance: bool = False,
) -> Graph:
    """Return an equivalent graph that is smaller and faster.

    Without `passes` the default pipeline runs to its fixpoint, a few rounds at most; given passes run once each: text
    such as "fold_constants{limit=8},cse", or names and functions. `report` is told of each run of a pass. `verify_each`
    checks after each that the graph is well-formed, computes the same on NumPy, and that rules lowered their measures.
    `stop_after` ends after so many runs. With `provenance` the nodes that change carry as hints what they were made of
    and by whom, and the graph what vanished. Raises Error for an unknown pass or option, PassError where a pass fails.
    """
    chosen = stages(passes)
    checker = _checker() if verify_each is True else verify_each or None
    rounds = ROUNDS if passes is None else 1
    with recording() if provenance and current_history() is None else nullcontext(current_history()) as history:
        with collection_paused():
            made = _run_all(graph, chosen * rounds, len(chosen), checker, report, stop_after)
        return history.annotate(made) if provenance and history is not None else made


def _run_all(
    graph: Graph,
    chosen: Sequence[Stage],
    size: int,
    checker: Checker | None,
    report: Callable[[PassRun], None] | None,
    stop_after: int | None,
) -> Graph:
    """Run passes in order, until a round of `size` of them changes nothing."""
    start = graph
    for number, stage in enumerate(chosen[:stop_after], 1):
        done = _run(number, stage, graph, checker)
        graph = done.after
        if report is not None:
            report(done)
        if number % size == 0:
            if graph is start:
                break
            start = graph
    return graph


def stages(passes: str | Iterable[str | Callable[..., Graph]] | None = None) -> list[Stage]:
    """Return the passes that a pipeline asks for, with their options; those of the default pipeline without one."""
    if isinstance(passes, str):
        return parse(passes, find_pass)
    chosen = DEFAULT if passes is None else passes
    return [stage for each in chosen for stage in ([Stage(each)] if callable(each) else parse(each, find_pass))]


def find_pass(name: str) -> Callable[..., Graph]:
    """Return a pass by its name."""
    found: Callable[..., Graph] | None = PASSES.get(name) or plugins.find("nnvm.passes", name)
    if found is None:
        known = sorted({*PASSES, *plugins.names("nnvm.passes")})
        raise Error(f"there is no pass {name!r}; the passes are {', '.join(known)}")
    return found


def all_passes() -> dict[str, Callable[..., Graph]]:
    """Return every pass by name: those of the default pipeline in its order, then others of ours, then strangers'."""
    first = {each.__name__: each for each in DEFAULT}
    plugins.names("nnvm.passes", PASSES)  # a stranger's pass named like one of ours is refused, not listed
    return first | {name: PASSES[name] for name in sorted(PASSES) if name not in first} | plugins.every("nnvm.passes")


def _run(number: int, stage: Stage, graph: Graph, checker: Checker | None) -> PassRun:
    start = time.perf_counter()
    after: Graph | None = None
    history = current_history()
    if history is not None:
        history.run(stage.name, graph)
    try:
        with nullcontext() if checker is None else observing(checker.watch):
            made = stage.function(graph, *_machinery(stage.function), **stage.options)
        if not isinstance(made, Graph):
            raise Error(f"it returned {type(made).__name__}, not a graph")
        after = made
        done = PassRun(number, stage, graph, after, time.perf_counter() - start)
        if checker is not None:
            with recording():  # what checking rewrites is no part of the history
                done.unchecked = checker.check(graph, after)
                done.judged = getattr(checker, "judged", None)  # a stranger's may have no opinion
    except MemoryError:
        raise
    except Exception as error:  # a pass may come from anywhere, and whatever it raises is to name it
        said = str(error) if isinstance(error, Error) else f"{type(error).__name__}: {error}"
        place = "in" if after is None else "after"
        raise PassError(f"{place} {stage.name}: {said}", number, stage, graph, after) from error
    return done


def _checker() -> Checker:
    from nnvm.verifying import Verifier

    return Verifier()


def _machinery(each: Callable[..., Graph]) -> Sequence[Callable[..., Any]]:
    """Return what a pass asks for by the names of its positional-only parameters after the graph."""
    code = getattr(each, "__code__", None)
    needs: Sequence[str] = () if code is None else code.co_varnames[1 : code.co_posonlyargcount]
    unknown = [need for need in needs if need not in MACHINERY]
    if unknown:
        raise Error(f"it asks for {unknown[0]!r}, and passes can ask for {', '.join(sorted(MACHINERY))}")
    return [MACHINERY[need] for need in needs]


def _evaluate(node: Node) -> Any:
    from nnvm.backends.numpy.evaluate import evaluate

    return evaluate(node)


def _pack(blocks: Any, alignment: int) -> Sequence[int]:
    from nnvm.packing.portfolio import pack

    return pack(blocks, alignment).offsets


def _speaks(graph: Graph, op: Any) -> bool:
    """Say whether a graph may be saved as it was loaded with this operator in it; one from no file may."""
    if "onnx" not in graph.hints:
        return True
    from nnvm.frontends.onnx.writer import can_say

    return can_say(graph, op)


MACHINERY: Final[Mapping[str, Callable[..., Any]]] = {
    "evaluate": _evaluate, "optimize": optimize, "pack": _pack, "speaks": _speaks,
    "strangers": plugins.rules,
}  # fmt: skip
"""What passes may ask for by the name of a positional-only parameter."""


OURS: Final = ("numpy",)
"""The backends that nnvm ships."""


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
            known = sorted([*OURS, *(each for each in plugins.names("nnvm.backends") if "." not in each)])
            raise Error(f"there is no backend {name!r}; there is: {', '.join(known)}") from error

    def run(self, program: Program) -> Executable:
        found: Executable = self._module.run(program)
        return found


def backend(name: str | Backend) -> Backend:
    """Return a backend by its name, or the one given."""
    if not isinstance(name, str):
        return name
    found: Backend | None = None if name in OURS else plugins.find("nnvm.backends", name)
    return _Named(name) if found is None else found


def compile(
    graph: Graph,
    backend: str | Backend = "numpy",
    *,
    order: Sequence[Node] | None = None,
    io: str = "external",
    alignment: int = 64,
    share: bool = True,
    accumulate: bool = True,
    donate: Sequence[str] = (),
    effort: int = EFFORT,
    pack: Callable[..., Sequence[int]] | None = None,
    binding: Mapping[str, int] | None = None,
) -> Executable:
    """Plan memory, choose kernels, and return a callable that holds its Program.

    The options are those of nnvm.compile.compile_graph; `pack` is the NumPy portfolio where none is given. What the
    backend has no kernel for is planned, and a call raises one Error that lists it. Raises one Error that lists what
    cannot be planned.
    """
    chosen = _backend(backend)
    program = compile_graph(
        graph, chosen, order=order, io=io, alignment=alignment, share=share, accumulate=accumulate, donate=donate,
        effort=effort, pack=pack or _pack, binding=binding,
    )  # fmt: skip
    found: Executable = chosen.run(program)  # type: ignore[assignment]
    return found


_backend = backend


def count_nodes(graph: Graph) -> int:
    """Count the operators of a graph and of its sub-graphs.

    Variables, constants and ONNX's ConstantOfShape with a constant shape do not count. Of a graph that came from ONNX
    the Identities count that its file will have: of outputs that are inputs, or constants, or outputs already.
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
    copied = _copied(graph) if "onnx" in graph.hints else 0
    if copied:
        counts[identity.name] = counts.get(identity.name, 0) + copied
    return dict(sorted(counts.items()))


def _copied(graph: Graph) -> int:
    """Count the outputs that ONNX needs an Identity for, since one value cannot have two names there."""
    named: dict[Value, str] = {value: value.node.name or "" for value in graph.inputs}
    copied = 0
    for name, value in zip(graph.output_names, graph.outputs, strict=True):
        if named.get(value) == name:
            continue
        if value in named or value.node.op is input or (is_constant(value) and value.node.name != name):
            copied += 1
        else:
            named[value] = name
    return copied
