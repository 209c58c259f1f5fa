"""How much memory a 2.5 GB model costs the command: `python -m benchmarks.big_file`."""

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.machine import describe, unslow
from benchmarks.table import Cell, table

WIDTH = 8192
DENSE = 64
"""Rows and columns at the front of each weight that are not zero: all that the file takes on disk."""
BUDGET_MB = 300
SAMPLE_SECONDS = 0.005
NNVM = [sys.executable, "-c", "from nnvm.cli import main; main()"]


def main() -> None:
    """Make the model, run the command on it, and print the peaks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.big_file", description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.5)
    parser.add_argument("--folder", type=Path, help="where the model goes, and what is saved of it (3 times its size)")
    parser.add_argument(
        "--no-check", action="store_true", help="leave out `nnvm opt` with its check, which runs the model"
    )
    options = parser.parse_args()
    unslow("benchmarks.big_file")
    print(describe("onnx", "onnx-ir"))
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        model = make_model(Path(folder), options.gigabytes)
        data = model.with_name("big.data").stat()
        print(
            f"{model.name}: {data.st_size / 1e9:.2f} GB of weights, {data.st_blocks * 512 / 1e6:.1f} MB on disk\n",
            flush=True,
        )
        print(table("Peak of anonymous memory, MB", HEADS, _rows(model, options.no_check)))


HEADS = ("command", "above bare Python", "budget", "met", "seconds", "exit")


def make_model(folder: Path, gigabytes: float = 2.5) -> Path:
    """Write a chain of Gemm and MatMul of sparse external weights, with a few nodes to fold, and return its path.

    The weights are 8192 x 8192 float32, zero but for a random corner; free batch dimension N; opset 17.
    """
    layers = max(1, math.ceil(gigabytes * 1e9 / (WIDTH * WIDTH * 4)))
    random = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    small = [numpy_helper.from_array(np.array(x, np.float32), name) for name, x in (("half", 0.5), ("two", 2))]
    with (folder / "big.data").open("wb") as data:
        weights = [_sparse_weight(data.fileno(), layer, random) for layer in range(layers)]
    x = "x"
    for layer in range(layers):
        nodes += _layer(layer, x)
        x = f"h{layer}"
        bias = random.normal(0, 0.1, WIDTH).astype(np.float32)
        small.append(numpy_helper.from_array(bias, f"b{layer}"))
    nodes.append(helper.make_node("Identity", [x], ["y"]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", WIDTH]) for name in "xy"]
    graph = helper.make_graph(nodes, "big", ends[:1], ends[1:], [*weights, *small])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "big.onnx"
    path.write_bytes(model.SerializeToString())
    onnx.checker.check_model(path)
    return path


def _sparse_weight(file: int, layer: int, random: np.random.Generator) -> TensorProto:
    """Add a weight to the data file as a hole with a random corner, and return the tensor that points there."""
    start, length = layer * WIDTH * WIDTH * 4, WIDTH * WIDTH * 4
    os.truncate(file, start + length)
    corner = random.normal(0, (2 / DENSE) ** 0.5, (DENSE, DENSE)).astype(np.float32)
    for row, values in enumerate(corner):
        os.pwrite(file, values.tobytes(), start + row * WIDTH * 4)
    tensor = TensorProto(name=f"w{layer}", data_type=TensorProto.FLOAT, dims=[WIDTH, WIDTH])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "big.data"), ("offset", start), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _layer(layer: int, x: str) -> Iterator[onnx.NodeProto]:
    """Yield relu(x w + b), a Gemm and a MatMul in turns, behind a factor 0.5 * 2 that folds away."""
    yield helper.make_node("Mul", ["half", "two"], [f"one{layer}"])
    yield helper.make_node("Mul", [x, f"one{layer}"], [f"s{layer}"])
    if layer % 2:
        yield helper.make_node("MatMul", [f"s{layer}", f"w{layer}"], [f"m{layer}"])
        yield helper.make_node("Add", [f"m{layer}", f"b{layer}"], [f"a{layer}"])
    else:
        yield helper.make_node("Gemm", [f"s{layer}", f"w{layer}", f"b{layer}"], [f"a{layer}"])
    yield helper.make_node("Relu", [f"a{layer}"], [f"h{layer}"])


def _rows(model: Path, no_check: bool) -> Iterator[Sequence[Cell]]:
    bare = peak_anonymous([sys.executable, "-c", "import time; time.sleep(0.3)"])[0]
    output = str(model.with_name("out.onnx"))
    check_budget = BUDGET_MB + model.with_name("big.data").stat().st_size / 1e6
    runs: list[tuple[str, list[str], float]] = [
        ("nnvm show", ["show", str(model)], BUDGET_MB),
        ("nnvm opt --no-check", ["opt", str(model), "-o", output, "--no-check"], BUDGET_MB),
        ("nnvm opt", ["opt", str(model), "-o", output], check_budget),
    ]
    for name, arguments, budget in runs[: 2 if no_check else 3]:
        peak, seconds, status = peak_anonymous([*NNVM, *arguments])
        above = (peak - bare) / 1e6
        met = "-" if status else "yes" if above <= budget else "NO"
        yield name, above, budget, met, seconds, str(status)


def peak_anonymous(command: Sequence[str]) -> tuple[int, float, int]:
    """Run a command; return the highest RssAnon of it and its children together, in bytes, seconds and exit code."""
    start = time.perf_counter()
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(anonymous_bytes, _family(process.pid))))
            time.sleep(SAMPLE_SECONDS)
        assert process.stderr is not None
        said = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        print(f"{' '.join(command[3:])}: {said.splitlines()[-1] if said else 'no message'}", file=sys.stderr)
    return peak, time.perf_counter() - start, process.returncode


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all that it started."""
    waiting = [pid]
    while waiting:
        here = waiting.pop()
        yield here
        try:
            waiting += map(int, Path(f"/proc/{here}/task/{here}/children").read_text().split())
        except OSError:
            continue


def anonymous_bytes(pid: int) -> int:
    """Return the anonymous memory of a process, 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    line = next((line for line in status.splitlines() if line.startswith("RssAnon:")), "RssAnon: 0 kB")
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
