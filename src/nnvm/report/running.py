"""What the command says of a run: what came out, how long it took, the bytes, and what another engine says."""

import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from nnvm.errors import Error
from nnvm.ir import Graph, TensorType
from nnvm.pipeline import backend as find_backend
from nnvm.pipeline import compile

PROGRAM_SUFFIX: Final = ".nnp"


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

    from nnvm.ir import named_input, tensor_type
    from nnvm.ir.dims import dim
    from nnvm.ir.types import dtype
    from nnvm.trial_inputs import candidate_bindings, open_dimensions, random_inputs

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
    from nnvm.judging import agree

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
