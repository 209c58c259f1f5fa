"""How a graph's text becomes the graph again: lines are read in chunks through `ast`, and nothing is executed."""

import ast
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from nnvm.errors import Error
from nnvm.ir.aliases import with_aliases
from nnvm.ir.formats.literals import Literals, Place, refuse
from nnvm.ir.formats.text import DEEPEST, is_numbered, label_base
from nnvm.ir.graph import Graph, collection_paused
from nnvm.ir.node import ABSENT, EMPTY, HINTLESS, Node, Params, Value, make, params
from nnvm.ir.op import Op, constant, foreign, input, named_input, variable
from nnvm.ir.provenance import RECORDING, SOURCE
from nnvm.ir.tensor_data import TensorData
from nnvm.ir.types import Type

LONGEST: Final = 1 << 30
"""Characters of a text."""
WIDEST: Final = 1 << 24
"""Characters of one statement."""
_BRACKETS: Final = 60
_CHUNK: Final = 200
_STRING: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|#.*""")
_BRACKET: Final = re.compile(r"[()\[\]{}]")
_BLOCKS: Final = ("def ", "async ", "class ", "@")
_KNOWN: Final[Mapping[str, Op[..., Any]]] = {"input": input, "variable": variable, "constant": constant}


def parse(
    text: str,
    operators: Mapping[str, Op[..., Any]],
    data: Mapping[str, TensorData] = {},
    kinds: Mapping[str, Callable[..., Any]] = {},
    file: str = "line ",
) -> Graph:
    """Return the graph that a text spells; `print` of it is the same text again.

    `operators` finds operators by name, and by their aliases; `data` holds large constants by the hexadecimal of their
    content key; `kinds` are the calls, beside literals, that a param may be; `file` and a number tell provenance where
    a node stood. Raises Error with the line, the column,
    the line itself and a caret for a text that spells no graph.
    """
    if len(text) > LONGEST:
        raise Error(f"the text has {len(text)} characters; at most {LONGEST} are read")
    with collection_paused():
        return _Parser(text, with_aliases({**_KNOWN, **operators}), Literals(data, kinds), file).read()


class _Scope:
    """A function that is being read: what its labels stand for, and which of its arguments no line has defined yet."""

    __slots__ = ("column", "graphs", "head", "inputs", "name", "open", "result", "title", "types", "values", "width")

    def __init__(self, title: str, name: str, column: int, head: int) -> None:
        self.title, self.name, self.column, self.head = title, name, column, head
        self.width = -1
        self.inputs: list[str] = []
        self.open: set[str] = set()
        self.values: dict[str, Value] = {}
        self.graphs: dict[str, Graph] = {}
        self.types: dict[str, tuple[ast.AST, Type | None]] = {}
        self.result: tuple[list[str], list[Value]] | None = None


class _Parser:
    def __init__(self, text: str, operators: Mapping[str, Op[..., Any]], literals: Literals, file: str) -> None:
        self.file, self.start = file, 0
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.operators = operators
        self.bases = {name: label_base(op.name) for name, op in operators.items()}
        self.literals = literals
        self.scopes: list[_Scope] = []
        self.graph: Graph | None = None

    def read(self) -> Graph:
        """Walk the lines: those of one depth are gathered and read together, a function opens or ends a scope."""
        start, resume, width = -1, 0, -2
        for i, line in enumerate(self.lines):
            bare = line.lstrip(" \t")
            if not bare or i < resume or bare[0] in "#)]}":
                continue
            column = len(line) - len(bare)
            heading = bare.startswith(_BLOCKS)
            if column == width and not heading:
                if start < 0:
                    start = i
                elif i - start >= _CHUNK:
                    self._chunk(start, i)
                    start = i
                continue
            if start >= 0:
                if column > width:
                    continue  # a statement goes on
                self._chunk(start, i)
                start = -1
            while self.scopes and column <= self.scopes[-1].column:
                self._close(i)
            scope = self.scopes[-1] if self.scopes else None
            if scope is not None and scope.width < 0:
                scope.width = column
            if column != (0 if scope is None else scope.width):
                self._fail(i, column, "this indentation fits no function above")
            width = column
            if heading:
                resume = self._open(i, column)
                width = -2
            elif scope is None:
                self._fail(i, column, "one function is a graph: def main(x: f32[2]):")
            else:
                start = i
        if start >= 0:
            self._chunk(start, len(self.lines))
        while self.scopes:
            self._close(len(self.lines) - 1)
        if self.graph is None:
            self._fail(len(self.lines) - 1, 0, "there is no graph here; one starts with: def main(x: f32[2]):")
        return self.graph

    def _open(self, start: int, column: int) -> int:
        """Read the head of a function, which may take several lines; return the line after it."""
        if not self.scopes and self.graph is not None:
            self._fail(start, column, "one text is one graph, which ended above")
        if len(self.scopes) >= DEEPEST:
            self._fail(start, column, f"graphs are nested over {DEEPEST} deep")
        if self.scopes and self.scopes[-1].result is not None:
            self._fail(start, column, "nothing follows the return")
        end = start + 1
        while not self.lines[end - 1].partition("#")[0].rstrip().endswith((":", ": pass")):
            if end == len(self.lines):
                self._fail(start, column, "the head of a function ends with a colon: def main(x: f32[2]):")
            end += 1
        (head,) = self._syntax(start, end, " pass", column)
        try:
            self._define(head, column, start)
        except Place as place:
            self._point(place, start)
        return end

    def _define(self, head: ast.stmt, column: int, line: int) -> None:
        if not isinstance(head, ast.FunctionDef) or head.decorator_list:
            refuse(
                next(iter(getattr(head, "decorator_list", ())), head),
                "a text holds functions only: def main(x: f32[2]):",
            )
        given = head.args
        if given.vararg or given.kwarg or given.kwonlyargs or given.defaults or given.posonlyargs:
            refuse(head, "the arguments of a graph are names with types: x: f32[2]")
        if self.scopes and head.name in self.scopes[-1].graphs:
            refuse(head, f"{head.name} is defined twice")
        scope = _Scope(head.name, "main" if self.scopes else head.name, column, line)
        for argument in given.args:
            name = argument.arg
            if name in scope.values or name in scope.open:
                refuse(argument, f"argument {name} appears twice")
            scope.inputs.append(name)
            if argument.annotation is None:
                scope.open.add(name)
            else:
                scope.values[name] = named_input(name, self.literals.type(argument.annotation))
        self.scopes.append(scope)

    def _close(self, line: int) -> None:
        """End the innermost function: it is the graph, or a graph that its neighbours may name."""
        scope = self.scopes.pop()
        if scope.result is None:
            self._fail(scope.head, scope.column, f"{scope.title} has no return; it ends with: return {{'y': y}}")
        names, outputs = scope.result
        inputs = [self._open_value(scope, name) for name in scope.inputs]
        try:
            graph = Graph(outputs, inputs, output_names=names, name=scope.name)
        except Error as error:
            self._fail(scope.head, scope.column, str(error), error)
        if self.scopes:
            self.scopes[-1].graphs[scope.title] = graph
        else:
            self.graph = graph

    def _open_value(self, scope: _Scope, name: str) -> Value:
        found = scope.values.get(name)
        if found is None:
            found = scope.values[name] = named_input(name)
            scope.open.discard(name)
        return found

    def _syntax(self, start: int, end: int, tail: str = "", column: int = 1) -> list[ast.stmt]:
        """Return the statements of some lines, after their size and nesting were looked at."""
        lines = self.lines[start:end]
        for i, line in enumerate(lines):
            if len(line) > 200 and len(line) > WIDEST:
                self._fail(start + i, 0, f"the line has {len(line)} characters; at most {WIDEST} are read")
        block = "\n".join(lines)
        if block.count("(") + block.count("[") + block.count("{") > _BRACKETS:
            self._look_deep(lines, start)
        source = f"if 1:\n{block}{tail}" if column else f"\n{block}{tail}"
        try:
            found = ast.parse(source)
        except SyntaxError as error:
            here = max(start, min(start + (error.lineno or 2) - 2, end - 1))
            self._fail(here, max(0, (error.offset or 1) - 1), error.msg)
        except (RecursionError, MemoryError, ValueError) as error:
            self._fail(start, 0, f"this is too deep, or no text: {error}")
        body: Any = found.body[0]
        return body.body if column else [body]

    def _look_deep(self, lines: list[str], start: int) -> None:
        """Refuse brackets that are nested too deep, before Python's own parser sees them."""
        depth = 0
        for i, line in enumerate(lines):
            if depth == 0 and line.count("(") + line.count("[") + line.count("{") <= _BRACKETS and line.endswith(")"):
                continue
            bare = _STRING.sub(lambda match: " " * len(match.group()), line)
            for match in _BRACKET.finditer(bare):
                depth = depth + 1 if match.group() in "([{" else max(0, depth - 1)
                if depth > _BRACKETS:
                    self._fail(start + i, match.start(), f"brackets are nested over {_BRACKETS} deep")

    def _chunk(self, start: int, end: int) -> None:
        scope, self.start = self.scopes[-1], start
        try:
            for statement in self._syntax(start, end):
                self._statement(statement, scope)
        except Place as place:
            self._point(place, start)
        except RecursionError:
            self._fail(start, 0, "this statement is nested too deep")

    def _statement(self, statement: ast.stmt, scope: _Scope) -> None:
        if scope.result is not None:
            refuse(statement, "nothing follows the return")
        if isinstance(statement, ast.Assign):
            (target, *more), value = statement.targets, statement.value
            if more:
                refuse(more[0], "a line assigns once")
            if target.__class__ is ast.Name:
                self._node(scope, (target,), value, ())
            elif isinstance(target, ast.Tuple) and all(isinstance(each, ast.Name) for each in target.elts):
                self._node(scope, tuple(target.elts), value, ())
            else:
                refuse(target, "a line assigns to one name, or to several: a, b = split(x)")
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            type = self.literals.type(statement.annotation)
            if statement.value is None:
                scope.types[statement.target.id] = statement, type
            else:
                self._node(scope, (statement.target,), statement.value, (type,))
        elif isinstance(statement, ast.Return):
            self._return(statement, scope)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            note = statement.value.value
            if not isinstance(note, str) or scope.values.keys() - set(scope.inputs):
                refuse(statement, "only a graph's name stands here, as a string, first in its function")
            scope.name = note
        else:
            refuse(statement, "a line assigns the outputs of one operator: y = relu(x)")

    def _return(self, statement: ast.Return, scope: _Scope) -> None:
        ends = statement.value
        if not isinstance(ends, ast.Dict):
            refuse(statement, "a graph returns a mapping from names to values: return {'y': y}")
        names = []
        for key in ends.keys:
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                refuse(key or ends, "the name of an output is a string")
            names.append(key.value)
        if len(set(names)) < len(names):
            twin = next(i for i, name in enumerate(names) if name in names[:i])
            refuse(ends.keys[twin] or ends, f"two outputs are called {names[twin]!r}")
        if scope.types:
            refuse(next(iter(scope.types.values()))[0], "no line below assigns to this name")
        scope.result = names, [self._value(each, scope) for each in ends.values]

    def _value(self, node: ast.AST, scope: _Scope) -> Value:
        if node.__class__ is ast.Name:
            name: str = node.id
            found = scope.values.get(name)
            if found is not None:
                return found
            if name in scope.open:
                return self._open_value(scope, name)
            near = get_close_matches(name, scope.values, 1) if len(scope.values) < 5000 else ()
            refuse(node, f"no line above assigns {name}" + (f"; is it {near[0]}?" if near else ""))
        if isinstance(node, ast.Constant) and node.value is None:
            return ABSENT
        refuse(node, "an input of an operator is a name assigned above, or None; write one operator a line")

    def _operator(self, call: ast.expr) -> tuple[Op[..., Any], str]:
        match call:
            case ast.Name(id=name):
                found = self.operators.get(name)
                if found is None:
                    near = get_close_matches(name, self.operators, 1)
                    refuse(call, f"no operator is called {name!r}" + (f"; is it {near[0]}?" if near else ""))
                return found, self.bases[name]
            case ast.Call(
                func=ast.Name(id="foreign"),
                args=[ast.Constant(value=str(name)), ast.Constant(value=str(module))],
                keywords=[],
            ):
                return foreign(name, module), label_base(name)
        refuse(call, "an operator is called by its name, or as foreign('name', 'module')")

    def _node(self, scope: _Scope, targets: tuple[Any, ...], call: ast.expr, types: tuple[Type | None, ...]) -> None:
        if not isinstance(call, ast.Call):
            refuse(call, "a line calls one operator: y = relu(x)")
        op, base = self._operator(call.func)
        inputs = tuple([self._value(each, scope) for each in call.args])
        label = targets[0].id
        name = None if len(targets) > 1 or is_numbered(label, base) else label
        after: tuple[Node, ...] = ()
        hints: Mapping[str, Any] = HINTLESS
        values: dict[str, Any] = {}
        for keyword in call.keywords:
            key = keyword.arg
            if key is None:
                refuse(keyword.value, "keywords are written out; ** is not read")
            if key == "name":
                name = self._name(keyword.value)
            elif key == "after":
                after = self._after(keyword.value, scope)
            elif key == "hints":
                hints = self._hints(keyword.value)
            elif key in values:
                refuse(keyword.value, f"{key} is given twice")
            else:
                values[key] = self.literals.value(keyword.value, scope.graphs)
        if RECORDING:
            hints = {SOURCE: f"{self.file}{self.start + max(0, call.lineno - 2) + 1}", **hints}
        made = self._params(call, op, values, inputs)
        self._build(scope, targets, call, (op, inputs, made, name, after, hints), types)

    def _name(self, node: ast.expr) -> str | None:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str | None):
            refuse(node, "a name is a string, or None")
        return node.value

    def _after(self, node: ast.expr, scope: _Scope) -> tuple[Node, ...]:
        if not isinstance(node, (ast.Tuple, ast.List)):
            refuse(node, "after is a tuple of names assigned above: after=(x,)")
        found = [self._value(each, scope) for each in node.elts]
        if ABSENT in found:
            refuse(node, "nothing runs after None")
        return tuple([value.node for value in found])

    def _hints(self, node: ast.expr) -> Mapping[str, Any]:
        found = self.literals.value(node, {})
        if not isinstance(found, dict):
            refuse(node, "hints are a mapping from names to literals")
        return params(found)

    def _params(self, call: ast.Call, op: Op[..., Any], values: dict[str, Any], inputs: tuple[Value, ...]) -> Params:
        """Return the params in the operator's own order, with its defaults; check names and the number of inputs."""
        if op.foreign:
            return params(values)
        for key in values:
            if key not in op.param_names:
                near = get_close_matches(key, op.param_names, 1)
                cure = f"; is it {near[0]}?" if near else f"; it takes {', '.join(op.param_names) or 'none'}"
                place = next(each.value for each in call.keywords if each.arg == key)
                refuse(place, f"{op.name} has no param {key!r}{cure}")
        if len(inputs) > len(op.inputs) and not op.variadic:
            refuse(call.args[len(op.inputs)], f"{op.name} takes {len(op.inputs)} inputs, not {len(inputs)}")
        if len(inputs) < len(op.inputs):
            needed = [each for each in op.inputs[: -1 if op.variadic else None] if each not in op.optional]
        else:
            needed = []
        if len(inputs) < len(needed):
            refuse(call, f"{op.name} lacks its input {needed[len(inputs)]!r}")
        if not op.param_names:
            return EMPTY
        defaults, ordered = op.defaults, {}
        for key in op.param_names:
            if key in values:
                ordered[key] = values[key]
            elif key in defaults:
                ordered[key] = defaults[key]
            else:
                refuse(call, f"{op.name} lacks its param {key!r}")
        return params(ordered)

    def _build(
        self, scope: _Scope, targets: tuple[Any, ...], call: ast.Call, record: Any, annotated: tuple[Type | None, ...]
    ) -> None:
        """Make the node: what is annotated is believed, all other types are inferred."""
        op, inputs, values, name, after, hints = record
        known = scope.values
        if len(targets) == 1 and not annotated and not scope.types and not op.foreign and targets[0].id not in known:
            types = self._infer(call, op, inputs, values, name)
            if len(types) == 1:
                known[targets[0].id] = make(op, inputs, values, types[0], name, after, hints)
                scope.open.discard(targets[0].id)
                return
        for i, target in enumerate(targets):
            if target.id in known or any(target.id == other.id for other in targets[:i]):
                refuse(target, f"{target.id} is assigned twice")
        told = {i: scope.types.pop(target.id)[1] for i, target in enumerate(targets) if target.id in scope.types}
        told |= dict(enumerate(annotated))
        if len(told) == len(targets):
            types = tuple([told[i] for i in range(len(targets))])
        elif op.foreign:
            types = tuple([told.get(i) for i in range(len(targets))])
        else:
            types = self._infer(call, op, inputs, values, name)
            if len(types) != len(targets):
                refuse(targets[0], f"{op.name} yields {len(types)} outputs there, not {len(targets)}")
            if told:
                types = tuple([told.get(i, type) for i, type in enumerate(types)])
        if len(targets) == 1:
            made: tuple[Value, ...] = (make(op, inputs, values, types[0], name, after, hints),)
        else:
            made = Node(op, inputs, values, types, name, after, hints).outputs
        for target, value in zip(targets, made, strict=True):
            known[target.id] = value
            scope.open.discard(target.id)

    def _infer(
        self, call: ast.Call, op: Op[..., Any], inputs: tuple[Value, ...], values: Params, name: str | None
    ) -> tuple[Type | None, ...]:
        known: tuple[Type | None, ...] | None = op._cache.get((values, *[value.type for value in inputs]))
        if known is not None:
            return known
        try:
            return op.infer(inputs, values, name)
        except Error as error:
            raise Place(call, str(error)) from error

    def _point(self, place: Place, start: int) -> NoReturn:
        """Raise the Error for what is wrong somewhere in the lines from `start` on."""
        node: Any = place.node
        line = start + max(0, getattr(node, "lineno", 2) - 2)
        column = len(self.lines[line].encode()[: getattr(node, "col_offset", 0)].decode(errors="replace"))
        self._fail(line, column, str(place), place)

    def _fail(self, line: int, column: int, message: str, cause: Exception | None = None) -> NoReturn:
        text = self.lines[line].replace("\t", " ")
        begin = max(0, column - 100) if len(text) > 160 else 0
        shown = text[begin : begin + 160]
        caret = " " * (min(column, len(text)) - begin) + "^"
        raise Error(f"line {line + 1}, column {column + 1}: {message}\n    {shown}\n    {caret}") from cause


__all__ = ["parse"]
