"""What one mutant does: loaded under the name of the real module in a child, run under --verify-each, and reduced."""

import hashlib
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import pickle
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from types import CodeType, FrameType, ModuleType
from typing import Any, Final

from benchmarks.mutants_corpus import models, witnesses
from benchmarks.mutants_sites import Mutant, Uses, modules, mutated
from nnvm.ir import Graph, Rule

HANG: Final = 20.0
"""Seconds that the passes and their verification may take on one graph."""
AGAIN: Final = 0.5
"""Seconds that the pass may take on a graph while it is reduced."""
REDUCE: Final = 10.0
"""Seconds that a reduction may take."""
RESULT = dict[str, Any]
_RULE: Final = re.compile(r"\brule (\w+) (?:failed|does not lower)")


class Late(Exception):
    """Raised inside a pass, or what verifies it, that takes too long, so that the driver names the pass."""


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, and gives it other code than its file's."""

    def __init__(self, name: str, code: CodeType) -> None:
        self.name, self.code = name, code

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        if name != self.name:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=self.code.co_filename)

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


def put_in(mutant: Mutant) -> None:
    """Load a mutant in the place of its module, for this process; raises what its loading raises."""
    code = mutated(mutant, modules()[mutant.module])
    there = sys.modules.get(mutant.module)
    if there is None:
        sys.meta_path.insert(0, _Finder(mutant.module, code))
        importlib.import_module(mutant.module)
        return
    assert mutant.module == "nnvm.ir.rewrite", f"{mutant.module} was loaded before the fork"
    made = ModuleType(mutant.module)
    exec(code, made.__dict__)
    for name, each in vars(made).items():
        if callable(each) and getattr(each, "__module__", "") == mutant.module and hasattr(each, "__code__"):
            there.__dict__[name].__code__ = each.__code__


def pipeline() -> list[Callable[[Graph], Graph]]:
    """Return what every graph goes through: the passes of the driver, and two that need to be told something."""
    from nnvm.passes import DEFAULT, decompose, order_mutations, place_devices, set_dims

    def bound(graph: Graph) -> Graph:
        there = {name for value in graph.inputs for name in ("n", "m") if f"'{name}'" in repr(value.type)}
        return set_dims(graph, {name: {"n": 2, "m": 3}[name] for name in sorted(there)})

    def placed(graph: Graph) -> Graph:
        if not any("group" in node.hints for node in graph.nodes):
            return graph
        return place_devices(graph, devices={"left": "cpu", "right": "gpu"}, default="cpu")

    bound.__name__, placed.__name__ = "set_dims", "place_devices"
    return [order_mutations, placed, *DEFAULT, bound, decompose]


def digest(graph: Graph) -> str:
    """Return a short name of what a graph says, its hints apart."""
    return hashlib.blake2b(str(graph).encode(), digest_size=8).hexdigest()


def in_child(work: Callable[[], RESULT], seconds: float) -> tuple[int, int]:
    """Do something in a fork of this process; return its number, and where its result can be read."""
    end, start = os.pipe()
    sys.stdout.flush()
    number = os.fork()
    if number:
        os.close(start)
        return number, end
    os.close(end)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.alarm(int(seconds))
    try:
        told = work()
    except BaseException as error:  # whatever a mutant does is told, not raised here
        told = {"outcome": "broken", "said": "".join(traceback.format_exception(error))[-2_000:]}
    with os.fdopen(start, "w") as file:
        json.dump(told, file)
    os._exit(0)


def baseline(graphs: Sequence[Graph], seed: int) -> RESULT:
    """Run the real passes; return which graphs come through each line of each module, and what they become."""
    from nnvm.pipeline import optimize

    paths = {str(path): module for module, path in modules().items()}
    lines: dict[str, set[int]] = {}
    seen: set[tuple[str, int]] = set()

    def local(frame: FrameType, event: str, argument: object) -> Any:
        seen.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in paths:
            return None
        return local(frame, event, argument)

    passes = pipeline()
    digests: list[list[str]] = []
    refused: dict[str, str] = {}
    for i, graph in enumerate(graphs):
        told: list[str] = []
        try:
            _, error = _run(graph, passes, seed, told)
        except MemoryError as reason:
            error = reason
        digests.append(told)
        if error is not None:
            refused[str(i)] = f"{graph.name}: {type(error.__cause__).__name__}: {error}\n{graph}"
            continue
        seen.clear()
        sys.settrace(trace)
        optimize(graph, passes)
        sys.settrace(None)
        for path, line in seen:
            lines.setdefault(f"{paths[path]}:{line}", set()).add(i)
    found = {place: sorted(numbers) for place, numbers in lines.items()}
    return {"lines": found, "digests": digests, "refused": refused}


def study(
    mutant: Mutant, chosen: Sequence[int], graphs: Sequence[Graph], digests: Sequence[Sequence[str]], seed: int,
    seconds: float, uses: Uses, models_too: bool = False,
) -> RESULT:  # fmt: skip
    """Run a mutant over graphs until verification complains, judge whom it names, and reduce the graph."""
    try:
        put_in(mutant)
        passes = pipeline()
    except Exception as error:
        if "was loaded before the fork" in str(error):
            raise
        return {"outcome": "does not load", "said": f"{type(error).__name__}: {error}"}
    start, tried = time.process_time(), 0
    kept: list[tuple[Graph, Any]] = []
    for i, graph in _candidates(mutant, chosen, graphs, seed, uses, models_too):
        if time.process_time() - start > seconds:
            break
        tried += 1
        told: list[str] = []
        made, error = _run(graph, passes, seed, told)
        if error is not None:
            found = _judged(mutant, error, uses) | {"graph": graph.name, "tried": tried, "number": i}
            return found | (_reduced(error, seed) if found["outcome"] == "named" else {})
        if i < 0 or told[: len(digests[i])] != digests[i]:
            kept.append((graph, made))
    path = Path(mkstemp(prefix="mutant")[1])
    path.write_bytes(pickle.dumps(kept))
    return {"outcome": "survived", "tried": tried, "kept": str(path)}


def _candidates(
    mutant: Mutant, chosen: Sequence[int], graphs: Sequence[Graph], seed: int, uses: Uses, models_too: bool
) -> Iterator[tuple[int, Graph]]:
    """Yield the left sides of the rules that the fault may be in, then graphs that come through its place."""
    module = sys.modules[mutant.module]
    names = uses.rules_of(mutant)
    everywhere = [vars(sys.modules[name]) for name in sys.modules if name.startswith("nnvm.passes.rules.")]
    rules = {each.name: each for names_of in (*everywhere, vars(module)) for each in names_of.values()
             if isinstance(each, Rule) and each.name in names}  # fmt: skip
    if mutant.function in rules:
        for graph in witnesses(rules[mutant.function], seed):
            yield -1, graph
    near, far = chosen[:12], chosen[12:]
    yield from ((i, graphs[i]) for i in near)
    for name in sorted(set(rules) - {mutant.function})[:8]:
        for graph in witnesses(rules[name], seed):
            yield -1, graph
    yield from ((i, graphs[i]) for i in far)
    if models_too:
        yield from ((-1, graph) for graph in models())


def _run(graph: Graph, passes: Iterable[Callable[..., Graph]], seed: int, told: list[str]) -> tuple[Any, Any]:
    """Return what passes make of a graph and None, or None and the driver's error."""
    from nnvm.pipeline import PassError, optimize
    from nnvm.verifying import Verifier

    try:
        with limited(HANG):
            verifier = Verifier(seed)
            return optimize(
                graph, passes, verify_each=verifier, report=lambda done: told.append(digest(done.after))
            ), None
    except PassError as error:
        return None, error


@contextmanager
def limited(seconds: float, error: type[BaseException] = Late) -> Iterator[None]:
    """Raise an error in what runs longer than so many seconds of this process, again and again where it is swallowed.

    Limits nest: the outer one goes on where the inner one ends.
    """

    def late(*_: object) -> None:
        raise error(f"it takes more than {seconds:g} s")

    was, left = signal.getsignal(signal.SIGVTALRM), signal.getitimer(signal.ITIMER_VIRTUAL)[0]
    start = time.process_time()
    signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, was)
        if left:
            signal.setitimer(signal.ITIMER_VIRTUAL, max(0.01, left - (time.process_time() - start)), 1.0)


def _judged(mutant: Mutant, error: Any, uses: Uses) -> RESULT:
    """Say whether the right pass was named, and where a rule was named, the right rule."""
    from nnvm.verifying import Refusal

    cause = error.__cause__
    kind = cause.kind if isinstance(cause, Refusal) else "run" if isinstance(cause, Late) else "crash"
    blamed = cause.rule if isinstance(cause, Refusal) else None
    match = _RULE.search(str(error))
    blamed = blamed or (match.group(1) if match else None)
    passes, rules = uses.passes_of(mutant), uses.rules_of(mutant)
    anyone = mutant.module == "nnvm.ir.rewrite"
    right = anyone or (error.stage.name in passes and (blamed is None or blamed in rules))
    return {
        "outcome": "named" if right else "wrong", "kind": kind, "pass": error.stage.name, "rule": blamed,
        "of_rule": mutant.function in rules, "said": str(error)[:300],
    }  # fmt: skip


def _reduced(error: Any, seed: int) -> RESULT:
    from nnvm.pipeline import count_nodes
    from nnvm.reduce import FailingPass, reduce

    start = time.monotonic()
    try:
        with limited(AGAIN):
            failing = FailingPass(error.before, [error.stage.function], seed=seed)

        def fails(graph: Graph) -> bool:
            with limited(AGAIN):
                return failing(graph)

        with limited(REDUCE, KeyboardInterrupt):  # a fault may stall the reducer too, which then gives its best so far
            found = reduce(failing.graph, fails, seconds=REDUCE)
    except (Exception, KeyboardInterrupt) as problem:
        return {"reduced": None, "reducing": f"{type(problem).__name__}: {problem}"[:300]}
    return {
        "before": count_nodes(error.before), "reduced": count_nodes(found.graph), "tests": found.tests,
        "stopped": found.stopped, "text": str(found.graph), "reduce_seconds": time.monotonic() - start,
    }  # fmt: skip


def told_by(end: int) -> Mapping[str, Any]:
    """Read what a child says; nothing where it was ended."""
    with os.fdopen(end) as file:
        text = file.read()
    found: Mapping[str, Any] = json.loads(text) if text else {"outcome": "hang", "said": "the child was ended"}
    return found


__all__ = ["baseline", "in_child", "study", "told_by"]
