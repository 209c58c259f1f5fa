"""Which module reads and writes which file type."""

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from nnvm import plugins
from nnvm.errors import Error
from nnvm.ir import Graph

FORMATS: Final[Mapping[str, str]] = {
    ".json": "nnvm.frontends.nnvm.json",
    ".nnvm": "nnvm.frontends.nnvm",
    ".onnx": "nnvm.frontends.onnx",
}
"""From a suffix to the module whose `load` and `save` know it; a module is imported when first needed."""


def load(path: str | os.PathLike[str], format: str | None = None) -> Graph:
    """Read the graph in a file, by its suffix or by `format` ("onnx"); raise Error where it is not understood."""
    graph: Graph = _module(path, format).load(path)
    return graph


def save(graph: Graph, path: str | os.PathLike[str], format: str | None = None) -> None:
    """Write a graph to a file, by its suffix or by `format` ("onnx"); raise Error where that format cannot hold it."""
    found = _module(path, format)
    if not hasattr(found, "save"):
        raise Error(f"{os.fspath(path)}: files of this type can be read, not written; save as another")
    found.save(graph, path)


def _module(path: str | os.PathLike[str], format: str | None) -> Any:
    suffix = os.path.splitext(os.fspath(path))[1].lower() if format is None else f".{format.removeprefix('.').lower()}"
    if suffix in FORMATS:
        return import_module(FORMATS[suffix])
    found = plugins.find("nnvm.frontends", suffix[1:])
    if found is None:
        said = f"the suffix {suffix!r}" if suffix else "no suffix"
        known = ", ".join(sorted({*FORMATS, *(f".{name}" for name in plugins.names("nnvm.frontends"))}))
        raise Error(f"{os.fspath(path)} has {said}; the file types known are {known}: rename it, or give `format`")
    return found


__all__ = ["FORMATS", "load", "save"]
