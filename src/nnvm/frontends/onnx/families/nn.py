"""Convolutions, pools, normalisation and dropout in ONNX."""

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
from nnvm.ir import ABSENT, Node, TensorType, data_of, f32, tensor_data

_WINDOW: Final = {
    "auto_pad": "NOTSET",
    "kernel_shape": named("kernel", ()),
    "strides": (),
    "pads": (),
    "dilations": (),
}
_POOL: Final = _WINDOW | {"kernel_shape": named("kernel", REQUIRED), "ceil_mode": False}
_MAX_POOL: Final = columns_of(_POOL)
_MAX_POOL_INDICES: Final = columns_of(_POOL | {"storage_order": 0})
_BATCH_NORM: Final = columns_of({"epsilon": 1e-5, "momentum": 0.9})
_BATCH_NORMS: Final = (ops.batch_norm, ops.batch_norm_training, ops.batch_norm_each)
_LAYER_NORM: Final = columns_of({"axis": -1, "epsilon": 1e-5})


def _read_max_pool(use: Use) -> Read | None:
    if use.needs(1):
        params = read_params(_MAX_POOL_INDICES, use)
        return None if params is None else (ops.max_pool_with_indices, use.inputs, params)
    use.attributes.pop("storage_order", None)
    params = read_params(_MAX_POOL, use)
    return None if params is None else (ops.max_pool, use.inputs, params)


def _write_max_pool(node: Node, opset: int) -> Written:
    columns = _MAX_POOL if node.op is ops.max_pool else _MAX_POOL_INDICES
    return Written("MaxPool", node.inputs, write_params(columns, node.params))


def _read_batch_norm(use: Use) -> Read | None:
    """Before opset 14 training shows in more outputs, which are carried; before 9 elements may have statistics."""
    training, spatial = use.attributes.pop("training_mode", 0), use.attributes.pop("spatial", 1)
    if any(use.outputs[1:]) and not training:
        return None
    params = read_params(_BATCH_NORM, use)
    op = ops.batch_norm_training if training else ops.batch_norm if spatial else ops.batch_norm_each
    return None if params is None else (op, use.inputs, params)


def _write_batch_norm(node: Node, opset: int) -> Written:
    attributes = write_params(_BATCH_NORM, node.params)
    if node.op is ops.batch_norm_training:
        if opset < 14:
            raise too_old(node, "BatchNormalization", opset, 14, "it trains, and running statistics follow")
        attributes["training_mode"] = 1
    elif node.op is ops.batch_norm_each:
        if opset > 8:
            raise too_old(node, "BatchNormalization", opset, 8, "opset 9 gave up statistics for each element")
        attributes["spatial"] = 0
    return Written("BatchNormalization", node.inputs, attributes)


def _read_layer_norm(use: Use) -> Read | None:
    """Take statistics in 32 bits, the default, alone."""
    if use.attributes.pop("stash_type", 1) != 1:
        return None
    params = read_params(_LAYER_NORM, use)
    op = ops.layer_norm_with_statistics if any(use.outputs[1:]) else ops.layer_norm
    return None if params is None else (op, use.inputs, params)


def _write_layer_norm(node: Node, opset: int) -> Written:
    return Written("LayerNormalization", node.inputs, write_params(_LAYER_NORM, node.params))


def _read_dropout(use: Use) -> Read | None:
    """From opset 12 on the ratio is an input; before, it is an attribute of a node that only infers."""
    type = use.inputs[0].type
    if use.opset >= 12:
        params = read_params(columns_of({"seed": None}), use)
        return None if params is None else (ops.dropout, use.inputs, params)
    if not use.attributes.keys() <= {"ratio"} or (use.needs(1) and use.opset < 10):
        return None
    if "ratio" not in use.attributes:
        return ops.dropout, use.inputs, {"seed": None}
    element = type.dtype if isinstance(type, TensorType) else f32
    ratio = use.constant(tensor_data(use.attributes["ratio"], element[()]), "ratio")
    return ops.dropout, (*use.inputs, ratio), {"seed": None}


def _write_dropout(node: Node, opset: int) -> Written:
    if opset >= 12:
        return Written("Dropout", node.inputs, {} if node.params["seed"] is None else {"seed": node.params["seed"]})
    ratio = node.inputs[1] if len(node.inputs) > 1 else ABSENT
    training = node.inputs[2] if len(node.inputs) > 2 else ABSENT
    known = data_of(ratio)
    asleep = data_of(training)
    if (training is not ABSENT and (asleep is None or asleep.item())) or (ratio is not ABSENT and known is None):
        raise too_old(node, "Dropout", opset, 12, "it trains, or its ratio is computed")
    return Written("Dropout", node.inputs[:1], {} if known is None else {"ratio": float(known.item())})


_DEFORMED: Final[dict[str, Any]] = {
    **{name: given for name, given in _WINDOW.items() if name != "auto_pad"},
    "group": named("groups", 1),
    "offset_group": named("offset_groups", 1),
}
_CONV: Final[dict[str, Any]] = _WINDOW | {"group": named("groups", 1)}
ROWS: Final[tuple[Row, ...]] = (
    row("Conv", ops.conv, _CONV),
    row("ConvTranspose", ops.conv_transpose, _CONV | {"output_padding": (), "output_shape": ()}),
    row("DeformConv", ops.deform_conv, _DEFORMED),
    Row("MaxPool", (ops.max_pool, ops.max_pool_with_indices), _read_max_pool, _write_max_pool),
    row("AveragePool", ops.average_pool, _POOL | {"count_include_pad": False}),
    row("GlobalAveragePool", ops.global_average_pool),
    row("GlobalMaxPool", ops.global_max_pool),
    Row("BatchNormalization", _BATCH_NORMS, _read_batch_norm, _write_batch_norm),
    row("InstanceNormalization", ops.instance_norm, {"epsilon": 1e-5}),
    Row("LayerNormalization", (ops.layer_norm, ops.layer_norm_with_statistics), _read_layer_norm, _write_layer_norm),
    row("LRN", ops.lrn, {"alpha": 1e-4, "beta": 0.75, "bias": 1.0, "size": REQUIRED}),
    Row("Dropout", ops.dropout, _read_dropout, _write_dropout),
)
