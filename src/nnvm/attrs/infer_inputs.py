"""What an operator can tell of its inputs' types, so that types flow back to weights (NNVM's two-way FInferShape)."""

from collections.abc import Callable
from typing import Final

from nnvm.ir import Node, OpAttr
from nnvm.ir.types import Type

infer_inputs: Final[OpAttr[Callable[[Node], tuple[Type | None, ...]]]] = OpAttr(
    "types that a use demands of its inputs; None where it cannot tell"
)
