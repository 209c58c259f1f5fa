"""How ONNX Runtime runs a graph, where it is installed."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnvm.errors import Error
from nnvm.frontends.onnx import save
from nnvm.ir import Graph

Run = Callable[[Mapping[str, Any]], tuple[Any, ...]]


def runner(graph: Graph) -> Run:
    """Return what runs a graph as it is written, without ONNX Runtime's own rewrites, on one thread.

    It maps arrays by input name to the outputs in order; of a sequence or a map the elements, in one array. Raises
    Error where ONNX Runtime is not installed, or refuses the graph or its inputs.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise Error("ONNX Runtime is not installed; run: pip install onnxruntime") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        save(graph, path)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors share no base class of their own
            raise _refused(error) from error
    fed = {port.name for port in session.get_inputs()}
    names = list(graph.output_names)

    def run(arrays: Mapping[str, Any]) -> tuple[Any, ...]:
        try:
            found = session.run(names, {name: array for name, array in arrays.items() if name in fed})
        except Exception as error:
            raise _refused(error) from error
        return tuple(each if isinstance(each, np.ndarray) else _elements(each) for each in found)

    return run


def _refused(error: Exception) -> Error:
    return Error(f"ONNX Runtime cannot run it: {' '.join(str(error).split())[:300]}")


def _elements(thing: Any) -> Any:
    """Return all numbers or texts in a list, a map or what is optional, in an order that depends on keys alone."""
    if thing is None:
        return np.zeros(0)
    if isinstance(thing, Mapping):
        thing = [thing[key] for key in sorted(thing)]
    if isinstance(thing, float):
        return np.asarray([thing], np.float32)
    if not isinstance(thing, list):
        return np.asarray(thing).reshape(-1)
    return np.concatenate([_elements(each) for each in thing]) if thing else np.zeros(0)
