"""How a graph that shows something is made as small as it can be and still show it."""

from nnvm.reduce.interest import Command, FailingPass, Failure
from nnvm.reduce.search import Reduction, Search, reduce
from nnvm.reduce.strategies import STRATEGIES

__all__ = ["STRATEGIES", "Command", "FailingPass", "Failure", "Reduction", "Search", "reduce"]
