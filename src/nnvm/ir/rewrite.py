"""How a graph is changed: visit each node after its inputs, and share whatever stays the same."""

from collections.abc import Callable, Sequence
from typing import Any

from nnvm.errors import Error
from nnvm.ir.graph import Graph, collection_paused
from nnvm.ir.node import ABSENT, HINTLESS, Node, Value, make
from nnvm.ir.provenance import RECORDING, current_history, moved
from nnvm.ir.scope import unscoped


def rewrite(graph: Graph, visit: Callable[..., "Value | Sequence[Value] | None"], *, origins: bool = False) -> Graph:
    """Visit each node, already on its new inputs, and put what `visit` returns in its place (None keeps it).

    A replacement that is new takes over the node's name, control edges and hints; a node with control edges that an old
    replacement cannot take over stays. Where nothing changes the same graph is returned. With `origins`,
    `visit(node, origin)` also sees the node of the old graph.
    """
    changed: dict[Value, Value] = {}
    moved: dict[Node, tuple[Node, ...]] = {}
    adopted: dict[Value, Value] = {}
    settled: set[Node] | None = None
    nodes = graph.nodes
    history = current_history()
    ordered = any(node.after for node in nodes)
    with collection_paused(), unscoped():
        for origin in nodes:
            node = origin
            if changed and (
                not changed.keys().isdisjoint(node.inputs) or (ordered and not moved.keys().isdisjoint(node.after))
            ):
                after = _follow(node.after, moved) if ordered else ()
                node = rebuild(node, tuple([changed.get(value, value) for value in node.inputs]), after)
                if settled is not None:
                    settled.add(node)
            found = visit(node, origin) if origins else visit(node)
            if found is not None:
                settled = set(nodes) if settled is None else settled
                replacement = (found,) if isinstance(found, Value) else tuple(found)
                if len(replacement) != len(origin.outputs):
                    raise Error(
                        f"{node!r} has {len(origin.outputs)} outputs and was replaced by {len(replacement)} values"
                    )
                replacement = tuple([adopted.get(value, value) for value in replacement])
                if loses_order(node, replacement, settled):
                    replacement = node.outputs
                else:
                    made, replacement = replacement, adopt(replacement, node, settled)
                    if made and made[0] is not replacement[0]:  # all outputs, for a later node may be another of them
                        adopted.update(zip(made[0].node.outputs, replacement[0].node.outputs, strict=True))
                if history is not None:
                    history.replaced((node,), replacement, settled)
                settled.update([value.node for value in replacement])
            elif node is origin:
                continue
            else:
                replacement = node.outputs
            for old, new in zip(origin.outputs, replacement, strict=True):
                if old is not new:
                    changed[old] = new
            if ordered:
                moved[origin] = tuple(dict.fromkeys(value.node for value in replacement))
        if not changed:
            return graph
        outputs = [changed.get(value, value) for value in graph.outputs]
        inputs = [changed.get(value, value) for value in graph.inputs]
        return graph.replace(outputs=outputs, inputs=inputs)


def _follow(after: tuple[Node, ...], moved: dict[Node, tuple[Node, ...]]) -> tuple[Node, ...]:
    return tuple(dict.fromkeys(new for old in after for new in moved.get(old, (old,)))) if after else ()


def rebuild(node: Node, inputs: tuple[Value, ...], after: tuple[Node, ...] | None = None) -> Node:
    """Return the node on other inputs; its types are kept where the inputs' types are, else inferred again.

    What is inferred refines what was known: an output that inference leaves untyped keeps its type.
    """
    kept = node.after if after is None else after
    old = node.inputs
    retype = False
    for i, value in enumerate(inputs):
        if value.type is not old[i].type:
            retype = not node.op.foreign
            break
    if not retype and len(node.outputs) == 1:
        made = make(node.op, inputs, node.params, node.outputs[0].type, node.name, kept, node.hints).node
    else:
        types = node.types
        if retype:
            inferred = node.op.infer(inputs, node.params, node.name)
            if len(inferred) == len(types):
                types = tuple([was if now is None else now for now, was in zip(inferred, types, strict=True)])
        made = Node(node.op, inputs, node.params, types, node.name, kept, node.hints)
    if RECORDING:
        moved(node, made)
    return made


def loses_order(node: Node, replacement: Sequence[Value], settled: set[Node]) -> bool:
    """Say whether a node's control edges would be lost: what stands in its place is old, and does not have them."""
    if not node.after or all(value.node is node for value in replacement):
        return False
    ends = {value.node for value in replacement}
    return (len(ends) > 1 or not settled.isdisjoint(ends)) and any(not set(node.after) <= {*end.after} for end in ends)


def adopt(replacement: Sequence[Value], node: Node, settled: set[Node]) -> tuple[Value, ...]:
    """Give a node's name, control edges and hints to the new node of its replacement; an old node stays as it is."""
    made = replacement[0].node
    if made in settled or made is node or made is ABSENT.node or any(value.node is not made for value in replacement):
        return tuple(replacement)
    if not node.after and not node.hints and (made.name is not None or node.name is None):
        return tuple(replacement)
    changes: dict[str, Any] = {"name": made.name or node.name}
    changes["after"] = tuple(dict.fromkeys((*made.after, *node.after)))
    if node.hints:
        changes["hints"] = {**node.hints, **made.hints} if made.hints is not HINTLESS else node.hints
    named = made.replace(**changes)
    return tuple(named.outputs[value.index] for value in replacement)
