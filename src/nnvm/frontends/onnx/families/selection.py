"""Picking elements by what they hold in ONNX, and sums of products by letters."""

from typing import Final

from nnvm import ops
from nnvm.frontends.onnx.rows import (
    REQUIRED,
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
from nnvm.ir import Node, i64, tensor_data

_TOP_K: Final = columns_of({"axis": -1, "largest": True, "sorted": True})
_SCATTER: Final = columns_of({"axis": 0})
_SCATTER_ELEMENTS: Final = columns_of({"axis": 0, "reduction": "none"})


def _read_top_k(use: Use) -> Read | None:
    """Before opset 10 k is an attribute."""
    if use.opset >= 10:
        params = read_params(_TOP_K, use)
        return None if params is None else (ops.top_k, use.inputs, params)
    k = use.attributes.pop("k", None)
    params = read_params(_TOP_K, use)
    if params is None or not isinstance(k, int):
        return None
    return ops.top_k, (use.inputs[0], use.constant(tensor_data((k,), i64[1]), "k")), params


def _write_top_k(node: Node, opset: int) -> Written:
    attributes = write_params(_TOP_K, node.params)
    if opset >= 11:
        return Written("TopK", node.inputs, attributes)
    if not node.params["largest"]:
        raise too_old(node, "TopK", opset, 11, "it picks the smallest")
    attributes.pop("sorted", None)
    if opset == 10:
        return Written("TopK", node.inputs, attributes)
    k = constant_ints(node, 1, "TopK", opset, 10)
    return Written("TopK", node.inputs[:1], attributes | {"k": (k or (0,))[0]})


def _read_scatter(use: Use) -> Read | None:
    """Take the old name for scatter_elements, which opset 11 gave up."""
    params = read_params(_SCATTER, use)
    return None if params is None else (ops.scatter_elements, use.inputs, {**params, "reduction": "none"})


def _read_scatter_elements(use: Use) -> Read | None:
    params = read_params(_SCATTER_ELEMENTS, use)
    return None if params is None else (ops.scatter_elements, use.inputs, params)


def _write_scatter_elements(node: Node, opset: int) -> Written:
    attributes, how = write_params(_SCATTER_ELEMENTS, node.params), node.params["reduction"]
    if opset < 11 and how != "none":
        raise too_old(node, "Scatter", opset, 18 if how in ("max", "min") else 16, f"it combines by {how!r}")
    return Written("Scatter" if 9 <= opset < 11 else "ScatterElements", node.inputs, attributes)


ROWS: Final[tuple[Row, ...]] = (
    row("Einsum", ops.einsum, {"equation": REQUIRED}),
    Row("TopK", ops.top_k, _read_top_k, _write_top_k),
    row("Compress", ops.compress, {"axis": None}),
    row("Unique", ops.unique, {"axis": None, "sorted": True}),
    row("NonMaxSuppression", ops.non_max_suppression, {"center_point_box": False}),
    row("ReverseSequence", ops.reverse_sequence, {"batch_axis": 1, "time_axis": 0}),
    row("TensorScatter", ops.tensor_scatter, {"axis": -2, "mode": "linear"}),
    Row("Scatter", (), _read_scatter, _write_scatter_elements),
    Row("ScatterElements", ops.scatter_elements, _read_scatter_elements, _write_scatter_elements),
    row("CumProd", ops.cumprod, {"exclusive": False, "reverse": False}),
)
