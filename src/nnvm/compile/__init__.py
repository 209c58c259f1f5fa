"""The bridge: a graph becomes a Program, its memory planned and proven against bounds."""

from nnvm.compile.backend import WORKSPACE_LIMIT, Backend, Call
from nnvm.compile.ordering import EFFORT
from nnvm.compile.program import compile_graph, sample_binding

__all__ = ["EFFORT", "WORKSPACE_LIMIT", "Backend", "Call", "compile_graph", "sample_binding"]
