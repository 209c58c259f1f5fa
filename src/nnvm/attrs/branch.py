"""What becomes of a use whose condition is known: one of its branches."""

from collections.abc import Callable, Sequence
from typing import Final

from nnvm.ir import Node, OpAttr, Value

branch: Final[OpAttr[Callable[[Node, bool], Sequence[Value] | None]]] = OpAttr(
    "the outputs of the branch that a known condition, the first input, takes; None where it cannot stand alone"
)
