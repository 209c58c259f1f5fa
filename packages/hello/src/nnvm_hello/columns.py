"""What can be done with the operator: entries in nnvm's columns and in one of its own."""

from collections.abc import Callable
from typing import Final

import nnvm
from nnvm import attrs, ops
from nnvm_hello.operators import scale

spelling: Final[nnvm.OpAttr[Callable[[nnvm.Node], nnvm.Value]]] = nnvm.OpAttr("a use in nnvm's own operators")

attrs.elementwise[scale] = True
attrs.kernel[scale] = "hello:scale/1"


@attrs.macs(scale)
def _(node: nnvm.Node) -> int | nnvm.Dim:
    return node.outputs[0].tensor.elements


@spelling(scale)
def _(node: nnvm.Node) -> nnvm.Value:
    return ops.mul(node.inputs[0], node.params["by"])
