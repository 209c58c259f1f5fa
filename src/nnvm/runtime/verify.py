"""Whether a program's plan is safe, judged from its steps alone by code that no planner shares."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from nnvm.errors import Error
from nnvm.runtime.expressions import evaluate, leaves
from nnvm.runtime.layout import Layout, layout, nested_bytes
from nnvm.runtime.parts import CALL, Step, item_size
from nnvm.runtime.precedence import BEFORE, Precedence
from nnvm.runtime.program import Program

_ARENA: Final = -1
_SCRATCH: Final = -2
_MANY_READERS: Final = 64


def verify(program: Program, binding: Mapping[str, int]) -> None:
    """Raise Error, naming steps and buffers, unless `program` may run as it is planned at `binding`.

    Every buffer lies aligned inside its root and the arena; no two arena roots share bytes while both are in
    use; every step reads what it means to read, for nothing has been written over it since; a kernel's output
    shares bytes with its inputs only where both are one range of one root; and the steps that each step waits
    for leave no race. Takes n log n.
    """
    placed = layout(program, binding)
    _check_places(program, placed)
    _check_lifetimes(program, placed)
    _Simulation(program, placed).run()
    _check_nested(program, placed)


def _check_places(program: Program, placed: Layout) -> None:
    for index, buffer in enumerate(program.buffers):
        start, size = placed.starts[index], placed.sizes[index]
        if size is None:
            continue
        what = _name(program, index)
        if buffer.alias_of is None:
            if buffer.kind == "arena" and start % program.alignment:
                raise Error(f"{what} starts at byte {start}, which is no multiple of the alignment {program.alignment}")
            if buffer.kind == "arena" and start + size > placed.peak:
                raise Error(f"{what} ends at byte {start + size}, above the arena's height of {placed.peak}")
            continue
        _inside(what, _span(placed, index), _name(program, buffer.alias_of), _span(placed, buffer.alias_of))
        if buffer.view_of is not None:
            _inside(what, _span(placed, index), _name(program, buffer.view_of), _span(placed, buffer.view_of))
        if start % _item(program, placed, index):
            raise Error(f"{what} starts at byte {start}, in the middle of an element")
    for index, step in enumerate(program.steps):
        size = None if step.scratch is None else placed.sizes[step.scratch]
        if size is not None and size < (needed := evaluate(step.workspace, placed.binding)):
            raise Error(f"{_step(program, index)} has {size} bytes of scratch, but needs {needed}")
    for index, data in program.constants.items():
        given = data.read().nbytes
        if given != placed.sizes[index]:
            raise Error(f"{_name(program, index)} needs {placed.sizes[index]} bytes, but its constant has {given}")


def _check_nested(program: Program, placed: Layout) -> None:
    """Refuse a nested program whose own plan is unsafe, or that its step has too little memory for."""
    for index, step in enumerate(program.steps):
        if step.kernel != CALL:
            continue
        what, nested = _step(program, index), program.programs[step.params["program"]]
        shapes = [placed.shapes[i] for i in (*step.inputs, *step.outputs) if i is not None]
        if None in shapes:
            raise Error(f"{what} runs a program on arrays that only a run can measure")
        told = dict(zip(nested.input_names, shapes, strict=False))
        binding = nested.bind({name: shape for name, shape in told.items() if shape is not None})
        inner = layout(nested, binding)
        if shapes[len(step.inputs) :] != [inner.shapes[i] for i in nested.outputs]:
            raise Error(f"{what} writes arrays of other shapes than its program's outputs")
        needed = nested_bytes(inner)
        given = evaluate(step.workspace, placed.binding)
        if given < needed:
            raise Error(f"{what} has {given} bytes for a program that needs {needed}")
        verify(nested, binding)


def _item(program: Program, placed: Layout, index: int) -> int:
    return item_size(program.buffers[index].dtype) if placed.sizes[index] else 1


def _span(placed: Layout, index: int) -> tuple[int, int]:
    start = placed.starts[index]
    return start, start + (placed.sizes[index] or 0)


def _inside(what: str, inner: tuple[int, int], whole: str, outer: tuple[int, int]) -> None:
    if inner[0] < outer[0] or inner[1] > outer[1]:
        raise Error(f"{what} takes bytes {_range(inner)}, which do not lie inside {whole} at {_range(outer)}")


def _range(span: tuple[int, int]) -> str:
    return f"[{span[0]}, {span[1]})"


def _name(program: Program, index: int) -> str:
    return f"buffer {index} ({program.buffers[index].name!r})"


def _step(program: Program, index: int) -> str:
    step = program.steps[index]
    return f"step {index} ({step.name!r}, {step.kernel})"


def _check_lifetimes(program: Program, placed: Layout) -> None:
    """Sweep through the steps and refuse two arena roots that share bytes while both are in use."""
    events: list[tuple[int, int, int]] = []
    for root, (first, last) in _lifetimes(program).items():
        if placed.sizes[root]:
            events.append((first, 1, root))
            events.append((last + 1, 0, root))
    events.sort()
    starts: list[int] = []
    roots: list[int] = []
    for time, opens, root in events:
        start, end = _span(placed, root)
        at = bisect_left(starts, start)
        if not opens:
            del starts[at], roots[at]
            continue
        for other in roots[max(at - 1, 0) : at + 1]:
            lower, upper = max(start, placed.starts[other]), min(end, _span(placed, other)[1])
            if lower < upper:
                raise Error(
                    f"{_name(program, root)} and {_name(program, other)} are both in use at {_step(program, time)} "
                    f"and share bytes {_range((lower, upper))} of the arena"
                )
        starts.insert(at, start)
        roots.insert(at, root)


def _lifetimes(program: Program) -> dict[int, tuple[int, int]]:
    """Give the first and last step that touch each arena root, or any alias of it, or have it for scratch."""
    lifetimes: dict[int, tuple[int, int]] = {}
    for index, step in enumerate(program.steps):
        for touched in (*step.inputs, *step.outputs, step.scratch):
            if touched is None or program.buffers[touched].kind != "arena":
                continue
            alias_of = program.buffers[touched].alias_of
            root = touched if alias_of is None else alias_of
            lifetimes[root] = (lifetimes.get(root, (index, index))[0], index)
    return lifetimes


class _Held:
    """Whose content a range of bytes holds, who wrote it, and who has read it since.

    What is left of a range after a step wrote into its middle keeps its earlier readers, and that step as its
    `gate`: it followed all of them, so whoever follows the gate does too.
    """

    __slots__ = ("content", "earlier", "gate", "lower", "readers", "upper", "writer")

    def __init__(self, lower: int, upper: int, content: int, writer: int) -> None:
        self.lower = lower
        self.upper = upper
        self.content = content
        self.writer = writer
        self.readers: list[int] = []
        self.earlier: list[int] = []
        self.gate = BEFORE

    def part(self, lower: int, upper: int, gate: int) -> "_Held":
        part = _Held(lower, upper, self.content, self.writer)
        part.earlier, part.gate = self.earlier, self.gate
        if self.readers or self.gate == BEFORE:
            part.earlier, part.gate = self.earlier + self.readers, gate
        return part


class _Memory:
    """What one storage holds, from its low bytes to its high."""

    __slots__ = ("held", "lowers")

    def __init__(self) -> None:
        self.lowers: list[int] = []
        self.held: list[_Held] = []

    def over(self, lower: int, upper: int) -> Iterator[_Held]:
        for index in range(self.first(lower), len(self.held)):
            if self.lowers[index] >= upper:
                return
            yield self.held[index]

    def first(self, lower: int) -> int:
        index = bisect_right(self.lowers, lower) - 1
        return index if index >= 0 and self.held[index].upper > lower else index + 1

    def put(self, lower: int, upper: int, content: int, step: int) -> None:
        """Let `step` write over the range; of what lay there, what sticks out on either side stays."""
        gone = list(self.over(lower, upper))
        new = [_Held(lower, upper, content, step)]
        if gone and gone[0].lower < lower:
            new.insert(0, gone[0].part(gone[0].lower, lower, step))
        if gone and gone[-1].upper > upper:
            new.append(gone[-1].part(upper, gone[-1].upper, step))
        begin = self.first(lower)
        self.held[begin : begin + len(gone)] = new
        self.lowers[begin : begin + len(gone)] = [held.lower for held in new]


class _Simulation:
    """Goes through the steps and follows which buffer's content each byte holds."""

    __slots__ = ("adopted", "content", "memories", "order", "placed", "program", "written")

    def __init__(self, program: Program, placed: Layout) -> None:
        self.program = program
        self.placed = placed
        self.order = Precedence(program)
        self.adopted = {i for step in program.steps if step.allocates for i in step.outputs}
        self.content = _contents(program)
        self.memories: dict[int, _Memory] = {}
        self.written: set[int] = set()
        for index, buffer in enumerate(program.buffers):
            if buffer.kind in ("input", "constant", "state") and buffer.alias_of is None:
                self.written.add(index)
                where, lower, upper = self.bytes_of(index)
                self.memories[where] = _Memory()
                if lower < upper:
                    self.memories[where].put(lower, upper, index, BEFORE)

    def bytes_of(self, index: int) -> tuple[int, int, int]:
        """Give the storage of a buffer and its bytes there; an array that a kernel allocates counts as one byte."""
        buffer = self.program.buffers[index]
        root = index if buffer.alias_of is None else buffer.alias_of
        if root in self.adopted or None in (self.placed.sizes[index], self.placed.sizes[root]):
            return root, 0, 1
        return (_ARENA if buffer.kind == "arena" else root, *_span(self.placed, index))

    def run(self) -> None:
        for index, step in enumerate(self.program.steps):
            reads = sorted({i for i in step.inputs if i is not None})
            self.check_apart(index, reads)
            for read in reads:
                self.read(index, read)
            for written in step.outputs:
                self.check_told(index, written)
                self.write(index, written, written)
                self.written.add(written)
            if step.scratch is not None:
                self.write(index, step.scratch, _SCRATCH)
        for output in self.program.outputs:
            self.read(len(self.program.steps), output)

    def read(self, step: int, index: int) -> None:
        content = self.content[index]
        if content not in self.written:
            raise Error(f"{self.reader(step)} reads {_name(self.program, index)} before any step has written it")
        where, lower, upper = self.bytes_of(index)
        at = lower
        for held in self.memories[where].over(lower, upper) if lower < upper else ():
            if held.content != content or held.lower > at:
                self.refuse_read(step, index, held)
            if step < len(self.program.steps):
                self.order.need(step, held.writer, f"reads {_name(self.program, index)}")
                held.readers.append(step)
            at = held.upper
        if at < upper:
            raise Error(f"{self.reader(step)} reads {_name(self.program, index)}, of which only a part is written")

    def refuse_read(self, step: int, index: int, held: _Held) -> None:
        over = "scratch" if held.content == _SCRATCH else _name(self.program, held.content)
        raise Error(
            f"{self.reader(step)} reads {_name(self.program, index)}, but {_step(self.program, held.writer)} "
            f"has written {over} over bytes {_range((held.lower, held.upper))} of it"
        )

    def reader(self, step: int) -> str:
        return "the caller" if step == len(self.program.steps) else _step(self.program, step)

    def write(self, step: int, index: int, content: int) -> None:
        where, lower, upper = self.bytes_of(index)
        if lower >= upper:
            return
        memory = self.memories.setdefault(where, _Memory())
        why = f"writes {_name(self.program, index)}"
        for held in memory.over(lower, upper):
            self.order.need(step, held.writer, why)
            for reader in held.readers:
                self.order.need(step, reader, why)
            if not self.order.follows(step, held.gate, search=len(held.earlier) > _MANY_READERS):
                for reader in held.earlier:
                    self.order.need(step, reader, why)
        memory.put(lower, upper, content, step)

    def check_told(self, step: int, index: int) -> None:
        """Refuse a step that writes what has the size of a thing to come: it waits for whoever decides that."""
        shape = self.program.buffers[index].shape
        if shape is None or self.placed.sizes[index] is not None:
            return
        for name in sorted({str(leaf) for dim in shape for leaf in leaves(dim) if isinstance(leaf, str)}):
            if name in self.program.born:
                self.order.need(step, self.program.born[name], f"needs the dimension {name}")

    def check_apart(self, index: int, reads: Sequence[int]) -> None:
        """Refuse outputs and scratch that share bytes, with each other or with inputs they are not in place of."""
        step = self.program.steps[index]
        writes = (*step.outputs, *(() if step.scratch is None else (step.scratch,)))
        spans = sorted((*self.bytes_of(i), i) for i in writes)
        spans = [span for span in spans if span[1] < span[2]]
        for one, other in pairwise(spans):
            if one[0] == other[0] and one[2] > other[1]:
                names = f"{_name(self.program, one[3])} and {_name(self.program, other[3])}"
                raise Error(f"{_step(self.program, index)} writes {names}, which share bytes")
        for read in reads:
            where, lower, upper = self.bytes_of(read)
            for span in spans[max(bisect_right(spans, (where, lower, upper, -1)) - 1, 0) :]:
                if (span[0], span[1]) >= (where, upper):
                    break
                if span[0] == where and span[2] > lower and lower < upper:
                    self.check_in_place(index, read, span)

    def check_in_place(self, index: int, read: int, span: tuple[int, int, int, int]) -> None:
        buffers, written, step = self.program.buffers, span[3], self.program.steps[index]
        what = f"{_step(self.program, index)} writes {_name(self.program, written)} while it reads "
        what += f"{_name(self.program, read)}; they share bytes, but "
        roots = {i if buffers[i].alias_of is None else buffers[i].alias_of for i in (read, written)}
        if len(roots) > 1 or written == step.scratch:
            raise Error(f"{what}are not the same bytes of one root")
        if step.joins:
            if self.lies_where_it_belongs(step, read, span):
                return
            raise Error(f"{what}it is not the part of it that belongs there")
        if span[:3] != self.bytes_of(read):
            raise Error(f"{what}are not the same bytes of one root")
        own = [self.bytes_of(step.inputs[i]) for i in step.inplace]  # type: ignore[arg-type]
        if written != step.outputs[0] or span[:3] not in own:
            raise Error(f"{what}the kernel is not known to write over that input")

    def lies_where_it_belongs(self, step: Step, read: int, span: tuple[int, int, int, int]) -> bool:
        """Say whether an input of a join lies, wherever it is given, right after those before it in the output."""
        place = span[1]
        for given in step.inputs:
            where, lower, upper = self.bytes_of(given)  # type: ignore[arg-type]
            if given == read and (where, lower) != (span[0], place):
                return False
            place += upper - lower
        return place == span[2]


def _contents(program: Program) -> list[int]:
    """Give for each buffer the one whose content it shows: itself, unless it is a view."""
    contents = [index if buffer.view_of is None else -1 for index, buffer in enumerate(program.buffers)]
    for index in range(len(contents)):
        path = [index]
        while contents[path[-1]] < 0:
            path.append(program.buffers[path[-1]].view_of or 0)
        for passed in path:
            contents[passed] = contents[path[-1]]
    return contents
