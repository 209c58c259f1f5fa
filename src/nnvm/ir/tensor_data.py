"""What a constant holds: element type, shape and bytes, which may lie in a file until they are read."""

import hashlib
import mmap
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from nnvm.errors import Error
from nnvm.ir.types import DTYPES, DType, TensorType, boolean, product

Number: TypeAlias = int | float | bool

CHUNK: Final = 1 << 22
"""Bytes that are hashed or copied at a time."""
_FORMATS: Final = {
    "bool": "?", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q",
    "uint64": "Q", "float16": "e", "float32": "f", "float64": "d",
}  # fmt: skip


class FileSlice:
    """A range of bytes in a file, mapped when first read; a file that changed since is an error."""

    __slots__ = ("_map", "length", "offset", "path", "stamp")
    path: Final[str]
    offset: Final[int]
    length: Final[int]
    stamp: Final[tuple[int, int, int]]

    def __init__(self, path: str | os.PathLike[str], offset: int, length: int) -> None:
        self.path, self.offset, self.length = os.fspath(path), offset, length
        self.stamp = _stamp(self.path)
        self._map: memoryview | None = None
        if offset < 0 or length < 0 or offset + length > self.stamp[0]:
            raise Error(f"{self.path} has {self.stamp[0]} bytes, too few for {length} at {offset}")

    def read(self) -> memoryview:
        """Return the bytes, mapped read-only; raise Error where the file changed since it was opened."""
        if _stamp(self.path) != self.stamp and self._map is None:
            raise Error(f"{self.path} changed after it was loaded; load it again")
        if self._map is None:
            if not self.length:
                return memoryview(b"")
            start = self.offset - self.offset % mmap.ALLOCATIONGRANULARITY
            with open(self.path, "rb") as file:
                mapped = mmap.mmap(
                    file.fileno(), self.offset + self.length - start, offset=start, access=mmap.ACCESS_READ
                )
            self._map = memoryview(mapped)[self.offset - start :]
        elif _changed_in_place(self.path, self.stamp):
            raise Error(f"{self.path} changed after it was loaded; load it again")
        return self._map

    def __deepcopy__(self, memo: object) -> "FileSlice":
        return self

    def __reduce__(self) -> "tuple[Callable[..., FileSlice], tuple[str, int, int, tuple[int, int, int]]]":
        return _reopen, (self.path, self.offset, self.length, self.stamp)

    def release(self) -> None:
        """Drop the mapping, so that the pages it touched leave memory; the next read maps again."""
        self._map = None


def _reopen(path: str, offset: int, length: int, stamp: tuple[int, int, int]) -> FileSlice:
    found = FileSlice(path, offset, length)
    if found.stamp != stamp:
        raise Error(f"{path} changed after it was loaded; load it again")
    return found


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise Error(f"cannot read {path}: {error.strerror}") from error
    return status.st_size, status.st_mtime_ns, status.st_ino


def _changed_in_place(path: str, stamp: tuple[int, int, int]) -> bool:
    """Say whether the mapped file itself was written; one that was replaced by another leaves the mapping whole."""
    try:
        now = _stamp(path)
    except Error:
        return False
    return now[2] == stamp[2] and now != stamp


Source: TypeAlias = bytes | memoryview | FileSlice | tuple[bytes, ...]


class TensorData:
    """The immutable elements of a constant, little-endian and row-major; sub-byte elements are packed, low bits first.

    `repeats` says that the source is one element standing for them all.
    """

    __slots__ = ("_key", "_uniform", "_values", "repeats", "source", "tensor")
    tensor: Final[TensorType]
    source: Final[Source]
    repeats: Final[bool]

    def __init__(self, type: TensorType, source: Source, *, repeats: bool = False) -> None:
        self.tensor, self.source, self.repeats = type, _as_bytes(source), repeats
        self._key: bytes | None = None
        self._values: tuple[Number, ...] | None = None
        self._uniform: tuple[Number | None] | None = None
        if type.shape_or_none is None or not all(isinstance(size, int) for size in type.shape):
            raise Error(f"the shape of a constant must be known: {type}")
        if (type.dtype.kind == "string") is not isinstance(source, tuple):
            raise Error(
                f"a constant of {type} cannot hold {source.__class__.__name__}; "
                "strings are a tuple of bytes, all else is bytes"
            )
        if isinstance(source, tuple):
            if repeats or len(source) != self.size:
                raise Error(f"a constant of {type} needs {self.size} strings and was given {len(source)}")
            return
        expected = -(-type.dtype.bits // 8) if repeats else self.nbytes
        held = source.length if isinstance(source, FileSlice) else memoryview(source).nbytes
        if held != expected:
            raise Error(f"a constant of {type} needs {expected} bytes and was given {held}")

    def __deepcopy__(self, memo: object) -> "TensorData":
        return self

    def __reduce__(self) -> "tuple[Callable[..., TensorData], tuple[TensorType, Source, bool]]":
        source = bytes(self.source) if isinstance(self.source, memoryview) else self.source
        return _restore, (self.tensor, source, self.repeats)

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.tensor.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions, all plain numbers."""
        return self.tensor.shape  # type: ignore[return-value]

    @property
    def size(self) -> int:
        """How many elements there are."""
        return product(self.shape)  # type: ignore[return-value]

    @property
    def nbytes(self) -> int:
        """How many bytes the elements take."""
        return -(-self.size * self.tensor.dtype.bits // 8)

    def read(self) -> memoryview:
        """Return all bytes; a file's are mapped, not copied. Raise Error where the file changed, or for strings."""
        if isinstance(self.source, tuple):
            raise Error("a tensor of strings has no bytes; its elements are in `source`")
        held = self.source.read() if isinstance(self.source, FileSlice) else memoryview(self.source)
        return memoryview(self._repeated(held, self.nbytes)) if self.repeats else held

    def _repeated(self, element: memoryview, length: int) -> bytes:
        """Return so many bytes of one element over and over; below a byte it is packed, with zeros after the last."""
        bits = self.dtype.bits
        if bits >= 8:
            return bytes(element) * (length // len(element))
        low = element[0] & ((1 << bits) - 1)
        packed = bytearray([sum(low << shift for shift in range(0, 8, bits))]) * length
        if packed and self.size * bits % 8 and length == self.nbytes:
            packed[-1] &= (1 << self.size * bits % 8) - 1
        return bytes(packed)

    def chunks(self) -> Iterator[memoryview]:
        """Yield the bytes in pieces, for copying and hashing without holding them all."""
        if isinstance(self.source, FileSlice) and self.nbytes > CHUNK and not self.repeats:
            for start in range(0, self.source.length, CHUNK):
                length = min(CHUNK, self.source.length - start)
                yield _reopen(self.source.path, self.source.offset + start, length, self.source.stamp).read()
        elif self.repeats and self.nbytes > CHUNK and self.dtype.bits >= 8 and not isinstance(self.source, tuple):
            held = self.source.read() if isinstance(self.source, FileSlice) else memoryview(self.source)
            piece = memoryview(self._repeated(held, CHUNK))
            for start in range(0, self.nbytes, CHUNK):
                yield piece[: self.nbytes - start]
        else:
            yield self.read()

    @property
    def key(self) -> bytes:
        """A hash of type and content, the same however the bytes are held; computed once, in chunks."""
        if self._key is None:
            digest = hashlib.blake2b(repr(self.tensor).encode(), digest_size=16)
            if isinstance(self.source, tuple):
                for text in self.source:
                    digest.update(struct.pack("<q", len(text)) + text)
            else:
                for piece in self.chunks():
                    digest.update(piece)
            self._key = digest.digest()
        return self._key

    @property
    def has_numbers(self) -> bool:
        """Whether Python has numbers for the elements: not for strings, complex numbers, floats of a byte or less."""
        return self.dtype.name in _FORMATS or self.dtype.name == "bfloat16" or self.dtype.is_integer

    def values(self) -> tuple[Number, ...]:
        """Return the elements as Python numbers; meant for small tensors. Raise Error for a type without such."""
        if self._values is None:
            self._values = tuple(self._decode(self.read()))
        return self._values

    def _decode(self, raw: memoryview) -> Iterable[Number]:
        name = self.dtype.name
        if name in _FORMATS:
            return struct.unpack(f"<{len(raw) * 8 // self.dtype.bits}{_FORMATS[name]}", raw)
        if name == "bfloat16":
            return (struct.unpack("<f", b"\0\0" + raw[i : i + 2])[0] for i in range(0, len(raw), 2))
        if self.dtype.is_integer and self.dtype.bits < 8:
            return _unpack(raw, self.dtype, self.size)
        raise Error(f"the elements of {self.tensor} have no Python number")

    @property
    def uniform(self) -> Number | None:
        """The one value that all elements have, or None; large tensors in files are not searched."""
        if self._uniform is None:
            self._uniform = (self._find_uniform(),)
        return self._uniform[0]

    def _find_uniform(self) -> Number | None:
        name, width = self.dtype.name, self.dtype.bits // 8
        if isinstance(self.source, tuple) or not (name in _FORMATS or name == "bfloat16") or not self.size:
            return None
        if isinstance(self.source, FileSlice) and not self.repeats and self.nbytes > CHUNK:
            return None
        raw = memoryview(self.source) if self.repeats and not isinstance(self.source, FileSlice) else self.read()
        if not self.repeats and raw[width:] != raw[:-width]:
            return None
        return next(iter(self._decode(raw[:width])))

    def item(self) -> Number:
        """Return the only element; raise Error where there is not exactly one."""
        if self.size != 1:
            raise Error(f"{self.tensor} holds {self.size} elements, not one")
        return self.values()[0]

    def __repr__(self) -> str:
        if self.size > 8 or isinstance(self.source, (tuple, FileSlice)) or not self.has_numbers:
            return f"TensorData({self.tensor})"
        return f"TensorData({self.tensor}, {list(self.values())})"


def _as_bytes(source: Source) -> Source:
    """View an array's memory as the bytes it is, read-only."""
    if not isinstance(source, memoryview):
        return source
    if not source.nbytes:
        return memoryview(b"")
    if not source.c_contiguous:
        raise Error("the memory of a constant must be row-major, without gaps; copy it first")
    return source.cast("B").toreadonly()


def _restore(type: TensorType, source: Source, repeats: bool) -> TensorData:
    return TensorData(type, source, repeats=repeats)


def _unpack(raw: memoryview, dtype: DType, count: int) -> Iterator[int]:
    per_byte, mask = 8 // dtype.bits, (1 << dtype.bits) - 1
    for i in range(count):
        bits = raw[i // per_byte] >> (i % per_byte * dtype.bits) & mask
        yield bits - (1 << dtype.bits) if dtype.kind == "int" and bits > mask >> 1 else bits


def tensor_data(values: object, type: TensorType | None = None) -> TensorData:
    """Make constant data of Python numbers (one number alone fills the whole shape), or of an array by its buffer.

    An array brings its own type, so `type` is only checked. Raises Error for numbers that do not fit, and for an array
    of elements that are no plain numbers.
    """
    if not isinstance(values, (int, float, tuple, list)):
        held = _buffer(values)
        if held is not None:
            return _of_buffer(held, type)
    if type is None:
        raise Error("plain numbers need a type: tensor_data([1, 2], f32[2])")
    if isinstance(values, (int, float)):
        return TensorData(type, _encode([values], type.dtype), repeats=bool(type.shape))
    if not isinstance(values, Iterable):
        raise Error(f"{values!r} is neither a number, numbers nor an array")
    return TensorData(type, _encode(list(values), type.dtype))


def _buffer(values: object) -> memoryview | None:
    try:
        return memoryview(values)  # type: ignore[arg-type]
    except TypeError:
        return None


def _of_buffer(held: memoryview, type: TensorType | None) -> TensorData:
    names = {(code, DTYPES[name].bits // 8): name for name, code in _FORMATS.items()}
    names |= {("l", 8): "int64", ("L", 8): "uint64", ("l", 4): "int32", ("L", 4): "uint32"}
    name = names.get((held.format.lstrip("<=@"), held.itemsize))
    if name is None:
        raise Error(f"an array of elements {held.format!r} holds no plain numbers; give TensorData its type and bytes")
    own = DTYPES[name][tuple(held.shape or ())]
    if type is not None and type is not own:
        raise Error(f"the array is {own}, not {type}; convert it first")
    return TensorData(own, held.tobytes())


def _encode(values: list[Number], dtype: DType) -> bytes:
    if dtype.name not in _FORMATS and dtype.name != "bfloat16":
        raise Error(f"Python numbers cannot be written as {dtype!r}; give the bytes")
    cast = float if dtype.is_float else bool if dtype is boolean else int
    try:
        if dtype.name == "bfloat16":
            return b"".join(_bfloat16(float(value)) for value in values)
        exact = [cast(value) for value in values]
        if not dtype.is_float and exact != values:
            raise ValueError("a number would change")
        return struct.pack(f"<{len(values)}{_FORMATS[dtype.name]}", *exact)
    except (struct.error, OverflowError, ValueError) as error:
        raise Error(
            f"{values[:8]} do not fit {dtype!r}: {error}; give other numbers or another element type"
        ) from error


def _bfloat16(value: float) -> bytes:
    bits: int = struct.unpack("<I", struct.pack("<f", value))[0]
    if value != value:
        return b"\xc0\x7f"
    return struct.pack("<H", (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & 0xFFFF)
