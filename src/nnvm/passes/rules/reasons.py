"""Why a rule, by its name, does not apply at a node, by its name."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from nnvm.errors import Error
from nnvm.ir import Graph, Node, Rule, run_rules
from nnvm.ir.rules.why_not import why_not
from nnvm.passes.layout.movement import MOVEMENTS
from nnvm.passes.layout.transpose import TRANSPOSES
from nnvm.passes.rules.activation import ACTIVATIONS
from nnvm.passes.rules.arithmetic import ARITHMETIC
from nnvm.passes.rules.cast import CASTS
from nnvm.passes.rules.compounds import COMPOUNDS, QUOTIENTS

RULES: Final[Mapping[str, Rule]] = {
    each.name: each for each in (*ACTIVATIONS, *ARITHMETIC, *CASTS, *COMPOUNDS, *MOVEMENTS, *QUOTIENTS, *TRANSPOSES)
}


def explain(graph: Graph, rule: str, node: str, strangers: Sequence[Rule] = ()) -> str:
    """Say why a rule does not apply at a node of a graph, as it is; `strangers` are rules of other packages.

    A node without a name is called by its operator and number, as `print` numbers it: `mul_3`. Raises Error for a rule
    or node that is not there, naming those that are close.
    """
    rules = {**RULES, **{each.name: each for each in strangers}}
    if rule not in rules:
        raise Error(f"there is no rule {rule!r}{_close(rule, rules)}")
    found = find_node(graph, node)
    told = why_not(rules[rule], found, graph)
    stopped = run_rules(graph, [rules[rule]]).stopped
    return f"{told}; alone it stops: {stopped}" if stopped.startswith("budget") else told


def find_node(graph: Graph, name: str) -> Node:
    """Return a node by its name, or by its operator and number where it has none; raise Error where there is none."""
    numbers: dict[str, int] = {}
    unnamed: dict[str, Node] = {}
    for node in graph.nodes:
        if node.name == name:
            return node
        if node.name is None:
            number = numbers[node.op.name] = numbers.get(node.op.name, 0) + 1
            unnamed[f"{node.op.name}_{number}"] = node
    if name not in unnamed:
        named = [node.name for node in graph.nodes if node.name is not None]
        raise Error(f"graph {graph.name} has no node {name!r}{_close(name, [*named, *unnamed])}")
    return unnamed[name]


def _close(name: str, known: Sequence[str] | Mapping[str, Rule]) -> str:
    close = get_close_matches(name, list(known), 3)
    return f"; close are {', '.join(close)}" if close else ""
