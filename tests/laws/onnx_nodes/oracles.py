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


WHOLE_AS: Final = {
    "OneHot": (np.int64, np.int64, np.float32),
    **dict.fromkeys(
        ("Resize", "Upsample", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", "Shape"), (np.float32,)
    ),
}
"""Which inputs may go in as another type where ONNX Runtime lacks theirs; whole numbers come out cut off."""
AS_AT: Final = {"GlobalLpPool": 21, "RoiAlign": 21}
"""At which opset ONNX Runtime knows the same operator, where it lacks the newest version."""


def widened(type: str, case: Case) -> Case:
    """Return the case with its floats as float32, and steps before the batch, which ONNX Runtime knows."""
    inputs = [
        each.astype(np.float32) if each is not None and each.dtype.name in ("float64", *NARROW) else each
        for each in case.inputs
    ]
    for i, dtype in enumerate(WHOLE_AS.get(type, ())):
        inputs[i] = inputs[i].astype(dtype)
    attributes = dict(case.attributes)
    if attributes.pop("layout", 0):
        inputs = [each.swapaxes(0, 1) if each is not None and i in (0, 5, 6) else each for i, each in enumerate(inputs)]
    return Case(inputs, attributes, case.outputs, fixed=case.fixed, loose=case.loose)


def by_parts(type: str, case: Case) -> list[Array]:
    """Compute a product of quantised numbers as one of the numbers they stand for, which are few and exact."""
    given = [*case.inputs, *[None] * 9]
    if type in ("ConvInteger", "MatMulInteger"):
        a, b, a_zero, b_zero = given[:4]
        first, second = _real(a, a_zero, 1), _real(b, b_zero, 1, filters=type == "ConvInteger")
        return [_product(type, case, first, second).astype(np.int32)]
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero, bias = given[:9]
    first = _real(a, a_zero, a_scale)
    second = _real(b, b_zero, b_scale, filters=type == "QLinearConv")
    found = _product(type, case, first, second)
    if bias is not None:
        found = found + (bias * (float(a_scale) * b_scale)).reshape(1, -1, *[1] * (found.ndim - 2))
    found = found / float(y_scale)
    if "float" in y_zero.dtype.name:
        return [numpy_helper.saturate_cast(found.astype(np.float32), y_zero.dtype)]
    ends = np.iinfo(y_zero.dtype)
    return [np.clip(np.rint(found) + float(y_zero), ends.min, ends.max).astype(y_zero.dtype)]


def _real(steps: Array, zero: Any, scale: Any, filters: bool = False) -> Array:
    """Return the numbers that steps stand for; a filter has a zero point and a scale of its own."""
    shape = (-1, *[1] * (steps.ndim - 1)) if filters else np.shape(zero) if np.ndim(zero) else ()
    less = 0.0 if zero is None else np.asarray(zero).astype(np.float64).reshape(shape)
    times = np.asarray(scale).astype(np.float64)
    return (steps.astype(np.float64) - less) * (times.reshape(shape) if filters else times)


def _product(type: str, case: Case, a: Array, b: Array) -> Array:
    if "MatMul" in type:
        return np.asarray(np.matmul(a, b))
    conv = Case([a.astype(np.float32), b.astype(np.float32)], case.attributes)
    return np.asarray(by_runtime(*model_of("Conv", 11, conv, set()))[0].astype(np.float64))


def back(case: Case, name: str, found: Array) -> Array:
    """Undo what `widened` did to the layout of an output."""
    if not case.attributes.get("layout"):
        return found
    return found.transpose(2, 0, 1, 3) if name == "y0" else found.swapaxes(0, 1)


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
    with np.errstate(invalid="ignore"):  # of what is read as bits, a NaN may be one that signals
        a, b = found.astype(np.float64), wanted.astype(np.float64)
    finite = np.isfinite(b)
    alike = np.array_equal(np.isnan(a), np.isnan(b)) and np.array_equal(a[np.isinf(b)], b[np.isinf(b)])
    step = STEP[found.dtype.name] * loose
    a, b = a[finite], b[finite]
    near = alike and np.all(np.abs(a - b) <= step * (np.abs(b) + np.abs(b).max(initial=1e-3)))
    return None if near else f"{found.tolist()} for {wanted.tolist()}"


RUNTIME_DIFFERS: Final = {
    "AffineGrid": "along an axis of one element it aligns with the first corner",
    "Clip": "a limit left out is the largest finite number",
    "Col2Im": "it mixes pieces up where images have three axes",
    "Dropout": "its mask before opset 12 is false where an element stays",
    "MaxUnpool": "it counts indices in the shape that is asked for",
    "Sign": "that of a short NaN is zero",
}
"""Where onnx.reference judges first."""
REFERENCE_DIFFERS: Final = {
    **dict.fromkeys(("LSTM", "GRU", "RNN"), "it leaves out lengths, clip, activations, and a direction of two"),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), "before opset 13 it is along one axis all the same"),
    **dict.fromkeys(("MaxPool", "AveragePool", "LpPool"), "auto_pad and dilations together, negative pads"),
    **dict.fromkeys(("QLinearConv", "ConvInteger"), "pads, and zero points of filters"),
    "ConvTranspose": "every group has the first one's bias",
    "MeanVarianceNormalization": "it cancels in short floats",
    "LpNormalization": "it drops the sign for p = 1, and takes another default axis",
    "GridSample": "it computes places in the type of the grid, and mixes whole numbers in theirs",
    "Shape": "it clamps ends its own way",
    "LRN": "it takes half of an even window away",
    "QLinearMatMul": "it adds the zero point before it rounds",
    "Resize": "whole numbers are rounded, not cut off",
    "RoiAlign": "it ignores the version",
    "ReduceSumSquare": "it widens short whole numbers",
    "GlobalMaxPool": "it drops axes",
    "Unique": "it takes along the first axis what it finds along another",
}
"""Where ONNX Runtime judges alone, if need be in 32 bits."""
CUT_OFF: Final = ("ReduceLogSum", "ReduceLogSumExp")
"""Where whole numbers are judged as floats that are cut off: ONNX Runtime cuts every term off."""
RUNTIME_DIES: Final = ("Einsum",)
"""Where ONNX Runtime takes the process down with it when an input is empty."""
PARTS: Final = ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")


class Unjudged(Exception):
    """No oracle computes a node."""


def judge(type: str, opset: int, case: Case, constants: set[int], found: list[Array]) -> list[str]:
    """Return how what was found differs from what the first oracle that knows the node says; raise Unjudged."""
    model, feeds = model_of(type, opset, case, constants)
    oracles: list[Given] = [by_runtime, by_reference]
    if type in RUNTIME_DIFFERS:
        oracles.reverse()
    elif type in REFERENCE_DIFFERS:
        oracles.pop()
    if type in RUNTIME_DIES and not all(each.size for each in case.inputs):
        oracles = [by_reference]
    if type in CUT_OFF and case.inputs[0].dtype.kind in "iu":
        oracles = []
    whys = []
    for oracle in oracles:
        try:
            wanted = oracle(model, feeds)
        except Exception as error:
            whys.append(f"{oracle.__name__}: {error}"[:200])
            continue
        return _differences(model, found, wanted, case.loose, exact=oracle is by_runtime)
    if type in PARTS:
        return _differences(model, found, by_parts(type, case), case.loose)
    wider = widened(type, case)
    try:
        wanted = by_runtime(*model_of(type, min(opset, AS_AT.get(type, opset)), wider, constants))
    except Exception as error:
        raise Unjudged("; ".join((*whys, str(error)[:200]))) from error
    named = [name for name in case.outputs if name]
    known = [back(case, name, each) for name, each in zip(named, wanted, strict=True)]
    double = any(each.dtype == np.float64 for each in found)
    return _differences(model, found, known, case.loose * (1e6 if double else 4), exact=False)


def _differences(
    model: onnx.ModelProto, found: list[Array], wanted: list[Array], loose: float, exact: bool = True
) -> list[str]:
    """Compare with each other, and with the types that ONNX infers; an oracle that is not exact may have others."""
    told = []
    for port, a, b in zip(model.graph.output, found, wanted, strict=True):
        number = port.type.tensor_type.elem_type
        dtype = helper.tensor_dtype_to_np_dtype(number) if number else a.dtype
        if a.dtype != dtype:
            told.append(f"{a.dtype} for the inferred {dtype}")
        if not exact and b.dtype != dtype:
            if dtype.kind in "iu":
                b = np.clip(b, np.iinfo(dtype).min, np.iinfo(dtype).max)
            b = b.astype(dtype)
        why = difference(a, b, loose)
        if why is not None:
            told.append(why)
    return told
