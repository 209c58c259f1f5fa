"""What a pass may ask of an operator: one column each, filled in from anywhere."""

from nnvm.attrs.cost import macs
from nnvm.attrs.elementwise import elementwise
from nnvm.attrs.infer_inputs import infer_inputs
from nnvm.attrs.mutates import mutates
from nnvm.attrs.random import random
from nnvm.attrs.view import view
from nnvm.ir import commutes, follow

__all__ = ["commutes", "elementwise", "follow", "infer_inputs", "macs", "mutates", "random", "view"]
