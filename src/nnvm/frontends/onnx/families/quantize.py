"""Quantised numbers, their products, and elements as bits in ONNX."""

from collections.abc import Mapping
from typing import Any, Final

from nnvm import ops
from nnvm.frontends.onnx.rows import (
    REQUIRED,
    Attribute,
    Read,
    Reader,
    Row,
    Use,
    Writer,
    Written,
    columns_of,
    named,
    read_params,
    row,
    write_params,
)
from nnvm.frontends.onnx.value_types import DTYPES, NUMBERS
from nnvm.ir import Node, Op

_WINDOW: Final = {
    "auto_pad": "NOTSET",
    "kernel_shape": named("kernel", ()),
    "strides": (),
    "pads": (),
    "dilations": (),
    "group": named("groups", 1),
}


def typed(type: str, op: Op[..., Any], attributes: Mapping[str, Any], dtypes: tuple[str, ...]) -> Row:
    """Return the row of an operator some of whose params are element types, which a file numbers; 0 is none."""
    columns = columns_of(attributes)
    return Row(type, op, _reader(op, columns, dtypes), _writer(type, columns, dtypes))


def _reader(op: Op[..., Any], columns: Mapping[str, Attribute], dtypes: tuple[str, ...]) -> Reader:
    def read(use: Use) -> Read | None:
        params = read_params(columns, use)
        if params is None:
            return None
        for name in dtypes:
            number = params[name]
            if number and number not in DTYPES:
                return None
            params[name] = DTYPES[number] if number else None
        return op, use.inputs, params

    return read


def _writer(type: str, columns: Mapping[str, Attribute], dtypes: tuple[str, ...]) -> Writer:
    def write(node: Node, opset: int) -> Written:
        numbers = {name: NUMBERS[node.params[name]] if node.params[name] else None for name in dtypes}
        return Written(type, node.inputs, write_params(columns, {**node.params, **numbers}))

    return write


_QUANTIZE: Final = {"axis": 1, "block_size": 0, "output_dtype": None, "precision": None, "saturate": True}
ROWS: Final[tuple[Row, ...]] = (
    typed("QuantizeLinear", ops.quantize_linear, _QUANTIZE, ("output_dtype", "precision")),
    typed(
        "DequantizeLinear",
        ops.dequantize_linear,
        {"axis": 1, "block_size": 0, "output_dtype": None},
        ("output_dtype",),
    ),
    row("DynamicQuantizeLinear", ops.dynamic_quantize_linear),
    row("MatMulInteger", ops.matmul_integer),
    row("QLinearMatMul", ops.qlinear_matmul),
    row("ConvInteger", ops.conv_integer, _WINDOW),
    row("QLinearConv", ops.qlinear_conv, _WINDOW),
    row("BitShift", ops.bit_shift, {"direction": REQUIRED}),
    typed("BitCast", ops.bit_cast, {"to": REQUIRED}, ("to",)),
    row("CastLike", ops.cast_like, {"saturate": True, "round_mode": "up"}),
    row("Det", ops.det),
    row("Swish", ops.swish, {"alpha": 1.0}),
    row("Shrink", ops.shrink, {"lambd": 0.5, "bias": 0.0}),
)
