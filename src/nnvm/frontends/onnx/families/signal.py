"""Spectra, windows and losses in ONNX."""

from typing import Any, Final

from nnvm import ops
from nnvm.frontends.onnx.families.quantize import typed
from nnvm.frontends.onnx.rows import (
    Read,
    Row,
    Use,
    Written,
    columns_of,
    constant_ints,
    named,
    read_params,
    row,
    write_params,
)
from nnvm.ir import ABSENT, Node, i64, tensor_data

_DFT: Final = columns_of({"inverse": False, "onesided": False})
_LOSS: Final[dict[str, Any]] = {"ignore_index": None, "reduction": "mean"}
_WINDOW: Final = {"output_datatype": named("output_dtype", 1), "periodic": True}


def _read_dft(use: Use) -> Read | None:
    """Before opset 20 the axis is an attribute."""
    if use.opset >= 20:
        params = read_params(_DFT, use)
        return None if params is None else (ops.dft, use.inputs, params)
    axis = use.attributes.pop("axis", 1)
    params = read_params(_DFT, use)
    if params is None or not isinstance(axis, int):
        return None
    return ops.dft, (use.inputs[0], use.input(1), use.constant(tensor_data(axis, i64[()]), "axis")), params


def _write_dft(node: Node, opset: int) -> Written:
    attributes = write_params(_DFT, node.params)
    if opset >= 20:
        return Written("DFT", node.inputs, attributes)
    axis = constant_ints(node, 2, "DFT", opset, 20)
    chosen = len(node.inputs[0].shape) - 2 if axis is None else axis[0]
    if chosen < 0:
        chosen += len(node.inputs[0].shape)
    given = node.inputs[:2] if len(node.inputs) > 1 and node.inputs[1] is not ABSENT else node.inputs[:1]
    return Written("DFT", given, attributes | ({} if chosen == 1 else {"axis": chosen}))


ROWS: Final[tuple[Row, ...]] = (
    typed("HannWindow", ops.hann_window, _WINDOW, ("output_dtype",)),
    typed("HammingWindow", ops.hamming_window, _WINDOW, ("output_dtype",)),
    typed("BlackmanWindow", ops.blackman_window, _WINDOW, ("output_dtype",)),
    typed(
        "MelWeightMatrix",
        ops.mel_weight_matrix,
        {"output_datatype": named("output_dtype", 1)},
        ("output_dtype",),
    ),
    Row("DFT", ops.dft, _read_dft, _write_dft),
    row("STFT", ops.stft, {"onesided": True}),
    row("NegativeLogLikelihoodLoss", ops.nll_loss, _LOSS),
    row("SoftmaxCrossEntropyLoss", ops.softmax_cross_entropy_loss, _LOSS),
)
