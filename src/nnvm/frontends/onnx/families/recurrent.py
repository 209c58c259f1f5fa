"""Recurrent layers in ONNX, which say the same from opset 7 on; opset 14 added the layout."""

from typing import Final

from nnvm import ops
from nnvm.frontends.onnx.rows import Row, row

_LAYER: Final = {
    "activation_alpha": (),
    "activation_beta": (),
    "activations": (),
    "clip": None,
    "direction": "forward",
    "hidden_size": None,
    "layout": 0,
}

ROWS: Final[tuple[Row, ...]] = (
    row("LSTM", ops.lstm, _LAYER | {"input_forget": False}),
    row("GRU", ops.gru, _LAYER | {"linear_before_reset": False}),
    row("RNN", ops.rnn, _LAYER),
)
