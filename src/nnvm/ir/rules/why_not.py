"""Why a rule does not apply at a node."""

import linecache
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from nnvm.errors import Error
from nnvm.ir.graph import Graph, postorder
from nnvm.ir.node import ABSENT, Node, Value
from nnvm.ir.rewrite import loses_order
from nnvm.ir.rules.joint import closes_cycle, readers
from nnvm.ir.rules.patterns import Match
from nnvm.ir.rules.rule import Rule, flat
from nnvm.ir.rules.search import Found, Readers, Search, told
from nnvm.ir.scope import unscoped
from nnvm.ir.types import UnknownRank


def why_not(rule: Rule, node: Node, graph: Graph | None = None) -> str:
    """Say why a rule does not apply at a node: the first mismatch of the match that comes closest, or that it does.

    A rule of several roots is looked for in the graph. Raises Error where the rule has several roots and no graph is
    given, and where the rule itself fails.
    """
    if len(rule.pattern.roots) > 1 and graph is None:
        raise Error(f"rule {rule.name} has several roots; give the graph to look for them")
    read: Readers | None = None if graph is None else (lambda value: readers(graph).get(value, ()))
    search = Search(rule.pattern, read, reasons=True)
    refused = ""
    with unscoped():
        for found in search.at(node):
            reason = _refusal(rule, found, graph)
            if not reason:
                return f"{rule.name} applies to {told(node.outputs[0])}"
            refused = refused or f"{rule.name} matches {told(node.outputs[0])}, but {reason}"
    return refused or f"{rule.name} does not match {told(node.outputs[0])}: {search.reason()}"


def _refusal(rule: Rule, found: Found, graph: Graph | None) -> str:
    """Say why what is found is not replaced; nothing where it is."""
    old = rule.pattern.found(found.roots)
    if rule.apply(found.holes, old) is None:
        return _unmade(rule, found.holes, old)
    made = rule.apply(found.holes, old) or ()
    settled = set(postorder(old) if graph is None else graph.nodes) | {ABSENT.node}
    for node in found.roots:
        mine = [now for was, now in zip(old, made, strict=True) if was.node is node]
        if loses_order(node, mine, settled):
            return f"what stands for {told(node.outputs[0])} then would not wait for {told(node.after[0].outputs[0])}"
    if graph is not None and len(found.roots) > 1 and closes_cycle(graph, found.roots, old, made):
        return "one of its roots needs another, so that replacing them would close a cycle"
    return ""


def _unmade(rule: Rule, holes: Match, old: Sequence[Value]) -> str:
    """Say why a rule makes nothing, or nothing that fits, of what it found."""
    made, line, error = _traced(rule, holes)
    where = f"at line {line}, `{linecache.getline(rule.function.__code__.co_filename, line).strip()}`," if line else ""
    if isinstance(error, UnknownRank):
        return f"the guard {where} asks for a type that is not known"
    if error is not None:
        return f"what it builds {where} is refused: {error}"
    if made is None:
        return f"the guard {where} let it pass without a right side" if where else "it has no right side"
    for was, now in zip(old, made, strict=True):
        if now.node is was.node:
            return f"its right side is {told(was)} itself"
        if not rule.keeps(was, now) and was.type is None:
            return f"the type of {told(was)} is not known, and the rule is not declared untyped"
        if not rule.keeps(was, now):
            return f"the right side would be {now.type!r} where {was.type!r} is"
    return "its right side differs from one run to the next"


def _traced(rule: Rule, holes: Match) -> tuple[tuple[Value, ...] | None, int, Exception | None]:
    """Run a rule once more; return what it makes, the last line that it ran after its left side, and what it raised."""
    code, lines = rule.function.__code__, [0]

    def each_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            lines.append(frame.f_lineno)
        return each_line

    steps, before = rule.start(holes), sys.gettrace()
    try:
        next(steps)
        sys.settrace(lambda frame, event, _: each_line if frame.f_code is code else None)
        made = next(steps, None)
    except (UnknownRank, Error) as error:
        return None, lines[-1], error
    finally:
        sys.settrace(before)
        steps.close()  # type: ignore[attr-defined]
    return None if made is None else flat(made), lines[-1], None
