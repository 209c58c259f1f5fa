"""How a model and its large weights reach the disk, whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final

import onnx
from google.protobuf.message import EncodeError

from nnvm.errors import Error
from nnvm.frontends.onnx.tensors import fill
from nnvm.frontends.onnx.writer import SMALL, Model, build, header_of
from nnvm.ir import FileSlice, Graph, constant

LIMIT: Final = (1 << 31) - 1
"""No protobuf message can be larger."""
_INSIDE: Final = 3 << 29
"""Up to so many bytes of large constants (1.5 GiB) are written into the model itself."""
_INSIDE_AGAIN: Final = 100 << 20
"""The same, for a model that came with external data."""
_ALIGNMENT: Final = 4096


def serialise(graph: Graph, opset: int | None = None) -> bytes:
    """Return a graph as the bytes of a model that holds all its weights; raise Error above 2 GiB."""
    if _large_bytes(graph) > LIMIT:
        raise Error(
            f"graph {graph.name} has over 2 GiB of weights, more than an ONNX model can hold; save it to a path"
        )
    model = build(graph, opset)
    for tensor, data in model.tensors:
        fill(tensor, data)
    return _encode(model.proto, graph)


def write(graph: Graph, path: str | os.PathLike[str], opset: int | None = None) -> None:
    """Write a graph to a path, large weights to a second file beside it; nothing changes unless all succeeds."""
    target = os.path.realpath(os.fspath(path))
    if os.path.isdir(target):
        raise Error(f"cannot write {os.fspath(path)}: it is a folder")
    header = header_of(graph)
    allowed = _INSIDE_AGAIN if header is not None and header.external else _INSIDE
    try:
        if _large_bytes(graph) <= allowed:
            data = serialise(graph, opset)
            with _temporary(target) as (file, finish):
                file.write(data)
                finish()
            return
        model = build(graph, opset, outside=True)
        with _temporary(target + ".data") as (weights, finish_weights), _temporary(target) as (file, finish):
            _write_weights(model, weights, os.path.basename(target) + ".data")
            file.write(_encode(model.proto, graph))
            finish_weights()
            finish()
    except OSError as error:
        raise Error(f"cannot write {os.fspath(path)}: {error.strerror or error}") from error


def _large_bytes(graph: Graph) -> int:
    sizes = [node.params["data"] for node in graph.nodes if node.op is constant]
    return sum(data.nbytes for data in sizes if data.nbytes > SMALL and not data.repeats)


def _encode(proto: onnx.ModelProto, graph: Graph) -> bytes:
    try:
        return bytes(proto.SerializeToString(deterministic=True))
    except (EncodeError, ValueError) as error:
        raise Error(f"graph {graph.name} does not fit into the 2 GiB of an ONNX model: {error}") from error


def _write_weights(model: Model, file: IO[bytes], location: str) -> None:
    """Copy weights in pieces, and tell the model where they lie."""
    for tensor, data in model.tensors:
        start = -file.tell() % _ALIGNMENT
        file.write(bytes(start))
        offset = file.tell()
        for piece in data.chunks():
            file.write(piece)
        if isinstance(data.source, FileSlice):
            data.source.release()
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset), ("length", data.nbytes)):
            tensor.external_data.add(key=key, value=str(value))


@contextmanager
def _temporary(target: str) -> "Iterator[tuple[IO[bytes], _Finish]]":
    """Open a new file beside `target`; the second value puts it in its place, and without that call it vanishes."""
    folder, name = os.path.split(target)
    path = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    file = os.fdopen(descriptor, "wb")
    try:
        with file:
            yield file, _Finish(file, path, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)


class _Finish:
    """Puts a finished file in its place, with the permissions of what was there."""

    def __init__(self, file: IO[bytes], path: str, target: str) -> None:
        self.file, self.path, self.target = file, path, target

    def __call__(self) -> None:
        self.file.close()
        with suppress(FileNotFoundError):
            os.chmod(self.path, os.stat(self.target).st_mode & 0o7777)
        os.replace(self.path, self.target)
