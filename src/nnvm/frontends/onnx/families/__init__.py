"""Which operators we read and write, family by family."""

from collections.abc import Mapping
from typing import Any, Final

from nnvm.frontends.onnx.families import (
    activation,
    arithmetic,
    attention,
    image,
    index,
    nn,
    normalization,
    patches,
    quantize,
    recurrent,
    reduce,
    selection,
    shape,
    signal,
    streaming,
)
from nnvm.frontends.onnx.rows import Row
from nnvm.ir import Op

ROWS: Final[tuple[Row, ...]] = (
    *arithmetic.ROWS, *activation.ROWS, *nn.ROWS, *normalization.ROWS, *recurrent.ROWS, *reduce.ROWS, *shape.ROWS,
    *index.ROWS, *image.ROWS, *selection.ROWS, *quantize.ROWS, *attention.ROWS, *signal.ROWS,
    *streaming.ROWS, *patches.ROWS,
)  # fmt: skip
BY_TYPE: Final[Mapping[str, Row]] = {row.type: row for row in ROWS}
BY_OP: Final[Mapping[Op[..., Any], Row]] = {op: row for row in ROWS for op in row.ops}

__all__ = ["BY_OP", "BY_TYPE", "ROWS"]
