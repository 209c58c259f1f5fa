"""How a graph is built into another, its inputs and variables becoming values, and how values inside are named."""

from collections.abc import Iterable, Mapping
from typing import Any

from nnvm.errors import Error
from nnvm.ir.graph import Graph, analysis, collection_paused
from nnvm.ir.node import Node, Value
from nnvm.ir.op import constant, input, variable
from nnvm.ir.rewrite import rebuild
from nnvm.ir.scope import OPEN, scoped
from nnvm.ir.signature import meant
from nnvm.ir.tensor_data import TensorData, tensor_data
from nnvm.ir.types import TensorType, same_type


def compose(graph: Graph, values: Mapping[str, Any] = {}, /, **more: Any) -> Graph:
    """Return the graph with values in place of inputs and variables of these names; its other inputs stay, in order.

    The inputs that the values are made of come after them. The graph itself stays as it is. Raises Error for a name
    that is unknown, for a value of another type, and where two inputs of the new graph would share a name.
    """
    given = _given(graph, {**values, **more})
    if not given:
        return graph
    outputs = _substituted(graph, given)
    kept = [value for value in graph.inputs if value not in given]
    known = set(kept)
    new = [node.outputs[0] for node in Graph(outputs, ()).nodes if node.op is input]
    return graph.replace(outputs=outputs, inputs=[*kept, *(value for value in new if value not in known)])


def inline(graph: Graph, args: Iterable[Any], values: Mapping[str, Any]) -> Value | tuple[Value, ...]:
    """Return a graph's outputs with values for its inputs, in order or by name: one value, or a tuple of several.

    Inputs that are not given stay. What depends on a given value is built anew, in the scopes that are open here; the
    rest is shared.
    """
    args = tuple(args)
    if len(args) > len(graph.inputs):
        raise Error(f"graph {graph.name} has {len(graph.inputs)} inputs, and {len(args)} values are given")
    given = {}
    for place, value in zip(graph.inputs, args, strict=False):
        if place.node.name in values:
            raise Error(f"graph {graph.name} is given {place.name} twice, in order and by name")
        given[place] = _value(graph, place, value)
    outputs = _substituted(graph, {**given, **_given(graph, values)})
    return outputs[0] if len(outputs) == 1 else outputs


@analysis
def places(graph: Graph) -> Mapping[str, Value]:
    """Return the inputs and variables of a graph by name; raise Error where two share one."""
    found: dict[str, Value] = {}
    own = [value.node for value in graph.inputs]
    for node in (*own, *(node for node in graph.nodes if node.op is input or node.op is variable)):
        if node.name is not None and found.setdefault(node.name, node.outputs[0]).node is not node:
            raise Error(f"graph {graph.name}: {found[node.name]!r} and another {node.op.name} share a name; rename one")
    return found


@analysis
def internals(graph: Graph) -> Mapping[str, tuple[Value, ...]]:
    """Return a graph's values by name: of its nodes, each output of several also as "name.0", and of its outputs.

    A name that stands for more than one value has them all.
    """
    found: dict[str, dict[Value, None]] = {}
    inputs = [value.node for value in graph.inputs]
    for node in dict.fromkeys([*inputs, *graph.nodes]):
        if node.name is None:
            continue
        shown = node.outputs[: node.op.visible_outputs(node.inputs, node.params)] if node.op.visible else node.outputs
        found.setdefault(node.name, {}).update(dict.fromkeys(shown))
        if len(node.outputs) > 1:
            for value in node.outputs:
                found.setdefault(value.name, {})[value] = None
    for name, value in zip(graph.output_names, graph.outputs, strict=True):
        found.setdefault(name, {})[value] = None
    return {name: tuple(values) for name, values in found.items()}


def internal(graph: Graph, name: str) -> Value:
    """Return the one value of a name; raise Error, with what it may have meant, where there is none, or several."""
    known = internals(graph)
    found = known.get(name, ())
    if len(found) == 1:
        return found[0]
    if not found:
        raise Error(f"graph {graph.name} has nothing called {name!r}{meant(name, known, 'its names are')}")
    if all(value.node is found[0].node for value in found):
        names = ", ".join(value.name for value in found)
        raise Error(f"{name!r} in graph {graph.name} has {len(found)} outputs: {names}; name one of them")
    nodes = " and ".join(repr(value.node) for value in found[:2])
    raise Error(f"{name!r} in graph {graph.name} is ambiguous: {nodes}; nnvm.unique_names renames nodes")


def _given(graph: Graph, values: Mapping[str, Any]) -> dict[Value, Value]:
    known = places(graph)
    for name in values:
        if name not in known:
            cure = meant(name, known, "its names are")
            raise Error(f"graph {graph.name} has no input or variable called {name!r}{cure}")
    return {known[name]: _value(graph, known[name], value) for name, value in values.items()}


def _value(graph: Graph, place: Value, given: Any) -> Value:
    """Return what is given for an input as a value, after a look at its type; a number takes the input's."""
    value = given if isinstance(given, Value) else constant(data=_data(graph, place, given))
    if same_type(place.type, value.type) is False:
        raise Error(f"graph {graph.name}: {place!r} cannot become {value!r}: the types differ")
    return value


def _data(graph: Graph, place: Value, given: Any) -> TensorData:
    try:
        if isinstance(given, TensorData):
            return given
        if isinstance(given, (bool, int, float)) and isinstance(place.type, TensorType):
            return tensor_data(given, place.type.dtype[()])
        return tensor_data(given)
    except Error as error:
        raise Error(f"graph {graph.name}: {place!r} becomes a value, a number or an array: {error}") from error


def _substituted(graph: Graph, given: Mapping[Value, Value]) -> tuple[Value, ...]:
    """Return the outputs after every use of the given values was rebuilt."""
    changed: dict[Value, Value] = dict(given)
    moved: dict[Node, Node] = {old.node: new.node for old, new in given.items()}
    with collection_paused():
        for node in graph.nodes:
            if node in moved or (changed.keys().isdisjoint(node.inputs) and moved.keys().isdisjoint(node.after)):
                continue
            after = tuple(dict.fromkeys([moved.get(other, other) for other in node.after]))
            new = rebuild(node, tuple([changed.get(value, value) for value in node.inputs]), after)
            if OPEN:
                name, hints = scoped(new.op, new.name, new.hints)
                new = new.replace(name=name, hints=hints)
            moved[node] = new
            changed.update(zip(node.outputs, new.outputs, strict=True))
    return tuple([changed.get(value, value) for value in graph.outputs])


__all__ = ["compose", "inline", "internal", "internals", "places"]
