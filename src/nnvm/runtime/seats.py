"""Which arguments the arrays that come and go with each call belong in, and who is still here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nnvm.runtime.device import Device
from nnvm.runtime.expressions import Expr, evaluate, show
from nnvm.runtime.layout import Layout
from nnvm.runtime.program import Program


class Seats:
    """Puts inputs, outputs and what kernels allocate where steps look for them, and takes them away again.

    It knows the arguments of the calls but not the calls, so that dropping those frees every array at once.
    """

    __slots__ = ("adopted_bytes", "binding", "device", "live_bytes", "placed", "present", "program", "shown", "taken")

    def __init__(self, program: Program, device: Device, placed: Layout) -> None:
        self.program = program
        self.device = device
        self.placed = placed
        self.present: dict[int, Any] = {}
        self.taken: dict[int, list[tuple[list[Any], int]]] = {}
        self.shown: dict[int, list[int]] = {}
        self.live_bytes = self.adopted_bytes = 0
        self.binding: Mapping[str, int] = placed.binding
        for output in program.outputs:
            self.expect(output)

    def expect(self, index: int) -> list[tuple[list[Any], int]]:
        """Give the seats of a buffer, to add one to; an alias is made whenever its root comes."""
        root = self.program.buffers[index].alias_of
        if root is not None and index not in self.taken:
            self.shown.setdefault(root, []).append(index)
        return self.taken.setdefault(index, [])

    def place(self, root: int, array: Any) -> None:
        """Put an array that came into every argument it belongs in, and its aliases too."""
        self.present[root] = array
        for arguments, position in self.taken.get(root, ()):
            arguments[position] = array
        for index in self.shown.get(root, ()):
            buffer, shape = self.program.buffers[index], self.shape(index)
            view = self.device.view(array, self.placed.starts[index], buffer.dtype, shape)
            self.present[index] = view
            for arguments, position in self.taken[index]:
                arguments[position] = view

    def release(self, root: int) -> None:
        """Let go of an array and of its aliases, so that nothing here keeps them alive."""
        array = self.present.pop(root, None)
        if array is not None and self.program.buffers[root].kind == "dynamic":
            self.live_bytes -= self.device.nbytes(array)
        for index in (root, *self.shown.get(root, ())):
            self.present.pop(index, None)
            for arguments, position in self.taken.get(index, ()):
                arguments[position] = None

    def adopting(self, kernel: Callable[..., Any], outputs: Sequence[int]) -> Callable[..., None]:
        """Give a function that calls a kernel which allocates, and seats what it returns."""

        def adopt(*arguments: Any, **params: Any) -> None:
            result = kernel(*arguments, **params)
            arrays = result if isinstance(result, (tuple, list)) else (result,)
            if len(arrays) != len(outputs):
                raise ValueError(f"the kernel gave {len(arrays)} arrays where {len(outputs)} belong")
            for index, array in zip(outputs, arrays, strict=True):
                self.adopt(index, array)

        return adopt

    def adopt(self, index: int, array: Any) -> None:
        """Seat an array that a kernel allocated, and learn the dimensions that it decides.

        Raises ValueError where its shape is not what was planned, or not what other arrays have told.
        """
        buffer, expected = self.program.buffers[index], self.placed.shapes[index]
        array = self.device.accept(array, buffer.dtype, expected)
        shape = self.device.shape_of(array)
        if expected is None and buffer.shape is not None:
            expected = self._learn(buffer.shape, shape)
        if expected is not None and shape != expected:
            raise ValueError(f"the kernel gave shape {list(shape)} where {list(expected)} belongs")
        self._count(index, array)
        self.place(index, array)

    def _learn(self, planned: Sequence[Expr], shape: tuple[int, ...]) -> tuple[int, ...]:
        """Bind the dimensions that an array is the first to tell; give the shape that it should have."""
        if len(planned) != len(shape):
            raise ValueError(f"the kernel gave shape {list(shape)} where [{', '.join(map(show, planned))}] belongs")
        told = dict(self.binding)
        for dim, size in zip(planned, shape, strict=True):
            if isinstance(dim, str):
                told.setdefault(dim, size)
        self.binding = told
        return tuple(evaluate(dim, told) for dim in planned)

    def shape(self, index: int) -> tuple[int, ...]:
        """Give the shape that a buffer has in this call; raises Error for a dimension that nothing has told yet."""
        planned, shape = self.program.buffers[index].shape, self.placed.shapes[index]
        if shape is not None:
            return shape
        assert planned is not None  # a well formed program gives one to all that no kernel allocates
        return tuple(evaluate(dim, self.binding) for dim in planned)

    def make(self, index: int) -> Any:
        """Seat a new array for a step to write into, now that its size is known."""
        array = self.device.empty(self.program.buffers[index].dtype, self.shape(index))
        self._count(index, array)
        self.place(index, array)
        return array

    def _count(self, index: int, array: Any) -> None:
        if self.program.buffers[index].kind == "dynamic":
            self.live_bytes += self.device.nbytes(array)
            self.adopted_bytes = max(self.adopted_bytes, self.live_bytes)
