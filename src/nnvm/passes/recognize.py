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
_MARKS: Final[Mapping[Rule, tuple[Op[..., Any], ...]]] = dict(
    zip(COMPOUNDS, ((erf,), (erf,), (tanh,), (sqrt,), (sqrt, layer_norm), (sqrt,)), strict=True)
)
"""What a graph has one of where a rule may fire; it is not searched for what has none."""


def _anything(graph: Graph, op: Op[..., Any]) -> bool:
    return True


def recognize(graph: Graph, speaks: Speaks = _anything, /) -> Graph:
    """Put gelu, layer norm and RMS norm for what spells them out.

    `speaks` says whether the file that a graph came from could say an operator, so that nothing is put here that saving
    takes apart again; the driver supplies it.
    """
    there = {node.op for node in graph.nodes}
    chosen = [each for each in COMPOUNDS if not there.isdisjoint(_MARKS[each]) and speaks(graph, MAKES[each])]
    return apply_rules(graph, chosen) if chosen else graph
