"""How a graph is written as JSON: NNVM's layout of numbered nodes, entries and heads, one node a line."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from nnvm.errors import Error
from nnvm.ir.formats.json_values import ValueWriter, quoted
from nnvm.ir.formats.text import DEEPEST, is_default
from nnvm.ir.graph import Graph, collection_paused, postorder
from nnvm.ir.node import ABSENT, Node, Params, Value, literal_key
from nnvm.ir.op import Op, variable
from nnvm.ir.types import Type

FORMAT: Final = "nnvm-graph"
VERSION: Final = 1
_BATCH: Final = 1024
Mutates = Callable[[Op[..., Any]], Sequence[int] | None]
"""From an operator to the numbers of the inputs whose state it overwrites (`nnvm.attrs.mutates.get`)."""


def to_json(
    graph: Graph,
    *,
    hints: bool = False,
    inline_bytes: int | None = None,
    kinds: Collection[str] = (),
    mutates: Mutates | None = None,
) -> str:
    """Return the graph as JSON, which `from_json` reads; `json_chunks` gives the same in pieces, and says more."""
    with collection_paused():
        return "".join(json_chunks(graph, hints=hints, inline_bytes=inline_bytes, kinds=kinds, mutates=mutates))


def json_chunks(
    graph: Graph,
    *,
    hints: bool = False,
    inline_bytes: int | None = None,
    kinds: Collection[str] = (),
    mutates: Mutates | None = None,
) -> Iterator[str]:
    """Yield the graph as JSON in pieces of many rows, for a stream; it ends in a line break.

    Constants of more than 16 elements, or with `inline_bytes` above so many bytes, are named by their content key, as
    `keyed_data` gives them. Hints change no answer, so that only `hints` writes them, as far as they are literals. With
    `mutates` a read of a state names its variable and version, as NNVM's JSON does. Raises Error, naming operator, node
    and param, for what is no literal, and for graphs nested over 60 deep.
    """
    nested = _nested(graph)
    writer = _Writer(hints, ValueWriter(inline_bytes, kinds, {each: i for i, each in enumerate(nested)}), mutates)
    yield f'{{"format":"{FORMAT}","version":{VERSION},\n'
    if nested:
        yield '"graphs":[\n'
        for i, each in enumerate(nested):
            yield ",\n{" if i else "{"
            yield from writer.graph(each)
            yield "}"
        yield "\n],\n"
    yield from writer.graph(graph)
    yield "}\n"


def _nested(graph: Graph) -> list[Graph]:
    """Return the graphs among the params, at any depth, each once and after those it holds itself."""
    depths: dict[Graph, int] = {}
    below = _held(graph)
    path = [(graph, below, iter(below))]
    while path:
        here, below, waiting = path[-1]
        inner = next((each for each in waiting if each not in depths), None)
        if inner is not None and len(path) <= DEEPEST:
            deeper = _held(inner)
            path.append((inner, deeper, iter(deeper)))
            continue
        path.pop()
        depths[here] = 1 + max((depths[each] for each in below if each in depths), default=-1)
        if inner is not None or depths[here] > DEEPEST:
            raise Error(f"graph {here.name} holds graphs over {DEEPEST} deep; such a graph has no JSON")
    return list(depths)[:-1]


def _held(graph: Graph) -> list[Graph]:
    """Return the graphs among the params of a graph's own nodes."""
    found: dict[Graph, None] = {}
    for node in _nodes(graph):
        if node.params.literal:
            continue
        waiting = list(node.params.values())[::-1]
        while waiting:
            param = waiting.pop()
            if isinstance(param, Graph):
                found[param] = None
            elif isinstance(param, (tuple, list)):
                waiting += param[::-1]
            elif isinstance(param, dict):
                waiting += [*param.values()][::-1]
    return list(found)


def _nodes(graph: Graph) -> Sequence[Node]:
    """Return the nodes in order, with the inputs that no output needs after them."""
    nodes = graph.nodes
    if {value.node for value in graph.inputs} <= set(nodes):
        return nodes
    return postorder((*graph.outputs, *graph.inputs))


class _Writer:
    """Writes graphs; remembers what one operator with the same params reads as."""

    def __init__(self, hints: bool, values: ValueWriter, mutates: Mutates | None) -> None:
        self.hints, self.values, self.mutates = hints, values, mutates
        self.operators: dict[tuple[Op[..., Any], Params], tuple[str, str]] = {}

    def graph(self, graph: Graph) -> Iterator[str]:
        """Yield the members of a graph's object, without its braces."""
        entries: dict[Value, str] = {ABSENT: "null"}
        numbers: dict[Node, int] = {}
        yield f'"name":{quoted(graph.name)},\n"nodes":['
        yield from self._rows(_nodes(graph), entries, numbers)
        arguments = ",".join([str(numbers[value.node]) for value in graph.inputs])
        yield f'\n],\n"arg_nodes":[{arguments}],\n'
        yield f'"heads":[{",".join([entries[value] for value in graph.outputs])}],\n'
        yield f'"head_names":[{",".join(map(quoted, graph.output_names))}]'
        if self.hints:
            yield self._hints(graph.hints, ",\n")

    def _rows(self, nodes: Sequence[Node], entries: dict[Value, str], numbers: dict[Node, int]) -> Iterator[str]:
        """Yield a line for each node, in batches; `entries` tells how each value is named by those that read it."""
        operators, plain = self.operators, not self.hints
        types: dict[Type | None, str] = {}
        states = _States(self.mutates, numbers, entries) if self.mutates is not None else None
        batch: list[str] = []
        for i, node in enumerate(nodes):
            if i and not i % _BATCH:
                yield ",".join(batch) + ","
                batch.clear()
            numbers[node] = i
            op, params, outputs = node.op, node.params, node.outputs
            start, middle = operators.get((op, params)) or self._operator(node)
            name = "" if node.name is None else f',"name":{quoted(node.name)}'
            given = ",".join([entries[value] for value in node.inputs])
            if states is not None and op in states:
                given = states.write(node, given)
            if len(outputs) == 1:
                (value,) = outputs
                entries.setdefault(value, f"[{i},0,0]")
                end = types.get(value.type)
                if end is None:
                    end = types[value.type] = f',"types":[{self.values.type(value.type)}]'
            else:
                for value in outputs:
                    entries.setdefault(value, f"[{i},{value.index},0]")
                end = f',"types":[{",".join([self.values.type(value.type) for value in outputs])}]'
            if node.after:
                end = f',"control_deps":[{",".join([str(numbers[other]) for other in node.after])}]{end}'
            if plain or not node.hints:
                batch.append(f'\n{start}{name}{middle},"inputs":[{given}]{end}}}')
            else:
                batch.append(f'\n{start}{name}{middle},"inputs":[{given}]{end}{self._hints(node.hints, ",")}}}')
        yield ",".join(batch)

    def _operator(self, node: Node) -> tuple[str, str]:
        """Return how a row starts, and its params: those that differ from their defaults."""
        op, params = node.op, node.params
        start = f'{{"op":{quoted(op.name)}' + (f',"foreign":{quoted(op.module)}' if op.foreign else "")
        order = [key for key in op.param_names if key in params]
        order += [key for key in params if key not in op.param_names]
        kept = []
        for key in order:
            try:
                if key not in op.defaults or not is_default(op.defaults[key], params[key]):
                    kept.append(f"{quoted(key)}:{self.values.value(params[key])}")
            except (Error, ValueError) as error:  # Python writes no whole number of 5,000 digits
                raise Error(f"{op.name} in node {node.name!r}, param {key!r}: {error}") from error
        found = start, f',"params":{{{",".join(kept)}}}' if kept else ""
        if params.literal:
            self.operators[op, params] = found
        return found

    def _hints(self, hints: Mapping[str, Any], before: str) -> str:
        kept = {key: hint for key, hint in hints.items() if literal_key({key: hint}) is not None}
        rows = ",".join([f"{quoted(key)}:{self.values.value(hint)}" for key, hint in kept.items()])
        return f'{before}"hints":{{{rows}}}' if kept else ""


class _States:
    """Names states as NNVM does: the variable, and the number of writes to it that came before.

    The input that a node overwrites carries the version that it makes. Where two nodes overwrite one state, the second
    makes no version, and what it yields is named as any other output is.
    """

    def __init__(self, mutates: Mutates, numbers: Mapping[Node, int], entries: dict[Value, str]) -> None:
        self.mutates, self.numbers, self.entries = mutates, numbers, entries
        self.known: dict[Op[..., Any], tuple[int, ...]] = {}
        self.versions: dict[Value, tuple[int, int]] = {}
        self.taken: set[Value] = set()

    def __contains__(self, op: Op[..., Any]) -> bool:
        numbers = self.known.get(op)
        if numbers is None:
            numbers = self.known[op] = tuple(self.mutates(op) or ())
        return bool(numbers)

    def write(self, node: Node, given: str) -> str:
        """Return the entries of a node that writes, and name the states that it makes."""
        slots, outputs = self.known[node.op], node.outputs
        if len(outputs) < len(slots):
            return given
        entries = [self.entries[value] for value in node.inputs]
        for slot, new in zip(slots, outputs[-len(slots) :], strict=True):
            old = node.inputs[slot] if slot < len(node.inputs) else ABSENT
            if old is ABSENT:
                continue
            held, version = self.versions.get(old, (self.numbers[old.node], 0))
            if (old not in self.versions and old.node.op is not variable) or old in self.taken:
                entries[slot] = f"[{self.numbers[old.node]},{old.index},0]"
                continue
            self.taken.add(old)
            self.versions[new] = held, version + 1
            entries[slot] = self.entries[new] = f"[{held},0,{version + 1}]"
        return ",".join(entries)


__all__ = ["FORMAT", "VERSION", "Mutates", "json_chunks", "to_json"]
