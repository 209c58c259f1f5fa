"""A program that can be called: arrays in, arrays out, one arena for each call under way."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from threading import Lock
from typing import Any, Final

from nnvm.errors import Error
from nnvm.runtime.device import Device
from nnvm.runtime.frame import Frame, Observer
from nnvm.runtime.layout import Layout, layout
from nnvm.runtime.parts import CALL, NO_KERNEL
from nnvm.runtime.program import Program
from nnvm.runtime.state import State

BINDINGS_KEPT: Final = 16
"""Shapes of inputs whose arenas are kept for the next call; beyond it the ones unused for longest go."""

IDLE_KEPT: Final = 4
"""Arenas kept for one binding while no call uses them."""


class Stats:
    """Bytes of the last run that ended: planned ahead (arena and workspace), allocated by kernels, and of copies.

    What kernels allocate is adopted, and counted where most of it is alive; transient are the inputs that had to be
    copied before anything could read them, and what the device says that its own objects take. The outputs, which are
    the caller's, come on top.
    """

    __slots__ = ("adopted_bytes", "copied_bytes", "object_bytes", "output_bytes", "peak_bytes", "workspace_bytes")

    def __init__(
        self,
        peak_bytes: int = 0,
        workspace_bytes: int = 0,
        adopted_bytes: int = 0,
        copied_bytes: int = 0,
        output_bytes: int = 0,
        object_bytes: int = 0,
    ) -> None:
        self.copied_bytes: Final = copied_bytes
        self.object_bytes: Final = object_bytes
        self.output_bytes: Final = output_bytes
        self.peak_bytes: Final = peak_bytes
        self.workspace_bytes: Final = workspace_bytes
        self.adopted_bytes: Final = adopted_bytes

    @property
    def planned_bytes(self) -> int:
        """The height of the arena and the one block of workspace beside it."""
        return self.peak_bytes + self.workspace_bytes

    @property
    def transient_bytes(self) -> int:
        """Copies of inputs, and the device's own objects."""
        return self.copied_bytes + self.object_bytes

    def __repr__(self) -> str:
        told = (f"{name}={getattr(self, name)}" for name in ("planned_bytes", "adopted_bytes", "transient_bytes"))
        return f"Stats({', '.join(told)})"


class _Bound:
    """A program at one binding, and the frames that no call is using."""

    __slots__ = ("idle", "placed")

    def __init__(self, placed: Layout) -> None:
        self.placed: Final = placed
        self.idle: Final[list[Frame]] = []


class Executable:
    """A program on a device: call it with arrays by name, from as many threads as you like.

    Outputs are new arrays, the caller's own; so are inputs, except those that the program was given to write over.
    Calls of a program that writes state take turns. One with steps that have no kernel is planned, and refuses to run.
    """

    def __init__(self, program: Program, device: Device) -> None:
        """Resolve kernels and constants; raises Error for a kernel that the device lacks."""
        if program.backend != device.name:
            raise Error(
                f"the program is for {program.backend!r} and the device is {device.name!r}; compile it for that"
            )
        self.program: Final = program
        self.device: Final = device
        self.state: Final = State(program, device)
        self.stats = Stats()
        self._lacking: Final = program.without_kernel
        self._kernels: Final = _kernels(program, device)
        self._nested: Final = [Executable(nested, device) for nested in program.programs]
        used = {*self._kernels, *(kernel for nested in self._nested for kernel in nested.used)}
        self.used: Final[tuple[str, ...]] = tuple(sorted(used))
        self._objects: Final = device.objects(self.used, len(program.outputs))
        self._constants: Final[dict[int, Any]] = {}
        self._lock: Final = Lock()
        self._bound: Final[dict[tuple[tuple[int, ...], ...], _Bound]] = {}
        for index in program.constants:
            if program.buffers[index].kind == "constant":
                self._constants[index] = self._constant(index)
        if not any(isinstance(dim, (str, tuple)) for i in program.inputs for dim in program.buffers[i].shape or ()):
            placed = layout(program, {})
            self.stats = Stats(placed.peak, placed.workspace)

    def __call__(self, inputs: Mapping[str, Any] | None = None, /, **named: Any) -> tuple[Any, ...]:
        """Run on arrays given as a mapping, by keyword, or both; gives the outputs in order.

        Takes whatever has `__array__` or speaks DLPack. Raises one Error that lists every input that is
        missing, unknown or of the wrong dtype or shape, or that says which step failed.
        """
        twice = sorted(set(inputs or ()) & set(named))
        if twice:
            raise Error(f"given both in the mapping and by keyword: {', '.join(twice)}")
        return self.run({**(inputs or {}), **named})

    def run(
        self, inputs: Mapping[str, Any], *, poison: bool = False, profile: Observer | None = None
    ) -> tuple[Any, ...]:
        """Run on arrays by name; gives the outputs in order, and raises what a call does.

        `poison` fills the arena, workspace and outputs with 0xFF bytes before the run and each range of the arena
        after its last use, which changes no result unless the plan is wrong. `profile(step, seconds)` is told of
        each step.
        """
        if self._lacking:
            self.require_kernels()
        arrays, shapes = self._admit(inputs)
        copied = self._copied(arrays, inputs)
        bound = self._bind(shapes)
        frame = self._frame(bound, poison)
        try:
            with self.state.lock if self.state.written else nullcontext():
                outputs = frame.run(arrays, profile)
            self.stats = Stats(
                bound.placed.peak,
                bound.placed.workspace,
                frame.seats.adopted_bytes,
                copied,
                sum(self.device.nbytes(array) for array in outputs),
                self._objects,
            )
        finally:
            if not poison:
                with self._lock:
                    bound.idle.append(frame)
                    del bound.idle[IDLE_KEPT:]
        return outputs

    def require_kernels(self) -> None:
        """Raise one Error that lists every operator without a kernel, and how often it is used; before any run."""
        if self._lacking:
            listed = [f"{name} ({count} uses)" if count > 1 else name for name, count in self._lacking.items()]
            raise Error(
                f"{self.program.backend} has no kernel for {', '.join(listed)}, so nothing was run; "
                "register kernels and compile again (see docs/onnx.md), or run the model's file with ONNX Runtime"
            )

    def _copied(self, arrays: list[Any], inputs: Mapping[str, Any]) -> int:
        """Copy what may not be written over although it was given away; return the bytes of all copies of inputs."""
        device, copied = self.device, 0
        for i, (index, name) in enumerate(zip(self.program.inputs, self.program.input_names, strict=True)):
            array = arrays[i]
            if array is not inputs[name] and not device.shares(array, inputs[name]):
                copied += device.nbytes(array)
            elif index in self.program.donated:
                others = (other for k, other in enumerate(arrays) if k != i)
                if not device.writable(array) or any(device.shares(array, other) for other in others):
                    arrays[i] = device.empty(self.program.buffers[index].dtype, device.shape_of(array))
                    device.copy(arrays[i], array)
                    copied += device.nbytes(array)
        return copied

    def _inner(self, number: int, shapes: Sequence[tuple[int, ...]], memory: Any, poison: bool) -> Frame:
        """Lay out a nested program over the memory that its step was given."""
        nested = self._nested[number]
        binding = nested.program.bind(dict(zip(nested.program.input_names, shapes, strict=True)))
        return nested._laid_out(layout(nested.program, binding), poison, memory)

    def _laid_out(self, placed: Layout, poison: bool, memory: Any = None) -> Frame:
        program, device = self.program, self.device
        return Frame(
            program, device, placed, self._kernels, self._lasting, poison=poison, memory=memory, inner=self._inner
        )

    def _constant(self, root: int) -> Any:
        """Make the array of a constant."""
        data = self.program.constants[root].read()
        whole = self.program.buffers[root]
        if data.nbytes != whole.nbytes({}):
            raise Error(f"constant {whole.name!r} needs {whole.nbytes({})} bytes, but has {data.nbytes}")
        shape = tuple(dim for dim in whole.shape or () if isinstance(dim, int))
        return self.device.constant(data, whole.dtype, shape)

    def _lasting(self, index: int, placed: Layout) -> Any:
        """Give the array of a buffer that outlives calls: constant or state, or an alias of one."""
        buffer, start = self.program.buffers[index], placed.starts[index]
        root = index if buffer.alias_of is None else buffer.alias_of
        if buffer.kind == "state":
            return self.device.view(self.state.memories[root], start, buffer.dtype, placed.shapes[index] or ())
        if index == root:
            return self._constants[index]
        size, data = placed.sizes[index] or 0, self.program.constants[root].read()
        if start + size > data.nbytes:
            raise Error(f"{buffer.name!r} takes bytes [{start}, {start + size}) of a constant of {data.nbytes}")
        return self.device.constant(data[start : start + size], buffer.dtype, placed.shapes[index] or ())

    def _admit(self, inputs: Mapping[str, Any]) -> tuple[list[Any], tuple[tuple[int, ...], ...]]:
        """Turn what the caller gave into arrays; raises one Error for everything that is wrong with it."""
        names = self.program.input_names
        problems = [f"there is no input {name!r}" for name in sorted(set(inputs) - set(names))]
        arrays: dict[str, Any] = {}
        for index, name in zip(self.program.inputs, names, strict=True):
            if name not in inputs:
                continue
            buffer = self.program.buffers[index]
            try:
                arrays[name] = self.device.accept(inputs[name], buffer.dtype, buffer.shape)
            except (Error, TypeError, ValueError) as error:
                problems.append(f"input {name!r}: {error}")
        shapes = {name: self.device.shape_of(array) for name, array in arrays.items()}
        if problems or len(arrays) < len(names) or tuple(shapes.values()) not in self._bound:
            refused = {name for name in names if name in inputs and name not in arrays}
            found = self.program.match(shapes)[1]
            problems += [text for text in found if not any(f"input {name!r} is missing" == text for name in refused)]
        if problems:
            expected = ", ".join(repr(self.program.buffers[i]).split(" at ")[0] for i in self.program.inputs) or "none"
            raise Error(f"{'; '.join(problems)} (the inputs are {expected})")
        return list(arrays.values()), tuple(shapes.values())

    def _bind(self, shapes: tuple[tuple[int, ...], ...]) -> _Bound:
        """Find or make what is known about these shapes, and remember that it is in use."""
        with self._lock:
            bound = self._bound.pop(shapes, None)
            if bound is not None:
                self._bound[shapes] = bound
                return bound
        binding = self.program.bind(dict(zip(self.program.input_names, shapes, strict=True)))
        made = _Bound(layout(self.program, binding))
        with self._lock:
            bound = self._bound.setdefault(shapes, made)
            while len(self._bound) > BINDINGS_KEPT:
                del self._bound[next(iter(self._bound))]
        return bound

    def _frame(self, bound: _Bound, poison: bool) -> Frame:
        if not poison:
            with self._lock:
                if bound.idle:
                    return bound.idle.pop()
        return self._laid_out(bound.placed, poison)


def _kernels(program: Program, device: Device) -> dict[str, Callable[..., Any]]:
    kernels: dict[str, Callable[..., Any]] = {}
    for index, step in enumerate(program.steps):
        if step.kernel not in kernels and step.kernel not in (CALL, NO_KERNEL):
            try:
                kernels[step.kernel] = device.kernel(step.kernel)
            except Error as error:
                raise Error(f"step {step.name or index!r} needs the kernel {step.kernel}: {error}") from error
    return kernels
