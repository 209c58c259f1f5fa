"""Picking, placing and generating elements in ONNX."""

from typing import Final

from nnvm import ops
from nnvm.frontends.onnx.rows import Read, Row, Use, Written, columns_of, opaque, read_params, row, write_params
from nnvm.frontends.onnx.value_types import DTYPES, NUMBERS
from nnvm.ir import Node, TensorData, f32, tensor_data

_EYE: Final = columns_of({"dtype": None, "k": 0})


def _read_fill(use: Use) -> Read | None:
    """Take the one element that a new tensor repeats; float32 zero where none is given."""
    value = use.attributes.pop("value", None)
    if use.attributes:
        return None
    if value is None:
        return ops.fill, use.inputs, opaque({"value": tensor_data(0.0, f32[()])})
    if not isinstance(value, TensorData) or value.size != 1 or isinstance(value.source, tuple):
        return None
    return ops.fill, use.inputs, opaque({"value": TensorData(value.dtype[()], bytes(value.read()))})


def _write_fill(node: Node, opset: int) -> Written:
    value: TensorData = node.params["value"]
    if value.dtype is f32 and not any(value.read()):
        return Written("ConstantOfShape", node.inputs, {})
    return Written("ConstantOfShape", node.inputs, {"value": TensorData(value.dtype[1], bytes(value.read()))})


def _read_eye(use: Use) -> Read | None:
    params = read_params(_EYE, use)
    if params is None or params["dtype"] not in (None, *DTYPES):
        return None
    return ops.eye_like, use.inputs, {**params, "dtype": DTYPES.get(params["dtype"])}


def _write_eye(node: Node, opset: int) -> Written:
    dtype = node.params["dtype"]
    given = {**node.params, "dtype": None if dtype is None else NUMBERS[dtype]}
    return Written("EyeLike", node.inputs, write_params(_EYE, given))


def _read_range(use: Use) -> Read | None:
    """Take the one way to count in short floats that ours has: in longer ones."""
    if use.attributes.pop("stash_type", 1) != 1 or use.attributes:
        return None
    return ops.arange, use.inputs, {}


def _write_range(node: Node, opset: int) -> Written:
    return Written("Range", node.inputs, {})


ROWS: Final[tuple[Row, ...]] = (
    row("Gather", ops.gather, {"axis": 0}),
    row("GatherElements", ops.gather_elements, {"axis": 0}),
    row("GatherND", ops.gather_nd, {"batch_dims": 0}),
    row("ScatterND", ops.scatter_nd, {"reduction": "none"}),
    row("OneHot", ops.one_hot, {"axis": -1}),
    Row("Range", ops.arange, _read_range, _write_range),
    row("NonZero", ops.nonzero),
    Row("ConstantOfShape", ops.fill, _read_fill, _write_fill),
    Row("EyeLike", ops.eye_like, _read_eye, _write_eye),
)
