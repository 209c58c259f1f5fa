"""Running the `nnvm` command in this process, and small ONNX files to run it on."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from nnvm.cli import main


def nnvm(*arguments: object) -> tuple[int, Any, str]:
    """Run the command; return its exit code, its stdout (parsed where --json was given) and its stderr."""
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    out, err = StringIO(), StringIO()
    old, sys.argv = sys.argv, ["nnvm", *map(str, arguments)]
    code = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    finally:
        sys.argv = old
    text = out.getvalue()
    return code, json.loads(text) if "--json" in arguments and text else text, err.getvalue()


def save_model(
    path: Path, nodes: list[Any], inputs: dict[str, Any], outputs: dict[str, Any], weights: dict[str, Any] | None = None
) -> Path:
    """Write a small float32 model of opset 17."""
    values = [
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in some.items()] for some in (inputs, outputs)
    ]
    initializers = [numpy_helper.from_array(np.asarray(array), name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "small", *values, initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def small_model(path: Path) -> Path:
    """Write relu(x @ w + 0) * 1 with an identity behind it."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Add", ["a", "zero"], ["b"]),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Mul", ["c", "one"], ["d"]),
        helper.make_node("Identity", ["d"], ["y/out"]),
    ]
    weights = {
        "w": np.arange(12, dtype=np.float32).reshape(3, 4) - 5,
        "zero": np.zeros(4, np.float32),
        "one": np.float32(1),
    }
    return save_model(path, nodes, {"x": ["batch", 3]}, {"y/out": ["batch", 4]}, weights)
