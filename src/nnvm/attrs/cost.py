"""How much an operator computes."""

from collections.abc import Callable
from typing import Final

from nnvm.ir import Node, OpAttr
from nnvm.ir.dims import Size

macs: Final[OpAttr[Callable[[Node], Size]]] = OpAttr(
    "multiply-accumulates of a use; an operator without an entry counts none"
)
