"""How a graph reads as text: a Python function, one operator a line, from which `parse` rebuilds it."""

import keyword
import math
import re
import struct
from collections.abc import Collection, Mapping
from typing import Any, Final

from nnvm.errors import Error
from nnvm.ir.dims import UNKNOWN, Dim, Size, names
from nnvm.ir.graph import Graph, collection_paused
from nnvm.ir.node import ABSENT, EMPTY, Node, Params, Value, literal_key
from nnvm.ir.op import Op, input
from nnvm.ir.tensor_data import TensorData, tensor_data
from nnvm.ir.types import DTYPES, ContainerType, DType, TensorType, Type

INLINE: Final = 16
"""Constants of up to so many elements stand in the text itself."""
DEEPEST: Final = 60
"""How deep graphs may be nested in a text."""
DIM_NAME: Final = re.compile(r"[^\W\d][\w.]*")
"""A name that a dimension's text holds bare; any other stands in `dim('...')`."""
_OTHER = re.compile(r"\W+", re.ASCII)
_RESERVED: Final = (*keyword.kwlist, *map(repr, DTYPES.values()), "nan", "inf", "dim", "foreign", "UNKNOWN")


def print_graph(
    graph: Graph, *, hints: bool = False, inline_bytes: int | None = None, kinds: Collection[str] = ()
) -> str:
    """Return the graph as a Python function: typed arguments, a line for each node, a mapping of named outputs.

    Constants of more than 16 elements, or with `inline_bytes` above so many bytes, are named by their content key. With
    `hints` each node's literal hints are printed too. A param of a class named in `kinds` is spelt as the call that
    makes it. Raises Error for graphs nested over 60 deep.
    """
    with collection_paused():
        printer = _Printer(hints, inline_bytes, kinds)
        title = _label(graph.name, dict.fromkeys((*_RESERVED, *_bases(graph)), 0))
        note = [] if graph.name in (title, "<lambda>") else [f"    {graph.name!r}"]
        return "\n".join(printer.graph(graph, title, "", note))


def keyed_data(graph: Graph, *, inline_bytes: int | None = None) -> dict[str, TensorData]:
    """Return the constants that `print_graph` names by key, under those keys: what `parse` asks for as `data`."""
    found: dict[str, TensorData] = {}
    pending, seen = [graph], {graph}
    while pending:
        here = pending.pop()
        for node in (*here.nodes, *(value.node for value in here.inputs)):
            waiting = list(node.params.values())
            while waiting:
                param = waiting.pop()
                if isinstance(param, TensorData) and is_keyed(param, inline_bytes):
                    found[param.key.hex()] = param
                elif isinstance(param, (tuple, list)):
                    waiting += param
                elif isinstance(param, dict):
                    waiting += param.values()
                elif isinstance(param, Graph) and param not in seen:
                    seen.add(param)
                    pending.append(param)
    return found


def label_base(name: str) -> str:
    """Return the name in Python of a node called so; an unnamed node is called after its operator, with a number."""
    if name.isidentifier() and name.isascii():
        return name
    base = _OTHER.sub("_", name) or "_"
    return f"_{base}" if base[0].isdigit() else base


def _label(name: str, taken: dict[str, int]) -> str:
    """Return a Python name that is not taken; `taken` counts on where the last search for the same one ended."""
    base = label_base(name)
    label, number = base, taken.get(base, 0)
    while label in taken:
        number += 1
        label = f"{base}_{number}"
    taken[base] = number
    taken[label] = taken.get(label, 0)
    return label


def is_numbered(label: str, base: str) -> bool:
    """Say whether a label is one of an unnamed node of the operator whose base this is: `relu_12`."""
    number = label[len(base) + 1 :]
    return number.isdecimal() and number[0] != "0" and label.startswith(base) and label[len(base)] == "_"


class _Printer:
    """Prints graphs; remembers what one operator with the same params reads as."""

    def __init__(self, hints: bool, inline_bytes: int | None, kinds: Collection[str]) -> None:
        self.hints, self.inline_bytes, self.kinds = hints, inline_bytes, kinds
        self.operators: dict[tuple[Op[..., Any], Params], tuple[str, str, str]] = {}
        self.types: dict[Type | None, str] = {None: "None"}

    def graph(self, graph: Graph, title: str, indent: str, note: list[str]) -> list[str]:
        if len(indent) > 4 * DEEPEST:
            raise Error(f"graph {graph.name} lies over {DEEPEST} graphs deep; such a graph has no text")
        ends = {value.node for value in graph.inputs}
        names = {value.node.name for value in graph.inputs}
        odd = len(names) < len(ends) or any(not _is_plain(value) for value in graph.inputs)
        taken = dict.fromkeys((*_RESERVED, *_bases(graph)), 0) | {title: 0}
        if not odd and all(node in ends for node in graph.nodes if node.op is input):
            taken.pop("input", None)
        labels: dict[Value, str] = {ABSENT: "None"}
        arguments, bodies = [], []
        for value in graph.inputs:
            labels[value] = label = _label(value.node.name or "x", taken)
            if _is_plain(value) and value.node.name == label:
                arguments.append(label if value.type is None else f"{label}: {self.type(value.type)}")
            else:
                arguments.append(label)
                bodies.append(value.node)
        late = {node for node in bodies if node.after} & set(graph.nodes) if bodies else set()
        lines = [f"{indent}def {title}({', '.join(arguments)}):", *[indent + line for line in note]]
        indent += "    "
        for node in bodies:
            if node not in late:
                first = node.replace(after=()) if node.after else node
                labels[first.outputs[0]] = labels[node.outputs[0]]
                lines += self.node(first, labels, taken, indent)
        self.nodes([node for node in graph.nodes if node not in ends or node in late], labels, taken, indent, lines)
        pairs = zip(graph.output_names, graph.outputs, strict=True)
        lines.append(f"{indent}return {{{', '.join([f'{name!r}: {labels[value]}' for name, value in pairs])}}}")
        return lines

    def nodes(
        self, nodes: list[Node], labels: dict[Value, str], taken: dict[str, int], indent: str, lines: list[str]
    ) -> None:
        """Append a line for each node; what is unnamed, of one output and typed as inferred, without much ado."""
        known, quick = self.operators, not self.hints
        for node in nodes:
            op, params, outputs = node.op, node.params, node.outputs
            if node.name is not None or not quick or node.after or len(outputs) != 1 or not params.literal:
                lines += self.node(node, labels, taken, indent)
                continue
            value, inputs = outputs[0], node.inputs
            if len(inputs) == 1:
                (only,) = inputs
                types, given = op._cache.get((params, only.type)), labels[only]
            else:
                types = op._cache.get((params, *[each.type for each in inputs]))
                given = ", ".join([labels[each] for each in inputs])
            if types is None or types[0] is not value.type or op.foreign:
                lines += self.node(node, labels, taken, indent)
                continue
            found = known.get((op, params))
            base, head, tail = found if found is not None else self.operator(op, params)
            number = taken[base] + 1
            label = f"{base}_{number}"
            while label in taken:
                number += 1
                label = f"{base}_{number}"
            taken[base], taken[label] = number, 0
            labels[value] = label
            tail = tail if given or len(tail) == 1 else tail[2:]
            lines.append(f"{indent}{label} = {head}{given}{tail}")

    def operator(self, op: Op[..., Any], params: Params) -> tuple[str, str, str]:
        """Return the base of labels, how the call starts, and how it ends where all params are literals."""
        base = label_base(op.name)
        head = f"foreign({op.name!r}, {op.module!r})(" if op.foreign else f"{base}("
        tail = "".join([f", {text}" for text in self.params(op, params)])
        found = self.operators[op, params] = base, head, tail + ")"
        return found

    def params(self, op: Op[..., Any], params: Mapping[str, Any]) -> list[str]:
        order = [key for key in op.param_names if key in params]
        order += [key for key in params if key not in op.param_names]
        return [
            f"{_keyword(key, op)}={self.literal(params[key])}"
            for key in order
            if key not in op.defaults or not is_default(op.defaults[key], params[key])
        ]

    def node(self, node: Node, labels: dict[Value, str], taken: dict[str, int], indent: str) -> list[str]:
        op = node.op
        base = label_base(op.name)
        single = len(node.outputs) == 1
        name = labels.get(node.outputs[0]) if single else None
        name = name or _label(node.name or op.name, taken)
        if single:
            labels[node.outputs[0]] = name
        else:
            for value in node.outputs:
                labels[value] = _label(f"{name}_{value.index}", taken)
        lines: list[str] = []
        arguments = [labels[value] for value in node.inputs]
        nested = {key: param for key, param in node.params.items() if isinstance(param, Graph)}
        for key, param in nested.items():
            title = _label(f"{name}_{key}", taken)
            note = [] if param.name == "main" else [f"    {param.name!r}"]
            lines += self.graph(param, title, indent, note)
            arguments.append(f"{_keyword(key, op)}={title}")
        flat = {key: param for key, param in node.params.items() if key not in nested} if nested else node.params
        arguments += self.params(op, flat)
        arguments += self._reserved(node, name if single else None, base, labels)
        head = f"foreign({op.name!r}, {op.module!r})" if op.foreign else base
        wanted = self._annotations(node)
        if not single:
            lines += [
                f"{indent}{labels[value]}: {text}" for value, text in zip(node.outputs, wanted, strict=True) if text
            ]
            target = ", ".join([labels[value] for value in node.outputs])
        else:
            target = f"{name}: {wanted[0]}" if wanted[0] else name
        return [*lines, f"{indent}{target} = {head}({', '.join(arguments)})"]

    def _reserved(self, node: Node, label: str | None, base: str, labels: dict[Value, str]) -> list[str]:
        said = []
        if node.name is not None and (node.name != label or is_numbered(label, base)):
            said.append(f"name={node.name!r}")
        elif node.name is None and label is not None and not is_numbered(label, base):
            said.append("name=None")
        if node.after:
            said.append(f"after=({', '.join([labels[other.outputs[0]] for other in node.after])},)")
        if self.hints and node.hints:
            kept = {key: hint for key, hint in node.hints.items() if literal_key({key: hint}) is not None}
            said += [f"hints={self.literal(kept)}"] if kept else []
        return said

    def _annotations(self, node: Node) -> list[str]:
        """Return the text of each output's type, empty where inference would give it."""
        types = node.types
        if node.op.foreign:
            inferred: tuple[Type | None, ...] = (None,) * len(types)
        else:
            try:
                inferred = node.op.infer(node.inputs, node.params, node.name)
            except Error:
                inferred = ()
        if len(inferred) != len(types):
            return [self.type(type) for type in types]
        return ["" if a is b else self.type(a) for a, b in zip(types, inferred, strict=True)]

    def type(self, type: Type | None) -> str:
        found = self.types.get(type)
        if found is None:
            found = self.types[type] = type_text(type)
        return found

    def literal(self, param: object) -> str:
        """Write a param so that `parse` reads it back; what is no literal reads as its repr, and is refused there."""
        kind = param.__class__
        if kind is float:
            return _float(param)  # type: ignore[arg-type]
        if isinstance(param, TensorData):
            return self._data(param)
        if isinstance(param, Dim):
            return dim_text(param)
        if isinstance(param, (TensorType, ContainerType)):
            return self.type(param)
        if kind is tuple or kind is list:
            inner = ", ".join([self.literal(item) for item in param])  # type: ignore[attr-defined]
            return f"[{inner}]" if kind is list else f"({inner},)" if len(param) == 1 else f"({inner})"  # type: ignore[arg-type]
        if isinstance(param, dict):
            return "{" + ", ".join([f"{self.literal(k)}: {self.literal(v)}" for k, v in param.items()]) + "}"
        if kind is complex:
            return f"complex({_float(param.real)}, {_float(param.imag)})"  # type: ignore[attr-defined]
        if kind.__name__ in self.kinds:
            made: Any = param.__reduce__()
            return f"{kind.__name__}({', '.join(map(self.literal, made[1]))})"
        return "..." if param is ... else repr(param)

    def _data(self, data: TensorData) -> str:
        text = self.type(data.tensor)
        if is_keyed(data, self.inline_bytes):
            return f"{text}({data.key.hex()!r})"
        if isinstance(data.source, tuple):
            return f"{text}({list(data.source)!r})"
        if data.repeats and data.size > INLINE:
            one = TensorData(data.dtype[()], data.source)
            exact = exact_numbers(one)
            return f"{text}({bytes(one.read())!r})" if exact is None else f"{text}({_number(exact[0])})"
        exact = exact_numbers(data)
        if exact is None:
            return f"{text}({bytes(data.read())!r})"
        return f"{text}([{', '.join(map(_number, exact))}])"


def _bases(graph: Graph) -> dict[str, None]:
    return {label_base(name): None for name in dict.fromkeys([node.op.name for node in graph.nodes])}


def _is_plain(value: Value) -> bool:
    node = value.node
    return node.op is input and node.params.get("type") is value.type and not node.after and node.name is not None


def is_keyed(data: TensorData, inline_bytes: int | None) -> bool:
    """Say whether data is too large to stand in the text itself, so that its key stands there."""
    if data.repeats and data.dtype.bits >= 8:
        return False
    if inline_bytes is None or isinstance(data.source, tuple):
        return inline_bytes is None and data.size > INLINE
    return data.nbytes > inline_bytes


def _keyword(key: str, op: Op[..., Any]) -> str:
    if not key.isidentifier() or keyword.iskeyword(key):
        raise Error(f"param {key!r} of {op.name} is no name in Python; such a node has no text")
    return key


def exact_numbers(data: TensorData) -> tuple[int | float, ...] | None:
    """Return the elements as numbers that give the very same bytes again, or None where none do (a NaN's payload)."""
    if not data.has_numbers or data.dtype.bits < 8:
        return None
    values = data.values()
    if data.dtype.is_integer:
        return values
    return values if tensor_data(list(values), data.tensor).read() == data.read() else None


def _number(value: int | float) -> str:
    return _float(value) if isinstance(value, float) else repr(value)


def _float(value: float) -> str:
    if value == value:
        return repr(value)
    bits = struct.pack(">d", value)
    if bits[1:] == _NAN[1:]:
        return "-nan" if math.copysign(1, value) < 0 else "nan"
    return f"nan({bits!r})"


_NAN: Final = struct.pack(">d", math.nan)


def is_default(default: object, param: object) -> bool:
    """Say whether a param is the very same literal as its default, so that it need not be written."""
    if default is param:
        return True
    if param is None or param is EMPTY:
        return False
    return type(default) is type(param) and repr(default) == repr(param)


def type_text(type: Type | None) -> str:
    """Return the text of a type in a printed graph, in which a dimension is a whole expression: `f32['2*n + 1']`."""
    if type is None:
        return "None"
    if isinstance(type, ContainerType):
        return f"{type.kind}[{type_text(type.element)}]"
    if type.shape_or_none is None:
        return f"{type.dtype!r}[...]"
    return f"{type.dtype!r}[{', '.join(map(_size, type.shape_or_none)) or '()'}]"


def _size(size: Size) -> str:
    if isinstance(size, int):
        return repr(size)
    if size is UNKNOWN:
        return "None"
    return repr(size) if all(_is_bare(name) for name in names(size)) else dim_text(size)


def _is_bare(name: str) -> bool:
    return DIM_NAME.fullmatch(name) is not None and name not in ("max", "min")


def dim_text(size: Size) -> str:
    """Return a dimension as arithmetic over `dim('name')`, for where it stands outside a type or has any other name."""
    if isinstance(size, int):
        return repr(size)
    if size.terms is None:
        return "UNKNOWN"
    terms = []
    for atoms, factor in size.terms:
        texts = [_atom(atom) for atom in atoms]
        terms.append("*".join([repr(factor), *texts] if factor != 1 or not texts else texts))
    return " + ".join(terms)


def _atom(atom: Any) -> str:
    if isinstance(atom, str):
        return f"dim({atom!r})"
    operator, a, b = atom
    first, second = dim_text(a), dim_text(b)
    return f"(({first})//({second}))" if operator == "//" else f"{operator}({first}, {second})"


__all__ = [
    "DIM_NAME",
    "DTYPES",
    "DType",
    "dim_text",
    "exact_numbers",
    "is_default",
    "is_keyed",
    "is_numbered",
    "keyed_data",
    "label_base",
    "print_graph",
    "type_text",
]
