"""Layers that hand a state on in ONNX."""

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
    write_params,
)
from nnvm.ir import Node

_LINEAR: Final = columns_of(
    {
        "q_num_heads": named("q_heads", REQUIRED),
        "kv_num_heads": named("kv_heads", REQUIRED),
        "scale": 0.0,
        "update_rule": "gated_delta",
    }
)


def _read_linear(use: Use) -> Read | None:
    """Leave out the size of chunks, which changes no answer."""
    use.attributes.pop("chunk_size", None)
    params = read_params(_LINEAR, use)
    return None if params is None else (ops.linear_attention, use.inputs, params)


def _write_linear(node: Node, opset: int) -> Written:
    return Written("LinearAttention", node.inputs, write_params(_LINEAR, node.params))


ROWS: Final[tuple[Row, ...]] = (
    Row("LinearAttention", ops.linear_attention, _read_linear, _write_linear),
    row("CausalConvWithState", ops.causal_conv, {"activation": "none"}),
)
