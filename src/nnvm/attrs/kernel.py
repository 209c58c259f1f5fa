"""Which kernel computes an operator that is not ours, on every backend that has a kernel of this name."""

from typing import Final

from nnvm.ir import OpAttr

kernel: Final[OpAttr[str]] = OpAttr(
    "name in programs of the kernel that takes its inputs and params as they are: PREFIX:NAME/VERSION"
)
