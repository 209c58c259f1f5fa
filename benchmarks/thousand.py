"""What we add, on a file of a thousand nodes, to reading it."""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from benchmarks.figures import cpu
from benchmarks.residual import Row, residual, wanted

NODES = 1_000
BUDGET = 0.1


def write_model(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as an ONNX file."""
    nodes = [
        helper.make_node(name.capitalize(), [f"v{i}" for i in (first, second) if i >= 0], [f"v{number}"])
        for number, (name, first, second) in enumerate(rows, 1)
    ]
    ends = [helper.make_tensor_value_info(f"v{i}", TensorProto.FLOAT, [32, 64]) for i in (0, *wanted(rows))]
    graph = helper.make_graph(nodes, "thousand", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)


def own_share(repeats: int = 7) -> float | None:
    """Return our CPU seconds of load, optimise and plan, less onnx-ir's for reading the file."""
    try:
        import onnx_ir

        from nnvm.frontends import load
        from nnvm.pipeline import compile, optimize
    except ImportError:
        return None
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "thousand.onnx"
        write_model(residual(NODES), path)
        for _ in range(repeats + 1):
            reading = cpu(lambda: onnx_ir.load(path))[0]
            shares.append(cpu(lambda: compile(optimize(load(path))))[0] - reading)
    return statistics.median(shares[1:])
