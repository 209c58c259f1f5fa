"""Whether two graphs compute the same: both are run on the same random inputs, and every output is compared."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from nnvm.backends.numpy import table
from nnvm.errors import Error
from nnvm.ir import Graph, TensorType
from nnvm.judging import TOLERANCES, Doubt, Engine, Run, agree, explained, numpy_run
from nnvm.trial_inputs import CAPS, Arrays, candidate_bindings, draws_integers, random_inputs

SEEDS: Final = 3
BINDINGS: Final = 3


class Comparison:
    """What a comparison found; `equivalent` is None where nothing was proven, because no input changes any output."""

    __slots__ = (
        "atol", "bindings", "differs", "equivalent", "insensitive", "judged", "max_abs_error", "refused", "rtol",
    )  # fmt: skip

    def __init__(self, rtol: float, atol: float) -> None:
        self.equivalent: bool | None = None
        self.differs: str | None = None
        self.insensitive: list[str] = []
        self.judged: str | None = None
        self.rtol: Final = rtol
        self.atol: Final = atol
        self.bindings: list[dict[str, int]] = []
        self.refused: list[dict[str, int]] = []
        self.max_abs_error = 0.0


def _engine(graph: Graph) -> tuple[Engine, str | None]:
    """Return what makes a graph run, and why it is another one than ours: the graph holds operators that are carried.

    Raises Error where neither can run it.
    """
    lacking = sorted({node.op.name for node in graph.nodes if node.op.foreign and node.op not in table.lowering})
    if not lacking:
        run: Run = numpy_run(graph)
        return lambda other: run if other is graph else numpy_run(other), None
    why = f"numpy cannot run {', '.join(lacking)}"
    try:
        from nnvm.frontends.onnx.engine import runner

        theirs: Run = runner(graph)
    except (Error, ImportError) as other:
        raise Error(f"{why}; {other}") from other
    return lambda other: theirs if other is graph else runner(other), f"ONNX Runtime ran both, for {why}"


class Reference:
    """A graph that others are judged by: compiled once, and run once on each seed at up to three bindings.

    `rows` holds each binding with the outputs of every seed, `refused` the bindings that the graph does not run at, and
    `refusal` why. `engine` makes graphs run: NumPy, or ONNX Runtime where the graph has operators that are carried, and
    `outside` says why. Raises Error where the graph cannot be compiled.
    """

    __slots__ = ("engine", "graph", "limits", "most", "outside", "refusal", "refused", "rows", "seed", "seeds")

    def __init__(
        self,
        graph: Graph,
        *,
        bindings: Sequence[Mapping[str, int]] | None = None,
        seeds: int = SEEDS,
        seed: int = 0,
        limits: tuple[float, float] | None = None,
    ) -> None:
        self.graph: Final = graph
        self.seeds: Final = seeds
        self.seed: Final = seed
        self.limits: Final = limits
        self.rows: Final[list[tuple[dict[str, int], list[tuple[Any, ...]]]]] = []
        self.refused: Final[list[dict[str, int]]] = []
        self.refusal: Error | None = None
        self.engine, self.outside = _engine(graph)
        run = self.engine(graph)
        tried = list(map(dict, candidate_bindings(graph) if bindings is None else bindings))
        for self.most in CAPS if limits is None and draws_integers(graph) else CAPS[:1]:
            self.refused.clear()
            self._try(run, tried)
            if self.rows:
                break

    def _try(self, run: Run, bindings: Sequence[dict[str, int]]) -> None:
        for binding in bindings:
            if len(self.rows) == BINDINGS:
                break
            try:
                self.rows.append((binding, [run(arrays) for arrays in self.inputs(binding)]))
            except Error as error:
                self.refused.append(binding)
                self.refusal = error

    def inputs(self, binding: Mapping[str, int]) -> Iterator[Arrays]:
        """Yield the inputs of every seed, made again each time: they are large, and quickly drawn.

        Those of the last of several seeds hold exact zeros, in about an eighth of the elements of each input of floats.
        """
        for i in range(self.seeds):
            zeros = 0 < i == self.seeds - 1
            yield random_inputs(self.graph, binding, self.seed + i, self.limits, most=self.most, zeros=zeros)


def compare(
    original: Graph | Reference,
    changed: Graph,
    *,
    bindings: Sequence[Mapping[str, int]] | None = None,
    seeds: int = SEEDS,
    seed: int = 0,
    limits: tuple[float, float] | None = None,
) -> Comparison:
    """Run both graphs on NumPy at up to three bindings and three seeds each, and compare every output.

    Where results differ, they count as equivalent if a run of the original in float64 is nearer to all of them than to
    the original's, or if they are made of what was rounded to steps and the original's own change as much where its
    weights change in their last bits; `judged` says so, and which other engine ran both. See `nnvm.judging`.

    A Reference brings its own bindings, seeds and limits. Raises Error where the original cannot run at any binding.
    """
    if isinstance(original, Graph):
        original = Reference(original, bindings=bindings, seeds=seeds, seed=seed, limits=limits)
    if not original.rows:
        raise Error(
            f"the original runs at none of the sizes tried, so nothing can be compared ({original.refusal}); "
            "give sizes: --set-dim NAME=INT"
        )
    dtypes = [
        value.type.dtype.name
        for value in original.graph.outputs
        if isinstance(value.type, TensorType) and value.type.dtype.is_float
    ]
    tolerance = max((TOLERANCES.get(name, 1e-2) for name in dtypes), default=0.0)
    found = Comparison(tolerance, tolerance)
    found.refused += original.refused
    found.judged = original.outside
    run = original.engine(changed)
    outputs: dict[str, list[Any]] = {}
    doubts: list[Doubt] = []
    for binding, expected in original.rows:
        found.bindings.append(binding)
        for arrays, wanted in zip(original.inputs(binding), expected, strict=True):
            given = run(arrays)
            same = True
            for name, a, b in zip(original.graph.output_names, given, wanted, strict=True):
                outputs.setdefault(name, []).append((tuple(binding.items()), b))
                same = _judge(found, name, a, b) and same
            if not same:
                doubts.append(Doubt(arrays, given, wanted))
    found.insensitive = [name for name, rows in outputs.items() if _insensitive(rows)]
    if doubts:
        engine = None if original.outside is None else original.engine
        if engine is not None:
            _check_repeats(original, doubts[0].arrays)
        why = explained(original.graph, changed, engine, doubts)
        found.judged = "; ".join(filter(None, (why, original.outside))) or None
        found.equivalent = why is not None
    elif len(found.insensitive) < len(outputs):
        found.equivalent = True
    return found


def _check_repeats(original: Reference, arrays: Arrays) -> None:
    """Raise Error where a graph gives other results for the same inputs, so that nothing follows from a difference."""
    run = original.engine(original.graph)
    if not all(agree(a, b)[0] for a, b in zip(run(arrays), run(arrays), strict=True)):
        raise Error("the original gives other results each time: it draws random numbers without a seed")


def _judge(found: Comparison, name: str, a: Any, b: Any) -> bool:
    same, error = agree(a, b)
    found.max_abs_error = max(found.max_abs_error, error)
    if not same and found.differs is None:
        found.differs = name
    return same


def _insensitive(rows: list[Any]) -> bool:
    """Say whether an output is the same for all seeds, at every binding."""
    by_binding: dict[Any, list[Any]] = {}
    for binding, array in rows:
        by_binding.setdefault(binding, []).append(array)
    return all(
        np.array_equal(array, some[0], equal_nan=array.dtype.kind in "fc")
        for some in by_binding.values()
        for array in some[1:]
    )
