"""Arithmetic, comparison, logic and products of matrices in ONNX."""

from typing import Any, Final

from nnvm import ops
from nnvm.frontends.onnx.rows import (
    REQUIRED,
    Read,
    Row,
    Use,
    Written,
    columns_of,
    named,
    read_params,
    row,
    too_old,
    write_params,
)
from nnvm.frontends.onnx.value_types import DTYPES, NUMBERS
from nnvm.ir import ABSENT, Node, TensorType, data_of, tensor_data

_CAST: Final = columns_of({"to": REQUIRED, "saturate": True, "round_mode": "up"})


def _read_cast(use: Use) -> Read | None:
    params = read_params(_CAST, use)
    if params is None or params["to"] not in DTYPES:
        return None
    return ops.cast, use.inputs, {**params, "to": DTYPES[params["to"]]}


def _write_cast(node: Node, opset: int) -> Written:
    return Written("Cast", node.inputs, write_params(_CAST, {**node.params, "to": NUMBERS[node.params["to"]]}))


def _read_clip(use: Use) -> Read | None:
    if use.opset >= 11:
        return None if use.attributes else (ops.clip, use.inputs, {})
    type = use.inputs[0].type
    if not use.attributes.keys() <= {"min", "max"} or not isinstance(type, TensorType):
        return None
    limits = [
        use.constant(tensor_data(use.attributes[side], type.dtype[()]), side) if side in use.attributes else ABSENT
        for side in ("min", "max")
    ]
    return ops.clip, (use.inputs[0], *limits), {}


def _write_clip(node: Node, opset: int) -> Written:
    if opset >= 11:
        return Written("Clip", node.inputs, {})
    attributes: dict[str, Any] = {}
    for side, value in zip(("min", "max"), node.inputs[1:], strict=False):
        data = data_of(value)
        if value is not ABSENT and data is None:
            raise too_old(node, "Clip", opset, 11, f"its limit {value.name!r} is computed")
        if data is not None:
            attributes[side] = float(data.item())
    return Written("Clip", node.inputs[:1], attributes)


def _read_gemm(use: Use) -> Read | None:
    params = read_params(_GEMM, use)
    return None if params is None else (ops.gemm, use.inputs, params)


def _write_gemm(node: Node, opset: int) -> Written:
    if opset < 11 and len(node.inputs) < 3:
        raise too_old(node, "Gemm", opset, 11, "it has no third input")
    return Written("Gemm", node.inputs, write_params(_GEMM, node.params))


_GEMM: Final = columns_of(
    {"alpha": 1.0, "beta": 1.0, "transA": named("transpose_a", False), "transB": named("transpose_b", False)}
)
ROWS: Final[tuple[Row, ...]] = (
    row("Neg", ops.neg),
    row("Abs", ops.abs),
    row("Reciprocal", ops.reciprocal),
    row("Sqrt", ops.sqrt),
    row("Exp", ops.exp),
    row("Log", ops.log),
    row("Floor", ops.floor),
    row("Ceil", ops.ceil),
    row("Round", ops.round),
    row("Sign", ops.sign),
    row("Erf", ops.erf),
    row("Identity", ops.identity),
    row("Sin", ops.sin),
    row("Cos", ops.cos),
    row("Tan", ops.tan),
    row("Asin", ops.asin),
    row("Acos", ops.acos),
    row("Atan", ops.atan),
    row("Sinh", ops.sinh),
    row("Cosh", ops.cosh),
    row("Asinh", ops.asinh),
    row("Acosh", ops.acosh),
    row("Atanh", ops.atanh),
    row("Add", ops.add),
    row("Sub", ops.sub),
    row("Mul", ops.mul),
    row("Div", ops.div),
    row("Pow", ops.pow),
    row("Mod", ops.mod, {"fmod": False}),
    row("Equal", ops.equal),
    row("Less", ops.less),
    row("LessOrEqual", ops.less_equal),
    row("Greater", ops.greater),
    row("GreaterOrEqual", ops.greater_equal),
    row("And", ops.logical_and),
    row("Or", ops.logical_or),
    row("Xor", ops.logical_xor),
    row("Not", ops.logical_not),
    row("BitwiseAnd", ops.bitwise_and),
    row("BitwiseOr", ops.bitwise_or),
    row("BitwiseXor", ops.bitwise_xor),
    row("BitwiseNot", ops.bitwise_not),
    row("IsNaN", ops.isnan),
    row("IsInf", ops.isinf, {"detect_negative": named("negative", True), "detect_positive": named("positive", True)}),
    row("Min", ops.minimum),
    row("Max", ops.maximum),
    row("Sum", ops.add_n),
    row("Mean", ops.mean_n),
    row("Where", ops.where),
    row("MatMul", ops.matmul),
    Row("Gemm", ops.gemm, _read_gemm, _write_gemm),
    Row("Clip", ops.clip, _read_clip, _write_clip),
    Row("Cast", ops.cast, _read_cast, _write_cast),
)
