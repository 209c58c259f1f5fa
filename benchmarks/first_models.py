"""What becomes of the first two real models, beside onnxslim and ONNX Runtime: `python -m benchmarks.first_models`."""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from benchmarks.counting import count_nodes
from benchmarks.machine import describe, unslow
from benchmarks.refill import check_sensitive, random_inputs, refill
from benchmarks.table import Cell, table

NNVM = [sys.executable, "-c", "from nnvm.cli import main; main()"]
ONNXSLIM = [sys.executable, "-m", "onnxslim"]
TOLERANCE = 1e-4
SEEDS = 3
Shapes = Mapping[str, Sequence[int]]


class Model(NamedTuple):
    """A file, the most nodes it may be saved with, the input shapes to try, and the dimensions to plan it at."""

    name: str
    path: Path
    most_nodes: int
    shapes: tuple[Shapes, ...]
    dims: tuple[str, ...]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_models", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0, help="of the refilled weights and of the inputs")
    options = parser.parse_args()
    unslow("benchmarks.first_models")
    print(describe("numpy", "onnxruntime", "onnxslim", "onnx-ir") + "\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for model in models(Path(folder), options.seed):
            report(model, Path(folder), options.repeats, options.seed)


def models(folder: Path, seed: int) -> Iterator[Model]:
    """Yield the models that are installed, the one without real weights refilled; say which are missing."""
    classifier = _packaged("rapidocr_onnxruntime", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx")
    if classifier is not None:
        sizes = ([1, 3, 48, 192], [7, 3, 48, 192], [2, 3, 32, 100], [1, 3, 64, 331])
        dims = ("x.0=1", "x.2=48", "x.3=192")
        yield Model("PP-OCR cls", classifier, 179, tuple({"x": size} for size in sizes), dims)
    squeezenet = _packaged("onnx", "backend/test/data/light/light_squeezenet.onnx")
    if squeezenet is not None:
        refilled = refill(squeezenet, folder / "squeezenet.onnx", seed=seed)
        yield Model("light_squeezenet, refilled", refilled, 65, ({},), ())


def _packaged(package: str, path: str) -> Path | None:
    found = find_spec(package)
    if found is None or found.origin is None:
        print(f"{package} is not installed: {path} is missing\n")
        return None
    return Path(found.origin).parent / path


def report(model: Model, folder: Path, repeats: int, seed: int) -> None:
    """Print the tables of one model."""
    moved = check_sensitive(onnx.load(model.path), model.shapes[0], seed=seed)
    said = ", ".join(f"{name} {share:.0%}" for name, share in moved.items())
    print(f"{model.name}: two random inputs move {said} of its norm")
    ours, slim = folder / "ours.onnx", folder / "slim.onnx"
    try:
        optimize_ours(model.path, ours)
    except ImportError as error:
        print(f"nnvm cannot do it yet: {error}\n")
        return
    optimize_slim(model.path, slim)
    print(table("Optimise", OPTIMISE_HEADS, _optimised(model, ours, slim, repeats)) + "\n")
    print(
        table(
            "Max error over max |expected|, against ONNX Runtime on the original",
            ERROR_HEADS,
            _errors(model, ours, seed),
        )
        + "\n"
    )
    print(table("Plan, bytes", ["what", "found"], _plan(ours, model.dims)) + "\n")
    print(
        table("Latency, median ms", ["engine", "ms", "over ORT 1 thread"], _latency(model, ours, repeats, seed)) + "\n"
    )


OPTIMISE_HEADS = ("by", "nodes", "at most", "met", "load-optimise-save s", "over onnxslim", "fresh process s")
ERROR_HEADS = ("input shapes", "ORT on ours", "NumPy run", "at most", "met")


def optimize_ours(source: Path, target: Path) -> None:
    """Load, optimise and save with nnvm, to a file that is not there yet: replacing one waits for the disk."""
    from nnvm.frontends import load, save
    from nnvm.pipeline import optimize

    target.unlink(missing_ok=True)
    save(optimize(load(source)), target)


def optimize_slim(source: Path, target: Path) -> None:
    """Load, optimise and save with onnxslim, which prints what it did."""
    import onnxslim

    with redirect_stdout(StringIO()):
        target.unlink(missing_ok=True)
        onnxslim.slim(str(source), str(target))


def _optimised(model: Model, ours: Path, slim: Path, repeats: int) -> list[list[Cell]]:
    inside = alternate([lambda: optimize_ours(model.path, ours), lambda: optimize_slim(model.path, slim)], repeats)
    fresh = alternate([_fresh_ours(model.path, ours), _fresh_slim(model.path, slim)], max(3, repeats // 2))
    nodes = count_nodes(ours)
    most = model.most_nodes
    return [
        ["the file", count_nodes(model.path), "-", "-", "-", "-", "-"],
        ["nnvm", nodes, most, "yes" if nodes <= most else "NO", inside[0], f"{inside[0] / inside[1]:.2f}", fresh[0]],
        ["onnxslim", count_nodes(slim), "-", "-", inside[1], "1", fresh[1]],
    ]


def _fresh_ours(source: Path, target: Path) -> Callable[[], object]:
    command = [*NNVM, "opt", str(source), "-o", str(target), "--no-check"]
    return lambda: subprocess.run(command, check=True, capture_output=True)


def _fresh_slim(source: Path, target: Path) -> Callable[[], object]:
    return lambda: subprocess.run([*ONNXSLIM, str(source), str(target)], check=True, capture_output=True)


def alternate(calls: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Return the median seconds of each call, the calls taking turns after one turn that does not count."""
    taken: list[list[float]] = [[] for _ in calls]
    for turn in range(repeats + 1):
        for call, seconds in zip(calls, taken, strict=True):
            start = time.perf_counter()
            call()
            if turn:
                seconds.append(time.perf_counter() - start)
    return [statistics.median(seconds) for seconds in taken]


def session(path: Path, threads: int = 0) -> Any:
    """Open a file in ONNX Runtime; 0 threads leaves their number to it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def compiled(path: Path) -> Callable[..., Sequence[Any]]:
    """Compile a saved file for our NumPy backend."""
    from nnvm.frontends import load
    from nnvm.pipeline import compile, optimize

    found: Callable[..., Sequence[Any]] = compile(optimize(load(path)))
    return found


def _errors(model: Model, ours: Path, seed: int) -> Iterator[list[Cell]]:
    """Yield the largest errors over the seeds for each binding; what the original refuses is listed."""
    original, saved, run = session(model.path), session(ours), compiled(ours)
    proto = onnx.load(model.path)
    for shapes in model.shapes:
        text = ", ".join("x".join(map(str, shape)) for shape in shapes.values()) or "as declared"
        draws = [random_inputs(proto, np.random.default_rng(seed + draw), shapes) for draw in range(SEEDS)]
        try:
            expected = [original.run(None, inputs) for inputs in draws]
        except Exception:  # ONNX Runtime's errors share no other base
            yield [text, "refused by the original", "-", TOLERANCE, "-"]
            continue
        worst = [_worst(call, draws, expected) for call in (lambda inputs: saved.run(None, inputs), run)]
        met = all(isinstance(error, float) and error <= TOLERANCE for error in worst)
        yield [text, *worst, TOLERANCE, "yes" if met else "NO"]


def _worst(call: Callable[[Any], Sequence[Any]], draws: Sequence[Any], expected: Sequence[Sequence[Any]]) -> Cell:
    """Return the largest error of a call over the draws, or in words why there is none."""
    worst = 0.0
    for inputs, wanted in zip(draws, expected, strict=True):
        try:
            found = call(inputs)
        except Exception:
            return "fails"
        worst = max(worst, *map(relative_error, found, wanted))
    return worst if math.isfinite(worst) else "other shape or NaN"


def relative_error(found: Any, expected: Any) -> float:
    """Return the largest difference over the largest expected value; infinite where shapes or NaNs differ."""
    a, b = np.asarray(found), np.asarray(expected)
    if a.shape != b.shape or a.dtype != b.dtype or not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return float("inf")
    difference = np.abs(a.astype(np.float64) - b.astype(np.float64))
    return float(difference.max(initial=0) / max(np.abs(b).max(initial=0), np.finfo(np.float32).tiny))


PLANNED = (
    *("tensors", "naive_bytes", "peak_bytes", "packing_bound_bytes", "packing_status", "order_bound_bytes"),
    *("order_status", "workspace_bytes", "adopted_bytes", "external_bytes", "seconds"),
)


def _plan(ours: Path, dims: Sequence[str]) -> list[list[Cell]]:
    """Ask the command for the plan of what was saved."""
    given = [text for dim in dims for text in ("--set-dim", dim)]
    answer = subprocess.run([*NNVM, "plan", str(ours), "--json", *given], capture_output=True, text=True, check=False)
    if answer.returncode:
        return [["nnvm plan failed", (answer.stderr.strip().splitlines() or ["no message"])[-1]]]
    found = json.loads(answer.stdout)
    return [[key, found.get(key)] for key in PLANNED]


def _latency(model: Model, ours: Path, repeats: int, seed: int) -> list[list[Cell]]:
    inputs = random_inputs(onnx.load(model.path), np.random.default_rng(seed), model.shapes[0])
    run, one, two = compiled(ours), session(model.path, 1), session(model.path, 2)
    calls = [lambda: run(inputs), lambda: one.run(None, inputs), lambda: two.run(None, inputs)]
    seconds = alternate(calls, 3 * repeats)
    names = ("nnvm on NumPy", "ORT on the original, 1 thread", "ORT on the original, 2 threads")
    return [[name, s * 1e3, f"{s / seconds[1]:.2f}"] for name, s in zip(names, seconds, strict=True)]


if __name__ == "__main__":
    main()
