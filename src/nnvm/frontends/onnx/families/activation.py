"""Activations in ONNX; before opset 13 a softmax spans all dimensions from its axis on."""

from typing import Any, Final

from nnvm import ops
from nnvm.frontends.onnx.rows import Read, Row, Use, Written, columns_of, read_params, row, too_old, write_params
from nnvm.ir import Node, Op, TensorType

_LAST: Final = columns_of({"axis": -1})
_FIRST: Final = columns_of({"axis": 1})
_TURN: Final = 13
"""The opset from which a softmax is along one axis."""


def _softmax(type: str, along: Op[..., Any], spanning: Op[..., Any]) -> Row:
    def read(use: Use) -> Read | None:
        new = use.opset >= _TURN
        params = read_params(_LAST if new else _FIRST, use)
        return None if params is None else (along if new else spanning, use.inputs, params)

    def write(node: Node, opset: int) -> Written:
        new = opset >= _TURN
        if (node.op is along) == new:
            return Written(type, node.inputs, write_params(_LAST if new else _FIRST, node.params))
        if not _is_last(node):
            needed = _TURN if node.op is along else _TURN - 1
            why = f"axis {node.params['axis']} is not the last one, where both meanings agree"
            raise too_old(node, type, opset, needed, why)
        return Written(type, node.inputs, {} if new else {"axis": len(node.inputs[0].shape) - 1})

    return Row(type, (along, spanning), read, write)


def _is_last(node: Node) -> bool:
    type, axis = node.inputs[0].type, node.params["axis"]
    rank = len(type.shape) if isinstance(type, TensorType) and type.shape_or_none is not None else None
    return rank is not None and axis in (-1, rank - 1)


ROWS: Final[tuple[Row, ...]] = (
    row("Relu", ops.relu),
    row("Sigmoid", ops.sigmoid),
    row("Tanh", ops.tanh),
    row("LeakyRelu", ops.leaky_relu, {"alpha": 0.01}),
    row("Elu", ops.elu, {"alpha": 1.0}),
    row("Selu", ops.selu, {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875}),
    row("Celu", ops.celu, {"alpha": 1.0}),
    row("Softplus", ops.softplus),
    row("Softsign", ops.softsign),
    row("HardSigmoid", ops.hard_sigmoid, {"alpha": 0.2, "beta": 0.5}),
    row("HardSwish", ops.hard_swish),
    row("ThresholdedRelu", ops.thresholded_relu, {"alpha": 1.0}),
    row("Mish", ops.mish),
    row("Gelu", ops.gelu, {"approximate": "none"}),
    row("PRelu", ops.prelu),
    row("SwiGLU", ops.swiglu, {"alpha": 1.0}),
    _softmax("Softmax", ops.softmax, ops.softmax_from),
    _softmax("LogSoftmax", ops.log_softmax, ops.log_softmax_from),
    _softmax("Hardmax", ops.hardmax, ops.hardmax_from),
)
