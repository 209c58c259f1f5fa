"""How large constants lie in a safetensors file beside a graph's text, and how both reach the disk whole."""

import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any, Final

from nnvm.errors import Error, MissingExtra
from nnvm.ir import DTYPES, FileSlice, Graph, TensorData
from nnvm.ir.formats.parse import LONGEST

INLINE_BYTES: Final = 1024
"""Constants up to so many bytes stand in the graph's text; larger ones in a safetensors file beside it."""
DATA_SUFFIX: Final = ".safetensors"

_NAMES: Final[Mapping[str, str]] = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16", "uint32": "U32", "int32": "I32",
    "uint64": "U64", "int64": "I64", "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64",
}  # fmt: skip
_OURS: Final[Mapping[str, str]] = {theirs: ours for ours, theirs in _NAMES.items()}
_HEADER: Final = 100_000_000
"""Bytes of a header, as safetensors itself bounds it."""


def read_beside(path: str | os.PathLike[str], read: Callable[[str, Mapping[str, TensorData]], Graph]) -> Graph:
    """Return what `read` makes of a file's text and of the constants beside it; every Error names the file."""
    name = os.fspath(path)
    try:
        if os.path.getsize(name) > LONGEST:
            raise Error(f"{name} has over {LONGEST} bytes, more than a graph's text may have")
        with open(name, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise Error(f"cannot read {name}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Error(f"{name} is no text: byte {error.start} is not UTF-8") from error
    data = read_data(name, name + DATA_SUFFIX)
    try:
        return read(text, data)
    except Error as error:
        lost = "" if data else f"\n(there is no data file {name + DATA_SUFFIX})"
        raise Error(f"{name}, {error}{lost if 'there is no data' in str(error) else ''}") from error


def read_data(model: str, path: str) -> dict[str, TensorData]:
    """Return the constants in the data file beside a model, mapped and not read; none where there is no such file.

    Raises Error where the file is broken or lies outside the model's folder.
    """
    if not os.path.exists(path):
        return {}
    if os.path.dirname(os.path.realpath(path)) != os.path.dirname(os.path.realpath(model)):
        raise Error(f"{path} leads out of the folder of {model}; copy the file there")
    _judge(path)
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, _HEADER)))
    except (OSError, ValueError, struct.error) as error:
        raise Error(f"cannot read {path}: {error}") from error
    notes = header.pop("__metadata__", {})
    return {key: _entry(path, key, row, notes.get(key), length + 8) for key, row in header.items()}


def _entry(path: str, key: str, row: Mapping[str, Any], note: str | None, base: int) -> TensorData:
    """Return one constant; what safetensors has no name for lies there as bytes, and its note says what it is."""
    start, end = row["data_offsets"]
    name, shape = _OURS.get(row["dtype"], ""), tuple(row["shape"])
    if note is not None:
        name, _, sizes = note.partition(":")
        shape = tuple(int(size) for size in sizes.split(",") if size.isdecimal())
    if name not in DTYPES:
        raise Error(f"{path}: constant {key} is of a type that we do not know: {note or row['dtype']}")
    return TensorData(DTYPES[name][shape], FileSlice(path, base + start, end - start))


def _judge(path: str) -> None:
    """Let safetensors itself say whether a file is one of its own."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise MissingExtra("safetensors", "safetensors") from error
    try:
        with safe_open(path, framework="numpy"):
            pass
    except (SafetensorError, OSError) as error:
        raise Error(f"{path} is no safetensors file: {error}") from error


def write(text: str, data: Mapping[str, TensorData], path: str, suffix: str) -> None:
    """Write a text, and its data beside it, both whole or neither."""
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise Error(f"cannot write {path}: it is a folder")
    try:
        with _temporary(target) as (file, _):
            file.write(text.encode())
            if data:
                with _temporary(target + suffix) as (weights, name):
                    _write_data(weights, data)
                    _judge(name)
    except OSError as error:
        raise Error(f"cannot write {path}: {error.strerror or error}") from error


def _write_data(file: IO[bytes], data: Mapping[str, TensorData]) -> None:
    """Write constants in the order of their keys, in pieces."""
    header: dict[str, Any] = {}
    notes: dict[str, str] = {}
    start = 0
    ordered = sorted(data.items(), key=lambda item: (-item[1].dtype.bits, item[0]))
    for key, each in ordered:
        theirs = _NAMES.get(each.dtype.name)
        shape = list(each.shape) if theirs else [each.nbytes]
        if theirs is None:
            notes[key] = f"{each.dtype.name}:{','.join(map(str, each.shape))}"
        header[key] = {"dtype": theirs or "U8", "shape": shape, "data_offsets": [start, start + each.nbytes]}
        start += each.nbytes
    head = json.dumps({**({"__metadata__": notes} if notes else {}), **header}, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    file.write(struct.pack("<Q", len(head)) + head)
    for _, each in ordered:
        for piece in each.chunks():
            file.write(piece)
        if isinstance(each.source, FileSlice):
            each.source.release()
    file.flush()


@contextmanager
def _temporary(target: str) -> Iterator[tuple[IO[bytes], str]]:
    """Open a new file beside `target`, which takes its place unless something is raised; yield it with its path."""
    folder, name = os.path.split(target)
    path = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file, path
        with suppress(FileNotFoundError):
            os.chmod(path, os.stat(target).st_mode & 0o7777)
        os.replace(path, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)


__all__ = ["read_data", "write"]
