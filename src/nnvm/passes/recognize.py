"""How what several operators spell out becomes the one that says it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from nnvm.ir import Graph, Op, Rule, apply_rules
from nnvm.ops import erf, gelu, layer_norm, rms_norm, sqrt, tanh
from nnvm.passes.rules.compounds import COMPOUNDS

Speaks = Callable[[Graph, Op[..., Any]], bool]
MAKES: Final[Mapping[Rule, Op[..., Any]]] = dict(
    zip(COMPOUNDS, (gelu, gelu, gelu, layer_norm, layer_norm, rms_norm), strict=True)
)
"""What each rule puts."""
_MARKS: Final = frozenset((erf, tanh, sqrt, layer_norm))
"""Every left side has one of these; a graph without them is not searched."""


def _anything(graph: Graph, op: Op[..., Any]) -> bool:
    return True


def recognize(graph: Graph, speaks: Speaks = _anything, /) -> Graph:
    """Put gelu, layer norm and RMS norm for what spells them out.

    `speaks` says whether the file that a graph came from could say an operator, so that nothing is put here that saving
    takes apart again; the driver supplies it.
    """
    if _MARKS.isdisjoint([node.op for node in graph.nodes]):
        return graph
    known = {op for op in MAKES.values() if speaks(graph, op)}
    return apply_rules(graph, [each for each in COMPOUNDS if MAKES[each] in known]) if known else graph
