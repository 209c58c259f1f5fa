"""How a use is said in operators that are simpler, and were there before."""

from collections.abc import Callable
from typing import Final

from nnvm.ir import Node, OpAttr, Value

pieces: Final[OpAttr[Callable[[Node], Value]]] = OpAttr("the same computed by simpler operators")
