"""What there is to pack: buffers that live for a while, pools that may hold them, and where each one lies."""

from collections.abc import Iterable, Sequence
from math import lcm
from typing import Final, NamedTuple

from nnvm.errors import Error
from nnvm.runtime.memory import Block, round_up

LARGEST: Final = 1 << 60
"""Sizes, offsets and times end here, so that no sum of them leaves 64 bits before it is noticed."""


class Gap(NamedTuple):
    """Times `lower`, ..., `upper - 1` at which a buffer needs only its bytes `start` to `end - 1`; by default none."""

    lower: int
    upper: int
    start: int = 0
    end: int = 0


class Piece(NamedTuple):
    """A rectangle of a buffer: its bytes `start` to `end - 1`, at the times `lower`, ..., `upper - 1`."""

    lower: int
    upper: int
    start: int
    end: int


class Pool:
    """A memory of `size` bytes (None: without end), in which every offset is a multiple of `alignment`."""

    __slots__ = ("alignment", "name", "size")

    def __init__(self, name: str = "arena", size: int | None = None, alignment: int = 1) -> None:
        if size is not None and not 0 <= size <= LARGEST:
            raise Error(f"pool {name!r} has {size} bytes; give a size from 0 to 2**60, or none")
        _check_alignment(f"pool {name!r}", alignment)
        self.name: Final = name
        self.size: Final = size
        self.alignment: Final = alignment

    def __repr__(self) -> str:
        return f"Pool({self.name!r}, size={self.size}, alignment={self.alignment})"


class Buffer:
    """`size` bytes that are needed at the times `lower`, ..., `upper - 1`, except in the gaps.

    `offset` fixes where it lies (an input that is there already), `hint` is only tried first; `pool` names where it
    must lie, otherwise the first pool with room takes it. Raises Error for what is no buffer.
    """

    __slots__ = ("alignment", "gaps", "hint", "lower", "name", "offset", "pool", "size", "upper")

    def __init__(
        self,
        lower: int,
        upper: int,
        size: int,
        *,
        name: str = "",
        alignment: int = 1,
        gaps: Iterable[Gap] = (),
        offset: int | None = None,
        hint: int | None = None,
        pool: str | None = None,
    ) -> None:
        self.lower: Final = lower
        self.upper: Final = upper
        self.size: Final = size
        self.name: Final = name
        self.alignment: Final = alignment
        self.gaps: Final = tuple(sorted(gaps))
        self.offset: Final = offset
        self.hint: Final = hint
        self.pool: Final = pool
        self._check()

    def __repr__(self) -> str:
        return f"Buffer({self.lower}, {self.upper}, {self.size}, name={self.name!r})"

    def pieces(self) -> list[Piece]:
        """Return the rectangles that it needs, in the order of time; none where it needs nothing."""
        found, since = [], self.lower
        for lower, upper, start, end in self.gaps:
            found += [Piece(since, lower, 0, self.size), Piece(lower, upper, start, end)]
            since = upper
        found.append(Piece(since, self.upper, 0, self.size))
        return [piece for piece in found if piece.lower < piece.upper and piece.start < piece.end]

    def _check(self) -> None:
        shown = f"buffer {self.name!r}" if self.name else "a buffer"
        if self.upper < self.lower or not 0 <= self.size <= LARGEST or max(abs(self.lower), abs(self.upper)) > LARGEST:
            raise Error(f"{shown} is no buffer: {self.size} bytes over [{self.lower}, {self.upper})")
        _check_alignment(shown, self.alignment)
        since = self.lower
        for gap in self.gaps:
            if not since <= gap.lower <= gap.upper <= self.upper:
                raise Error(f"{shown} has a gap [{gap.lower}, {gap.upper}) outside its lifetime or across another gap")
            if not 0 <= gap.start <= gap.end <= self.size:
                raise Error(f"{shown} keeps bytes [{gap.start}, {gap.end}) of its {self.size} in a gap")
            since = gap.upper
        for what, place in (("fixed at", self.offset), ("hinted to", self.hint)):
            if place is not None and not 0 <= place <= LARGEST:
                raise Error(f"{shown} is {what} {place}, which is no offset")


class Problem:
    """Buffers to pack, and the pools that may hold them: the first with room takes a buffer, the last should not end.

    Raises Error for pools of one name and buffers that name no pool.
    """

    __slots__ = ("buffers", "pools")

    def __init__(self, buffers: Iterable[Buffer], pools: Sequence[Pool] = ()) -> None:
        self.buffers: Final = tuple(buffers)
        self.pools: Final = tuple(pools) or (Pool(),)
        names = {pool.name for pool in self.pools}
        if len(names) != len(self.pools):
            raise Error("two pools have one name; give each its own")
        for number, buffer in enumerate(self.buffers):
            if buffer.pool is not None and buffer.pool not in names:
                raise Error(f"buffer {number} wants pool {buffer.pool!r}; there is: {', '.join(sorted(names))}")

    def blocks(self) -> list[Block] | None:
        """Return the buffers as blocks of rounded size, where there is but one pool and nothing else is asked."""
        if len(self.pools) > 1 or any(b.gaps or b.offset is not None or b.hint is not None for b in self.buffers):
            return None
        (pool,) = self.pools
        alignments = {lcm(buffer.alignment, pool.alignment) for buffer in self.buffers}
        if len(alignments) > 1:
            return None
        alignment = max(alignments, default=1)
        return [Block(b.lower, b.upper, round_up(b.size, alignment)) for b in self.buffers]


class Packing:
    """Offsets in the order of the buffers, how high they reach, the bound under which nothing can be, and who did it.

    `status` is "optimal" where the height equals the bound or every other packing was ruled out (`exhausted`),
    "heuristic" where a limit ended the search, and "bounded" where no method was left. `pools` holds the number of
    each buffer's pool and `heights` the height of every pool; `height` and `bound` are those of the last pool.
    """

    __slots__ = ("bound", "height", "heights", "method", "offsets", "pools", "status")

    def __init__(
        self,
        offsets: list[int],
        height: int,
        bound: int,
        method: str,
        *,
        exhausted: bool = False,
        limited: bool = True,
        pools: Sequence[int] | None = None,
        heights: Sequence[int] | None = None,
    ) -> None:
        self.offsets: Final = offsets
        self.height: Final = height
        self.bound: Final = height if exhausted else bound
        self.method: Final = method
        self.pools: Final = tuple(pools) if pools is not None else (0,) * len(offsets)
        self.heights: Final = tuple(heights) if heights is not None else (height,)
        self.status: Final = "optimal" if height == self.bound else "heuristic" if limited else "bounded"

    @property
    def gap(self) -> float:
        """Return by what part of the bound the height is above it."""
        return self.height / self.bound - 1 if self.bound else float(self.height > 0)

    def __repr__(self) -> str:
        return f"Packing(height={self.height}, bound={self.bound}, status={self.status!r}, method={self.method!r})"


def _check_alignment(shown: str, alignment: int) -> None:
    if not 1 <= alignment <= LARGEST:
        raise Error(f"{shown} is aligned to {alignment}; give 1 or more bytes")
