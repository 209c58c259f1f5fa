"""What a program remembers from one call to the next, by name."""

from collections.abc import Iterator, Mapping
from threading import RLock
from typing import Any

from nnvm.errors import Error
from nnvm.runtime.device import Device
from nnvm.runtime.program import Program


class State(Mapping[str, Any]):
    """The state buffers of one executable. Reading gives a copy that is the reader's; assigning copies in.

    Starts as the program's constants for it say, and as zeros where they say nothing.
    """

    __slots__ = ("_device", "_numbers", "_program", "lock", "memories", "written")

    def __init__(self, program: Program, device: Device) -> None:
        self._program = program
        self._device = device
        self.lock = RLock()
        buffers = program.buffers
        roots = [i for i, buffer in enumerate(buffers) if buffer.kind == "state" and buffer.alias_of is None]
        self._numbers = {buffers[index].name: index for index in roots}
        if len(self._numbers) < len(roots):
            raise Error("two state buffers have one name, so neither could be asked for; name them apart")
        self.written = any(buffers[index].kind == "state" for step in program.steps for index in step.outputs)
        self.memories: dict[int, Any] = {}
        for index in roots:
            size = buffers[index].nbytes({})
            self.memories[index] = device.allocate(max(size, 1))
            device.fill(self.memories[index], 0, size, 0)
            if index in program.constants:
                data = program.constants[index].read()
                device.copy(self._live(index), device.constant(data, buffers[index].dtype, self._shape(index)))

    def _shape(self, index: int) -> tuple[int, ...]:
        return tuple(dim for dim in self._program.buffers[index].shape or () if isinstance(dim, int))

    def _live(self, index: int) -> Any:
        buffer = self._program.buffers[index]
        return self._device.view(self.memories[index], 0, buffer.dtype, self._shape(index))

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            raise Error(f"there is no state {name!r}; there is {', '.join(self._numbers) or 'none'}")
        return self._numbers[name]

    def __getitem__(self, name: str) -> Any:
        index = self._number(name)
        buffer = self._program.buffers[index]
        snapshot = self._device.empty(buffer.dtype, self._shape(index))
        with self.lock:
            self._device.copy(snapshot, self._live(index))
        return snapshot

    def __setitem__(self, name: str, value: Any) -> None:
        index = self._number(name)
        shape = self._shape(index)
        array = self._device.accept(value, self._program.buffers[index].dtype, shape)
        if self._device.shape_of(array) != shape:
            raise Error(f"state {name!r} has shape {list(shape)}, not {list(self._device.shape_of(array))}")
        with self.lock:
            self._device.copy(self._live(index), array)

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)
