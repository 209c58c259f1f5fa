"""A device of a few NumPy kernels, and programs small enough to write by hand, for testing the runtime alone."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from nnvm.errors import Error
from nnvm.runtime.hazards import with_dependencies
from nnvm.runtime.program import Buffer, Program, Step


def add(out, a, b):
    np.add(a, b, out=out)


def neg(out, x):
    np.negative(x, out=out)


def copy(out, x):
    out[...] = np.asarray(x).reshape(out.shape)


def fill(out, *, value):
    out[...] = value


def scaled(out, x, bias=None, *, scale):
    out[...] = x * scale + (0 if bias is None else bias)


def total(out, x, *, workspace):
    """Sums in a float64 block that it is lent, and dirties all of it."""
    block = workspace[:8].view(np.float64)
    workspace[...] = 7
    block[...] = 0
    block += x.sum()
    out[...] = block[0]


def join(out, *parts):
    np.concatenate(parts, out=out)


def halves(low, high, x):
    low[...], high[...] = np.split(x, 2)


def nonzero(x):
    return np.nonzero(x)[0]


def both(x):
    return x + 1, x - 1


def fail(out, *inputs):
    raise ValueError("this kernel always fails")


KERNELS: dict[str, Callable[..., Any]] = {
    f"toy:{kernel.__name__}/1": kernel
    for kernel in (add, neg, copy, fill, scaled, total, join, halves, nonzero, both, fail)
}


class ToyDevice:
    """Satisfies `nnvm.runtime.device.Device`."""

    name = "toy"

    def allocate(self, nbytes: int) -> Any:
        block = np.empty(nbytes + 64, np.uint8)
        start = -block.ctypes.data % 64
        return block[start : start + nbytes]

    def view(self, memory: Any, offset: int, dtype: str, shape: tuple[int, ...]) -> Any:
        raw = memory.reshape(-1).view(np.uint8)
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        assert offset + size <= raw.nbytes
        return raw[offset : offset + size].view(dtype).reshape(shape)

    def accept(self, array: Any, dtype: str, shape_hint: Any) -> Any:
        given = np.asarray(array)
        if given.dtype != np.dtype(dtype):
            raise Error(f"should be {dtype}, but is {given.dtype}")
        return np.ascontiguousarray(given).reshape(given.shape)

    def empty(self, dtype: str, shape: tuple[int, ...]) -> Any:
        return np.empty(shape, dtype)

    def constant(self, data: memoryview, dtype: str, shape: tuple[int, ...]) -> Any:
        return np.frombuffer(data, dtype).reshape(shape)

    def copy(self, target: Any, source: Any) -> None:
        target[...] = source

    def kernel(self, name: str) -> Callable[..., Any]:
        if name not in KERNELS:
            raise Error(f"the toy device has no kernel {name}")
        return KERNELS[name]

    def shape_of(self, array: Any) -> tuple[int, ...]:
        return array.shape

    def nbytes(self, array: Any) -> int:
        return array.nbytes

    def objects(self, kernels: Iterable[str], outputs: int) -> int:
        return 0

    def writable(self, array: Any) -> bool:
        return array.flags.writeable

    def shares(self, array: Any, given: Any) -> bool:
        return isinstance(given, np.ndarray) and bool(np.may_share_memory(array, given))

    def fill(self, memory: Any, offset: int, nbytes: int, byte: int) -> None:
        memory[offset : offset + nbytes] = byte


def program(buffers, steps, inputs, outputs, *, binding=None, **more) -> Program:
    """Make a toy program whose waits are worked out."""
    made = Program("toy", buffers, steps, inputs, outputs, **more)
    return with_dependencies(made, {} if binding is None else binding)


def ping_pong(length: int = 4, dims=("n", 3), **more) -> Program:
    """A chain of `length` negations of x between two places in the arena, then one into the output."""
    buffers = [Buffer("input", "float32", dims, name="x")]
    buffers += [Buffer("arena", "float32", dims, (0, ("end", 1))[i % 2], name=f"t{i}") for i in range(length)]
    buffers.append(Buffer("output", "float32", dims, name="y"))
    steps = [Step("toy:neg/1", [i], [i + 1], name=f"neg{i}") for i in range(length + 1)]
    binding = {dim: 2 for dim in dims if isinstance(dim, str)}
    peak = ("end", min(2, length)) if length else 0
    return program(buffers, steps, [0], [length + 1], binding=binding, peak=peak, **more)
