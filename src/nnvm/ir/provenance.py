"""Where a node comes from: what it was made of, by which pass and rule, and what became of nodes that are gone."""

import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from nnvm.ir.graph import Graph, collection_paused
from nnvm.ir.node import ABSENT, Node, Value, make
from nnvm.ir.scope import scope

SOURCE: Final = "source"
"""The hint that says where a node was written: a line of Python or of text, or a file, a node's number and its name."""
SOURCES: Final = "sources"
"""The hint that lists what a node was made of, as `History.annotate` leaves it."""
MADE_BY: Final = "made_by"
"""The hint that lists the passes and rules that made a node, in order."""
VANISHED: Final = "vanished"
"""The graph's hint that maps what is gone to what took it away, and what stands in its place."""

_NEAR: Final = 16


class Account:
    """What is known of a node: the texts of its sources, and the passes and rules that made it, in order."""

    __slots__ = ("made_by", "sources")

    def __init__(self, sources: Iterable[str], made_by: Iterable[str]) -> None:
        self.sources: Final = tuple(sources)
        self.made_by: Final = tuple(made_by)

    def __repr__(self) -> str:
        return f"{', '.join(self.sources)}{' by ' + ', '.join(self.made_by) if self.made_by else ''}"


class _Making:
    """What was put in the place of old nodes by whom; its origins are looked for when somebody asks."""

    __slots__ = ("by", "new", "old", "origins", "values")

    def __init__(self, old: tuple[Node, ...], values: tuple[Value, ...], new: Sequence[Node], by: str) -> None:
        self.old, self.values, self.new, self.by = old, values, new, by
        self.origins: tuple[Node, ...] | None = None


class History:
    """What every rewriting within `recording` did: kept beside graphs, so that none pays for it later."""

    __slots__ = ("_gone", "_made", "_moved", "_runs", "by")
    by: str

    def __init__(self) -> None:
        self.by = "edit"
        self._moved: Final[dict[Node, Node]] = {}
        self._made: Final[dict[Node, _Making]] = {}
        self._gone: Final[dict[Node, tuple[Value, str]]] = {}
        self._runs: Final[list[tuple[str, Graph]]] = []

    def moved(self, old: Node, new: Node) -> None:
        """Note that a node is the old one on other inputs."""
        if new is not old:
            self._moved[new] = old

    def merged(self, old: Node, value: Value) -> None:
        """Note that a value that was there before stands for an old node now."""
        self._gone[old] = (value, self.by)

    def replaced(self, old: Sequence[Node], values: Sequence[Value], settled: Container[Node], rule: str = "") -> None:
        """Note that values stand for the outputs of nodes: whatever they are made of that is not settled is new."""
        made, moved = self._made, self._moved
        stack = [value.node for value in values]
        seen: list[Node] = []
        for node in stack:
            if node in made or node in old or node in settled or node in seen:
                continue
            seen.append(node)
            stack += [value.node for value in node.inputs]
        new = [node for node in seen if node not in moved]
        by = f"{self.by}/{rule}" if rule else self.by
        if new:
            record = _Making(tuple(old), tuple(values), seen, by)
            for node in new:
                made[node] = record
        elif values[0].node not in old:
            for node in old:
                self._gone[node] = (values[0], by)

    def _origins(self, making: "_Making") -> tuple[Node, ...]:
        """Return old nodes and those above them down to what the new ones take; themselves alone where that is far."""
        if making.origins is not None:
            return making.origins
        old, new = making.old, making.new
        given = {*making.values, *[value for node in new for value in node.inputs]}
        found = dict.fromkeys(old)
        stack = [value for node in old for value in node.inputs]
        closed = False
        while stack and len(found) <= _NEAR:
            value = stack.pop()
            node = value.node
            closed = closed or value in given
            if value in given or node in found or node in new or value is ABSENT:
                continue
            if node.inputs or node in self._made:
                found[node] = None
                stack += node.inputs
        folded = (*old, *[node for node in found if not node.inputs and node not in old])
        making.origins = old if len(found) > _NEAR else tuple(found) if closed else folded
        return making.origins

    def run(self, name: str, graph: Graph) -> None:
        """Note which graph a pass is given, and so what the passes before it left."""
        self.by = name
        if self._runs and self._runs[-1][1] is graph:  # the pass before changed nothing
            self._runs.pop()
        self._runs.append((name, graph))

    def account(self, node: Node) -> Account:
        """Say what a node was made of and by whom; a node that no rewriting made is its own source."""
        sources: dict[str, None] = {}
        steps: dict[str, None] = {}
        seen: set[Node] = set()
        stack = [node]
        while stack:
            here = stack.pop()
            if here in seen:
                continue
            seen.add(here)
            origin = self._moved.get(here)
            if origin is not None:
                stack.append(origin)
                continue
            record = self._made.get(here)
            if record is None:
                sources.update(dict.fromkeys(sources_of(here)))
                steps.update(dict.fromkeys(reversed(here.hints.get(MADE_BY, ()))))
                continue
            stack += reversed(self._origins(record))
            steps[record.by] = None
        return Account(sources, reversed(steps))

    def annotate(self, graph: Graph) -> Graph:
        """Return the graph whose changed nodes carry their account as hints, and which lists what vanished."""
        with collection_paused():
            return self._annotate(graph)

    def _annotate(self, graph: Graph) -> Graph:
        merged: dict[Node, list[Node]] = {}
        for old in self._gone:
            end = self._end(old)
            if end.inputs:
                merged.setdefault(end, []).append(old)
        changed: dict[Value, Value] = {}
        moved: dict[Node, Node] = {}
        if self._made or merged:
            touched = self._touched(merged)
            for node in graph.nodes:
                hints = self._hints(node, merged) if node in touched else node.hints
                inputs, after = node.inputs, node.after
                if changed and not changed.keys().isdisjoint(inputs):
                    inputs = tuple([changed.get(value, value) for value in inputs])
                if after and moved:
                    after = tuple([moved.get(other, other) for other in after])
                if hints is node.hints and inputs is node.inputs and after is node.after:
                    continue
                if len(node.outputs) == 1:
                    value = node.outputs[0]
                    new = changed[value] = make(node.op, inputs, node.params, value.type, node.name, after, hints)
                    moved[node] = new.node
                    continue
                made = moved[node] = Node(node.op, inputs, node.params, node.types, node.name, after, hints)
                changed.update(zip(node.outputs, made.outputs, strict=True))
        vanished = {**graph.hints.get(VANISHED, {}), **self.vanished(graph)}
        if not (changed or vanished):
            return graph
        ends = {name: [changed.get(value, value) for value in getattr(graph, name)] for name in ("inputs", "outputs")}
        return graph.replace(hints={**graph.hints, VANISHED: vanished} if vanished else graph.hints, **ends)

    def _touched(self, merged: Iterable[Node]) -> set[Node]:
        """Return what something made, or took the place of others, also as it moved on."""
        touched = {*self._made, *merged}
        for new, old in self._moved.items():  # in the order of moves
            if old in touched:
                touched.add(new)
        return touched

    def _hints(self, node: Node, merged: Mapping[Node, Iterable[Node]]) -> Mapping[str, Any]:
        """Return the hints of a node with its account in them; the same where nobody is known to have made it."""
        own = self.account(node)
        sources, by = dict.fromkeys(own.sources), dict.fromkeys(own.made_by)
        here: Node | None = node if merged else None
        while here is not None:
            for old in merged.get(here, ()):
                other = self.account(old)
                sources.update(dict.fromkeys(other.sources))
                by.update(dict.fromkeys((*other.made_by, self._gone[old][1])))
            here = self._moved.get(here)
        return {**node.hints, SOURCES: tuple(sources), MADE_BY: tuple(by)} if by else node.hints

    def _end(self, node: Node) -> Node:
        """Follow a node that is gone to the node that stands in its place."""
        seen = {node}
        while node in self._gone:
            node = self._gone[node][0].node
            if node in seen:
                break
            seen.add(node)
        return node

    def vanished(self, graph: Graph) -> dict[str, str]:
        """Return what the first graph had and this one has no more: its source, and what took it away."""
        if not self._runs:
            return {}
        alive = self._alive(graph)
        gone = [node for node in self._runs[0][1].nodes if node.inputs and node not in alive]
        if not gone:
            return {}
        lost = {node: name for name, before in self._runs for node in before.nodes if node not in alive}
        later = {old: new for new, old in self._moved.items()}
        found: dict[str, str] = {}
        for node in gone:
            last = node
            while last in later and last not in self._gone:
                last = later[last]
            found.update(dict.fromkeys(sources_of(node), self._end_of(last, lost)))
        return found

    def _end_of(self, node: Node, lost: Mapping[Node, str]) -> str:
        if node not in self._gone:
            return f"{lost.get(node, self.by)}: nothing uses it"
        value, by = self._gone[node]
        return f"{by}: {self._end(node).name or value.name} stands in its place"

    def _alive(self, graph: Graph) -> set[Node]:
        """Return every node that the nodes of a graph were made of, and they themselves."""
        alive: set[Node] = set()
        moved = self._moved
        stack = list(graph.nodes)
        while stack:
            node = stack.pop()
            if node not in alive:
                alive.add(node)
                making = self._made.get(node)
                stack += [moved[node]] if node in moved else () if making is None else self._origins(making)
        return alive


_HERE: Final = __file__.removesuffix("ir/provenance.py")

RECORDING: Final[list[None]] = []
"""One item for each recording open in any thread: while it is empty, nobody asks for the one that is open here."""
_history: Final[ContextVar[History | None]] = ContextVar("_history", default=None)


@contextmanager
def recording() -> Iterator[History]:
    """Record within the block what every rewriting makes of what, and the line of Python that builds a node.

    Nothing is recorded, or paid for, outside of one.
    """
    history = History()
    token = _history.set(history)
    RECORDING.append(None)
    try:
        with scope(_with_line):
            yield history
    finally:
        RECORDING.pop()
        _history.reset(token)


def current_history() -> History | None:
    """Return the history that `recording` keeps here, or None."""
    return _history.get()


def _with_line(op: object, name: str | None, hints: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    """Note the line outside this package, and outside of compiled signatures, that builds a node."""
    if SOURCE in hints:
        return name, hints
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_HERE, "<signature of ")):
        frame = frame.f_back
    return name, {**hints, SOURCE: f"{frame.f_code.co_filename}:{frame.f_lineno}"}


def is_annotated(graph: Graph) -> bool:
    """Say whether a graph's hints tell of provenance, so that what writes it should write hints."""
    return VANISHED in graph.hints or any([SOURCES in node.hints or SOURCE in node.hints for node in graph.nodes])


def moved(old: Node, new: Node) -> None:
    """Tell the history that is kept here, if one is, that a node is the old one on other inputs."""
    history = _history.get()
    if history is not None:
        history.moved(old, new)


def sources_of(node: Node) -> tuple[str, ...]:
    """Return what a node's hints tell of where it comes from; its own name and operator where they tell nothing."""
    known = node.hints.get(SOURCES)
    if isinstance(known, tuple):
        return known
    name = f"{node.name} ({node.op.name})" if node.name else node.op.name
    place = node.hints.get(SOURCE)
    if isinstance(place, tuple):
        file, number, own = place
        place = f"{file}, node {number} {own!r}" if own else f"{file}, node {number}"
    return (f"{name} at {place}" if place else name,)


def account_of(graph: Graph, name: str) -> dict[str, Any] | None:
    """Return what hints tell of a node by name, of what it is part of now, or of its end; None where they do not."""
    parts = []
    for node in graph.nodes:
        if node.name == name:
            made_by = node.hints.get(MADE_BY, ())
            return {"name": name, "operator": node.op.name, "sources": sources_of(node), "made_by": made_by}
        if any([_is_of(text, name) for text in node.hints.get(SOURCES, ())]):
            parts.append({"name": node.name, "operator": node.op.name, "made_by": node.hints.get(MADE_BY, ())})
    found = {text: told for text, told in graph.hints.get(VANISHED, {}).items() if _is_of(text, name)}
    return {"name": name, "operator": None, "part_of": parts, "vanished": found} if parts or found else None


def _is_of(text: str, name: str) -> bool:
    return text.startswith(f"{name} (")
