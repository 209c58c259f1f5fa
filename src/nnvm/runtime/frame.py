"""One arena with every call of a program laid out over it, ready to be made again and again."""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final, TypeAlias

from nnvm.errors import Error
from nnvm.runtime.device import Device
from nnvm.runtime.layout import Layout
from nnvm.runtime.parts import CALL, Step
from nnvm.runtime.program import Program
from nnvm.runtime.seats import Seats

POISON: Final = 0xFF
"""What poisoned bytes hold: a nan in every float, -1 or the largest in an integer."""

Call: TypeAlias = tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any], int]
"""A function, its arguments, its keywords, and the step it is: or ~step, where it cleans up after one."""

Inner: TypeAlias = "Callable[[int, Sequence[tuple[int, ...]], Any, bool], Frame]"
"""Lays a nested program out: its number, the shapes of its inputs, its memory, and whether to poison it."""

Observer: TypeAlias = Callable[[Step, float], None]
"""Told of each step and the seconds it took."""


class Frame:
    """An arena, the arrays over it, and the calls on them; for one call of the program at a time."""

    __slots__ = (
        "arena", "calls", "come", "device", "fixed", "inner", "memory", "placed", "planned", "poison", "program",
        "seats",
    )  # fmt: skip

    def __init__(
        self,
        program: Program,
        device: Device,
        placed: Layout,
        kernels: Mapping[str, Callable[..., Any]],
        lasting: Callable[[int, Layout], Any],
        *,
        poison: bool = False,
        memory: Any = None,
        inner: "Inner | None" = None,
    ) -> None:
        """Lay the calls out; `lasting` gives the array of a buffer of constants or state.

        A nested frame lies in `memory` that its step was given; `inner` lays one out for a step of this frame.
        """
        self.program = program
        self.device = device
        self.placed = placed
        self.poison = poison
        self.memory = memory
        self.inner = inner
        self.arena = device.allocate(max(placed.peak, 1)) if memory is None else memory
        self.fixed: dict[int, Any] = {}
        self.seats = Seats(program, device, placed)
        self.calls = self._lay_out(kernels, lasting)
        allocated = {index for step in program.steps if step.allocates for index in step.outputs}
        allocated |= {index for index, shape in enumerate(placed.shapes) if shape is None}
        roots = [(index, buffer.kind) for index, buffer in enumerate(program.buffers) if buffer.alias_of is None]
        self.planned = [index for index, kind in roots if kind == "output" and index not in allocated]
        self.come = [index for index, kind in roots if kind in ("input", "output", "dynamic")]

    def _lay_out(self, kernels: Mapping[str, Callable[..., Any]], lasting: Callable[[int, Layout], Any]) -> list[Call]:
        calls: list[Call] = []
        size = self.placed.workspace
        workspace = None
        if size and self.memory is not None:
            workspace = self.device.view(self.memory, -(-self.placed.peak // 64) * 64, "uint8", (size,))
        elif size:
            workspace = self.device.allocate(size)
        if size and self.poison:
            self.device.fill(workspace, 0, size, POISON)
        at_run = any(shape is None for shape in self.placed.shapes)
        at_run = at_run or any(buffer.kind == "dynamic" for buffer in self.program.buffers)
        dying = self._dying() if at_run or self.poison else {}
        for index, step in enumerate(self.program.steps):
            arguments: list[Any] = []
            for used in (*(() if step.allocates else step.outputs), *step.inputs):
                arguments.append(self._argument(used, arguments, lasting))
            params, lent = step.params, None
            if step.scratch is not None:
                size = self.placed.sizes[step.scratch] or 0
                lent = self.device.view(self.arena, self.placed.starts[step.scratch], "uint8", (size,))
            elif step.workspace != 0:
                lent = self.device.view(workspace, 0, "uint8", (self.placed.workspaces[index],))
            if step.kernel == CALL:
                kernel, params = self._nested(step, lent), {}
            else:
                kernel = kernels[step.kernel]
                kernel = self.seats.adopting(kernel, step.outputs) if step.allocates else kernel
                params = params if lent is None else {**params, "workspace": lent}
            if at_run:
                calls.extend(self._sized_at_run(step, index))
            calls.append((kernel, arguments, params, index))
            if index in dying:
                calls.extend(self._farewell(root, index) for root in dying[index])
        return calls

    def _nested(self, step: Step, memory: Any) -> Callable[..., None]:
        """Give a function that runs a nested program on output arrays, then input arrays."""
        shapes = [self.placed.shapes[i] for i in step.inputs if i is not None]
        assert self.inner is not None  # only an executable makes frames
        frame = self.inner(
            step.params["program"], [shape for shape in shapes if shape is not None], memory, self.poison
        )
        count, seats = len(step.outputs), self.seats

        def run(*arrays: Any) -> None:
            frame.run_into(arrays[:count], arrays[count:])
            seats.adopted_bytes = max(seats.adopted_bytes, seats.live_bytes + frame.seats.adopted_bytes)

        return run

    def _sized_at_run(self, step: Step, index: int) -> list[Call]:
        """Give the calls that make the arrays which a step writes, where only what ran before tells their size."""
        if step.allocates:
            return []
        buffers, shapes = self.program.buffers, self.placed.shapes
        return [
            (self._make, (written,), {}, ~index)
            for written in step.outputs
            if buffers[written].kind == "dynamic" or shapes[written] is None
        ]

    def _make(self, index: int) -> None:
        array = self.seats.make(index)
        if self.poison:
            self.device.fill(self.device.view(array, 0, "uint8", (size := self.device.nbytes(array),)), 0, size, POISON)

    def _argument(self, index: int | None, arguments: list[Any], lasting: Callable[[int, Layout], Any]) -> Any:
        """Give the array for the next argument, or None where one takes a seat there in each call."""
        if index is None:
            return None
        made = self.fixed.get(index)
        if made is not None:
            return made
        buffer = self.program.buffers[index]
        if buffer.kind in ("input", "output", "dynamic"):
            self.seats.expect(index).append((arguments, len(arguments)))
            return None
        shape = self.placed.shapes[index]
        assert shape is not None  # a well formed program knows it
        self.fixed[index] = made = (
            self.device.view(self.arena, self.placed.starts[index], buffer.dtype, shape)
            if buffer.kind == "arena"
            else lasting(index, self.placed)
        )
        return made

    def _dying(self) -> dict[int, list[int]]:
        """Give for each step the roots that no later one uses, where that is of interest."""
        buffers = self.program.buffers
        last: dict[int, int] = {}
        for index, step in enumerate(self.program.steps):
            for used in (*step.inputs, *step.outputs, step.scratch):
                if used is not None and buffers[used].kind in ("dynamic", "arena"):
                    alias_of = buffers[used].alias_of
                    last[used if alias_of is None else alias_of] = index
        for output in self.program.outputs:
            alias_of = buffers[output].alias_of
            last.pop(output if alias_of is None else alias_of, None)
        dying: dict[int, list[int]] = {}
        for root, index in last.items():
            if buffers[root].kind == "dynamic" or self.poison:
                dying.setdefault(index, []).append(root)
        return dying

    def _farewell(self, root: int, step: int) -> Call:
        if self.program.buffers[root].kind == "dynamic":
            return self.seats.release, (root,), {}, ~step
        start, size = self.placed.starts[root], self.placed.sizes[root] or 0
        return self.device.fill, (self.arena, start, size, POISON), {}, ~step

    def run_into(self, outputs: Sequence[Any], inputs: Sequence[Any]) -> None:
        """Make every call, and leave the outputs in arrays that are given."""
        made = self.run(inputs, given=dict(zip(self.program.outputs, outputs, strict=True)))
        for array, place in zip(made, outputs, strict=True):
            if array is not place:
                self.device.copy(place, array)

    def run(
        self, inputs: Sequence[Any], observe: Observer | None = None, given: Mapping[int, Any] | None = None
    ) -> tuple[Any, ...]:
        """Make every call; the arrays it returns are the caller's, and are not kept.

        `given` holds the arrays of those outputs that have a place already.
        """
        given = given or {}
        seats = self.seats
        seats.live_bytes = seats.adopted_bytes = 0
        seats.binding = self.placed.binding
        try:
            if self.poison:
                self.device.fill(self.arena, 0, self.placed.peak, POISON)
            for index, array in zip(self.program.inputs, inputs, strict=True):
                seats.place(index, array)
            for index in self.planned:
                seats.place(index, given[index] if index in given else self._output(index))
            self._make_calls(observe)
            return tuple(seats.present[index] for index in self.program.outputs)
        finally:
            for index in self.come:
                seats.release(index)

    def _output(self, index: int) -> Any:
        buffer, shape = self.program.buffers[index], self.placed.shapes[index]
        assert shape is not None  # a step writes it in place, so a well formed program knows
        if not self.poison:
            return self.device.empty(buffer.dtype, shape)
        size = self.placed.sizes[index] or 0
        memory = self.device.allocate(max(size, 1))
        self.device.fill(memory, 0, size, POISON)
        return self.device.view(memory, 0, buffer.dtype, shape)

    def _make_calls(self, observe: Observer | None) -> None:
        index = 0
        try:
            if observe is None:
                for function, arguments, params, index in self.calls:  # noqa: B007 (says who failed)
                    function(*arguments, **params)
                return
            for function, arguments, params, index in self.calls:
                start = perf_counter()
                function(*arguments, **params)
                if index >= 0:
                    observe(self.program.steps[index], perf_counter() - start)
        except Exception as error:
            raise Error(self._failure(max(index, ~index), error)) from error

    def _failure(self, index: int, error: Exception) -> str:
        step = self.program.steps[index]
        reads = ", ".join("absent" if i is None else self._type(i) for i in step.inputs)
        writes = ", ".join(self._type(i) for i in step.outputs)
        return (
            f"step {step.name or index!r} ({step.kernel}) failed on {reads or 'nothing'} -> {writes or 'nothing'}: "
            f"{type(error).__name__}: {error}"
        )

    def _type(self, index: int) -> str:
        shape = self.placed.shapes[index]
        if shape is None and index in self.seats.present:
            shape = self.device.shape_of(self.seats.present[index])
        return f"{self.program.buffers[index].dtype}{'[?]' if shape is None else list(shape)}"
