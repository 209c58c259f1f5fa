"""NumPy as a device: memory is a block of bytes, arrays are views of it, kernels are functions by name."""

import importlib
from collections.abc import Callable, Iterable
from contextvars import Context
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnvm.backends.numpy.kernels import KERNELS, MOVING
from nnvm.backends.numpy.objects import objects
from nnvm.backends.numpy.registered import find
from nnvm.errors import Error, MissingExtra

Array: TypeAlias = NDArray[Any]

_OWN = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)
_TYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in _OWN}
_FOREIGN = frozenset(
    (
        *("bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
        *("float4_e2m1fn", "int4", "uint4", "int2", "uint2"),
    )
)


def dtype_of(name: str) -> np.dtype[Any]:
    """Return NumPy's type of this name; Error where there is none, MissingExtra where ml_dtypes has it."""
    known = _TYPES.get(name)
    if known is not None:
        return known
    if name not in _FOREIGN:
        raise Error(f"NumPy has no element type {name!r}; it knows {', '.join([*_OWN, *sorted(_FOREIGN)])}")
    try:
        library = importlib.import_module("ml_dtypes")
    except ImportError as error:
        raise MissingExtra("ml_dtypes", "onnx") from error
    made: np.dtype[Any] = np.dtype(getattr(library, name))
    _TYPES[name] = made
    return made


def _calm() -> Context:
    """Make a context in which floats overflow silently and ufuncs buffer at most 256 elements of an operand.

    NumPy's own 8192 would be memory that no kernel has declared, and is slower where it only copies strided rows.
    """
    calm = Context()
    calm.run(np.seterr, all="ignore")
    calm.run(np.setbufsize, 256)
    return calm


_CALM = _calm()


def _quiet(kernel: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arrays: Any, **params: Any) -> Any:
        return _CALM.copy().run(kernel, *arrays, **params)

    return run


class NumpyDevice:
    """Run programs on NumPy arrays."""

    __slots__ = ()

    name = "numpy"

    def allocate(self, nbytes: int) -> Array:
        """Return `nbytes` writable bytes that start at a multiple of 64."""
        block = np.empty(nbytes + 64, np.uint8)
        start = -block.ctypes.data % 64
        return block[start : start + nbytes]

    def view(self, memory: Array, offset: int, dtype: str, shape: tuple[int, ...]) -> Array:
        """Return an array over part of a block (or of another array's bytes), `offset` bytes from its start."""
        kind = dtype_of(dtype)
        memory = memory if memory.dtype == np.uint8 and memory.ndim == 1 else _bytes(memory)
        try:
            if offset < 0:
                raise ValueError("it starts before the block")  # NumPy would look there
            return np.ndarray(shape, kind, memory, offset)
        except (TypeError, ValueError) as error:
            what = f"{dtype}{list(shape)} at byte {offset}"
            raise Error(f"{what} lies outside a block of {memory.size} bytes") from error

    def accept(self, array: Any, dtype: str, shape_hint: tuple[Any, ...] | None = None) -> Array:
        """Turn what a caller passed into a C-contiguous array; Error where its type is another.

        Anything with `__array__` or DLPack comes with a type of its own, which must be `dtype`; numbers and lists
        have none and are converted where that loses nothing in kind. Empty lists take the shape of the hint.
        """
        wanted = dtype_of(dtype)
        if not hasattr(array, "dtype") and isinstance(array, int | float | bool | complex | list | tuple):
            return _converted(array, wanted, shape_hint)
        given = _taken(array)
        if given.dtype != wanted:
            raise Error(f"expected {dtype}, got {given.dtype}; convert it first, as with .astype({dtype!r})")
        return np.require(given, wanted, ["C_CONTIGUOUS", "ALIGNED"])

    def empty(self, dtype: str, shape: tuple[int, ...]) -> Array:
        """Return a new array that starts at a multiple of 64 and holds anything."""
        return self.view(self.allocate(prod(shape) * dtype_of(dtype).itemsize), 0, dtype, shape)

    def constant(self, data: memoryview, dtype: str, shape: tuple[int, ...]) -> Array:
        """Return a read-only array over bytes that it does not copy."""
        kind = dtype_of(dtype)
        size = prod(shape) * kind.itemsize
        if data.nbytes != size:
            raise Error(f"a constant {dtype}{list(shape)} needs {size} bytes, not {data.nbytes}")
        if not size:
            return np.empty(shape, kind)
        array = np.frombuffer(data, np.uint8).view(kind).reshape(shape)
        array.flags.writeable = False
        return array

    def copy(self, target: Array, source: Array) -> None:
        """Fill one array with what another of its type and shape holds."""
        np.copyto(target, source)

    def kernel(self, name: str) -> Callable[..., Any]:
        """Return the kernel of a name such as `numpy:conv/1`; floating-point warnings are off while it runs."""
        found = KERNELS.get(name) or find(name)
        if found is None:
            prefix = name.partition(":")[0]
            cure = f"install the package that brings {prefix!r}, or import it"
            cure = "compile the graph again with this version of nnvm" if prefix == "numpy" else cure
            raise Error(f"the numpy backend has no kernel {name!r}; {cure}")
        return found if name in MOVING else _quiet(found)

    def shape_of(self, array: Array) -> tuple[int, ...]:
        """Return an array's shape."""
        return array.shape

    def nbytes(self, array: Array) -> int:
        """Return the size of an array in bytes."""
        return array.nbytes

    def objects(self, kernels: Iterable[str], outputs: int) -> int:
        """Return the bytes that Python's and NumPy's own objects take while these kernels run, elements apart."""
        return objects(kernels, outputs)

    def writable(self, array: Array) -> bool:
        """Say whether an array may be written into."""
        return array.flags.writeable

    def shares(self, array: Array, given: Any) -> bool:
        """Say whether an array may have bytes in common with another one, or with whatever a user passed."""
        if not isinstance(given, np.ndarray):
            if not hasattr(given, "__array__") and not hasattr(given, "__dlpack__"):
                return False
            given = _taken(given)
        return bool(np.may_share_memory(array, given))

    def fill(self, memory: Array, offset: int, nbytes: int, byte: int) -> None:
        """Set a range of a block to one repeated byte."""
        memory[offset : offset + nbytes] = byte


def _bytes(array: Array) -> Array:
    """View a C-contiguous array of any type and shape as bytes."""
    return array.reshape(-1, copy=False).view(np.uint8)


def _taken(array: Any) -> Array:
    if isinstance(array, np.ndarray):
        return array
    try:
        if hasattr(array, "__dlpack__") and not hasattr(array, "__array__"):
            return np.from_dlpack(array)
        return np.asarray(array)
    except Exception as error:
        raise Error(f"cannot read a {type(array).__name__} as an array: {error}") from error


def _converted(array: Any, wanted: np.dtype[Any], hint: tuple[Any, ...] | None) -> Array:
    try:
        given = np.asarray(array)
    except ValueError as error:
        raise Error(f"cannot read nested lists as an array: {error}") from error
    if given.size and given.dtype.kind not in "biufc":
        raise Error(f"expected numbers for {wanted}, got {given.dtype}")
    if given.size and wanted.kind in "biu" and given.dtype.kind not in "biu":
        raise Error(f"expected {wanted}, got fractions; convert them first")
    if given.size and wanted.kind in "iu" and given.dtype.kind in "iu":
        ends = np.iinfo(wanted)
        if int(given.min()) < ends.min or int(given.max()) > ends.max:
            raise Error(f"expected {wanted}, got numbers from {given.min()} to {given.max()}, which do not fit")
    if not given.size and hint is not None and all(isinstance(size, int) for size in hint) and not prod(hint):
        return np.empty(hint, wanted)
    return np.ascontiguousarray(given.astype(wanted)).reshape(given.shape)
