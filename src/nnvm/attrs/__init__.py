"""What a pass may ask of an operator: one column each, filled in from anywhere."""

from nnvm.attrs.bodies import bodies
from nnvm.attrs.branch import branch
from nnvm.attrs.cost import macs
from nnvm.attrs.elementwise import elementwise
from nnvm.attrs.infer_inputs import infer_inputs
from nnvm.attrs.kernel import kernel
from nnvm.attrs.mutates import mutates
from nnvm.attrs.pieces import pieces
from nnvm.attrs.random import random
from nnvm.attrs.view import view
from nnvm.ir import commutes, follow
from nnvm.ir.op_attr import on_first_read
from nnvm.plugins import load_columns

on_first_read(load_columns)

__all__ = [
    "bodies", "branch", "commutes", "elementwise", "follow", "infer_inputs", "kernel", "macs", "mutates", "pieces",
    "random", "view",
]  # fmt: skip
