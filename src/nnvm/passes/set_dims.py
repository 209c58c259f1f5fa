"""How named dimensions get numbers, in every type at once."""

from collections.abc import Mapping

from nnvm import ir
from nnvm.errors import Error
from nnvm.ir import ContainerType, Dim, Graph, Node, Value, input, params, variable
from nnvm.ir.dims import names
from nnvm.ir.types import Type


def set_dims(graph: Graph, binding: Mapping[str, int]) -> Graph:
    """Put numbers for named dimensions in all types, and infer nothing; raise Error for a name that the graph lacks."""
    there = dim_names(graph)
    unknown = sorted(binding.keys() - set(there))
    if unknown:
        raise Error(
            f"no dimension is called {', '.join(unknown)}; the graph has {', '.join(there) or 'no named dimension'}"
        )
    negative = sorted(name for name, size in binding.items() if size < 0)
    if negative:
        raise Error(f"a dimension is not negative: {', '.join(f'{name}={binding[name]}' for name in negative)}")
    if not binding:
        return graph
    return _Substitution(binding).graph(graph)


def dim_names(graph: Graph) -> tuple[str, ...]:
    """Return the names of dimensions in all types of a graph, sorted."""
    seen: set[Type] = set()
    found: set[str] = set()
    for node in (*graph.nodes, *(value.node for value in graph.inputs)):
        seen.update(type for type in node.types if type is not None)
    for type in seen:
        found.update(_names(type))
    return tuple(sorted(found))


def _names(type: Type | None) -> set[str]:
    while isinstance(type, ContainerType):
        type = type.element
    if type is None or type.shape_or_none is None:
        return set()
    return {name for size in type.shape_or_none if isinstance(size, Dim) for name in names(size)}


class _Substitution:
    def __init__(self, binding: Mapping[str, int]) -> None:
        self.binding = binding
        self.types: dict[Type | None, Type | None] = {None: None}

    def type(self, old: Type | None) -> Type | None:
        if old not in self.types:
            self.types[old] = ir.set_dims(old, self.binding)
        return self.types[old]

    def graph(self, graph: Graph) -> Graph:
        now: dict[Value, Value] = {}
        made: dict[Node, Node] = {}
        for node in (*graph.nodes, *(value.node for value in graph.inputs)):
            if node in made:
                continue
            made[node] = new = self.node(node, now, made)
            if new is not node:
                now.update(zip(node.outputs, new.outputs, strict=True))
        if not now:
            return graph
        outputs = [now.get(value, value) for value in graph.outputs]
        return graph.replace(outputs=outputs, inputs=[now.get(value, value) for value in graph.inputs])

    def node(self, node: Node, now: Mapping[Value, Value], made: Mapping[Node, Node]) -> Node:
        types = tuple(map(self.type, node.types))
        inputs = tuple([now.get(value, value) for value in node.inputs])
        after = tuple([made[other] for other in node.after])
        if types == node.types and inputs == node.inputs and after == node.after:
            return node
        values = node.params
        if node.op in (input, variable) and values["type"] is not None:
            values = params({**values, "type": self.type(values["type"])})
        return node.replace(inputs=inputs, types=types, after=after, params=values)
