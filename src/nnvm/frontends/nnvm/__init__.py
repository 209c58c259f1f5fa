"""Reading and writing graphs as text, in `.nnvm` files."""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from nnvm import ops, plugins
from nnvm.errors import Error, MissingExtra
from nnvm.ir import Graph, Op, TensorData
from nnvm.ir.parse import LONGEST
from nnvm.ir.parse import parse as parse_text
from nnvm.ir.text import keyed_data, print_graph

INLINE_BYTES = 1024
"""Constants up to so many bytes stand in the text; larger ones in a safetensors file beside it."""
DATA_SUFFIX = ".safetensors"
KINDS: Final[Mapping[str, tuple[str, str]]] = {"Carried": ("nnvm.frontends.onnx.carry", "onnx")}
"""What a param may be beside literals: the module of the class, and the extra that brings it."""


def parse(
    text: str, data: Mapping[str, TensorData] | None = None, *, operators: Mapping[str, Op[..., Any]] | None = None
) -> Graph:
    """Return the graph that a text spells, over the operators we ship, those of plugins, and those given by name.

    `data` holds its large constants by the hexadecimal of their content key. Nothing is executed. Raises Error with
    line, column and the line itself where the text spells no graph.
    """
    known = {each.name: each for each in (getattr(ops, name) for name in ops.__all__)}
    there = plugins.mentioned("nnvm.ops", text)
    return parse_text(text, {**there, **known, **(operators or {})}, data or {}, _kinds(text))


def _kinds(text: str) -> dict[str, Callable[..., Any]]:
    """Import the classes of params that a text makes use of."""
    found = {}
    for name, (module, extra) in KINDS.items():
        if f"={name}(" in text:
            try:
                found[name] = getattr(import_module(module), name)
            except ModuleNotFoundError as error:
                raise MissingExtra(str(error.name), extra) from error
    return found


def load(path: str | os.PathLike[str], *, operators: Mapping[str, Op[..., Any]] | None = None) -> Graph:
    """Read the graph in a text file; its large constants are mapped from the safetensors file beside it, not read.

    Raises Error, naming the file, for a text that spells no graph and for data that is missing or broken.
    """
    from nnvm.frontends.nnvm.weights import read_data

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
        return parse(text, data, operators=operators)
    except Error as error:
        lost = "" if data else f"\n(there is no data file {name + DATA_SUFFIX})"
        raise Error(f"{name}, {error}{lost if 'there is no data' in str(error) else ''}") from error


def save(graph: Graph, path: str | os.PathLike[str], *, operators: Mapping[str, Op[..., Any]] | None = None) -> None:
    """Write a graph as text, atomically; constants above 1 kB go to `path` + ".safetensors".

    What was read back is compared with the graph before anything is put in its place. Raises Error, naming the node,
    for what has no text (a param that is no literal, an operator that `operators` and we do not know).
    """
    from nnvm.frontends.nnvm.weights import write

    data = keyed_data(graph, inline_bytes=INLINE_BYTES)
    text = print_graph(graph, inline_bytes=INLINE_BYTES, kinds=KINDS) + "\n"
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
