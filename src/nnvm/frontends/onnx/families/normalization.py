"""Norms and moments in ONNX; before opset 21 a group has one scale, from then on a channel has."""

from typing import Final

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
from nnvm.ir import Node, TensorType

_GROUP: Final = columns_of({"epsilon": 1e-5, "num_groups": named("groups", REQUIRED)})
_RMS: Final = columns_of({"axis": -1, "epsilon": 1e-5})
_POOL: Final = {
    "auto_pad": "NOTSET", "ceil_mode": False, "dilations": (), "kernel_shape": named("kernel", REQUIRED), "p": 2,
    "pads": (), "strides": (),
}  # fmt: skip
_TURN: Final = 21
"""The opset from which a group norm scales each channel by itself."""


def _read_group_norm(use: Use) -> Read | None:
    if use.attributes.pop("stash_type", 1) != 1:
        return None
    params = read_params(_GROUP, use)
    return None if params is None else (ops.group_norm, use.inputs, params)


def _write_group_norm(node: Node, opset: int) -> Written:
    x, scale, _ = node.inputs
    groups = node.params["groups"]
    if (
        isinstance(scale.type, TensorType)
        and isinstance(x.type, TensorType)
        and None
        not in (
            scale.type.shape_or_none,
            x.type.shape_or_none,
        )
    ):
        held, channels = scale.type.shape[0], x.type.shape[1]
        if held is not channels and held != channels and held == groups and opset >= _TURN:
            raise too_old(node, "GroupNormalization", opset, _TURN - 1, "it scales groups, not channels")
        if held != groups and opset < _TURN:
            raise too_old(node, "GroupNormalization", opset, _TURN, "it scales channels, not groups")
    return Written("GroupNormalization", node.inputs, write_params(_GROUP, node.params))


def _read_rms_norm(use: Use) -> Read | None:
    if use.attributes.pop("stash_type", 1) != 1:
        return None
    params = read_params(_RMS, use)
    return None if params is None else (ops.rms_norm, use.inputs, params)


def _write_rms_norm(node: Node, opset: int) -> Written:
    return Written("RMSNormalization", node.inputs, write_params(_RMS, node.params))


ROWS: Final[tuple[Row, ...]] = (
    Row("GroupNormalization", ops.group_norm, _read_group_norm, _write_group_norm),
    Row("RMSNormalization", ops.rms_norm, _read_rms_norm, _write_rms_norm),
    row("LpNormalization", ops.lp_normalization, {"axis": -1, "p": 2}),
    row("MeanVarianceNormalization", ops.mean_variance_normalization, {"axes": (0, 2, 3)}),
    row("LpPool", ops.lp_pool, _POOL),
    row("GlobalLpPool", ops.global_lp_pool, {"p": 2}),
)
