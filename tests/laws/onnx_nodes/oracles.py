"""What others make of a node: ONNX Runtime, onnx.reference, and either of them in wider numbers."""

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from tests.laws.onnx_nodes.drawing import PLAIN, Array, Case, number_of

Given = Callable[[onnx.ModelProto, dict[str, Any]], list[Array]]
NARROW: Final = ("float16", "bfloat16")


def model_of(type: str, opset: int, case: Case, constants: set[int]) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """Return a model of one node, some of whose inputs are initializers, and what to feed it."""
    names = ["" if each is None else f"x{i}" for i, each in enumerate(case.inputs)]
    attributes = {
        key: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for key, value in case.attributes.items()
    }
    node = helper.make_node(type, names, case.outputs, name="it", **attributes)
    kept = {i: each for i, each in enumerate(case.inputs) if each is not None and i in constants}
    fed = {f"x{i}": each for i, each in enumerate(case.inputs) if each is not None and i not in constants}
    ports = [helper.make_tensor_value_info(name, number_of(each.dtype), each.shape) for name, each in fed.items()]
    held = [numpy_helper.from_array(each, f"x{i}") for i, each in kept.items()]
    outputs = [onnx.ValueInfoProto(name=name) for name in case.outputs if name]
    graph = helper.make_graph([node], "one", ports, outputs, held)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10 if opset < 23 else 11)
    return onnx.shape_inference.infer_shapes(made), fed


def by_runtime(model: onnx.ModelProto, feeds: dict[str, Array]) -> list[Array]:
    """Compute by ONNX Runtime, without its optimiser; what NumPy has no type for goes in as constants, out as casts."""
    import onnxruntime

    made = onnx.ModelProto.FromString(model.SerializeToString())
    given = dict(feeds)
    for port in list(made.graph.input):
        if given[port.name].dtype.name not in PLAIN:
            made.graph.initializer.append(numpy_helper.from_array(given.pop(port.name), port.name))
            made.graph.input.remove(port)
    exotic = {}
    for port in made.graph.output:
        number = port.type.tensor_type.elem_type
        if number and helper.tensor_dtype_to_np_dtype(number).name not in PLAIN:
            made.graph.node.append(helper.make_node("Cast", [port.name], [f"{port.name}.wide"], to=1))
            exotic[f"{port.name}.wide"] = helper.tensor_dtype_to_np_dtype(number)
            port.CopyFrom(helper.make_tensor_value_info(f"{port.name}.wide", 1, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = session.run(None, given)
    return [
        each.astype(exotic[port.name]) if port.name in exotic else each
        for port, each in zip(made.graph.output, found, strict=True)
    ]


def by_reference(model: onnx.ModelProto, feeds: dict[str, Array]) -> list[Array]:
    """Compute by onnx.reference."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return [np.asarray(each) for each in ReferenceEvaluator(model).run(None, feeds)]


def widened(case: Case, dtype: Any) -> Case | None:
    """Return the case with its short floats as long ones, which every oracle knows; None where it has none."""
    if not any(each is not None and each.dtype.name in NARROW for each in case.inputs):
        return None
    inputs = [
        each.astype(dtype) if each is not None and each.dtype.name in NARROW else each for each in case.inputs
    ]
    return Case(inputs, case.attributes, case.outputs, fixed=case.fixed, loose=case.loose)


STEP: Final = {
    "float64": 1e-10, "float32": 1e-5, "float16": 2e-3, "bfloat16": 1.6e-2, "float8_e4m3fn": 0.13,
    "float8_e4m3fnuz": 0.13, "float8_e5m2": 0.26, "float8_e5m2fnuz": 0.26, "float4_e2m1fn": 0.5, "float8_e8m0fnu": 1.0,
}  # fmt: skip
"""How far two floats of a type may be apart, by the largest of them."""


def difference(found: Array, wanted: Array, loose: float) -> str | None:
    """Say how two arrays differ, None where they do not but for rounding."""
    if found.dtype != wanted.dtype or found.shape != wanted.shape:
        return f"{found.dtype}{list(found.shape)} for {wanted.dtype}{list(wanted.shape)}"
    if found.dtype.name not in STEP:
        same = np.array_equal(found, wanted)
        return None if same else f"{found.tolist()} for {wanted.tolist()}"
    a, b = found.astype(np.float64), wanted.astype(np.float64)
    finite = np.isfinite(b)
    alike = np.array_equal(np.isnan(a), np.isnan(b)) and np.array_equal(a[np.isinf(b)], b[np.isinf(b)])
    step = STEP[found.dtype.name] * loose
    near = alike and np.all(np.abs(a - b)[finite] <= step * (np.abs(b[finite]) + np.abs(b[finite]).max(initial=1e-3)))
    return None if near else f"{a.tolist()} for {b.tolist()}"
