"""Which boxes of a diagram belong together: by the scopes in their names, else by where the graph is narrow."""

import re
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from nnvm.pictures.components import components
from nnvm.pictures.diagram import Box, Diagram, short_name
from nnvm.pictures.lettering import clean

FLAT: Final = 300
"""Boxes up to which a graph is shown whole at first, and is not cut into parts."""

_MOST: Final = 80
_PART: Final = 32
_DEEPEST: Final = 12
_FEWEST: Final = 3
_FEW_ENDS: Final = 20


class Scope(NamedTuple):
    """A group of boxes and of other scopes; a member is a box's number, or ~ the number of a scope.

    Members are in an order in which every wire leads to a later one.
    """

    label: str
    parent: int
    members: tuple[int, ...]
    size: int


def scopes(drawn: Diagram) -> tuple[Scope, ...]:
    """Return the scopes of a diagram, the whole first, each after its parent.

    Names are split at "/" and "." (of "/encoder/layer.0/mul" the scopes are encoder, layer, 0). A scope that wires
    leave and come back to is dissolved, so that between the members of a scope there are no cycles. What then has too
    many members is cut where few values cross.
    """
    return tuple(_Builder(drawn).built())


class _Builder:
    """Scopes in the making: `members[i]` and `labels[i]` of scope i, scope 0 being the whole."""

    def __init__(self, drawn: Diagram) -> None:
        self.boxes = drawn.boxes
        self.targets: list[list[int]] = [[] for _ in drawn.boxes]
        for wire in drawn.wires:
            self.targets[wire.source].append(wire.target)
        self.most = _MOST if len(drawn.boxes) > FLAT else FLAT
        self.labels, self.members = _named(drawn.boxes)
        self.owner = [-1] * len(drawn.boxes)

    def built(self) -> Iterator[Scope]:
        """Yield the scopes, top down, numbered as they come."""
        waiting = [(0, 0)]
        yielded = 0
        taken = 1
        while yielded < len(waiting):
            here, parent = waiting[yielded]
            yielded += 1
            self._settle(here)
            members = []
            for item in self.members[here]:
                if item < 0:
                    waiting.append((~item, yielded - 1))
                    item = ~taken
                    taken += 1
                members.append(item)
            yield Scope(clean(self.labels[here]), parent, tuple(members), len(self._under(~here)))

    def _under(self, item: int) -> list[int]:
        """Return the boxes within an item."""
        found, stack = [], [item]
        while stack:
            item = stack.pop()
            if item >= 0:
                found.append(item)
            else:
                stack += self.members[~item]
        return found

    def _settle(self, here: int) -> None:
        """Merge, dissolve, order and cut until the members of a scope can be drawn."""
        items = self.members[here]
        while len(items) == 1 and items[0] < 0:
            inner = ~items[0]
            self.labels[here] = f"{self.labels[here]}/{self.labels[inner]}" if here else self.labels[here]
            items = self.members[inner]
        while True:
            under = [self._under(item) for item in items]
            below: list[list[int]] = []
            wrong = [item < 0 and len(boxes) < _FEWEST for item, boxes in zip(items, under, strict=True)]
            if not any(wrong):
                below = self._quotient(under)
                wrong = self._broken(items, under, below)
            if not any(wrong):
                break
            items = self._dissolved(items, wrong)
        order = _in_order(below, [min(boxes) for boxes in under])
        self.members[here] = self._cut([items[i] for i in order], order, below)

    def _dissolved(self, items: Sequence[int], which: Sequence[bool]) -> list[int]:
        made: list[int] = []
        for item, dissolve in zip(items, which, strict=True):
            if dissolve:
                made += self.members[~item]
            else:
                made.append(item)
        return made

    def _quotient(self, under: Sequence[Sequence[int]]) -> list[list[int]]:
        """Return which items each item feeds."""
        for i, boxes in enumerate(under):
            for box in boxes:
                self.owner[box] = i
        below: list[list[int]] = []
        for i, boxes in enumerate(under):
            fed = {self.owner[target] for box in boxes for target in self.targets[box]}
            below.append(sorted(fed - {i, -1}))
        for boxes in under:
            for box in boxes:
                self.owner[box] = -1
        return below

    def _broken(
        self, items: Sequence[int], under: Sequence[Sequence[int]], below: Sequence[Sequence[int]]
    ) -> list[bool]:
        """Say which scopes to dissolve: of those on a cycle the half that is scattered most."""
        found = [False] * len(items)
        for ring in components(below):
            if len(ring) < 2:
                continue
            spread = {i: (max(under[i]) - min(under[i])) / len(under[i]) for i in ring if items[i] < 0}
            ordered = sorted(spread, key=lambda i: (-spread[i], i))
            for i in ordered[: (len(ordered) + 1) // 2]:
                found[i] = True
        return found

    def _cut(self, items: list[int], order: Sequence[int], below: Sequence[Sequence[int]]) -> list[int]:
        """Put runs of members into parts where there are too many of them."""
        if len(items) <= self.most:
            return items
        ends = [i for i, item in enumerate(items) if item >= 0 and self.boxes[item].kind != "node"]
        apart = set(ends) if len(ends) <= _FEW_ENDS else set()
        inner = [i for i in range(len(items)) if i not in apart]
        place = {order[i]: k for k, i in enumerate(inner)}
        crossing = _crossing(len(inner), [(place[a], [place[b] for b in below[a] if b in place]) for a in place])
        parts, start = [], 0
        size = max(_PART, -(-len(inner) // (_MOST // 2)))
        while start < len(inner):
            end = _narrowest(crossing, start, size, len(inner))
            parts.append(self._part([items[i] for i in inner[start:end]]))
            start = end
        first = [items[i] for i in ends if i in apart and self.boxes[items[i]].kind == "input"]
        last = [items[i] for i in ends if i in apart and self.boxes[items[i]].kind != "input"]
        return [*first, *parts, *last]

    def _part(self, items: list[int]) -> int:
        if len(items) == 1:
            return items[0]
        self.labels.append(f"{self._label(items[0])} … {self._label(items[-1])}")
        self.members.append(items)
        return ~(len(self.members) - 1)

    def _label(self, item: int) -> str:
        if item < 0:
            return self.labels[~item].partition(" … ")[0]
        return short_name(self.boxes[item].name) or self.boxes[item].title


def _named(boxes: Sequence[Box]) -> tuple[list[str], list[list[int]]]:
    """Return the labels and members of the scopes that names speak of."""
    labels, members = ["all"], [[]]  # type: tuple[list[str], list[list[int]]]
    known: dict[tuple[int, str], int] = {}
    for number, box in enumerate(boxes):
        here = 0
        for part in _path(box.name) if box.kind == "node" else ():
            inner = known.get((here, part))
            if inner is None:
                inner = known[here, part] = len(labels)
                labels.append(part)
                members.append([])
                members[here].append(~inner)
            here = inner
        members[here].append(number)
    return labels, members


def _path(name: str) -> list[str]:
    """Return the scopes that a name lies in."""
    parts = re.split(r"/+", name.strip("/"))
    if len(parts) == 1:
        return [part for part in name.split(".")[:-1] if part][:_DEEPEST]
    return [part for step in parts[:-1] for part in step.split(".") if part][:_DEEPEST]


def _in_order(below: Sequence[Sequence[int]], first: Sequence[int]) -> list[int]:
    """Return the items, every one after those that feed it, else by their first boxes."""
    waiting = [0] * len(below)
    for others in below:
        for other in others:
            waiting[other] += 1
    ready = [(first[i], i) for i in range(len(below)) if not waiting[i]]
    heapify(ready)
    order = []
    while ready:
        _, i = heappop(ready)
        order.append(i)
        for other in below[i]:
            waiting[other] -= 1
            if not waiting[other]:
                heappush(ready, (first[other], other))
    return order


def _crossing(count: int, links: Sequence[tuple[int, Sequence[int]]]) -> list[int]:
    """Return how many items before each place feed one at it or behind it."""
    change = [0] * (count + 1)
    for source, targets in links:
        if targets:
            change[source + 1] += 1
            change[max(targets) + 1 if max(targets) < count else count] -= 1
    total, found = 0, []
    for each in change:
        total += each
        found.append(total)
    return found


def _narrowest(crossing: Sequence[int], start: int, size: int, end: int) -> int:
    """Return where to end a part: near `size` members, where the fewest values cross."""
    if end - start <= size * 3 // 2:
        return end
    places = range(start + size // 2, start + size * 3 // 2)
    return min(places, key=lambda place: (crossing[place], abs(place - start - size)))
