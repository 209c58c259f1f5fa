"""How a graph's JSON becomes the graph again: a row at a time, so that the whole is never held as objects."""

import json
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from nnvm.errors import Error
from nnvm.ir.aliases import with_aliases
from nnvm.ir.formats.json_rows import Rows
from nnvm.ir.formats.json_values import Fault, ValueReader, shown
from nnvm.ir.formats.json_write import FORMAT, VERSION, Mutates
from nnvm.ir.formats.parse import LONGEST
from nnvm.ir.formats.text import DEEPEST
from nnvm.ir.graph import Graph, collection_paused
from nnvm.ir.node import HINTLESS
from nnvm.ir.op import Op, constant, input, variable
from nnvm.ir.tensor_data import TensorData

LARGEST: Final = 1 << 27
"""Nodes of a graph, where one that several nodes hold counts for each of them."""
_KNOWN: Final[Mapping[str, Op[..., Any]]] = {"input": input, "variable": variable, "constant": constant}
_MEMBERS: Final = ("name", "nodes", "arg_nodes", "heads", "head_names", "hints")
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_OTHERS: Final = "MXNet's and NNVM's own symbols, for instance, are other JSON"


def from_json(
    text: str,
    operators: Mapping[str, Op[..., Any]],
    data: Mapping[str, TensorData] = {},
    kinds: Mapping[str, Callable[..., Any]] = {},
    mutates: Mutates | None = None,
    file: str = "",
) -> Graph:
    """Return the graph that JSON spells; `to_json` of it is the same text again.

    `operators` finds operators by name, and by their aliases; `data` holds large constants by the hexadecimal of their
    content key; `kinds` are the calls, beside literals, that a param may be; `mutates` resolves the versions of states;
    `file` and a number tell provenance where a node stood. Types are believed, as annotations in a text are: `verify`
    checks them. Raises Error with line and column where the text is no JSON, and
    with line, node and field where it spells no graph.
    """
    if len(text) > LONGEST:
        raise Error(f"the JSON has {len(text)} characters; at most {LONGEST} are read")
    with collection_paused():
        return _Reader(text, with_aliases({**_KNOWN, **operators}), ValueReader(data, kinds), mutates, file).read()


class _Twice(Exception):
    """A key that an object has twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        raise _Twice(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return found


def _real(digits: str) -> float:
    found = float(digits)
    if found in (float("inf"), float("-inf")):
        raise ValueError(f"{digits[:40]} is larger than any float; infinity is {{'float': 'inf'}}")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON; write {{'float': 'nan'}}, {{'float': 'inf'}} or {{'float': '-inf'}}")


class _Reader:
    """Walks the text: the outer objects and lists itself, rows through Python's own decoder."""

    def __init__(
        self,
        text: str,
        operators: Mapping[str, Op[..., Any]],
        values: ValueReader,
        mutates: Mutates | None,
        file: str,
    ) -> None:
        self.text, self.values, self.mutates, self.file = text, values, mutates, file
        self.operators = operators
        decoder: Any = json.JSONDecoder(object_pairs_hook=_object, parse_float=_real, parse_constant=_constant)
        self.scan = decoder.scan_once
        self.sizes: list[int] = []
        self.depths: list[int] = []
        self.is_ours = False

    def read(self) -> Graph:
        start = self._skip(0)
        if self.text[start : start + 1] != "{":
            self._fail(start, 'a graph is an object that starts with {"format":"nnvm-graph","version":1')
        graph, end = self._graph(start, True)
        end = self._skip(end)
        if end < len(self.text):
            self._fail(end, "nothing follows the graph")
        return graph

    def _skip(self, i: int) -> int:
        return _SPACE.match(self.text, i).end()  # type: ignore[union-attr]

    def _members(self, i: int, visit: Callable[[str, int], int]) -> int:
        """Visit each member of the object that opens at `i`; return where it ends."""
        if self.text[i : i + 1] != "{":
            self._fail(i, "an object stands here")
        i, seen = self._skip(i + 1), set[str]()
        while self.text[i : i + 1] != "}" or seen:
            if self.text[i : i + 1] != '"':
                self._fail(i, "the name of a member, in double quotes, is expected here")
            key, end = self._value(i)
            if key in seen:
                self._fail(i, f"{key!r} is given twice")
            seen.add(key)
            end = self._skip(end)
            if self.text[end : end + 1] != ":":
                self._fail(end, "a colon is expected here")
            i = self._skip(visit(key, self._skip(end + 1)))
            mark = self.text[i : i + 1]
            if mark == "}":
                break
            if mark != ",":
                self._fail(i, "a comma or } is expected here")
            i = self._skip(i + 1)
        return i + 1

    def _items(self, i: int, visit: Callable[[int], int]) -> int:
        """Visit each item of the list that opens at `i`; return where it ends."""
        text, space = self.text, _SPACE.match
        if text[i : i + 1] != "[":
            self._fail(i, "a list stands here")
        i = self._skip(i + 1)
        if text[i : i + 1] == "]":
            return i + 1
        while True:
            i = visit(i)
            if text.startswith(",\n{", i):
                i += 2
                continue
            i = space(text, i).end()  # type: ignore[union-attr]
            mark = text[i : i + 1]
            if mark == "]":
                return i + 1
            if mark != ",":
                self._fail(i, "a comma or ] is expected here")
            i = space(text, i + 1).end()  # type: ignore[union-attr]

    def _value(self, i: int) -> tuple[Any, int]:
        """Return the value that stands at `i`, and where it ends."""
        try:
            found: tuple[Any, int] = self.scan(self.text, i)
            return found
        except StopIteration as error:
            self._fail(error.value, "a value is expected here", error)
        except json.JSONDecodeError as error:
            self._fail(error.pos, error.msg, error)
        except RecursionError as error:
            self._fail(i, "what starts here is nested too deep", error)
        except _Twice as error:
            self._fail(i, f"an object here has the key {str(error)!r} twice", error)
        except ValueError as error:
            self._fail(i, f"here: {error}", error)

    def _graph(self, start: int, outermost: bool) -> tuple[Graph, int]:
        """Return the graph whose object opens at `start`, and where it ends."""
        rows = Rows(self.operators, self.values, self.mutates, self.file)
        found: dict[str, tuple[Any, int]] = {}
        self.values.used = []

        def member(key: str, i: int) -> int:
            if outermost and key in ("format", "version"):
                return self._header(key, i)
            if outermost and not self.is_ours and key in ("graphs", "nodes"):
                self._fail(i, f'this is no graph of ours, which says "format":"{FORMAT}" first; {_OTHERS}')
            if key == "nodes":
                found[key] = None, i
                return self._items(i, lambda at: self._row(rows, at))
            if key == "graphs" and outermost:
                if "nodes" in found:
                    self._fail(i, '"graphs" stand before the "nodes" that hold them')
                return self._items(i, self._nested)
            if key not in _MEMBERS:
                near = get_close_matches(key, _MEMBERS, 1) if len(key) < 100 else ()
                self._fail(i, f"a graph has no member {key[:60]!r}" + (f"; is it {near[0]}?" if near else ""))
            found[key] = self._value(i)
            value, end = found[key]
            found[key] = value, i
            return end

        end = self._members(start, member)
        if outermost and not self.is_ours:
            self._fail(start, f'this is no graph of ours, which says "format":"{FORMAT}"; {_OTHERS}')
        for key in ("nodes", "arg_nodes", "heads"):
            if key not in found:
                self._fail(start, f"a graph lacks its {key!r}")
        return self._made(rows, found), end

    def _header(self, key: str, i: int) -> int:
        value, end = self._value(i)
        if key == "format" and value != FORMAT:
            self._fail(i, f"the format is {shown(value)}, not {FORMAT!r}; {_OTHERS}")
        if key == "format":
            self.is_ours = True
        elif value.__class__ is not int or not 1 <= value <= VERSION:
            self._fail(i, f"version {shown(value)} of the format is not known; this nnvm reads up to {VERSION}")
        return end

    def _nested(self, i: int) -> int:
        graph, end = self._graph(i, False)
        self.values.graphs.append(graph)
        return end

    def _row(self, rows: Rows, i: int) -> int:
        row: Any
        end: int
        try:
            row, end = self.scan(self.text, i)
        except (StopIteration, ValueError, RecursionError, _Twice):
            row, end = self._value(i)
        try:
            rows.add(row)
        except Fault as fault:
            said = f"{rows.called(row)}, {fault.field}" if fault.field else rows.called(row)
            self._complain(i, f"{said}: {fault}", fault)
        except RecursionError as error:
            self._complain(i, f"{rows.called(row)}: this is nested too deep", error)
        return end

    def _made(self, rows: Rows, found: Mapping[str, tuple[Any, int]]) -> Graph:
        """Return the graph of rows that were read, and take its measure."""

        def taken(key: str, read: Callable[[Any], Any], otherwise: Any) -> Any:
            if key not in found:
                return otherwise
            value, i = found[key]
            try:
                return read(value)
            except Fault as fault:
                self._complain(i, f"{key}{fault.field}: {fault}", fault)

        size = len(rows.made) + sum([self.sizes[i] for i in self.values.used])
        depth = 1 + max((self.depths[i] for i in self.values.used), default=-1)
        if size > LARGEST or depth > DEEPEST:
            told = f"graphs in graphs come to {size} nodes, {depth} deep; at most {LARGEST}, {DEEPEST} deep, are read"
            self._complain(found["nodes"][1], told, None)
        self.sizes.append(size)
        self.depths.append(depth)
        inputs = taken("arg_nodes", rows.arguments, ())
        heads = taken("heads", rows.heads, ())
        names = taken("head_names", lambda value: rows.names(value, len(heads)), None)
        name = taken("name", rows.name, "main")
        hints = taken("hints", rows.hints, HINTLESS)
        try:
            return Graph(heads, inputs, output_names=names, name=name, hints=hints)
        except Error as error:
            self._complain(found["heads"][1], str(error), error)

    def _complain(self, i: int, message: str, cause: Exception | None) -> NoReturn:
        """Raise the Error for what is wrong with the content of a line."""
        raise Error(f"line {self.text.count(chr(10), 0, i) + 1}: {message}") from cause

    def _fail(self, i: int, message: str, cause: Exception | None = None) -> NoReturn:
        """Raise the Error for what is wrong at one place."""
        start = self.text.rfind("\n", 0, i) + 1
        end = self.text.find("\n", i)
        line = self.text[start : len(self.text) if end < 0 else end]
        column = i - start
        begin = max(0, column - 100) if len(line) > 160 else 0
        shown = line[begin : begin + 160].replace("\t", " ").replace("\r", " ")
        place = f"line {self.text.count(chr(10), 0, i) + 1}, column {column + 1}"
        raise Error(f"{place}: {message}\n    {shown}\n    {' ' * (column - begin)}^") from cause


__all__ = ["LARGEST", "from_json"]
