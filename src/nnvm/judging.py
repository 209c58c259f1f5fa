"""When two results count as the same: within tolerance, or where last bits explain all that is between them."""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Final

import numpy as np

from nnvm import ops
from nnvm.backends import numpy as backend
from nnvm.backends.numpy import table
from nnvm.compile import compile_graph
from nnvm.errors import Error
from nnvm.ir import Graph, Node, Op, TensorData, TensorType, Value, constant, data_of
from nnvm.trial_inputs import Arrays
from nnvm.widen import widen

TOLERANCES: Final = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 1e-2}
"""Relative tolerance, and absolute tolerance as a share of the output's largest absolute value, by element type."""
LAST_BITS: Final = (1, 2, 4)
"""By how many units in the last place weights are moved, the least first: sums of another order differ by as much."""
NUDGES: Final = 3
"""How often weights are moved by as much, each time otherwise."""
DOUBTS: Final = 3
"""On how many inputs weights are moved, where float64 says of all that nothing differs and the others change less."""
AGREE: Final = ", and in float64 both agree"
LEAST: Final = 16
"""Constants of so many floats are weights; fewer are scales and bounds, which stay."""

_STEPS: Final[frozenset[Op[..., Any]]] = frozenset(
    (
        *(ops.ceil, ops.dynamic_quantize_linear, ops.floor, ops.qlinear_conv),
        *(ops.qlinear_matmul, ops.quantize_linear, ops.round),
    )
)
"""Operators that make a step of a difference in the last bit."""
_STEP_NAMES: Final = frozenset(op.name for op in _STEPS)
_QUANTISES: Final = re.compile(r"(?:^|::)\w*(?:Quant|QLinear|QGemm|QAttention)\w*$")
"""Operators that are carried and round to steps, by what they are called."""

Run = Callable[[Arrays], tuple[Any, ...]]
Engine = Callable[[Graph], Run]


class Doubt:
    """Inputs on which results differ: what the changed graph gives, and what was wanted."""

    __slots__ = ("arrays", "given", "wanted")

    def __init__(self, arrays: Arrays, given: Sequence[Any], wanted: Sequence[Any]) -> None:
        self.arrays: Final = arrays
        self.given: Final = given
        self.wanted: Final = wanted


class _Numpy:
    """The backend that judges: its own, so that comparing stands below whoever finds backends by name."""

    name = "numpy"
    call = staticmethod(table.call)
    run = staticmethod(backend.run)


def numpy_run(graph: Graph) -> Run:
    """Return what runs a graph on NumPy; raise Error where it cannot be planned or has operators without a kernel."""
    made = backend.run(compile_graph(graph, _Numpy()))
    made.require_kernels()
    return made


def agree(a: Any, b: Any, tolerance: float | None = None) -> tuple[bool, float]:
    """Say whether `a` equals the expected `b` within tolerance, and the largest absolute error of finite numbers."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False, float("inf")
    if a.dtype.kind in "biuSUO":
        return bool(np.array_equal(a, b)), 0.0 if np.array_equal(a, b) else float("inf")
    limit = TOLERANCES.get(a.dtype.name, 1e-2) if tolerance is None else tolerance
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    a, b = a.astype(wide), b.astype(wide)
    if not np.array_equal(np.isnan(a), np.isnan(b)) or not np.array_equal(np.isinf(a), np.isinf(b)):
        return False, float("inf")
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite & ~np.isnan(b)], b[~finite & ~np.isnan(b)]):
        return False, float("inf")
    error, size = np.abs(a[finite] - b[finite]), np.abs(b[finite])
    if not error.size:
        return True, 0.0
    return bool((error <= limit * size.max() + limit * size).all()), float(error.max())


def explained(original: Graph, changed: Graph, engine: Engine | None, doubts: Sequence[Doubt]) -> str | None:
    """Say why two graphs are equivalent although their results differ; None where nothing explains all differences.

    Either a run of the original in float64 is nearer to every result than the original's own, or the outputs that
    differ are made of what was rounded to steps, and the original's own results change as much where its weights change
    in their last bits. What runs in float64 has to bear that out. `engine` runs them where NumPy did not.
    """
    truths = Truths(original)
    return _nearer(truths, doubts) or _stepped(original, changed, engine, truths, doubts)


class Truths:
    """What a graph computes in float64, each input asked once; Error where it cannot."""

    __slots__ = ("_found", "_run", "graph")

    def __init__(self, graph: Graph) -> None:
        self.graph: Final = graph
        self._run: Run | None = None
        self._found: Final[dict[Doubt, tuple[Any, ...]]] = {}

    def __call__(self, doubt: Doubt) -> tuple[Any, ...]:
        """Return the outputs on the inputs of a doubt."""
        if doubt not in self._found:
            self._run = self._run or _widened(self.graph)
            self._found[doubt] = self._run(doubt.arrays)
        return self._found[doubt]


def _nearer(truths: Truths, doubts: Sequence[Doubt]) -> str | None:
    """Say how much nearer the results are to a run of the original in float64 than its own; None where one is not."""
    worst = [0.0, 0.0]
    for each in doubts:
        try:
            rows = list(zip(each.given, each.wanted, truths(each), strict=True))
        except Error:
            return None
        for a, b, truth in rows:
            if agree(a, b)[0]:
                continue
            if not _are_floats(a, b):
                return None
            errors = [float(_distances(each, truth).max(initial=0)) for each in (a, b)]
            if not errors[0] <= errors[1]:
                return None
            worst = [max(pair) for pair in zip(worst, errors, strict=True)]
    return f"a run in float64 is nearer to the result, {worst[0]:.1e}, than to the original, {worst[1]:.1e}"


def _stepped(
    original: Graph, changed: Graph, engine: Engine | None, truths: Truths, doubts: Sequence[Doubt]
) -> str | None:
    """Say how much the original's own results change with the last bits of its weights; None where that is less."""
    rounded = _rounded(original)
    for each in doubts:
        for a, b, steps in zip(each.given, each.wanted, rounded, strict=True):
            if not agree(a, b)[0] and not (steps and _are_floats(a, b)):
                return None
    tolerances = [_tolerance(value) for value in original.outputs]
    try:
        borne_out = _in_float64(original, changed, truths, doubts, tolerances) if engine is None else ""
        if borne_out is None:
            return None
        enough = DOUBTS if borne_out == AGREE else len(doubts)
        found = _last_bits(engine or numpy_run, original, doubts, tolerances, enough)
    except (Error, ValueError):
        return None
    if found is None:
        return None
    units, here, own = found
    moved = f"{units} unit{'s' * (units > 1)} in the last place"
    told = f"with other last bits in its weights the original changes by {own:.1e}, here by {here:.1e}"
    return f"{told} ({moved}; it rounds to steps){borne_out}"


def _last_bits(
    make: Engine, original: Graph, doubts: Sequence[Doubt], tolerances: Sequence[float | None], enough: int
) -> tuple[int, float, float] | None:
    """Return the fewest units by which weights must move for as large a change, that of the results, and their own."""
    for units in LAST_BITS:
        others = [make(_nudged(original, seed, units)) for seed in range(NUDGES)]
        worst = _worst(others, doubts, tolerances, enough)
        if worst is not None:
            return units, *worst
    return None


def _worst(
    others: Sequence[Run], doubts: Sequence[Doubt], tolerances: Sequence[float | None], enough: int
) -> tuple[float, float] | None:
    """Return the largest change of any result, and of the others'; None where one changes more than all of those.

    Both the largest change of an element and the mean of all are looked at: what is wrong everywhere, but by little, is
    not hidden by a step that one element takes. After `enough` inputs the others run only where a result changes more
    than has been seen of them by then.
    """
    here = 0.0
    seen: dict[int, tuple[float, float]] = {}
    for number, each in enumerate(doubts):
        changes = _changes(each, each.given, tolerances)
        if number < enough or not all(_within(change, seen.get(i, (0.0, 0.0))) for i, change in changes.items()):
            moved = [_changes(each, other(each.arrays), (), changes) for other in others]
            for i, change in changes.items():
                most, mean = (float(np.max([one[i][k] for one in moved])) for k in (0, 1))
                if not _within(change, (most, mean)):
                    return None
                before = seen.get(i, (0.0, 0.0))
                seen[i] = max(before[0], most), max(before[1], mean)
        here = max([here, *(change[0] for change in changes.values())])
    return here, max((most for most, _ in seen.values()), default=0.0)


def _changes(
    doubt: Doubt, given: Sequence[Any], tolerances: Sequence[float | None], wanted: Container[int] | None = None
) -> dict[int, tuple[float, float]]:
    """Return the largest and the mean change of each output that differs, or of those that are wanted, by its place."""
    found = {}
    for i, (a, b) in enumerate(zip(given, doubt.wanted, strict=True)):
        if i in wanted if wanted is not None else not agree(a, b, tolerances[i])[0]:
            change = _distances(a, b)
            found[i] = float(change.max()), float(change.mean())
    return found


def _within(change: tuple[float, float], limits: tuple[float, float]) -> bool:
    """Say whether a change is no larger; that of what is no number is."""
    return change[0] <= limits[0] and change[1] <= limits[1]


def _in_float64(
    original: Graph, changed: Graph, truths: Truths, doubts: Sequence[Doubt], tolerances: Sequence[float | None]
) -> str | None:
    """Say how runs of both in float64 bear out that last bits are all; None where they do not."""
    run = _widened(changed)
    wide = []
    for each in doubts:
        wanted, given = truths(each), run(each.arrays)
        pairs = zip(given, wanted, tolerances, strict=True)
        if not all(agree(a, b, limit)[0] for a, b, limit in pairs):
            wide.append(Doubt(each.arrays, given, wanted))
    if not wide:
        return AGREE
    return None if _last_bits(_widened, original, wide, tolerances, len(wide)) is None else ", as it does in float64"


def _widened(graph: Graph) -> Run:
    return numpy_run(widen(graph, outputs=True))


def _tolerance(value: Value) -> float | None:
    type = value.type
    return TOLERANCES.get(type.dtype.name, 1e-2) if isinstance(type, TensorType) and type.dtype.is_float else None


def _rounded(graph: Graph) -> list[bool]:
    """Say of each output whether anything that it is made of was rounded to steps."""
    below: set[Node] = set()
    for node in graph.nodes:
        if _rounds(node) or any(value.node in below for value in node.inputs):
            below.add(node)
    return [value.node in below for value in graph.outputs]


def _rounds(node: Node) -> bool:
    if node.op in _STEPS:
        return True
    if not node.op.foreign:
        return False
    inner = node.params.get("nodes")
    names = [node.op.name, *(inner if isinstance(inner, Mapping) else ())]
    return any(name in _STEP_NAMES or _QUANTISES.search(name) is not None for name in names)


def _nudged(graph: Graph, seed: int, units: int) -> Graph:
    """Return a graph whose weights are other in their last bits, each element by at most so many units."""
    generator = np.random.default_rng(seed)

    def visit(node: Node) -> Value | None:
        data = data_of(node.outputs[0]) if node.op is constant else None
        if data is None or data.repeats or data.dtype.name not in ("float32", "float64") or data.size < LEAST:
            return None
        held = np.frombuffer(data.read(), data.dtype.name)
        moved = held + np.spacing(np.abs(held)) * generator.integers(-units, units + 1, held.shape)
        return constant(data=TensorData(data.tensor, moved.astype(held.dtype).tobytes()))

    return graph.rewrite(visit)


def _are_floats(a: Any, b: Any) -> bool:
    return bool(a.shape == b.shape and a.dtype == b.dtype and a.dtype.kind == "f")


def _distances(a: Any, truth: Any) -> Any:
    """Return the differences; not a number where there is a NaN or an infinity."""
    with np.errstate(invalid="ignore"):
        return np.abs(a.astype(np.float64) - truth)
