"""Which operators draw random numbers, so that two equal uses differ and none is computed ahead."""

from collections.abc import Callable
from typing import Final

from nnvm.ir import Node, OpAttr

random: Final[OpAttr[Callable[[Node], bool]]] = OpAttr("whether a use draws random numbers")
