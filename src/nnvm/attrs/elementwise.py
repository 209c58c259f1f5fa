"""Which operators compute each element of the output from the elements at the same place, after broadcasting."""

from typing import Final

from nnvm.ir import OpAttr

elementwise: Final[OpAttr[bool]] = OpAttr(
    "each output element depends on the elements at its place, after broadcasting"
)
