"""What the command prints, as plain objects: the figures of a graph, of an optimisation, of a plan, of a run."""

from nnvm.report.graphs import provenance, show
from nnvm.report.optimising import optimise, passes
from nnvm.report.planning import plan
from nnvm.report.running import PROGRAM_SUFFIX, load_program, run
from nnvm.report.wording import plain, shape_text, size_text, top_text

__all__ = [
    "PROGRAM_SUFFIX",
    "load_program",
    "optimise",
    "passes",
    "plain",
    "plan",
    "provenance",
    "run",
    "shape_text",
    "show",
    "size_text",
    "top_text",
]
