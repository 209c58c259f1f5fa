"""Reading and writing graphs as JSON, in `.json` files."""

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from nnvm import ops, plugins
from nnvm.attrs import mutates
from nnvm.errors import Error
from nnvm.frontends.nnvm.kinds import KINDS, kinds_in
from nnvm.frontends.nnvm.weights import DATA_SUFFIX, INLINE_BYTES, read_beside, write
from nnvm.ir import Graph, Op, TensorData, same
from nnvm.ir.formats.json_read import from_json as read_json
from nnvm.ir.formats.json_write import to_json as write_json
from nnvm.ir.formats.text import keyed_data
from nnvm.ir.provenance import is_annotated

_OPERATOR: Final = re.compile(r'"op"\s*:\s*"([^"\\]*)"')


def to_json(graph: Graph, *, hints: bool = False, inline_bytes: int | None = None) -> str:
    """Return a graph as JSON, one node a line.

    Constants of more than 16 elements, or with `inline_bytes` above so many bytes, are named by their key, as
    `nnvm.ir.formats.text.keyed_data` gives them. Raises Error, naming operator, node and param, for one that is no
    literal.
    """
    return write_json(graph, hints=hints, inline_bytes=inline_bytes, kinds=KINDS, mutates=mutates.get)


def from_json(
    text: str,
    weights: Mapping[str, TensorData] | None = None,
    *,
    operators: Mapping[str, Op[..., Any]] | None = None,
    file: str = "",
) -> Graph:
    """Return the graph that JSON spells, over the operators we ship, those of plugins, and those given by name.

    `weights` holds its large constants by the hexadecimal of their content key; `file` is what provenance calls where
    the nodes stood. Nothing is executed. Raises Error with the line, and the column or the node and field, where the
    JSON spells no graph.
    """
    known = {each.name: each for each in (getattr(ops, name) for name in ops.__all__)}
    wanted = plugins.names("nnvm.ops")
    used = set(_OPERATOR.findall(text)) if wanted else set()
    found = {name: plugins.find("nnvm.ops", name) for name in wanted if name in used}
    there = {name: each for name, each in found.items() if each is not None}
    given = {**there, **known, **(operators or {})}
    return read_json(text, given, weights or {}, kinds_in(text, '"{}"'), mutates.get, f"{file}, " if file else "")


def load(path: str | os.PathLike[str], *, operators: Mapping[str, Op[..., Any]] | None = None) -> Graph:
    """Read the graph in a JSON file; its large constants are mapped from the safetensors file beside it, not read.

    Raises Error, naming the file, for JSON that is no graph of ours and for data that is missing or broken.
    """
    return read_beside(path, lambda text, data: from_json(text, data, operators=operators, file=os.fspath(path)))


def save(graph: Graph, path: str | os.PathLike[str], *, operators: Mapping[str, Op[..., Any]] | None = None) -> None:
    """Write a graph as JSON, atomically; constants above 1 kB go to `path` + ".safetensors".

    What was read back is compared with the graph before anything is put in its place. Raises Error, naming operator,
    node and param, for what no JSON says, and for an operator that `operators` and we do not know.
    """
    data = keyed_data(graph, inline_bytes=INLINE_BYTES)
    text = to_json(graph, hints=is_annotated(graph), inline_bytes=INLINE_BYTES)
    try:
        found = same(graph, from_json(text, data, operators=operators), names=True)
    except Error as error:
        raise Error(f"graph {graph.name} has no JSON that could be read back; save it as .onnx\n{error}") from error
    if not found:
        raise Error(f"graph {graph.name} would be read back as another: {found!r}; nnvm.verify says what is wrong")
    write(text, data, os.fspath(path), DATA_SUFFIX)


__all__ = ["from_json", "load", "save", "to_json"]
