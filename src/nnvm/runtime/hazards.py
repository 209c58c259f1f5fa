"""Which earlier steps each step must wait for, read off the bytes that steps touch."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Final

from nnvm.runtime.layout import Layout, layout
from nnvm.runtime.parts import Step
from nnvm.runtime.program import Program

MANY_READERS: Final = 16
"""Where more steps than this read a piece, whoever writes another part of it waits for one step instead of them all."""

_ARENA: Final = -1
_BEFORE: Final = -1


def with_dependencies(program: Program, binding: Mapping[str, int] | None = None) -> Program:
    """Give the program whose steps wait for what `dependencies` says at `binding`.

    Without a binding, where places still depend on dimensions, every step waits for the one before it: that
    is right wherever the buffers come to lie.
    """
    waits = _in_turn(program) if binding is None else dependencies(program, layout(program, binding))
    steps = [_waiting(step, wait) for step, wait in zip(program.steps, waits, strict=True)]
    return Program(
        program.backend,
        program.buffers,
        steps,
        program.inputs,
        program.outputs,
        output_names=program.output_names,
        constants=program.constants,
        programs=program.programs,
        donated=program.donated,
        peak=program.peak,
        alignment=program.alignment,
        meta=program.meta,
    )


def _in_turn(program: Program) -> list[tuple[int, ...]]:
    return [(index - 1,) if index else () for index in range(len(program.steps))]


def _waiting(step: Step, waits: tuple[int, ...]) -> Step:
    return step.on(step.inputs, step.outputs, step.scratch, sorted({*waits, *step.waits}))


def dependencies(program: Program, placed: Layout) -> list[tuple[int, ...]]:
    """Give for each step the earlier steps, ascending, that must have ended before it starts.

    A step waits for whoever wrote what it reads, and before it writes for whoever wrote or reads the same
    bytes; what follows from another wait may be left out. Takes n log n for n pieces of storage.
    """
    storages = _held_before(program, placed)
    waits: list[tuple[int, ...]] = []
    reach = _reach(program, placed)
    for index, step in enumerate(program.steps):
        found: set[int] = set()
        for read in {i for i in step.inputs if i is not None}:
            where, lower, upper = reach[read]
            if where in storages:
                storages[where].read(lower, upper, index, found)
        for written in step.outputs if step.scratch is None else (*step.outputs, step.scratch):
            where, lower, upper = reach[written]
            if lower < upper:
                storages.setdefault(where, _Storage()).write(lower, upper, index, found)
        waits.append(tuple(sorted(found - {index, _BEFORE})))
    return waits


def _held_before(program: Program, placed: Layout) -> dict[int, "_Storage"]:
    """Give the storage of every state and of what callers give away, which hold something before the first step."""
    storages: dict[int, _Storage] = {}
    for index, buffer in enumerate(program.buffers):
        held = buffer.kind == "state" or index in program.donated
        if held and buffer.alias_of is None and placed.sizes[index]:
            storages[index] = _Storage()
            storages[index].write(0, placed.sizes[index] or 0, _BEFORE, set())
    return storages


def _reach(program: Program, placed: Layout) -> list[tuple[int, int, int]]:
    """Give for each buffer its storage (the arena or a root) and its bytes there; what is adopted counts as one."""
    adopted = {written for step in program.steps if step.allocates for written in step.outputs}
    reach: list[tuple[int, int, int]] = []
    for index, buffer in enumerate(program.buffers):
        root = index if buffer.alias_of is None else buffer.alias_of
        start, size = placed.starts[index], placed.sizes[index] or 0
        if root in adopted or placed.sizes[root] is None or placed.sizes[index] is None:
            reach.append((root, 0, 1))
        else:
            reach.append((_ARENA if buffer.kind == "arena" else root, start, start + size))
    return reach


class _Piece:
    """Bytes that one step wrote last, and the steps that have read them since."""

    __slots__ = ("lower", "readers", "upper", "writer")

    def __init__(self, lower: int, upper: int, writer: int, readers: list[int]) -> None:
        self.lower = lower
        self.upper = upper
        self.writer = writer
        self.readers = readers


class _Storage:
    """The pieces that lie in one storage, from low to high."""

    __slots__ = ("lowers", "pieces")

    def __init__(self) -> None:
        self.lowers: list[int] = []
        self.pieces: list[_Piece] = []

    def read(self, lower: int, upper: int, step: int, waits: set[int]) -> None:
        for piece in self._touching(lower, upper):
            waits.add(piece.writer)
            piece.readers.append(step)

    def write(self, lower: int, upper: int, step: int, waits: set[int]) -> None:
        touched = list(self._touching(lower, upper))
        left: list[_Piece] = []
        right: list[_Piece] = []
        for piece in touched:
            waits.update(piece.readers or (piece.writer,))  # readers wait for the writer themselves
            rest = list(piece.readers) if len(piece.readers) <= MANY_READERS else [step]
            if piece.lower < lower:
                left.append(_Piece(piece.lower, lower, piece.writer, rest))
            if piece.upper > upper:
                right.append(_Piece(upper, piece.upper, piece.writer, list(rest)))
        new = [*left, _Piece(lower, upper, step, []), *right]
        begin = self._first(lower)
        self.pieces[begin : begin + len(touched)] = new
        self.lowers[begin : begin + len(touched)] = [piece.lower for piece in new]

    def _first(self, lower: int) -> int:
        index = bisect_right(self.lowers, lower)
        if index and self.pieces[index - 1].upper > lower:
            index -= 1
        return index

    def _touching(self, lower: int, upper: int) -> Iterable[_Piece]:
        index = self._first(lower)
        while index < len(self.pieces) and self.lowers[index] < upper:
            yield self.pieces[index]
            index += 1
