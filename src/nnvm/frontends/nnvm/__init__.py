"""Reading and writing graphs as text, in `.nnvm` files."""

import os
from collections.abc import Mapping
from typing import Any

from nnvm import ops, plugins
from nnvm.errors import Error
from nnvm.frontends.nnvm.kinds import KINDS, kinds_in
from nnvm.frontends.nnvm.weights import DATA_SUFFIX, INLINE_BYTES, read_beside, write
from nnvm.ir import Graph, Op, TensorData
from nnvm.ir.formats.parse import parse as parse_text
from nnvm.ir.formats.text import keyed_data, print_graph
from nnvm.ir.provenance import is_annotated


def parse(
    text: str,
    data: Mapping[str, TensorData] | None = None,
    *,
    operators: Mapping[str, Op[..., Any]] | None = None,
    file: str = "",
) -> Graph:
    """Return the graph that a text spells, over the operators we ship, those of plugins, and those given by name.

    `data` holds its large constants by the hexadecimal of their content key; `file` is what provenance calls where the
    lines stood. Nothing is executed. Raises Error with line, column and the line itself where the text spells no graph.
    """
    known = {each.name: each for each in (getattr(ops, name) for name in ops.__all__)}
    there = plugins.mentioned("nnvm.ops", text)
    given = {**there, **known, **(operators or {})}
    return parse_text(text, given, data or {}, kinds_in(text, "={}("), f"{file}, line " if file else "line ")


def load(path: str | os.PathLike[str], *, operators: Mapping[str, Op[..., Any]] | None = None) -> Graph:
    """Read the graph in a text file; its large constants are mapped from the safetensors file beside it, not read.

    Raises Error, naming the file, for a text that spells no graph and for data that is missing or broken.
    """
    return read_beside(path, lambda text, data: parse(text, data, operators=operators, file=os.fspath(path)))


def save(graph: Graph, path: str | os.PathLike[str], *, operators: Mapping[str, Op[..., Any]] | None = None) -> None:
    """Write a graph as text, atomically; constants above 1 kB go to `path` + ".safetensors".

    What was read back is compared with the graph before anything is put in its place. Raises Error, naming the node,
    for what has no text (a param that is no literal, an operator that `operators` and we do not know).
    """
    data = keyed_data(graph, inline_bytes=INLINE_BYTES)
    text = print_graph(graph, hints=is_annotated(graph), inline_bytes=INLINE_BYTES, kinds=KINDS) + "\n"
    _check(graph, text, data, operators)
    write(text, data, os.fspath(path), DATA_SUFFIX)


def _check(
    graph: Graph, text: str, data: Mapping[str, TensorData], operators: Mapping[str, Op[..., Any]] | None
) -> None:
    """Raise Error where the text would not be read back as the graph."""
    from nnvm.ir import same

    try:
        found = same(graph, parse(text, data, operators=operators), names=True)
    except Error as error:
        raise Error(f"graph {graph.name} has no text that could be read back; save it as .onnx\n{error}") from error
    if not found:
        raise Error(f"graph {graph.name} would be read back as another: {found!r}; nnvm.verify says what is wrong")


__all__ = ["load", "parse", "save"]
