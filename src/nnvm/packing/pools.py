"""Packing buffers with gaps, alignments and fixed places of their own into several pools, one by one."""

from collections.abc import Callable, Iterator, Sequence
from math import lcm
from typing import Final

import numpy as np

from nnvm.errors import Error
from nnvm.packing.budget import Budget
from nnvm.packing.local import Placed, improve
from nnvm.packing.problem import Buffer, Packing, Piece, Pool, Problem
from nnvm.packing.sections import Array
from nnvm.packing.validator import Event, keep_apart
from nnvm.runtime.memory import Block, max_live

OUT: Final = 1 << 62
"""Beyond every offset: what a buffer without a place scores."""


class Layout:
    """Where some buffers lie: pools and offsets (-1: nowhere), and those that found no room."""

    __slots__ = ("heights", "homeless", "offsets", "pools")

    def __init__(self, count: int, pools: int) -> None:
        self.offsets: Final = [-1] * count
        self.pools: Final = [0] * count
        self.heights: Final = [0] * pools
        self.homeless: Final[list[int]] = []


class Ground:
    """A problem made ready: pieces of each buffer, where each may lie, what is fixed."""

    __slots__ = ("aligned", "bound", "fixed", "free", "pieces", "problem", "where")

    def __init__(self, problem: Problem) -> None:
        names = [pool.name for pool in problem.pools]
        every = range(len(names))
        self.problem: Final = problem
        self.pieces: Final[list[list[Piece]]] = [buffer.pieces() for buffer in problem.buffers]
        self.where: Final = [
            [k for k in (every if b.pool is None else (names.index(b.pool),)) if self._holds(problem.pools[k], i)]
            for i, b in enumerate(problem.buffers)
        ]
        self.fixed: Final = [i for i, b in enumerate(problem.buffers) if b.offset is not None]
        self.free: Final = [i for i, b in enumerate(problem.buffers) if b.offset is None]
        self.aligned: Final = [
            [lcm(buffer.alignment, pool.alignment) for pool in problem.pools] for buffer in problem.buffers
        ]
        self._refuse()
        self.bound = self._bound()

    def _refuse(self) -> None:
        """Raise Error for a buffer that is larger than any pool it may use, and for fixed ones that share a byte."""
        events: list[list[Event]] = [[] for _ in self.problem.pools]
        for i, (buffer, where, pieces) in enumerate(zip(self.problem.buffers, self.where, self.pieces, strict=True)):
            at = buffer.offset
            if not where and at is not None:
                raise Error(f"buffer {i} is fixed at {at}, and no pool it may use ends above its {buffer.size} bytes")
            if not where:
                raise Error(
                    f"buffer {_shown(buffer, i)} of {buffer.size} bytes is larger than any pool it may use "
                    f"({_sizes(self.problem)}); give one more bytes"
                )
            for lower, upper, start, end in pieces if at is not None else ():
                low, high = (at or 0) + start, (at or 0) + end
                events[where[0]] += [(lower, 1, low, high, i), (upper, 0, low, high, i)]
        for each in events:
            keep_apart(sorted(each))

    def _holds(self, pool: Pool, number: int) -> bool:
        """Tell whether a pool is large enough for a buffer alone."""
        buffer = self.problem.buffers[number]
        needed = buffer.size + (buffer.offset or 0)
        return not self.pieces[number] or pool.size is None or needed <= pool.size

    def _bound(self) -> int:
        """Return what the last pool needs: the most that lives at once beyond what the others hold, and what is fixed.

        No size is rounded up: where two buffers are aligned differently, one may use what the other leaves.
        """
        others = self.problem.pools[:-1]
        here = len(others)
        must = [i for i, some in enumerate(self.where) if tuple(some) == (here,)]
        chosen_here = set(must)
        fixed = [
            piece.end + self.problem.buffers[i].offset  # type: ignore[operator]
            for i in self.fixed
            if i in chosen_here
            for piece in self.pieces[i]
        ]
        chosen = self._live(must)
        spilt = self._live([i for i, some in enumerate(self.where) if here in some])
        room = [0 if pool.size is None else pool.size for pool in others]
        endless = any(pool.size is None for pool in others)
        return max([chosen, 0 if endless else spilt - sum(room), *fixed])

    def _live(self, numbers: Sequence[int]) -> int:
        return max_live([Block(p.lower, p.upper, p.end - p.start) for i in numbers for p in self.pieces[i]], 1)


class _Lying:
    """The pieces that lie in one pool: lower, upper, low byte, byte after the last."""

    __slots__ = ("count", "rows")

    def __init__(self, room: int) -> None:
        self.rows: Final[Array] = np.zeros((4, max(room, 1)), dtype=np.int64)
        self.count = 0

    def add(self, pieces: Sequence[Piece], offset: int) -> None:
        for lower, upper, start, end in pieces:
            self.rows[:, self.count] = lower, upper, offset + start, offset + end
            self.count += 1

    def lowest(self, pieces: Sequence[Piece], alignment: int, tightest: bool, hint: int | None = None) -> int:
        """Return the lowest place for pieces that move together, or the tightest, or the hint where it is free."""
        lowers, uppers, lows, highs = self.rows[:, : self.count]
        begins, ends = [], []
        for lower, upper, start, end in pieces:
            together = (lowers < upper) & (uppers > lower)
            begins.append(lows[together] - end + 1)  # from here on the two share a byte
            ends.append(highs[together] - start)  # from here on they do not any more
        forbidden = np.concatenate(begins) if begins else np.zeros(0, dtype=np.int64)
        order = forbidden.argsort(kind="stable")
        starts = forbidden[order]
        after = np.maximum.accumulate(np.concatenate([[0], *ends])[np.concatenate([[0], order + 1])])
        if hint is not None and hint % alignment == 0:
            row = int(np.searchsorted(starts, hint, "right"))
            if after[row] <= hint:
                return hint
        places = -(-after // alignment) * alignment
        spare = np.append(starts, OUT) - places
        fits = np.flatnonzero(spare > 0)
        return int(places[fits[spare[fits].argmin()] if tightest else fits[0]])


def lay(ground: Ground, order: Sequence[int], *, tightest: bool = False, hints: bool = False) -> Layout:
    """Put buffers down in this order, each into the first pool with room; what is fixed lies there already."""
    problem = ground.problem
    layout = Layout(len(problem.buffers), len(problem.pools))
    lying = [_Lying(sum(map(len, ground.pieces))) for _ in problem.pools]
    for i in ground.fixed:
        buffer = problem.buffers[i]
        assert buffer.offset is not None
        where = ground.where[i][0]
        lying[where].add(ground.pieces[i], buffer.offset)
        _settle(ground, layout, i, where, buffer.offset)
    for i in order:
        buffer = problem.buffers[i]
        for where in ground.where[i]:
            hint = buffer.hint if hints else None
            pieces = ground.pieces[i]
            offset = lying[where].lowest(pieces, ground.aligned[i][where], tightest, hint) if pieces else 0
            room = problem.pools[where].size
            if room is None or not pieces or offset + buffer.size <= room:
                lying[where].add(pieces, offset)
                _settle(ground, layout, i, where, offset)
                break
        else:
            layout.homeless.append(i)
    return layout


def _settle(ground: Ground, layout: Layout, number: int, where: int, offset: int) -> None:
    layout.offsets[number], layout.pools[number] = offset, where
    top = max((offset + piece.end for piece in ground.pieces[number]), default=0)
    layout.heights[where] = max(layout.heights[where], top)


def layouts(ground: Ground, budget: Budget) -> Iterator[tuple[str, Layout]]:
    """Yield layouts, those with the hints first, then by many orders, then by moving what reaches the top."""
    cost = _cost(ground)
    best: tuple[tuple[int, ...], list[int], bool] | None = None
    for name, order in orders(ground):
        for hints in (True, False) if any(b.hint is not None for b in ground.problem.buffers) else (False,):
            for tightest in (False, True):
                if best is not None and not budget.affords(cost):
                    return
                budget.spend(cost)
                layout = lay(ground, order, tightest=tightest, hints=hints)
                yield f"{name}, {'best' if tightest else 'first'} fit{', hints' if hints else ''}", layout
                if best is None or score(layout) < best[0]:
                    best = score(layout), order, tightest
    if best is None:
        return
    chosen = best

    def place(order: Sequence[int]) -> Placed[Layout]:
        layout = lay(ground, order, tightest=chosen[2])
        return Placed(score(layout), _top(ground, layout), layout)

    for found in improve(chosen[1], place, cost, budget):
        yield "moves in the order", found.packing


def score(layout: Layout) -> tuple[int, ...]:
    """Return how bad a layout is: buffers without a place, then the height of the last pool, then of those before."""
    return (len(layout.homeless), *reversed(layout.heights))


def orders(ground: Ground) -> list[tuple[str, list[int]]]:
    """Return the orders in which the buffers that are not fixed are put down, by name."""
    buffers = ground.problem.buffers
    duration = {i: sum(piece.upper - piece.lower for piece in ground.pieces[i]) for i in ground.free}
    keys: dict[str, Callable[[int], tuple[int, int]]] = {
        "size": lambda i: (-buffers[i].size, -duration[i]),
        "area": lambda i: (-buffers[i].size * duration[i], -buffers[i].size),
        "duration": lambda i: (-duration[i], -buffers[i].size),
        "alignment": lambda i: (-buffers[i].alignment, -buffers[i].size),
        "start": lambda i: (buffers[i].lower, -buffers[i].size),
        "smallest": lambda i: (buffers[i].size, duration[i]),
    }
    return [(name, sorted(ground.free, key=key)) for name, key in keys.items()]


def packed(ground: Ground, layout: Layout, method: str, *, limited: bool) -> Packing:
    """Return a layout as a packing; raise Error that names a buffer without a place."""
    if layout.homeless:
        number = layout.homeless[0]
        buffer = ground.problem.buffers[number]
        raise Error(
            f"buffer {_shown(buffer, number)} of {buffer.size} bytes finds no room in any pool it may use "
            f"({_sizes(ground.problem)}), and {len(layout.homeless) - 1} more with it; "
            "give a pool more bytes, or more time"
        )
    heights = layout.heights
    return Packing(
        layout.offsets, heights[-1], ground.bound, method, limited=limited, pools=layout.pools, heights=heights
    )


def _shown(buffer: Buffer, number: int) -> str:
    return repr(buffer.name) if buffer.name else str(number)


def _sizes(problem: Problem) -> str:
    return ", ".join(f"{pool.name} {'without end' if pool.size is None else pool.size}" for pool in problem.pools)


def _top(ground: Ground, layout: Layout) -> list[int]:
    """Return who decides the score: those without a place, else those that end at the top of the last pool used."""
    if layout.homeless:
        return layout.homeless
    used = [where for where, height in enumerate(layout.heights) if height]
    if not used:
        return []
    where = used[-1]
    return [
        i
        for i in ground.free
        if layout.pools[i] == where
        and any(layout.offsets[i] + piece.end == layout.heights[where] for piece in ground.pieces[i])
    ]


def _cost(ground: Ground) -> int:
    """Return the steps that one layout takes."""
    pieces = sum(map(len, ground.pieces))
    return int(len(ground.free) * 30 + pieces * pieces * 0.001)
