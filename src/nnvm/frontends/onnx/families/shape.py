"""Shapes, joins and cuts in ONNX; old opsets hold as attributes what newer ones take as inputs."""

from typing import Any, Final

from nnvm import ops
from nnvm.frontends.onnx.rows import (
    REQUIRED,
    Read,
    Row,
    Use,
    Written,
    columns_of,
    constant_ints,
    named,
    read_params,
    row,
    too_old,
    write_params,
)  # fmt: skip
from nnvm.ir import ABSENT, Node, Op, TensorType, Value, data_of, tensor_data

_RESHAPE: Final = columns_of({"allowzero": False})
_SPLIT: Final = columns_of({"axis": 0})
_PAD: Final = columns_of({"mode": "constant"})
_FLATTEN: Final = columns_of({"axis": 1})
_BLOCKS: Final = {"blocksize": named("block", REQUIRED), "mode": "DCR"}


def _write_reshape(node: Node, opset: int) -> Written:
    attributes = write_params(_RESHAPE, node.params)
    if opset < 14 and attributes:
        target = data_of(node.inputs[1])
        if target is None or 0 in target.values():
            raise too_old(node, "Reshape", opset, 14, "allowzero says that a 0 in its shape is meant")
        attributes = {}
    return Written("Reshape", node.inputs, attributes)


def _read_reshape(use: Use) -> Read | None:
    params = read_params(_RESHAPE, use)
    return None if params is None else (ops.reshape, use.inputs, params)


def _with_axes(type: str, op: Op[..., Any]) -> Row:
    """Squeeze and Unsqueeze: the axes are an input from opset 13 on."""

    def read(use: Use) -> Read | None:
        if use.opset >= 13:
            return None if use.attributes else (op, use.inputs, {})
        if not use.attributes.keys() <= {"axes"}:
            return None
        return op, (use.inputs[0], use.ints("axes")), {}

    def write(node: Node, opset: int) -> Written:
        if opset >= 13:
            return Written(type, node.inputs, {})
        axes = constant_ints(node, 1, type, opset, 13)
        if axes and opset < 11 and min(axes) < 0:
            axes = tuple(axis % _rank_of(node, len(axes) if op is ops.unsqueeze else 0, opset, type) for axis in axes)
        return Written(type, node.inputs[:1], {} if axes is None else {"axes": axes})

    return Row(type, op, read, write)


def _rank_of(node: Node, more: int, opset: int, type: str) -> int:
    known = node.inputs[0].type
    if not isinstance(known, TensorType) or known.shape_or_none is None:
        raise too_old(node, type, opset, 11, "an axis is negative")
    return len(known.shape) + more


def _read_split(use: Use) -> Read | None:
    """Opset 13 made the sizes an input, opset 18 named the number of parts."""
    parts = len(use.outputs)
    if use.attributes.pop("num_outputs", parts) != parts:
        return None
    sizes = use.ints("split") if use.opset < 13 else use.input(1)
    if use.opset < 13:
        use.attributes.pop("split", None)
    params = read_params(_SPLIT, use)
    return None if params is None else (ops.split, (use.inputs[0], sizes), {**params, "parts": parts})


def _write_split(node: Node, opset: int) -> Written:
    attributes = write_params(_SPLIT, node.params)
    sizes = node.inputs[1] if len(node.inputs) > 1 else ABSENT
    if opset >= 18:
        count = {"num_outputs": node.params["parts"]} if sizes is ABSENT else {}
        return Written("Split", node.inputs, attributes | count)
    if sizes is ABSENT:
        _check_even(node, opset)
    if opset >= 13:
        return Written("Split", node.inputs, attributes)
    cuts = constant_ints(node, 1, "Split", opset, 13)
    return Written("Split", node.inputs[:1], attributes | ({} if cuts is None else {"split": cuts}))


def _check_even(node: Node, opset: int) -> None:
    """Refuse a last part that is smaller, which only opset 18 knows."""
    type = node.inputs[0].type
    if isinstance(type, TensorType) and type.shape_or_none is not None:
        whole = type.shape[node.params["axis"]]
        if isinstance(whole, int) and whole % node.params["parts"]:
            raise too_old(node, "Split", opset, 18, f"{whole} does not divide into {node.params['parts']} equal parts")


def _read_slice(use: Use) -> Read | None:
    if use.opset >= 10:
        return None if use.attributes else (ops.slice, use.inputs, {})
    if not use.attributes.keys() <= {"starts", "ends", "axes"}:
        return None
    return ops.slice, (use.inputs[0], use.ints("starts"), use.ints("ends"), use.ints("axes")), {}


def _write_slice(node: Node, opset: int) -> Written:
    if opset >= 10:
        return Written("Slice", node.inputs, {})
    starts, ends, axes, steps = (constant_ints(node, i, "Slice", opset, 10) for i in range(1, 5))
    if steps is not None and set(steps) != {1}:
        raise too_old(node, "Slice", opset, 10, f"it has steps {list(steps)}")
    limits = {"starts": starts, "ends": ends}
    return Written("Slice", node.inputs[:1], limits if axes is None else limits | {"axes": axes})


def _read_pad(use: Use) -> Read | None:
    """Before opset 11 all but the data is an attribute."""
    if use.opset >= 11:
        params = read_params(_PAD, use)
        return None if params is None else (ops.pad, use.inputs, params)
    type = use.inputs[0].type
    pads = use.ints("pads")
    value = use.attributes.pop("value", None)
    use.attributes.pop("pads", None)
    params = read_params(_PAD, use)
    if params is None or pads is ABSENT or (value is not None and not isinstance(type, TensorType)):
        return None
    filler: Value = ABSENT
    if value is not None and isinstance(type, TensorType):
        filler = use.constant(tensor_data(value, type.dtype[()]), "value")
    return ops.pad, (use.inputs[0], pads, filler), params


def _write_pad(node: Node, opset: int) -> Written:
    attributes = write_params(_PAD, node.params)
    if opset < 19 and node.params["mode"] == "wrap":
        raise too_old(node, "Pad", opset, 19, "its mode is wrap")
    if opset >= 11:
        return Written("Pad", node.inputs, attributes)
    filler = node.inputs[2] if len(node.inputs) > 2 else ABSENT
    data = data_of(filler)
    if filler is not ABSENT and data is None:
        raise too_old(node, "Pad", opset, 11, f"its value {filler.name!r} is computed")
    if len(node.inputs) > 3:
        raise too_old(node, "Pad", opset, 18, "it pads only some of the axes")
    pads = {"pads": constant_ints(node, 1, "Pad", opset, 11)}
    return Written("Pad", node.inputs[:1], attributes | pads | ({} if data is None else {"value": float(data.item())}))


def _read_flatten(use: Use) -> Read | None:
    params = read_params(_FLATTEN, use)
    return None if params is None else (ops.flatten, use.inputs, params)


def _write_flatten(node: Node, opset: int) -> Written:
    attributes = write_params(_FLATTEN, node.params)
    if opset < 11 and node.params["axis"] < 0:
        attributes["axis"] = node.params["axis"] + _rank_of(node, 0, opset, "Flatten")
    return Written("Flatten", node.inputs, attributes)


ROWS: Final[tuple[Row, ...]] = (
    row("Shape", ops.shape, {"start": 0, "end": None}),
    row("Size", ops.size),
    Row("Reshape", ops.reshape, _read_reshape, _write_reshape),
    Row("Flatten", ops.flatten, _read_flatten, _write_flatten),
    _with_axes("Squeeze", ops.squeeze),
    _with_axes("Unsqueeze", ops.unsqueeze),
    row("Transpose", ops.transpose, {"perm": ()}),
    row("Concat", ops.concat, {"axis": REQUIRED}),
    Row("Split", ops.split, _read_split, _write_split),
    Row("Slice", ops.slice, _read_slice, _write_slice),
    Row("Pad", ops.pad, _read_pad, _write_pad),
    row("Expand", ops.expand),
    row("Tile", ops.tile),
    row("DepthToSpace", ops.depth_to_space, _BLOCKS),
    row("SpaceToDepth", ops.space_to_depth, _BLOCKS),
    row("Trilu", ops.trilu, {"upper": True}),
)
