"""Whether two graphs compute the same: both are run on the same random inputs, and every output is compared."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from nnvm import ops
from nnvm.analyses.index_limits import Limit, index_limits
from nnvm.backends import numpy as backend
from nnvm.backends.numpy import table
from nnvm.backends.numpy.device import dtype_of
from nnvm.compile import compile_graph
from nnvm.errors import Error
from nnvm.ir import Graph, Node, TensorData, TensorType, Value, constant, data_of
from nnvm.ir.dims import names, substitute
from nnvm.widen import widen

SEEDS: Final = 3
DOUBTS: Final = 3
"""On how many inputs that give other results a run in float64 is asked who is nearer."""
BINDINGS: Final = 3
TOLERANCES: Final = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 1e-2}
"""Relative tolerance, and absolute tolerance as a share of the output's largest absolute value, by element type."""
_PRIMES: Final = (7, 11, 13, 17, 19, 23, 29, 31)
_LARGE_PRIMES: Final = (97, 101, 103, 107, 109, 113, 127, 131)

_STEPS: Final = frozenset(
    (
        *(ops.ceil, ops.dynamic_quantize_linear, ops.floor, ops.qlinear_conv),
        ops.qlinear_matmul,
        ops.quantize_linear,
        ops.round,
    )
)
"""Operators that make a step of a difference in the last bit."""
_NUDGE: Final = 8
"""By how many units in the last place sums of another order may differ."""
MOST: Final = 10
"""Below this drawn integers stay that pick from nothing."""
CAPS: Final = (1 << 15, MOST, 2)
"""Below these all drawn integers stay: the next where the graph runs with none below the last."""

Arrays = dict[str, Any]
Run = Callable[[Arrays], tuple[Any, ...]]
Engine = Callable[[Graph], Run]


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


def random_inputs(
    graph: Graph,
    binding: Mapping[str, int],
    seed: int,
    limits: tuple[float, float] | None = None,
    given: Container[str] = (),
    most: int = CAPS[0],
) -> Arrays:
    """Return seeded arrays for every input that is not given: normal floats, integers, truth values.

    Integers lie below what they pick from, or else below 10, in a mask below 2, and below `most`; all but truth values
    lie within `limits` where those are given.
    """
    generator = np.random.default_rng(seed)
    below = {name: _below(found, binding, most) for name, found in index_limits(graph).items()}
    drawn = [value for value in graph.inputs if value.name not in given]
    rest = {value.name: 2 if "mask" in value.name.lower() else min(most, MOST) for value in drawn}
    return {value.name: _random(value, binding, generator, limits, (rest | below)[value.name]) for value in drawn}


def _below(limits: Sequence[Limit], binding: Mapping[str, int], most: int) -> int:
    """Return below what drawn numbers stay that pick from dimensions; open or empty ones say nothing."""
    sizes = [(substitute(size, binding), more) for size, more in limits]
    rooms = [size - more for size, more in sizes if isinstance(size, int) and size > more]
    return min(most, *rooms) if rooms else min(most, MOST)


def _random(
    value: Value,
    binding: Mapping[str, int],
    generator: np.random.Generator,
    limits: tuple[float, float] | None,
    below: int,
) -> Any:
    type = value.type
    if not isinstance(type, TensorType) or type.shape_or_none is None:
        raise Error(f"input {value.name} has no known shape; give its values: --input {value.name}=FILE.npy")
    shape = tuple(substitute(size, binding) for size in type.shape)
    if not all(isinstance(size, int) for size in shape):
        raise Error(f"input {value.name} has the open dimensions {shape}; give them: --set-dim NAME=INT")
    if type.dtype.name == "string":
        return generator.integers(0, MOST, shape).astype(str).astype(object)  # type: ignore[arg-type]
    if type.dtype.kind == "bool":
        return generator.integers(0, 2, shape).astype(bool)  # type: ignore[arg-type]
    if type.dtype.is_integer:
        low, high = (0, below) if limits is None else (int(limits[0]), int(limits[1]) + 1)
        return generator.integers(low, high, shape).astype(dtype_of(type.dtype.name))  # type: ignore[arg-type]
    drawn = generator.standard_normal(shape) if limits is None else generator.uniform(*limits, shape)  # type: ignore[arg-type]
    return drawn.astype(dtype_of(type.dtype.name))


def _is_whole(value: Value) -> bool:
    return isinstance(value.type, TensorType) and value.type.dtype.is_integer


def open_dimensions(graph: Graph) -> tuple[str, ...]:
    """Return the names of the dimensions that the inputs leave open, in the order of the inputs' axes."""
    found: dict[str, None] = {}
    for value in graph.inputs:
        if isinstance(value.type, TensorType) and value.type.shape_or_none is not None:
            for size in value.type.shape:
                found.update(dict.fromkeys(names(size)))
    return tuple(found)


def candidate_bindings(graph: Graph) -> list[dict[str, int]]:
    """Return bindings to try for the open dimensions: ones, primes, usual sizes with a small batch, small sizes.

    At last only the last axes, of samples or words, are longer than 1.
    """
    dims = open_dimensions(graph)
    if not dims:
        return [{}]
    batches = {dim for value in graph.inputs for dim in _names_at(value, 0)}
    rows: list[dict[str, int]] = [dict.fromkeys(dims, 1), {dim: _PRIMES[i % 8] for i, dim in enumerate(dims)}]
    rows.append({dim: 1 if dim in batches else _LARGE_PRIMES[i % 8] for i, dim in enumerate(dims)})
    rows += [
        {dim: batch if dim in batches else size for dim in dims}
        for batch, size in ((2, 64), (1, 224), (1, 48), (1, 320), (1, 32), (2, 8))
    ]
    rows.append({dim: _LARGE_PRIMES[i % 8] for i, dim in enumerate(dims)})
    rows += [dict.fromkeys(dims, size) for size in (4, 8, 16, 6, 12, 3, 5)]
    lines = {dim for value in graph.inputs for dim in _names_at(value, -1)} - batches
    rows += [{dim: size if dim in lines else 1 for dim in dims} for size in (64, 97, 512, 224, 160)]
    return [row for i, row in enumerate(rows) if row not in rows[:i]]


def _names_at(value: Value, axis: int) -> tuple[str, ...]:
    """Return the names in the dimension of an axis, counted from either end."""
    type = value.type
    if not isinstance(type, TensorType) or not type.shape_or_none:
        return ()
    return names(type.shape_or_none[axis])


class _Numpy:
    """The backend that judges: its own, so that comparing stands below whoever finds backends by name."""

    name = "numpy"
    call = staticmethod(table.call)
    run = staticmethod(backend.run)


def _compile(graph: Graph) -> Run:
    return backend.run(compile_graph(graph, _Numpy()))


def _engine(graph: Graph) -> tuple[Engine, str | None]:
    """Return what makes a graph run, and why it is another one than ours: the graph holds operators that are carried.

    Raises Error where neither can run it.
    """
    make: Engine = _compile
    why = None
    try:
        run: Run = make(graph)
    except Error as error:
        carried = sorted({node.op.name for node in graph.nodes if node.op.foreign})
        if not carried:
            raise
        why = f"ONNX Runtime ran both, for numpy cannot run {', '.join(carried)}"
        try:
            from nnvm.frontends.onnx.engine import runner as make

            run = make(graph)
        except (Error, ImportError) as other:
            raise Error(f"{error}; {other}") from other
    return lambda other: run if other is graph else make(other), why


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
        drawn = limits is None and any(_is_whole(value) for value in graph.inputs)
        for self.most in CAPS if drawn else CAPS[:1]:
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
        """Yield the inputs of every seed, made again each time: they are large, and quickly drawn."""
        for i in range(self.seeds):
            yield random_inputs(self.graph, binding, self.seed + i, self.limits, most=self.most)


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

    Where results differ because the model is ill-conditioned, they count as equivalent if a run of the original in
    float64 is nearer to them than to the original's, or if the model rounds to steps and its own results change as much
    where its weights change in their last bits; `judged` says so.

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
    doubtful: list[tuple[Arrays, tuple[Any, ...], tuple[Any, ...]]] = []
    for binding, expected in original.rows:
        found.bindings.append(binding)
        for arrays, wanted in zip(original.inputs(binding), expected, strict=True):
            given = run(arrays)
            same = True
            for name, a, b in zip(original.graph.output_names, given, wanted, strict=True):
                outputs.setdefault(name, []).append((tuple(binding.items()), b))
                same = _judge(found, name, a, b) and same
            if not same and len(doubtful) < DOUBTS:
                doubtful.append((arrays, given, wanted))
    found.insensitive = [name for name, rows in outputs.items() if _insensitive(rows)]
    if doubtful and original.outside is not None:
        _check_repeats(original, doubtful[0][0])
    if doubtful:
        nearer = _nearer(original.graph, doubtful) or _unsteady(original, doubtful)
        found.judged = nearer or found.judged
        found.equivalent = nearer is not None
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


def _nearer(original: Graph, doubtful: Sequence[tuple[Arrays, Sequence[Any], Sequence[Any]]]) -> str | None:
    """Say how much nearer the results are to a run of the original in float64 than its own; None where one is not."""
    try:
        run = _compile(widen(original, outputs=True))
        rows = [(a, b, c) for arrays, *both in doubtful for a, b, c in zip(*both, run(arrays), strict=True)]
    except Error:
        return None
    worst = [0.0, 0.0]
    for a, b, truth in rows:
        if agree(a, b)[0]:
            continue
        if a.dtype != b.dtype or a.shape != b.shape or a.dtype.kind != "f":
            return None
        errors = [_distance(each, truth) for each in (a, b)]
        if not errors[0] <= errors[1]:
            return None
        worst = [max(pair) for pair in zip(worst, errors, strict=True)]
    return f"a run in float64 is nearer to the result, {worst[0]:.1e}, than to the original, {worst[1]:.1e}"


def _unsteady(original: Reference, doubtful: Sequence[tuple[Arrays, tuple[Any, ...], tuple[Any, ...]]]) -> str | None:
    """Say how much the original's own results change with the last bits of its weights; None where they change less."""
    if not any(node.op in _STEPS or (node.op.foreign and "Quant" in node.op.name) for node in original.graph.nodes):
        return None
    worst = [0.0, 0.0]
    try:
        others = [original.engine(_nudged(original.graph, seed)) for seed in range(SEEDS)]
        for arrays, given, wanted in doubtful:
            drawn = [other(arrays) for other in others]
            for i, (a, b) in enumerate(zip(given, wanted, strict=True)):
                if agree(a, b)[0]:
                    continue
                if a.shape != b.shape or a.dtype != b.dtype or a.dtype.kind != "f":
                    return None
                errors = _distance(a, b), max(_distance(each[i], b) for each in drawn)
                if not errors[0] <= 2 * errors[1]:
                    return None
                worst = [max(pair) for pair in zip(worst, errors, strict=True)]
    except (Error, ValueError):
        return None
    return f"with other last bits in its weights the original changes by {worst[1]:.1e}, here by {worst[0]:.1e}"


def _nudged(graph: Graph, seed: int) -> Graph:
    """Return a graph whose weights, constants of 16 floats and more, are other in their last three bits."""
    generator = np.random.default_rng(seed)

    def visit(node: Node) -> Value | None:
        data = data_of(node.outputs[0]) if node.op is constant else None
        if data is None or data.repeats or data.dtype.name not in ("float32", "float64") or data.size < 16:
            return None
        held = np.frombuffer(data.read(), data.dtype.name)
        moved = held * (1 + _NUDGE * np.finfo(held.dtype).eps * generator.uniform(-1, 1, held.shape))
        return constant(data=TensorData(data.tensor, moved.astype(held.dtype).tobytes()))

    return graph.rewrite(visit)


def _distance(a: Any, truth: Any) -> float:
    """Return the largest difference; not a number where there is a NaN or an infinity."""
    with np.errstate(invalid="ignore"):
        return float(np.abs(a.astype(np.float64) - truth).max(initial=0))


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
