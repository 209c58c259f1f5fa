"""What can be read off a graph, memoised on it."""

from nnvm.analyses.fixed import fixed, pure
from nnvm.ir import uses

__all__ = ["fixed", "pure", "uses"]
