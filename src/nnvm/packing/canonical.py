"""Branch and bound over packings in which every block rests on another or on the ground, from the lowest up."""

from collections.abc import Callable
from hashlib import blake2b
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from nnvm.packing.sections import Array, Mask, Reduced

DOWN: Final = 1 << 62
"""The state of a block that has been put down, or belongs to another part: above every place."""

TICK: Final = 256
"""Nodes between two looks at the clock."""

Stop: TypeAlias = Callable[[], bool]


class Outcome(NamedTuple):
    """Places in units, or None with whether that is proven, and the nodes it took."""

    places: Array | None
    exhausted: bool
    nodes: int


class _Rest(NamedTuple):
    """A part that is left for when the one before it is done, the frame to go back to if it fails, and what follows."""

    left: int
    state: Array
    open: Array
    crossing: Array
    at: int
    parent: int
    then: "_Rest | None"


class _Frame:
    """A partial packing: the choices that follow from it, the next to try, and the frame to go back to."""

    __slots__ = ("at", "choices", "crossing", "key", "left", "next", "open", "parent", "state", "then")

    def __init__(
        self, left: int, state: Array, open: Array, crossing: Array, choices: list[int], parent: int,
        then: _Rest | None, key: bytes, at: int,
    ) -> None:  # fmt: skip
        self.left = left
        self.state = state
        self.open = open
        self.crossing = crossing
        self.choices = choices
        self.next = 0
        self.parent = parent
        self.then = then
        self.key = key
        self.at = at


class Canonical:
    """A search for a packing of at most some height, made ready once for any number of heights and orders.

    After MiniMalloc (Moffitt, ASPLOS 2023): offsets never go down from one block to the next; no block lies where one
    that is left would still fit below it; in each section the lowest place that is left and what must still come have
    to fit under the height; where nothing that is left crosses a time, the parts on its sides are searched apart.
    Ours: what must wait for a neighbour is at least as high as that will be, and failed states are remembered.
    A state holds, for each block, its lowest place times the number of blocks, plus its rank.
    """

    __slots__ = ("count", "cross", "first", "flat", "last", "least", "live", "meets", "size", "starts")

    def __init__(self, reduced: Reduced) -> None:
        first, last, size = reduced.first, reduced.last, reduced.size
        self.first: Final = first
        self.last: Final = last
        self.size: Final = size
        self.count: Final = max(len(size), 1)
        self.live: Final = reduced.live
        meets: Mask = (first[:, None] < last[None, :]) & (last[:, None] > first[None, :])
        np.fill_diagonal(meets, False)
        self.meets: Final[list[Array]] = [np.flatnonzero(row) for row in meets]
        self.least: Final[Array] = np.array([size[row].min(initial=DOWN >> 32) for row in self.meets], dtype=np.int64)
        members = [np.flatnonzero((first <= s) & (last > s)) for s in range(len(self.live))]
        self.flat: Final[Array] = np.concatenate([*members, np.zeros(0, dtype=np.int64)])
        self.starts: Final[Array] = np.cumsum([0, *(len(each) for each in members)])[:-1]
        cross: Array = np.zeros(len(self.live) + 1, dtype=np.int64)
        np.add.at(cross, first + 1, 1)
        np.subtract.at(cross, last, 1)
        self.cross: Final = np.cumsum(cross)[: len(self.live) + 1]

    @staticmethod
    def fits(reduced: Reduced, limit: int) -> bool:
        """Tell whether the tables of a search stay below `limit` entries, and its numbers in 64 bits."""
        count = len(reduced.size)
        alive = int((reduced.last - reduced.first).sum())
        return max(count * count, alive) <= limit and int(reduced.size.sum()) * max(count, 1) < DOWN >> 2

    def run(self, height: int, rank: Array, nodes: int, stop: Stop = lambda: False) -> Outcome:
        """Search for places that end within `height` units, at most `nodes` nodes; lower ranks come first.

        `stop` is asked every TICK nodes.
        """
        return _Run(self, height, rank).run(nodes, stop) if len(self.size) else Outcome(self.size, False, 0)


class _Run:
    """One search: `limit` and `grown` are the height and the sizes in the scale of states."""

    __slots__ = ("canonical", "failed", "grown", "least", "limit", "places", "rank", "stack")

    def __init__(self, canonical: Canonical, height: int, rank: Array) -> None:
        count = canonical.count
        self.canonical: Final = canonical
        self.rank: Final = rank
        self.limit: Final = (height + 1) * count
        self.grown: Final = canonical.size * count
        self.least: Final = canonical.least * count
        self.places: Final = [0] * count
        self.failed: Final[dict[bytes, int]] = {}
        self.stack: Final[list[_Frame]] = []
        open_: Array = canonical.live * count
        frame = self._divide(rank.copy(), open_, canonical.cross.copy(), -1, -1, None)
        if bool((open_ < self.limit).all()) and frame is not None:
            self._enter(*frame)

    def run(self, nodes: int, stop: Stop) -> Outcome:
        """Go on until all is put down, nothing is left to try, or the nodes are spent."""
        stack, spent = self.stack, 0
        while stack:
            frame = stack[-1]
            if frame.next == len(frame.choices):
                self.failed[frame.key] = frame.at
                del stack[frame.parent + 1 :]
                continue
            if spent >= nodes or (spent % TICK == TICK - 1 and stop()):
                return Outcome(None, False, spent)
            block = frame.choices[frame.next]
            frame.next += 1
            spent += 1
            if self._put(frame, block):
                return Outcome(np.array(self.places, dtype=np.int64), False, spent)
        return Outcome(None, True, spent)

    def _put(self, frame: _Frame, block: int) -> bool:
        """Put a block down and enter what follows, unless that cannot fit; tell whether all is done."""
        c, count = self.canonical, self.canonical.count
        at = int(frame.state[block])
        place = at // count
        self.places[block] = place
        if frame.left == 1:
            rest = frame.then
            if rest is None:
                return True
            self._enter(rest.left, rest.state, rest.open, rest.crossing, rest.at, rest.parent, rest.then)
            return False
        state = frame.state.copy()
        state[block] = DOWN
        meets = c.meets[block]
        state[meets] = np.maximum(state[meets], (place + int(c.size[block])) * count + self.rank[meets])
        first, last = int(c.first[block]), int(c.last[block])
        open_ = frame.open.copy()
        open_[first:last] -= self.grown[block]
        waiting = state < at
        lowest = np.where(waiting, self.least + place * count, state) if waiting.any() else state
        if np.count_nonzero(lowest + self.grown < self.limit) != frame.left - 1:
            return False
        floors = np.minimum.reduceat(lowest[c.flat], c.starts)
        if np.count_nonzero((floors + open_ >= self.limit) & (open_ > 0)):
            return False
        crossing, parent, then = frame.crossing, len(self.stack) - 1, frame.then
        if last - first > 1:
            crossing = crossing.copy()
            crossing[first + 1 : last] -= 1
            if not crossing[first + 1 : last].all():
                divided = self._divide(state, open_, crossing, at, parent, then)
                if divided is not None:
                    self._enter(*divided)
                return False
        self._enter(frame.left - 1, state, open_, crossing, at, parent, then)
        return False

    def _divide(
        self, state: Array, open_: Array, crossing: Array, at: int, parent: int, then: _Rest | None
    ) -> tuple[int, Array, Array, Array, int, int, _Rest | None] | None:
        """Split what is left where nothing crosses, the tightest part first; return how to enter that one."""
        c = self.canonical
        cuts = np.flatnonzero(crossing == 0)
        crossing[cuts] = 1  # a cut is made once
        left = state < DOWN
        edges = [0, *(cut for cut in cuts.tolist() if 0 < cut < len(open_)), len(open_)]
        parts = []
        for begin, end in pairwise(edges):
            inside = left & (c.first >= begin) & (c.last <= end)
            count = int(np.count_nonzero(inside))
            if not count:
                continue
            part = np.where(inside, state, DOWN)
            opened = np.zeros_like(open_)
            opened[begin:end] = open_[begin:end]
            floors = np.minimum.reduceat(part[c.flat], c.starts)
            slack = int((self.limit - floors - opened)[opened > 0].min())
            parts.append((slack, count, part, opened))
        parts.sort(key=lambda each: each[:2])
        for _, count, part, opened in reversed(parts[1:]):
            then = _Rest(count, part, opened, crossing, at, parent, then)
        return (parts[0][1], parts[0][2], parts[0][3], crossing, at, parent, then) if parts else None

    def _enter(
        self, left: int, state: Array, open_: Array, crossing: Array, at: int, parent: int, then: _Rest | None
    ) -> None:
        """Push a frame with its choices, or go back to the parent where there are none or they failed before."""
        count = self.canonical.count
        below = int((state + self.grown).min()) // count * count
        choices = np.flatnonzero((state > at) & (state < below))
        key = blake2b(state.data, digest_size=16).digest()
        if not len(choices) or self.failed.get(key, DOWN) <= at:
            del self.stack[parent + 1 :]
            return
        ordered = choices[state[choices].argsort()].tolist() if len(choices) > 1 else choices.tolist()
        self.stack.append(_Frame(left, state, open_, crossing, ordered, parent, then, key, at))
