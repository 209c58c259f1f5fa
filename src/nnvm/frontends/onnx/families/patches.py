"""Pieces of images in ONNX."""

from typing import Final

from nnvm import ops
from nnvm.frontends.onnx.rows import REQUIRED, Row, named, row

_POOLED: Final = {"kernel_shape": named("kernel", REQUIRED), "pads": (), "strides": ()}
ROWS: Final[tuple[Row, ...]] = (
    row("CenterCropPad", ops.center_crop_pad, {"axes": None}),
    row("Col2Im", ops.col2im, {"dilations": (), "pads": (), "strides": ()}),
    row("MaxUnpool", ops.max_unpool, _POOLED),
    row("AffineGrid", ops.affine_grid, {"align_corners": False}),
)
