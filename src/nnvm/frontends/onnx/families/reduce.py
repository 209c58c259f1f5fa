"""Reductions in ONNX; their axes are an attribute before opset 18, before 13 for a sum."""

from typing import Any, Final

from nnvm import ops
from nnvm.frontends.onnx.rows import (
    Read,
    Row,
    Use,
    Written,
    columns_of,
    constant_ints,
    read_params,
    row,
    too_old,
    write_params,
)
from nnvm.ir import Node, Op

_OLD: Final = columns_of({"keepdims": True})
_NEW: Final = columns_of({"keepdims": True, "noop_with_empty_axes": False})
_ALONE: Final = {
    **dict.fromkeys(("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceLogSumExp"), "Identity"),
    **{"ReduceL1": "Abs", "ReduceL2": "Abs", "ReduceLogSum": "Log"},
}
"""What each is over no axes: every element by itself."""


def _reduce(type: str, op: Op[..., Any], turn: int = 18) -> Row:
    def read(use: Use) -> Read | None:
        if use.opset >= turn:
            params = read_params(_NEW, use)
            return None if params is None else (op, use.inputs, params)
        axes = use.ints("axes")
        use.attributes.pop("axes", None)
        params = read_params(_OLD, use)
        return None if params is None else (op, (use.inputs[0], axes), params | {"noop_with_empty_axes": False})

    def write(node: Node, opset: int) -> Written:
        if opset >= turn:
            return Written(type, node.inputs, write_params(_NEW, node.params))
        axes = constant_ints(node, 1, type, opset, turn)
        if not axes and node.params["noop_with_empty_axes"]:
            if type not in _ALONE:
                raise too_old(node, type, opset, turn, "it reduces over no axes, yet changes each element")
            return Written(_ALONE[type], node.inputs[:1], {})
        return Written(type, node.inputs[:1], write_params(_OLD, node.params) | ({"axes": axes} if axes else {}))

    return Row(type, op, read, write)


_EXTREME: Final = {"axis": 0, "keepdims": True, "select_last_index": False}
ROWS: Final[tuple[Row, ...]] = (
    _reduce("ReduceSum", ops.reduce_sum, 13),
    _reduce("ReduceMean", ops.reduce_mean),
    _reduce("ReduceMax", ops.reduce_max),
    _reduce("ReduceMin", ops.reduce_min),
    _reduce("ReduceProd", ops.reduce_prod),
    _reduce("ReduceL1", ops.reduce_l1),
    _reduce("ReduceL2", ops.reduce_l2),
    _reduce("ReduceLogSum", ops.reduce_log_sum),
    _reduce("ReduceLogSumExp", ops.reduce_log_sum_exp),
    _reduce("ReduceSumSquare", ops.reduce_sum_square),
    row("ArgMax", ops.argmax, _EXTREME),
    row("ArgMin", ops.argmin, _EXTREME),
    row("CumSum", ops.cumsum, {"exclusive": False, "reverse": False}),
)
