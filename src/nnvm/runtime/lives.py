"""From which step to which each buffer of the arena is in use, who made it, and how many bytes that makes."""

from collections.abc import Mapping
from typing import NamedTuple

from nnvm.errors import Error
from nnvm.runtime.layout import Layout, layout
from nnvm.runtime.memory import round_up
from nnvm.runtime.program import Program


class Life(NamedTuple):
    """A buffer of the arena at one binding: its bytes, the first and last step that touch it, the one that made it.

    `root` is the buffer whose bytes it has a part in, itself where it has its own. A workspace is its step's.
    """

    number: int
    name: str
    offset: int
    size: int
    first: int
    last: int
    root: int
    maker: int


class Lives:
    """The lives of all buffers of an arena at a binding, and the bytes alive at each step, alignment included.

    `held` are those with bytes of their own, each from the first touch of any of its parts to the last.
    """

    __slots__ = ("buffers", "held", "live", "placed", "program", "touches", "writers")

    def __init__(self, program: Program, binding: Mapping[str, int] | None = None) -> None:
        self.program = program
        self.placed: Layout = layout(program, sample_of(program) if binding is None else binding)
        self.touches = _touches(program)
        self.writers = {written: i for i, step in enumerate(program.steps) for written in step.outputs}
        self.buffers = [self._life(index, steps) for index, steps in sorted(self.touches.items())]
        self.held = self._held()
        self.live = self._live()

    def _life(self, index: int, steps: list[int]) -> Life:
        buffer = self.program.buffers[index]
        root = index if buffer.alias_of is None else buffer.alias_of
        size = self.placed.sizes[index] or 0
        maker = self._maker(index, steps)
        return Life(index, buffer.name, self.placed.starts[index], size, steps[0], steps[-1], root, maker)

    def _maker(self, index: int, steps: list[int]) -> int:
        """Give the step that wrote a buffer, or what it shows; the first that touches it where none did."""
        shown = index
        while (next_shown := self.program.buffers[shown].view_of) is not None:
            shown = next_shown
        return self.writers.get(shown, steps[0])

    def _held(self) -> list[Life]:
        spans: dict[int, list[int]] = {}
        for life in self.buffers:
            span = spans.setdefault(life.root, [life.first, life.last, life.maker])
            if life.first < span[0]:
                span[2] = life.maker
            span[:2] = min(span[0], life.first), max(span[1], life.last)
        held = []
        for root, (first, last, maker) in sorted(spans.items()):
            size = self.placed.sizes[root] or 0
            name = self.program.buffers[root].name
            held.append(Life(root, name, self.placed.starts[root], size, first, last, root, maker))
        return held

    def _live(self) -> list[int]:
        changes = [0] * (len(self.program.steps) + 1)
        for life in self.held:
            size = round_up(life.size, self.program.alignment)
            changes[life.first] += size
            changes[life.last + 1] -= size
        live, total = [], 0
        for change in changes[:-1]:
            total += change
            live.append(total)
        return live


def sample_of(program: Program) -> dict[str, int]:
    """Give the binding that a program was measured at; Error where it has open dimensions and tells none."""
    plan = program.meta.get("plan", {})
    binding = dict(plan.get("binding", {})) if isinstance(plan, Mapping) else {}
    open_dims = {dim for i in program.inputs for dim in program.buffers[i].shape or () if isinstance(dim, str)}
    if not open_dims <= binding.keys():
        raise Error(f"give the dimensions {', '.join(sorted(open_dims - binding.keys()))}: binding={{name: size}}")
    return binding


def _touches(program: Program) -> dict[int, list[int]]:
    """Give for each arena buffer the steps that touch it, or a view of it, ascending."""
    touches: dict[int, list[int]] = {}
    for i, step in enumerate(program.steps):
        for index in (*step.inputs, *step.outputs, step.scratch):
            shown = index
            while shown is not None and program.buffers[shown].kind == "arena":
                steps = touches.setdefault(shown, [])
                if not steps or steps[-1] != i:
                    steps.append(i)
                shown = program.buffers[shown].view_of
    return touches
