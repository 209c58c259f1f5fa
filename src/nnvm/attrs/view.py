"""Which operators only look at the bytes of their first input through another shape."""

from typing import Final

from nnvm.ir import OpAttr

view: Final[OpAttr[bool]] = OpAttr("the output holds the first input's elements in the same order")
