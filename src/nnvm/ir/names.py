"""How nodes of one graph get names of their own."""

from collections.abc import Iterator

from nnvm.ir.graph import Graph, refuse_twins
from nnvm.ir.node import Node, Params, Value, params
from nnvm.ir.op import input, variable
from nnvm.ir.rewrite import rewrite
from nnvm.ir.scope import unscoped


def unique_names(graph: Graph) -> Graph:
    """Return the graph in which no two nodes share a name: a later one gets the first number that is free, `conv_1`.

    Graphs among the params are treated too, each for itself. Inputs and variables keep their names, which callers use:
    raises Error, naming both, where two of them share one.
    """
    done: dict[Graph, Graph] = {}
    with unscoped():
        for each in _nested(graph):
            done[each] = _unique(each, done)
    return done[graph]


def _nested(graph: Graph) -> list[Graph]:
    """Return a graph and those among its params, each after what it holds."""
    order: list[Graph] = []
    seen = {graph}
    path = [(graph, _held(graph))]
    while path:
        here, waiting = path[-1]
        inner = next((each for each in waiting if each not in seen), None)
        if inner is None:
            order.append(here)
            path.pop()
        else:
            seen.add(inner)
            path.append((inner, _held(inner)))
    return order


def _held(graph: Graph) -> Iterator[Graph]:
    return (param for node in graph.nodes for param in node.params.values() if isinstance(param, Graph))


def _unique(graph: Graph, done: dict[Graph, Graph]) -> Graph:
    fixed = dict.fromkeys([*(value.node for value in graph.inputs), *filter(_is_place, graph.nodes)])
    refuse_twins(graph.name, fixed)
    taken = {node.name for node in (*fixed, *graph.nodes)}
    met = {node.name for node in fixed}
    counts: dict[str, int] = {}

    def visit(node: Node, origin: Node) -> tuple[Value, ...] | None:
        changes: dict[str, object] = {}
        if node.name is not None and origin not in fixed:
            if node.name in met:
                changes["name"] = _free(node.name, taken, counts)
            met.add(node.name)
        inner = {key: done[each] for key, each in node.params.items() if isinstance(each, Graph)}
        if any(new is not node.params[key] for key, new in inner.items()):
            changes["params"] = _with(node.params, inner)
        return node.replace(**changes).outputs if changes else None

    return rewrite(graph, visit, origins=True)


def _with(old: Params, new: dict[str, Graph]) -> Params:
    return params({**old, **new})


def _is_place(node: Node) -> bool:
    return node.op is input or node.op is variable


def _free(name: str, taken: set[str | None], counts: dict[str, int]) -> str:
    number, found = counts.get(name, 0), name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    counts[name] = number
    taken.add(found)
    return found


__all__ = ["unique_names"]
