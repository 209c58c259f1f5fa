"""Every size and place of a program as one list of operations on its dimensions, each of them written once."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from operator import add, floordiv, sub
from typing import TYPE_CHECKING, Final

from nnvm.errors import Error
from nnvm.runtime.births import hangs_on
from nnvm.runtime.expressions import LARGEST, Expr, leaves, show
from nnvm.runtime.layout import Layout
from nnvm.runtime.parts import Buffer, item_size

if TYPE_CHECKING:
    from nnvm.runtime.program import Program


def _times(a: int, b: int) -> int:
    return _admitted(a * b)


def _end(start: int, size: int) -> int:
    return _admitted(start + size)


def _admitted(value: int) -> int:
    """Refuse what chains of products, or of ends that build on ends, would come to: numbers that take all memory."""
    if not -LARGEST * LARGEST <= value <= LARGEST * LARGEST:
        raise OverflowError
    return value


def _round_up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


_OPERATIONS: Final[Mapping[str, Callable[[int, int], int]]] = {
    "+": add,
    "-": sub,
    "*": _times,
    "//": floordiv,
    "max": max,
    "min": min,
    "round up": _round_up,
    "end": _end,
}


class Formulas:
    """What a program computes whenever its dimensions are bound.

    A number is found by its place: dimensions and constants first, then the result of each operation. Making them
    raises Error for offsets that build on each other in a circle.
    """

    __slots__ = (
        "_checks", "_code", "_dims", "_leaves", "_peak", "_shapes", "_sizes", "_sources", "_starts", "_which",
        "_workspaces",
    )  # fmt: skip

    def __init__(self, program: "Program") -> None:
        page = _Page()
        which = [page.shape(buffer, program.born) for buffer in program.buffers]
        workspaces = [page.number(0 if step.scratch is not None else step.workspace) for step in program.steps]
        starts = _starts(page, program, which)
        peak, place = page.number(program.peak), page.place
        self._leaves: Final = [0 if isinstance(each, str) else each for each in page.leaves]
        self._dims: Final = [(i, each) for i, each in enumerate(page.leaves) if isinstance(each, str)]
        self._code: Final = [(_OPERATIONS[name], place(a), place(b)) for name, a, b in page.code]
        self._sources: Final = page.sources
        self._checks: Final = [(place(number), source) for number, source in page.checks.items()]
        self._shapes: Final = [None if shape is None else tuple(map(place, shape)) for shape in page.shapes]
        self._sizes: Final = [None if size is None else place(size) for size in page.sizes]
        self._which: Final = which
        self._starts: Final = list(map(place, starts))
        self._workspaces: Final = list(map(place, workspaces))
        self._peak: Final = place(peak)

    def at(self, binding: Mapping[str, int]) -> Layout:
        """Evaluate all of them where `binding` says what each dimension is; raises Error for what is no size."""
        found = self._leaves.copy()
        for i, name in self._dims:
            if name not in binding:
                raise Error(
                    f"dimension {name!r} has no value; it is given by the shape of no input, so bind it by name"
                )
            found[i] = binding[name]
        self._compute(found)
        for i, source in self._checks:
            if not 0 <= found[i] <= LARGEST:
                what = f"{show(source)} is {found[i]}"
                raise Error(f"{what}, which is no size: sizes and offsets lie between 0 and 2**48")
        get = found.__getitem__
        shapes = [None if shape is None else tuple(map(get, shape)) for shape in self._shapes]
        sizes = [None if size is None else found[size] for size in self._sizes]
        return Layout(
            list(map(shapes.__getitem__, self._which)),
            list(map(sizes.__getitem__, self._which)),
            list(map(get, self._starts)),
            found[self._peak],
            list(map(get, self._workspaces)),
            dict(binding),
        )

    def _compute(self, found: list[int]) -> None:
        """Append the result of each operation; Error for the one that fails."""
        begin, append = len(found), found.append
        try:
            for operation, a, b in self._code:
                append(operation(found[a], found[b]))
        except (ZeroDivisionError, OverflowError) as error:
            what = show(self._sources[len(found) - begin])
            if isinstance(error, ZeroDivisionError):
                raise Error(f"{what} divides by zero at this binding") from error
            raise Error(f"{what} passes 2**96 at this binding, which is no size") from error


class _Page:
    """Operations being written down. A number is ~i for leaf i and i for the result of operation i.

    `checks` are the numbers that must come to a size, with what they stand for. Shape 0 is the unknown one.
    """

    def __init__(self) -> None:
        self.leaves: list[int | str] = []
        self.code: list[tuple[str, int, int]] = []
        self.sources: list[Expr] = []
        self.checks: dict[int, Expr] = {}
        self.shapes: list[tuple[int, ...] | None] = [None]
        self.sizes: list[int | None] = [None]
        self._known: dict[Expr, int] = {}
        self._made: dict[tuple[str, int, int], int] = {}
        self._which: dict[tuple[tuple[Expr, ...], int], int] = {}

    def place(self, number: int) -> int:
        """Return where a number is found among the leaves and the results after them."""
        return ~number if number < 0 else len(self.leaves) + number

    def number(self, expr: Expr) -> int:
        """Write down what a size or an offset needs; return its number."""
        found = self._known.get(expr)
        if found is None:
            found = self._write(expr)
        if not (type(expr) is int and 0 <= expr <= LARGEST):
            self.checks.setdefault(found, expr)
        return found

    def know(self, expr: Expr, number: int) -> None:
        """Say what an expression is."""
        self._known[expr] = number

    def shape(self, buffer: Buffer, born: Mapping[str, int]) -> int:
        """Write down the shape of a buffer and its size in bytes; return which of the shapes it is."""
        if buffer.shape is None or (born and hangs_on(buffer, born)):
            return 0
        item = item_size(buffer.dtype)
        which = self._which.get((buffer.shape, item))
        if which is None:
            which = self._which[buffer.shape, item] = len(self.shapes)
            self.shapes.append(tuple(map(self.number, buffer.shape)))
            known = item * prod(dim for dim in buffer.shape if isinstance(dim, int))
            opened = [dim for dim in buffer.shape if not isinstance(dim, int)]
            self.sizes.append(self.number(("*", *opened, known) if opened else known))
        return which

    def operation(self, name: str, a: int, b: int, source: Expr) -> int:
        """Write an operation down, unless it is there; return the number of its result."""
        made = self._made.get((name, a, b))
        if made is None:
            made = self._made[name, a, b] = len(self.code)
            self.code.append((name, a, b))
            self.sources.append(source)
        return made

    def _write(self, expr: Expr) -> int:
        """Go from the leaves up, on a stack of our own because expressions may be deep."""
        todo, known = [expr], self._known
        while todo:
            part = todo[-1]
            if part in known:
                todo.pop()
            elif not isinstance(part, tuple):
                known[part] = ~len(self.leaves)
                self.leaves.append(part)
            elif part[0] == "end":
                raise Error(f"the end of arena buffer {part[1]} is needed before it is known")
            elif missing := [argument for argument in part[1:] if argument not in known]:
                todo.extend(missing)
            else:
                number = known[part[1]]
                for argument in part[2:]:
                    number = self.operation(part[0], number, known[argument], part)
                known[part] = number
        return known[expr]


def _starts(page: _Page, program: "Program", which: Sequence[int]) -> list[int]:
    """Write offsets down, each after those it builds on; aliases of arena roots lie from where their root is."""
    buffers, alignment = program.buffers, page.number(program.alignment)
    needs = {i: _ends(buffer.offset) for i, buffer in enumerate(buffers) if isinstance(buffer.offset, tuple)}
    waiting: dict[int, list[int]] = {}
    for index, needed in needs.items():
        for need in needed:
            waiting.setdefault(need, []).append(index)
    wanted = waiting.keys() | _ends(program.peak)
    missing = {index: len(needed) for index, needed in needs.items() if needed}
    ready = [index for index in range(len(buffers)) if index not in missing]
    starts = [0] * len(buffers)
    while ready:
        index = ready.pop()
        starts[index] = page.number(buffers[index].offset)
        if index in wanted:
            size = page.sizes[which[index]]
            rounded = page.operation("round up", page.number(0) if size is None else size, alignment, ("end", index))
            page.know(("end", index), page.operation("end", starts[index], rounded, ("end", index)))
        for dependent in waiting.pop(index, ()):
            missing[dependent] -= 1
            if not missing[dependent]:
                ready.append(dependent)
                del missing[dependent]
    if missing:
        stuck = [f"{i} ({buffers[i].name})" for i in sorted(missing)[:5]]
        raise Error(f"the offsets of buffers {', '.join(stuck)} build on each other in a circle")
    for index, buffer in enumerate(buffers):
        if buffer.alias_of is not None and buffer.kind == "arena":
            starts[index] = page.operation("+", starts[index], starts[buffer.alias_of], buffer.offset)
    return starts


def _ends(expr: Expr) -> set[int]:
    return {leaf[1] for leaf in leaves(expr) if isinstance(leaf, tuple)}
