"""What becomes of a use that holds graphs, once those graphs are improved."""

from collections.abc import Callable
from typing import Final

from nnvm.ir import Graph, Node, OpAttr

bodies: Final[OpAttr[Callable[[Node, Callable[[Graph], Graph]], Node | None]]] = OpAttr(
    "the same use with every graph that it holds put through a function; None where that changes nothing"
)
