"""What a constant holds: element type, shape and bytes, which may lie in a file until they are read."""

import hashlib
import mmap
import os
import struct
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from nnvm.errors import Error
from nnvm.ir.types import DType, TensorType, boolean, product

Number: TypeAlias = int | float | bool

CHUNK: Final = 1 << 22
"""Bytes that are hashed or copied at a time."""
_FORMATS: Final = {
    "bool": "?", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
    "float16": "e", "float32": "f", "float64": "d",
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
                mapped = mmap.mmap(file.fileno(), self.offset + self.length - start, offset=start, access=mmap.ACCESS_READ)
            self._map = memoryview(mapped)[self.offset - start :]
        elif _changed_in_place(self.path, self.stamp):
            raise Error(f"{self.path} changed after it was loaded; load it again")
        return self._map

    def release(self) -> None:
        """Drop the mapping, so that the pages it touched leave memory; the next read maps again."""
        self._map = None


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

    __slots__ = ("_key", "_values", "repeats", "source", "tensor")
    tensor: Final[TensorType]
    source: Final[Source]
    repeats: Final[bool]

    def __init__(self, type: TensorType, source: Source, *, repeats: bool = False) -> None:
        self.tensor, self.source, self.repeats = type, source, repeats
        self._key: bytes | None = None
        self._values: tuple[Number, ...] | None = None
        if not all(isinstance(size, int) for size in type.shape):
            raise Error(f"the shape of a constant must be known: {type}")
        if isinstance(source, tuple):
            return
        expected = -(-type.dtype.bits // 8) if repeats else self.nbytes
        held = source.length if isinstance(source, FileSlice) else len(source)
        if held != expected:
            raise Error(f"a constant of {type} needs {expected} bytes and was given {held}")

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
        """Return all bytes; those of a file are mapped, not copied. Raise Error where the file changed, or for strings."""
        if isinstance(self.source, tuple):
            raise Error("a tensor of strings has no bytes; its elements are in `source`")
        if isinstance(self.source, FileSlice):
            return self.source.read()
        if self.repeats:
            return memoryview(bytes(self.source) * self.size)
        return memoryview(self.source).cast("B") if len(self.source) else memoryview(b"")

    def chunks(self) -> Iterator[memoryview]:
        """Yield the bytes in pieces, for copying and hashing without holding them all."""
        if isinstance(self.source, FileSlice) and self.nbytes > CHUNK:
            for start in range(0, self.source.length, CHUNK):
                piece = FileSlice(self.source.path, self.source.offset + start, min(CHUNK, self.source.length - start))
                if piece.stamp != self.source.stamp:
                    self.source.release()
                    raise Error(f"{self.source.path} changed after it was loaded; load it again")
                yield piece.read()
        elif self.repeats and self.nbytes > CHUNK and not isinstance(self.source, (tuple, FileSlice)):
            element = bytes(self.source) * (CHUNK // len(self.source))
            for start in range(0, self.nbytes, len(element)):
                yield memoryview(element)[: self.nbytes - start]
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
        if isinstance(self.source, tuple) or self.dtype.name not in _FORMATS or not self.size:
            return None
        width = self.dtype.bits // 8
        raw = memoryview(self.source) if self.repeats and not isinstance(self.source, FileSlice) else None
        if raw is None:
            if isinstance(self.source, FileSlice) and self.nbytes > CHUNK:
                return None
            raw = self.read()
            if raw[width:] != raw[:-width]:
                return None
        value: Number = struct.unpack(f"<{_FORMATS[self.dtype.name]}", raw[:width])[0]
        return value

    def item(self) -> Number:
        """Return the only element; raise Error where there is not exactly one."""
        if self.size != 1:
            raise Error(f"{self.tensor} holds {self.size} elements, not one")
        return self.values()[0]

    def __repr__(self) -> str:
        if self.size > 8 or isinstance(self.source, tuple):
            return f"TensorData({self.tensor})"
        return f"TensorData({self.tensor}, {list(self.values())})"


def _unpack(raw: memoryview, dtype: DType, count: int) -> Iterator[int]:
    per_byte, mask = 8 // dtype.bits, (1 << dtype.bits) - 1
    for i in range(count):
        bits = raw[i // per_byte] >> (i % per_byte * dtype.bits) & mask
        yield bits - (1 << dtype.bits) if dtype.kind == "int" and bits > mask >> 1 else bits


def tensor_data(values: "Number | Iterable[Number]", type: TensorType) -> TensorData:
    """Make constant data of Python numbers; one number alone fills the whole shape."""
    if isinstance(values, (int, float)):
        return TensorData(type, _encode([values], type.dtype), repeats=True) if type.shape else TensorData(type, _encode([values], type.dtype))
    return TensorData(type, _encode(list(values), type.dtype))


def _encode(values: list[Number], dtype: DType) -> bytes:
    if dtype.name == "bfloat16":
        return b"".join(_bfloat16(float(value)) for value in values)
    if dtype.name not in _FORMATS:
        raise Error(f"Python numbers cannot be written as {dtype!r}; give the bytes")
    cast = float if dtype.is_float else bool if dtype is boolean else int
    try:
        return struct.pack(f"<{len(values)}{_FORMATS[dtype.name]}", *map(cast, values))
    except (struct.error, OverflowError, ValueError) as error:
        raise Error(f"{values[:8]} do not fit {dtype!r}: {error}") from error


def _bfloat16(value: float) -> bytes:
    bits: int = struct.unpack("<I", struct.pack("<f", value))[0]
    if value != value:
        return b"\xc0\x7f"
    return struct.pack("<H", (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & 0xFFFF)
