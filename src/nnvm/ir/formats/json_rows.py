"""What the rows of a graph's JSON stand for: nodes, made in order, each over those above."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from nnvm.errors import Error
from nnvm.ir.formats.json_values import Fault, ValueReader, clipped, shown
from nnvm.ir.formats.json_write import Mutates
from nnvm.ir.node import ABSENT, HINTLESS, Node, Params, Value, make, params
from nnvm.ir.op import Op, foreign, input, variable
from nnvm.ir.provenance import RECORDING, SOURCE
from nnvm.ir.signature import check_params

_KEYS: Final = frozenset(("op", "foreign", "name", "params", "inputs", "control_deps", "types", "hints"))


class _Known:
    """An operator, and what each of its rows is held against."""

    __slots__ = ("count", "least", "most", "op", "plain", "writes")

    def __init__(self, op: Op[..., Any], writes: tuple[int, ...]) -> None:
        self.op, self.writes = op, writes
        self.count = op.count if isinstance(op.count, int) and not op.foreign else None
        fixed = op.inputs[: -1 if op.variadic else None]
        self.least = 0 if op.foreign else sum(1 for each in fixed if each not in op.optional)
        self.most = 1 << 30 if op.variadic or op.foreign else len(op.inputs)
        whole = op.foreign or all(key in op.defaults for key in op.param_names)
        self.plain = params({} if op.foreign else op.defaults) if whole else None
        if self.plain and tuple(self.plain) != op.param_names:
            self.plain = params({key: op.defaults[key] for key in op.param_names})


class Rows:
    """The nodes of one graph, as far as they were read; raises Fault for a row that is none."""

    def __init__(
        self, operators: Mapping[str, Op[..., Any]], values: ValueReader, mutates: Mutates | None, file: str = ""
    ) -> None:
        self.operators, self.values, self.mutates, self.file = operators, values, mutates, file
        self.known: dict[str, _Known] = {}
        self.made: list[tuple[Value, ...]] = []
        self.states: dict[tuple[int, int], Value] = {}

    def called(self, row: Any) -> str:
        """Return how an error calls the row that is being read: its number, operator and name."""
        told = [row.get("op"), row.get("name")] if isinstance(row, dict) else []
        words = [shown(each) for each in told if isinstance(each, str)]
        return f"node {len(self.made)}" + (f" ({' '.join(words)})" if words else "")

    def add(self, row: Any) -> None:
        """Make the node of a row."""
        if row.__class__ is not dict:
            _refuse("", f'a node is an object such as {{"op":"relu","inputs":[[0,0,0]]}}, not {shown(row)}')
        get = row.get
        operator = get("op")
        known = self.known.get(operator) if isinstance(operator, str) and "foreign" not in row else None
        if known is None:
            known = self._operator(row)
        if not row.keys() <= _KEYS:
            key = next(key for key in row if key not in _KEYS)
            near = get_close_matches(key, _KEYS, 1) if len(key) < 100 else ()
            _refuse("", f"a node has no field {key[:60]!r}" + (f"; is it {near[0]}?" if near else ""))
        name = get("name")
        if name is not None and name.__class__ is not str:
            _refuse("name", f"a name is a string or null, not {shown(name)}")
        inputs = self._inputs(get("inputs", ()), known)
        values = get("params")
        made = known.plain if values is None and known.plain is not None else self._params(values, known.op)
        types = self._types(get("types"), known, inputs, made)
        after = self._after(row["control_deps"]) if "control_deps" in row else ()
        hints: Mapping[str, Any] = self.hints(row["hints"], "hints") if "hints" in row else HINTLESS
        if RECORDING:
            hints = {SOURCE: f"{self.file}node {len(self.made)}" + (f" {name!r}" if name else ""), **hints}
        if len(types) == 1:
            outputs = make(known.op, inputs, made, types[0], name, after, hints).node.outputs
        else:
            outputs = Node(known.op, inputs, made, types, name, after, hints).outputs
        self.made.append(outputs)
        if known.writes:
            self._note(get("inputs"), known.writes, outputs)

    def _operator(self, row: Mapping[str, Any]) -> _Known:
        """Return the operator of a row."""
        name = row.get("op")
        if not isinstance(name, str):
            _refuse("op", f"an operator is called by its name, a string, not {shown(name)}")
        if "foreign" in row:
            module = row["foreign"]
            if not isinstance(module, str):
                _refuse("foreign", f"who knows a foreign operator is a string, not {shown(module)}")
            return _Known(foreign(name, module), ())
        op = self.operators.get(name)
        if op is None:
            near = get_close_matches(name, self.operators, 1) if len(name) < 100 else ()
            _refuse("op", f"no operator is called {name[:60]!r}" + (f"; is it {near[0]}?" if near else ""))
        found = self.known[name] = _Known(op, tuple((self.mutates(op) if self.mutates else None) or ()))
        return found

    def _inputs(self, entries: Any, known: _Known) -> tuple[Value, ...]:
        if entries.__class__ is not list and entries != ():
            _refuse("inputs", f"inputs are a list of [node, output, version], not {shown(entries)}")
        if not known.least <= len(entries) <= known.most:
            _refuse(
                "inputs", f"{known.op.name} takes {', '.join(known.op.inputs) or 'none'}, not {len(entries)} inputs"
            )
        made, count = self.made, len(self.made)
        inputs = []
        for entry in entries:
            if entry.__class__ is list and len(entry) == 3:
                number, index, version = entry
                if version.__class__ is number.__class__ is index.__class__ is int and not version:
                    outputs = made[number] if 0 <= number < count else ()
                    if 0 <= index < len(outputs):
                        inputs.append(outputs[index])
                        continue
            i = len(inputs)
            inputs.append(ABSENT if entry is None else self._entry(entry, f"inputs[{i}]", i in known.writes))
        return tuple(inputs)

    def _entry(self, entry: Any, field: str, writes: bool = False) -> Value:
        """Return the value that [node, output, version] names; what a node overwrites is the version before."""
        if entry.__class__ is not list or len(entry) not in (2, 3) or any(each.__class__ is not int for each in entry):
            _refuse(field, f"a value is [node, output, version], three whole numbers, not {shown(entry)}")
        number, index, version = (*entry, 0)[:3]
        if not 0 <= number < len(self.made):
            _refuse(
                field, f"there is no node {shown(number)} above; nodes are numbered from 0 and come after their inputs"
            )
        outputs: tuple[Value, ...] = self.made[number]
        if not 0 <= index < len(outputs):
            _refuse(field, f"node {number} has {len(outputs)} outputs, and none of number {shown(index)}")
        value: Value = outputs[index]
        if version == 0:
            return value
        if outputs[0].node.op is not variable:
            _refuse(
                field, f"version {shown(version)} of node {number}, which is {outputs[0].node.op.name}, no variable"
            )
        if writes and version == 1:
            return outputs[0]
        found = self.states.get((number, version - 1 if writes else version))
        if found is None:
            cure = "no node above makes it" if self.mutates else "give `mutates`, which tells what writes to a variable"
            _refuse(field, f"node {number} has no version {shown(version)} here: {cure}")
        return found

    def _note(self, entries: Any, writes: tuple[int, ...], outputs: tuple[Value, ...]) -> None:
        """Remember the versions that a node makes."""
        if len(outputs) < len(writes):
            return
        for i, new in zip(writes, outputs[-len(writes) :], strict=True):
            if i < len(entries) and entries[i] is not None and len(entries[i]) == 3 and entries[i][2]:
                number, _, version = entries[i]
                if (number, version) in self.states:
                    self.made.pop()
                    _refuse(f"inputs[{i}]", f"a node above makes version {version} of node {number} already")
                self.states[number, version] = new

    def _types(self, texts: Any, known: _Known, inputs: tuple[Value, ...], made: Params) -> tuple[Any, ...]:
        if texts.__class__ is not list or not texts:
            _refuse("types", f"types are a list with one string, or null, for each output, not {shown(texts)}")
        types = self.values.types
        if len(texts) == 1 and texts[0].__class__ is str and texts[0] in types:
            found: tuple[Any, ...] = (types[texts[0]],)
        else:
            found = tuple([self.values.type(text, f"types[{i}]") for i, text in enumerate(texts)])
        expected = known.count if known.count is not None else self._counted(known.op, inputs, made)
        if expected is not None and expected != len(found):
            _refuse("types", f"{known.op.name} yields {expected} outputs there, not {len(found)}")
        return found

    def _counted(self, op: Op[..., Any], inputs: tuple[Value, ...], made: Params) -> int | None:
        if op.foreign or isinstance(op.count, int):
            return None
        try:
            return op.count(inputs, made)
        except Exception as error:  # whatever a stranger's function makes of params that it never expected
            raise Fault("params", f"{op.name} cannot tell how many outputs it has: {clipped(error)}") from error

    def _params(self, found: Any, op: Op[..., Any]) -> Params:
        """Return the params in the operator's own order, with its defaults."""
        if found is None:
            found = {}
        if found.__class__ is not dict:
            _refuse("params", f"params are an object, not {shown(found)}")
        read, given = self.values.value, {}
        for key, value in found.items():
            if not op.foreign and key not in op.param_names:
                near = get_close_matches(key, op.param_names, 1) if len(key) < 100 else ()
                cure = f"; is it {near[0]}?" if near else f"; it takes {', '.join(op.param_names) or 'none'}"
                _refuse(f"params.{key[:60]}", f"{op.name} has no param {key[:60]!r}{cure}")
            kind = value.__class__
            given[key] = read(value, f"params.{key[:60]}") if kind is list or kind is dict else value
        if op.foreign:
            return params(given)
        lacking = [key for key in op.param_names if key not in given and key not in op.defaults]
        if lacking:
            _refuse("params", f"{op.name} lacks its param {lacking[0]!r}")
        made = params({key: given[key] if key in given else op.defaults[key] for key in op.param_names})
        try:
            check_params(op, made)
        except Error as error:
            raise Fault("params", clipped(error)) from error
        return made

    def _after(self, numbers: Any) -> tuple[Node, ...]:
        if numbers.__class__ is not list:
            _refuse("control_deps", f"control edges are a list of nodes' numbers, not {shown(numbers)}")
        return tuple([self._node(each, f"control_deps[{i}]") for i, each in enumerate(numbers)])

    def _node(self, number: Any, field: str) -> Node:
        if number.__class__ is not int or not 0 <= number < len(self.made):
            _refuse(field, f"there is no node {shown(number)} above; {len(self.made)} are")
        return self.made[number][0].node

    def hints(self, found: Any, field: str = "") -> Params:
        """Return hints, of a node or of the graph."""
        if found.__class__ is not dict:
            _refuse(field, f"hints are an object, not {shown(found)}")
        return params({key: self.values.value(value, f"{field}.{key[:60]}") for key, value in found.items()})

    def arguments(self, numbers: Any) -> list[Value]:
        """Return the inputs of the graph, in calling order."""
        if numbers.__class__ is not list:
            _refuse("", f"the inputs of a graph are a list of nodes' numbers, not {shown(numbers)}")
        nodes = [self._node(each, f"[{i}]") for i, each in enumerate(numbers)]
        for i, node in enumerate(nodes):
            if node.op is not input and node.op is not variable:
                _refuse(f"[{i}]", f"node {numbers[i]} is {node.op.name}; the inputs of a graph are input or variable")
        if len(set(nodes)) < len(nodes):
            _refuse("", "an input is listed twice")
        return [node.outputs[0] for node in nodes]

    def heads(self, entries: Any) -> list[Value]:
        """Return the outputs of the graph."""
        if entries.__class__ is not list:
            _refuse("", f"the outputs of a graph are a list of [node, output, version], not {shown(entries)}")
        return [self._entry(each, f"[{i}]") for i, each in enumerate(entries)]

    def name(self, found: Any) -> str:
        """Return the name of the graph."""
        if not isinstance(found, str):
            _refuse("", f"a name is a string, not {shown(found)}")
        return found

    def names(self, found: Any, count: int) -> list[str]:
        """Return the names of the outputs."""
        if found.__class__ is not list or not all(isinstance(each, str) for each in found):
            _refuse("", f"the names of outputs are a list of strings, not {shown(found)}")
        if len(found) != count:
            _refuse("", f"there are {len(found)} names for {count} outputs")
        return list(found)


def _refuse(field: str, message: str) -> NoReturn:
    raise Fault(field, message)


__all__ = ["Rows"]
