"""Orders of steps that hold few bytes at once, and how near to the fewest they are."""

from nnvm.analyses.ordering.bounds import order_bound
from nnvm.analyses.ordering.closures import closure_bound
from nnvm.analyses.ordering.planner import EFFORT, Order, order
from nnvm.analyses.ordering.problem import Problem, Step, Tensor, peak, profile

__all__ = ["EFFORT", "Order", "Problem", "Step", "Tensor", "closure_bound", "order", "order_bound", "peak", "profile"]
