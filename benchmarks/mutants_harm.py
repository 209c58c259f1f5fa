"""Whether what a mutant made of a graph is wrong, judged by ONNX Runtime or the interpreter of the laws."""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from tests.laws.interpret import held, interpret

from nnvm.backends.numpy.device import dtype_of
from nnvm.frontends.onnx import to_bytes
from nnvm.ir import Graph, Node, TensorType, constant, input, variable
from nnvm.ir.dims import names, substitute
from nnvm.judging import agree
from nnvm.ops import copy
from nnvm.trial_inputs import open_dimensions

SIZES: Final = ((7, 11, 13), (1, 5, 3), (2, 3, 5))
"""Sizes tried for open dimensions: primes, and one."""
DRAWS: Final[tuple[Callable[[Any, Any], Any], ...]] = (
    lambda random, shape: random.standard_normal(shape),
    lambda random, shape: random.standard_normal(shape) * random.integers(0, 2, shape),
    lambda random, shape: -3 * np.abs(random.standard_normal(shape)),
    lambda random, shape: random.standard_normal(shape) * 40,
    lambda random, shape: random.integers(0, 3, shape) * 1.0,
    lambda random, shape: random.integers(1, 10, shape) * 1.0,
)
"""Numbers that inputs get: normal ones, some of them zero, negative ones, large ones, and small whole numbers."""
FEW: Final = 2
"""Draws on which the interpreter sees whether types tell the truth, where ONNX Runtime has compared the numbers."""
DOUBLES: Final = 1e-6
"""The tolerance for 64-bit floats, parts of which ONNX Runtime computes in 32 bits; others have that of comparisons."""
Runner = Callable[[Mapping[str, Any]], Sequence[Any]]


def judged(path: Path) -> dict[str, Any]:
    """Judge the pairs of graphs, before and after, that a file holds pickled; remove the file."""
    rows: list[tuple[Graph, Graph]] = pickle.loads(path.read_bytes())
    path.unlink()
    counts = {"changed": 0, "equal": 0, "unknown": 0}
    for before, after in rows:
        real = _real(before)
        if str(real) == str(after):
            continue
        counts["changed"] += 1
        found = harm(before, real, after)
        if found not in ("equal", "unknown"):
            return {**counts, "harm": f"{before.name}: {found}", "text": f"{before}\n{real}\n{after}"}
        counts[found] += 1
    return counts


def _real(graph: Graph) -> Graph:
    from benchmarks.mutants_worker import pipeline
    from nnvm.pipeline import optimize

    return optimize(graph, pipeline())


def harm(before: Graph, real: Graph, after: Graph) -> str:
    """Say "equal", "unknown" where neither runs, or what is wrong with a result beside that of the real passes."""
    return _form(before, real, after) or _results(before, real, after)


def _form(before: Graph, real: Graph, after: Graph) -> str | None:
    if after.output_names != before.output_names or [v.name for v in after.inputs] != [v.name for v in before.inputs]:
        return "other inputs or outputs"
    lost = _order(real) - _order(after)
    if lost:
        return f"{max(lost)} are no longer in order"
    if _crosses(after) and not _crosses(real):
        return "a value crosses between devices without a copy"
    for old, new in zip(real.outputs, after.outputs, strict=True):
        if isinstance(old.type, TensorType) and old.type.shape_or_none is not None:
            known = isinstance(new.type, TensorType) and new.type.shape_or_none is not None
            if not known or (isinstance(new.type, TensorType) and new.type.dtype is not old.type.dtype):
                return f"an output has the type {new.type}, not {old.type}"
    return None


def _order(graph: Graph) -> set[tuple[str, str]]:
    """Return the pairs of outputs of which one is computed after the other in every order."""
    if not any(node.after for node in graph.nodes):
        return set()
    above: dict[Node, set[Node]] = {}
    for node in graph.nodes:
        found = above[node] = {node}
        for other in (*[value.node for value in node.inputs], *node.after):
            found |= above.get(other, set())
    ends = [(name, value.node) for name, value in zip(graph.output_names, graph.outputs, strict=True)
            if value.node.op not in (input, constant, variable)]  # fmt: skip
    return {(a, b) for a, first in ends for b, last in ends if first is not last and first in above[last]}


def _crosses(graph: Graph) -> bool:
    return any(
        "device" in node.hints and value.node.hints.get("device", node.hints["device"]) != node.hints["device"]
        for node in graph.nodes if node.op is not copy for value in node.inputs
    )  # fmt: skip


def _results(before: Graph, real: Graph, after: Graph) -> str:
    """Run all three on many inputs; what is right is what the graph before or the real passes give."""
    tried = 0
    for engine in (_onnx, _interpreted):
        try:
            runs = engine(before, after), engine(real, after)
        except Exception:  # it has no words for this graph, or refuses it
            continue
        try:
            run = engine(after, after)
        except Exception as error:
            return f"{engine.__name__[1:]} does not load it: {type(error).__name__}: {error}"[:300]
        for sizes, feeds in islice(_inputs(before, after), None if engine is _onnx or not tried else FEW):
            right = []
            for each in runs:
                with suppress(Exception):
                    right.append(each(feeds))
            if not right:
                continue
            try:
                given = run(feeds)
            except Exception as error:
                if len(right) < 2:
                    continue
                return f"at {sizes} it does not run: {type(error).__name__}: {error}"[:300]
            tried += 1
            if not any(_same(given, each) for each in right):
                return f"at {sizes} {_shown(given)} is not {_shown(right[0])} in {engine.__name__[1:]}"
    return "equal" if tried else "unknown"


def _same(given: Sequence[Any], wanted: Sequence[Any]) -> bool:
    pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(given, wanted, strict=True)]
    return all(agree(a, b, DOUBLES if b.dtype == np.float64 else None)[0] for a, b in pairs)


def _shown(arrays: Sequence[Any]) -> str:
    return str([np.asarray(each).ravel()[:4].tolist() for each in arrays])[:120]


def _onnx(graph: Graph, like: Graph) -> Runner:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(to_bytes(graph), options, providers=["CPUExecutionProvider"])
    wanted = [each.name for each in session.get_inputs()]
    return lambda feeds: session.run(None, {name: feeds[name] for name in wanted})


def _interpreted(graph: Graph, like: Graph) -> Runner:
    def run(feeds: Mapping[str, Any]) -> Sequence[Any]:
        wide = {name: array.astype(np.float64) if array.dtype.kind == "f" else array for name, array in feeds.items()}
        binding: dict[str, int] | None = {}
        for value in graph.inputs:
            sizes = value.type.shape_or_none if isinstance(value.type, TensorType) else None
            for size, found in zip(sizes or (), feeds[value.name].shape, strict=False):
                if names(size) == (str(size),):
                    binding = {**(binding or {}), str(size): found}
        found = interpret(graph, wide, binding)
        return [
            np.asarray(each).astype(dtype_of(value.type.dtype.name)) if isinstance(value.type, TensorType) else each
            for each, value in zip(found, like.outputs, strict=True)
        ]

    return run


def _inputs(before: Graph, after: Graph) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield arrays for the inputs, at sizes that the result has fixed or left open."""
    dims = [*dict.fromkeys((*open_dimensions(before), *open_dimensions(after)))]
    for sizes in SIZES if open_dimensions(after) else SIZES[:1]:
        binding = {name: sizes[i % len(sizes)] for i, name in enumerate(dims)}
        for seed, draw in enumerate(DRAWS):
            random = np.random.default_rng(100 + seed)
            feeds: dict[str, Any] = {}
            for old, new in zip(before.inputs, after.inputs, strict=True):
                known = (
                    new.type if isinstance(new.type, TensorType) and new.type.shape_or_none is not None else old.type
                )
                if not isinstance(known, TensorType) or known.shape_or_none is None:
                    return
                shape = [size if isinstance(size, int) else substitute(size, binding) for size in known.shape]
                if not all(isinstance(size, int) for size in shape):
                    return
                array = np.asarray(draw(random, tuple(shape)))  # type: ignore[arg-type]
                if known.dtype.kind == "bool":
                    array = array > 0
                elif held(known.dtype).kind == "u":
                    array = np.abs(array)
                feeds[old.name] = array.astype(dtype_of(known.dtype.name))
            yield binding, feeds


__all__ = ["harm", "judged"]
