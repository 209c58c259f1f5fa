"""Reading and writing ONNX files, node for node."""

import os
from importlib import import_module

from nnvm.errors import MissingExtra
from nnvm.ir import Graph


def load(source: str | os.PathLike[str] | bytes) -> Graph:
    """Read an ONNX model from a path, or from its bytes.

    Weights in external files are mapped, not read. Unknown operators are carried whole. Raises Error, listing all that
    is wrong at once, for a file that is broken or that asks for what ONNX does not know.
    """
    _require_onnx()
    from nnvm.frontends.onnx.reader import read

    import_module("nnvm.frontends.onnx.branches")  # fills the columns that say what becomes of an If

    return read(source)


def save(graph: Graph, path: str | os.PathLike[str], *, opset: int | None = None) -> None:
    """Write a graph as an ONNX file, atomically; large weights go to `path` + ".data".

    `opset` is the version of ONNX's operators to write, by default the one that the graph came with, or 21. Raises
    Error naming the node where that version lacks its operator, and leaves what was at `path` alone.
    """
    _require_onnx()
    from nnvm.frontends.onnx.files import write

    write(graph, path, opset)


def to_bytes(graph: Graph, *, opset: int | None = None) -> bytes:
    """Return a graph as the bytes of an ONNX file; raise Error where they pass the 2 GiB that such a file can hold."""
    _require_onnx()
    from nnvm.frontends.onnx.files import serialise

    return serialise(graph, opset)


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise MissingExtra("onnx", "onnx") from error


__all__ = ["load", "save", "to_bytes"]
