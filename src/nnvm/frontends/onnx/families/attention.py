"""Attention and rotary embedding in ONNX, whose versions from opset 23 on mean the same."""

from typing import Final

from nnvm import ops
from nnvm.frontends.onnx.rows import Read, Row, Use, Written, columns_of, named, read_params, row, write_params
from nnvm.frontends.onnx.value_types import DTYPES, NUMBERS
from nnvm.ir import ABSENT, Node

_ATTENTION: Final = columns_of(
    {
        "is_causal": False,
        "q_num_heads": named("q_heads"),
        "kv_num_heads": named("kv_heads"),
        "scale": None,
        "softcap": 0.0,
        "softmax_precision": None,
        "left_window_size": named("left_window", -1),
        "right_window_size": named("right_window", -1),
        "qk_matmul_output_mode": named("qk_mode", 0),
    }
)


def _read_attention(use: Use) -> Read | None:
    """Ask for the outputs that something uses; past keys always make new ones."""
    params = read_params(_ATTENTION, use)
    if params is None or params["softmax_precision"] not in (None, *DTYPES):
        return None
    present = use.needs(1) or use.needs(2) or use.input(4) is not ABSENT
    results = 4 if use.needs(3) else 3 if present else 1
    precision = params["softmax_precision"]
    params["softmax_precision"] = None if precision is None else DTYPES[precision]
    return ops.attention, use.inputs, {**params, "results": results}


def _write_attention(node: Node, opset: int) -> Written:
    precision = node.params["softmax_precision"]
    params = {**node.params, "softmax_precision": None if precision is None else NUMBERS[precision]}
    return Written("Attention", node.inputs, write_params(_ATTENTION, params))


ROWS: Final[tuple[Row, ...]] = (
    Row("Attention", ops.attention, _read_attention, _write_attention),
    row(
        "RotaryEmbedding",
        ops.rotary_embedding,
        {"num_heads": named("heads"), "interleaved": False, "rotary_embedding_dim": named("rotary_size", 0)},
    ),
)
