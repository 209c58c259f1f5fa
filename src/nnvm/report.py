"""What the command prints, as plain objects: the figures of a graph, of an optimisation, of a plan, of a run."""

import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from nnvm.attrs import macs
from nnvm.dumps import dumper, scratch_for, write_repro, write_text
from nnvm.errors import Error
from nnvm.ir import Graph, TensorType, data_of, operators
from nnvm.ir.dims import Size
from nnvm.ir.provenance import account_of
from nnvm.ir.types import Type, UnknownRank
from nnvm.options import options_of, type_text
from nnvm.passes import DEFAULT
from nnvm.pipeline import PassError, PassRun, all_passes, compile, count_nodes, operator_counts, optimize
from nnvm.pipeline import backend as find_backend
from nnvm.verifying import Verifier

PROGRAM_SUFFIX: Final = ".nnp"
Working = Callable[[str], AbstractContextManager[None]]


def plain(thing: Any) -> Any:
    """Return an object that JSON can hold; dimensions, and whatever else it does not know, become their text."""
    if isinstance(thing, Mapping):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [plain(value) for value in thing]
    return thing if thing is None or isinstance(thing, (str, int, float)) else str(thing)


def show(graph: Graph) -> dict[str, Any]:
    """Return what `nnvm show` says of a graph."""
    constants = [data for node in graph.nodes if (data := data_of(node.outputs[0])) is not None]
    work: Size = 0
    for node in operators(graph):
        cost = macs.get(node.op)
        try:
            work = work + (cost(node) if cost is not None else 0)
        except UnknownRank:
            continue
    return {
        "nodes": count_nodes(graph),
        "operators": operator_counts(graph),
        "inputs": [_row(value.name, value.type) for value in graph.inputs],
        "outputs": [_row(name, value.type) for name, value in zip(graph.output_names, graph.outputs, strict=True)],
        "parameters": sum(data.size for data in constants),
        "parameter_bytes": sum(data.nbytes for data in constants if not isinstance(data.source, tuple)),
        "macs": work if isinstance(work, int) else str(work),
    }


def provenance(graph: Graph, name: str) -> dict[str, Any]:
    """Return where a node comes from, by its name: its sources, who made it, or what became of it."""
    found = account_of(graph, name)
    if found is None:
        known = [node.name for node in graph.nodes if node.name is not None]
        near = get_close_matches(name, known, 3)
        raise Error(f"there is no node {name!r}{', did you mean ' + ' or '.join(map(repr, near)) if near else ''}")
    return found


def _row(name: str, type: Type | None) -> dict[str, Any]:
    if not isinstance(type, TensorType):
        return {"name": name, "dtype": None if type is None else str(type), "shape": None}
    shape = (
        None
        if type.shape_or_none is None
        else [size if isinstance(size, int) else str(size) for size in type.shape_or_none]
    )
    return {"name": name, "dtype": type.dtype.name, "shape": shape}


def optimise(
    load: Callable[[], Graph],
    output: Path | None,
    *,
    passes: str | Sequence[str] | None,
    check: bool,
    verify_each: bool,
    seed: int,
    limits: tuple[float, float] | None,
    working: Working,
    stop_after: int | None = None,
    dump: Path | None = None,
    watchers: Sequence[Callable[[PassRun], None]] = (),
    provenance: bool = False,
    replay: bool = False,
) -> dict[str, Any]:
    """Load, optimise, check and save a model; what is not equivalent is not saved.

    `watchers` see every run of a pass. With the folder `dump`, graphs are written there as they change. What replays a
    failing pass goes there too, or to a temporary folder, but for a failure that is a `replay`. With
    `provenance` what is saved says where it comes from; within `recording`, down to the file's own nodes.
    """
    start = time.perf_counter()
    original = load()
    rows: list[dict[str, Any]] = []
    seers = [*watchers, *([] if dump is None else [dumper(dump)])]

    def see(run: PassRun) -> None:
        rows.append(_pass_row(run, verify_each))
        for each in seers:
            each(run)

    checker = Verifier(seed, limits) if verify_each else False
    try:
        with working("optimising"):
            changed = optimize(
                original, passes, report=see, verify_each=checker, stop_after=stop_after, provenance=provenance
            )
    except PassError as failure:
        if replay:
            raise
        folder = dump or scratch_for(failure.before)
        if folder is None:
            raise Error(f"{failure}; to keep what replays it, give --dump-dir DIR") from failure
        path = write_repro(folder, failure, seed=seed, limits=limits, verify_each=verify_each)
        raise Error(f"{failure}; replay it: nnvm opt --repro {path}") from failure
    seconds = time.perf_counter() - start
    result: dict[str, Any] = {"before": show(original), "after": show(changed), "seconds": 0.0}
    start = time.perf_counter()
    with working("checking"):
        result |= _check(original, changed, seed, limits) if check else _unchecked()
    result["check_seconds"] = time.perf_counter() - start if check else 0.0
    start = time.perf_counter()
    if output is not None and result["equivalent"] is not False:
        from nnvm.frontends import save

        with working(f"saving {output}"):
            save(changed, output)
    result["seconds"] = seconds + time.perf_counter() - start
    result["passes"] = rows
    return result


def _pass_row(run: PassRun, verified: bool) -> dict[str, Any]:
    """Say what a run of a pass did; `unchecked` is there under verification, and null where the check was whole."""
    row = {"name": run.name, "seconds": run.seconds, "nodes": run.nodes, "changed": run.changed}
    row["options"] = dict(run.stage.options)
    return {**row, "unchecked": run.unchecked} if verified else row


def passes() -> dict[str, Any]:
    """Return what `nnvm passes` says: every pass, those of the default pipeline first, what it does and its options."""
    rows = {}
    for name, each in all_passes().items():
        options = {
            option: {"type": type_text(known.annotation)}
            | ({} if known.default is known.empty else {"default": known.default})
            for option, known in options_of(each).items()
        }
        doc = (getattr(each, "__doc__", None) or "").strip()
        rows[name] = {"doc": doc.partition("\n")[0], "options": options, "in_default": each in DEFAULT}
    return rows


def _unchecked() -> dict[str, Any]:
    return {
        "equivalent": None,
        "insensitive": [],
        "rtol": None,
        "atol": None,
        "bindings": [],
        "refused": [],
        "max_abs_error": None,
        "differs": None,
        "judged": None,
    }


def _check(original: Graph, changed: Graph, seed: int, limits: tuple[float, float] | None) -> dict[str, Any]:
    from nnvm.equivalence import compare

    try:
        found = compare(original, changed, seed=seed, limits=limits)
    except Error as error:
        raise Error(f"the result could not be checked: {error}; --no-check saves it unproven") from error
    keys = ("equivalent", "insensitive", "rtol", "atol", "bindings", "refused", "max_abs_error", "differs", "judged")
    return {key: getattr(found, key) for key in keys}


def plan(
    graph: Graph,
    *,
    backend: str,
    io: str,
    alignment: int,
    buffers: bool,
    save: Path | None,
    explain: bool = False,
    accumulate: bool = True,
    donate: Sequence[str] = (),
    pictures: Mapping[str, Path | None] | None = None,
    title: str = "plan",
) -> dict[str, Any]:
    """Return what `nnvm plan` says of a graph; `save` writes the Program, `pictures` its arena as html and png."""
    start = time.perf_counter()
    program = compile(graph, backend, io=io, alignment=alignment, accumulate=accumulate, donate=donate).program
    result = {**program.meta["plan"], "backend": backend, "seconds": time.perf_counter() - start}
    if buffers:
        result["buffers"] = _buffers(program, result["binding"])
    if explain:
        told = program.explain()
        result["explain"] = told.report() | {"text": str(told)}
    _draw_plan(program, title, pictures or {})
    if save is not None:
        program.save(save)
    return result


def _draw_plan(program: Any, title: str, paths: Mapping[str, Path | None]) -> None:
    """Write pictures of a plan where they were asked for."""
    page, still = paths.get("html"), paths.get("png")
    if page is None and still is None:
        return
    from nnvm.pictures import plan_html, plan_png

    if page is not None:
        write_text(page, plan_html(program, title))
    if still is not None:
        try:
            still.write_bytes(plan_png(program, title))
        except OSError as error:
            raise Error(f"{still} cannot be written: {error.strerror or error}") from error


def _buffers(program: Any, binding: Mapping[str, int]) -> list[dict[str, Any]]:
    """List the arena's buffers where they lie at the binding, each with the first and last step that touches it."""
    from nnvm.runtime.lives import Lives

    rows = []
    for life in Lives(program, binding).buffers:
        alias = None if life.root == life.number else program.buffers[life.root].name
        span = {"first": life.first, "last": life.last, "alias_of": alias}
        rows.append({"name": life.name, "offset": life.offset, "size": life.size, **span})
    return rows


def load_program(path: str) -> Any:
    """Load a saved Program."""
    from nnvm.runtime.program import load

    return load(path)


def run(
    loaded: Any,
    model: str,
    files: Mapping[str, str],
    save: Path | None,
    *,
    backend: str,
    runs: int,
    compare: str | None,
    seed: int,
    limits: tuple[float, float] | None,
    binding: Mapping[str, int],
) -> dict[str, Any]:
    """Run a graph or a saved Program, and return what `nnvm run` says."""
    executable: Any = (
        compile(loaded, backend) if isinstance(loaded, Graph) else find_backend(loaded.backend).run(loaded)
    )
    arrays = _inputs(loaded, executable.program, files, seed, limits, binding)
    seconds, outputs = _timed(lambda: executable.run(arrays), runs)
    names = executable.program.output_names
    result: dict[str, Any] = {
        "outputs": [_summary(name, array) for name, array in zip(names, outputs, strict=True)],
        "runs": runs,
        "seconds_median": seconds,
        "backend": executable.program.backend,
        "workers": 1,
        "fallbacks": {},
        "planned_bytes": executable.stats.planned_bytes,
        "adopted_bytes": executable.stats.adopted_bytes,
        "transient_bytes": _transient(executable, arrays, outputs),
    }
    if compare is not None:
        result["compared"] = _compare(compare, model, arrays, dict(zip(names, outputs, strict=True)), runs)
    if save is not None:
        _save_arrays(save, dict(zip(names, outputs, strict=True)))
    return result


def _timed(call: Callable[[], Any], runs: int) -> tuple[float, Any]:
    outputs = call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        outputs = call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), outputs


def _inputs(
    loaded: Any,
    program: Any,
    files: Mapping[str, str],
    seed: int,
    limits: tuple[float, float] | None,
    binding: Mapping[str, int],
) -> dict[str, Any]:
    import numpy as np

    from nnvm.equivalence import candidate_bindings, open_dimensions, random_inputs
    from nnvm.ir import named_input, tensor_type
    from nnvm.ir.dims import dim
    from nnvm.ir.types import dtype

    if isinstance(loaded, Graph):
        graph = loaded
    else:
        found = []
        for i in program.inputs:
            buffer = program.buffers[i]
            shape = tuple(dim(size) if isinstance(size, str) else size for size in buffer.shape)
            found.append(named_input(buffer.name, tensor_type(dtype(buffer.dtype), shape)))
        graph = Graph((), found)
    unknown = sorted(set(files) - {value.name for value in graph.inputs})
    if unknown:
        raise Error(
            f"there is no input {', '.join(unknown)}; the inputs are {', '.join(value.name for value in graph.inputs)}"
        )
    given = {}
    for name, path in files.items():
        try:
            given[name] = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise Error(f"{path} cannot be read as the values of {name}: {error}") from error
    rest = [value for value in graph.inputs if value.name not in given]
    if not rest:
        return given
    open_dims = open_dimensions(graph)
    sample = dict(program.meta.get("plan", {}).get("binding", {})) or candidate_bindings(graph)[0]
    shapes = {name: array.shape for name, array in given.items()}
    for value in graph.inputs:
        if value.name in shapes and isinstance(value.type, TensorType) and len(value.shape) == len(shapes[value.name]):
            sample |= {
                str(size): length
                for size, length in zip(value.shape, shapes[value.name], strict=True)
                if str(size) in open_dims
            }
    return given | random_inputs(graph, {**sample, **binding}, seed, limits, given)


def _summary(name: str, array: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "dtype": array.dtype.name, "shape": list(array.shape)}
    if array.ndim and array.size and array.dtype.kind in "fiu" and array.size // array.shape[-1] == 1:
        best = int(array.reshape(-1).argmax())
        row["top"] = {"index": best, "value": float(array.reshape(-1)[best])}
    return row


def _transient(executable: Any, arrays: Mapping[str, Any], outputs: Sequence[Any]) -> int:
    """Measure what one run allocates beside what was planned, adopted and handed out."""
    tracemalloc.start()
    try:
        results = executable.run(arrays)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return max(0, int(peak) - sum(int(array.nbytes) for array in results) - int(executable.stats.adopted_bytes))


def _compare(
    engine: str, model: str, arrays: Mapping[str, Any], outputs: Mapping[str, Any], runs: int
) -> dict[str, Any]:
    from nnvm.equivalence import agree

    if engine != "onnxruntime":
        raise Error(f"there is no engine {engine!r} to compare with; there is: onnxruntime")
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise Error("onnxruntime is not installed; run: pip install onnxruntime") from error
    onnxruntime.set_default_logger_severity(3)
    try:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        seconds, theirs = _timed(lambda: session.run(list(outputs), dict(arrays)), runs)
    except Exception as error:  # onnxruntime's errors share no base class of their own
        raise Error(f"onnxruntime cannot run {model}: {error}") from error
    answers = [agree(ours, other) for ours, other in zip(outputs.values(), theirs, strict=True)]
    return {
        "engine": engine,
        "equivalent": all(same for same, _ in answers),
        "max_abs_error": max((error for _, error in answers), default=0.0),
        "seconds_median": seconds,
    }


def _save_arrays(folder: Path, arrays: Mapping[str, Any]) -> None:
    import numpy as np

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in arrays.items():
            np.save(folder / f"{name.replace('/', '_')}.npy", array)
    except OSError as error:
        raise Error(f"{folder} cannot be written: {error.strerror}") from error


def shape_text(shape: Sequence[Any] | None) -> str:
    """Write a shape as people do."""
    return "of unknown rank" if shape is None else "[" + ", ".join(map(str, shape)) + "]"


def size_text(size: int) -> str:
    """Write bytes as people do."""
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


def top_text(row: Mapping[str, Any]) -> str:
    """Write the largest element of a vector of answers."""
    return f", top answer {row['top']['index']} ({row['top']['value']:.4f})" if "top" in row else ""
