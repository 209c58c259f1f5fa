"""Which inputs an operator writes to (NNVM's FMutateInputs)."""

from typing import Final

from nnvm.ir import OpAttr

mutates: Final[OpAttr[tuple[int, ...]]] = OpAttr("numbers of the inputs whose state it changes")
