"""How a smaller graph is cut out of a graph: nodes kept, values and fields replaced, sizes narrowed."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from nnvm.errors import Error
from nnvm.ir import (
    Graph,
    Node,
    TensorData,
    TensorType,
    Value,
    constant,
    contents,
    input,
    named_input,
    params,
    tensor_data,
    variable,
)
from nnvm.ir.dims import Size
from nnvm.ir.node import ABSENT
from nnvm.ir.types import Type

SOURCES: Final = (input, variable, constant)
"""Operators that compute nothing: what a graph is made of in the end."""
NOTHING: Final[Mapping[Any, Any]] = {}
_LISTED: Final = 16


def all_nodes(graph: Graph) -> Iterable[Node]:
    """Return the nodes of a graph and the inputs that none of them reads."""
    return dict.fromkeys((*graph.nodes, *(value.node for value in graph.inputs)))


class Names:
    """Gives names that no node of a graph has."""

    __slots__ = ("taken",)

    def __init__(self, taken: Iterable[str | None]) -> None:
        self.taken: Final = set(taken)

    def fresh(self, wanted: str) -> str:
        """Return the name wanted where it is free, else one like it."""
        name, number = wanted, 0
        while name in self.taken:
            number += 1
            name = f"{wanted}_{number}"
        self.taken.add(name)
        return name


def extract(graph: Graph, keep: Container[Node], *, exposed: bool = False) -> Graph:
    """Return the graph of the operators in `keep` alone: what they read of others becomes inputs, their ends outputs.

    Outputs are those of the graph that are kept, and what no kept node reads; with `exposed` also what a node that is
    not kept reads. Raises Error where there is nothing to give, or an input would have no type.
    """
    cut = _Cut(graph, keep)
    for node in graph.nodes:
        if node in keep and node.op not in SOURCES:
            cut.copy(node)
    outputs: dict[Value, str] = {}
    taken = Names(())
    for name, value in zip(graph.output_names, graph.outputs, strict=True):
        if value in cut.now and value.node.op not in SOURCES:
            outputs.setdefault(value, taken.fresh(name))
    read = {value for node in cut.moved for value in node.inputs} | set(outputs)
    waited = {early for node in cut.moved for early in node.after}
    lost = {value for node in graph.nodes if node not in cut.moved for value in node.inputs} if exposed else ()
    for node in cut.moved:
        is_end = node not in waited and read.isdisjoint(node.outputs)
        for value in node.outputs:
            if value not in outputs and (is_end or value in lost):
                outputs[value] = taken.fresh(value.name)
    if not outputs:
        raise Error("nothing is left to give")
    return Graph(
        [cut.now[value] for value in outputs],
        [*graph.inputs, *cut.inputs],
        output_names=outputs.values(),
        name=graph.name,
        hints=graph.hints,
    )


class _Cut:
    """Copies nodes one after another; what they read of nodes that were not copied becomes an input."""

    def __init__(self, graph: Graph, keep: Container[Node]) -> None:
        self.now: dict[Value, Value] = {ABSENT: ABSENT}
        self.moved: dict[Node, Node] = {}
        self.inputs: list[Value] = []
        nodes = all_nodes(graph)
        self.names = Names(node.name for node in nodes if node in keep or node.op in SOURCES)

    def copy(self, node: Node) -> None:
        inputs = tuple(map(self.value, node.inputs))
        after = tuple([self.moved[early] for early in node.after if early in self.moved])
        made = node
        if inputs != node.inputs or after != node.after:
            made = node.replace(inputs=inputs, after=after)
        self.moved[node] = made
        self.now.update(zip(node.outputs, made.outputs, strict=True))

    def value(self, old: Value) -> Value:
        found = self.now.get(old)
        if found is None:
            found = self.now[old] = old if old.node.op in SOURCES else self.stand_in(old)
        return found

    def stand_in(self, old: Value) -> Value:
        """Return what stands for a value that is not computed any more: what it is known to hold, or a new input."""
        type = old.type
        if type is None:
            raise Error(f"{old!r} has no type, so no input can stand for it")
        known = contents(old)
        if known is not None and isinstance(type, TensorType) and all(isinstance(each, int) for each in known):
            return constant(data=tensor_data(list(known), type))
        value = named_input(self.names.fresh(old.name), type)
        self.inputs.append(value)
        return value


def revise(
    graph: Graph, now: Mapping[Value, Value] = NOTHING, fields: Mapping[Node, Mapping[str, Any]] = NOTHING
) -> Graph:
    """Return the graph with values in the place of others, and with other fields of nodes; what is unused is left out.

    Types are inferred again below what changed its type, its params or its inputs. Raises Error where that fails, or
    where a type would be lost.
    """
    made: dict[Value, Value] = {}
    moved: dict[Node, Node] = {}

    def put(value: Value) -> Value:
        while value in now:
            value = now[value]
        return made.get(value, value)

    for node in all_nodes(graph):
        change = fields.get(node, NOTHING)
        inputs = tuple([put(value) for value in change.get("inputs", node.inputs)])
        waited = [
            early for early in change.get("after", node.after) if not all(value in now for value in early.outputs)
        ]
        after = tuple(dict.fromkeys([moved.get(early, early) for early in waited]))
        if not change and inputs == node.inputs and after == node.after:
            continue
        new = moved[node] = _remake(node, {**change, "inputs": inputs, "after": after})
        made.update(zip(node.outputs, new.outputs, strict=True))
    return _with_inputs(graph.replace(outputs=map(put, graph.outputs), inputs=_listed(graph, put, now)))


def _listed(graph: Graph, put: Callable[[Value], Value], now: Mapping[Value, Value]) -> list[Value]:
    return [put(value) for value in graph.inputs if value not in now]


def _with_inputs(graph: Graph) -> Graph:
    """Return the graph with every input that it reads in its list."""
    listed = set(graph.inputs)
    lacking = [node.outputs[0] for node in graph.nodes if node.op is input and node.outputs[0] not in listed]
    return graph.replace(inputs=[*graph.inputs, *lacking]) if lacking else graph


def _remake(node: Node, fields: Mapping[str, Any]) -> Node:
    new = node.replace(**fields)
    same_inputs = [value.type for value in new.inputs] == [value.type for value in node.inputs]
    if "types" in fields or (same_inputs and new.params is node.params):
        return new
    if node.op.foreign:
        raise Error(f"{node!r} is carried, so that nobody knows its type on other inputs")
    types = new.op.infer(new.inputs, new.params, new.name)
    if len(types) != len(node.types) or any(now is None for now in types):
        raise Error(f"{node!r} would lose its type")
    return new if types == node.types else new.replace(types=types)


def resized(source: Node, shape: tuple[Size, ...]) -> Mapping[str, Any]:
    """Return the fields of an input, a variable or a constant of another shape; a constant is cropped.

    Raises Error where its elements are no whole bytes.
    """
    type = source.outputs[0].type
    assert isinstance(type, TensorType)
    new = type[shape]
    changes: dict[str, Any] = {name: new for name in ("type",) if source.params.get(name) is not None}
    for name in ("data", "init"):
        data = source.params.get(name)
        if data is not None:
            changes[name] = cropped(data, new)
    return {"params": params({**source.params, **changes}), "types": (new,)}


def cropped(data: TensorData, type: TensorType) -> TensorData:
    """Return the leading elements of a constant, as many on each axis as the type has."""
    if data.repeats:
        return TensorData(type, data.source, repeats=True)
    if isinstance(data.source, tuple) or data.dtype.bits % 8:
        raise Error(f"{data!r} cannot be cropped: its elements are no whole bytes")
    array = np.frombuffer(data.read(), f"V{data.dtype.bits // 8}").reshape(data.shape)
    place = tuple(slice(size) for size in type.shape)
    return TensorData(type, np.ascontiguousarray(array[place]).tobytes())


def refilled(data: TensorData, old: int, new: int) -> TensorData | None:
    """Return a small constant of whole numbers with one of them exchanged, as shapes need; None where it has none."""
    if not data.dtype.is_integer or data.size > _LISTED or len(data.shape) > 1 or data.dtype.bits < 8:
        return None
    elements = data.values()
    return tensor_data([new if each == old else each for each in elements], data.tensor) if old in elements else None


def filled(type: Type | None, number: int) -> Value | None:
    """Return a constant of a type that is one number throughout; None where the type has open sizes or no numbers."""
    if not isinstance(type, TensorType) or type.shape_or_none is None:
        return None
    if not all(isinstance(size, int) for size in type.shape):
        return None
    try:
        return constant(data=tensor_data(bool(number) if type.dtype.kind == "bool" else number, type))
    except Error:
        return None


def sources(graph: Graph) -> Iterator[Node]:
    """Yield the inputs, variables and constants of a graph whose shapes are known."""
    for node in all_nodes(graph):
        type = node.types[0] if node.op in SOURCES else None
        if isinstance(type, TensorType) and type.shape_or_none is not None:
            yield node
