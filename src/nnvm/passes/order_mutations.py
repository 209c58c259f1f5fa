"""How a write to a state is made to wait for all who read what it overwrites (NNVM's OrderMutation)."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from nnvm.analyses.state import overwritten
from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Node, Value, collection_paused, rebuild
from nnvm.ops import copy
from nnvm.passes.cse import DEVICE

Waits = Mapping[Node, Mapping[Node, Value]]
"""From a node that writes to those it has to wait for, each with the state that it reads."""


def order_mutations(graph: Graph) -> Graph:
    """Add a control edge to each write from every read of the state that it overwrites.

    A read of a new state needs none: it has the write's output for an input. An output of the graph that is overwritten
    is read into a copy. Raises Error for a target that is no state, for two writes to one state, and for a read that
    cannot come before the write.
    """
    written = overwritten(graph)
    if not written:
        return graph
    with collection_paused():
        graph = _read_outputs(graph, written)
        waits = _waits(graph, written)
        order = _order(graph, waits)
        return _with_edges(graph, order, waits)


def _read_outputs(graph: Graph, written: Mapping[Value, Node]) -> Graph:
    """Read wanted states that are overwritten: a write can wait for a node, and not for the end of the run."""
    reads = {value: _read(value) for value in dict.fromkeys(graph.outputs) if value in written}
    return graph.replace(outputs=[reads.get(value, value) for value in graph.outputs]) if reads else graph


def _read(state: Value) -> Value:
    device = state.node.hints.get(DEVICE)
    read: Value = copy(state)
    return read if device is None else read.node.replace(hints={DEVICE: device}).outputs[0]


def _waits(graph: Graph, written: Mapping[Value, Node]) -> Waits:
    found: dict[Node, dict[Node, Value]] = {}
    for node in graph.nodes:
        for value in node.inputs:
            writer = written.get(value)
            if writer is not None and writer is not node:
                found.setdefault(writer, {}).setdefault(node, value)
    return found


def _before(node: Node, waits: Waits) -> Iterator[Node]:
    yield from (value.node for value in node.inputs if value is not ABSENT)
    yield from node.after
    yield from waits.get(node, ())


def _order(graph: Graph, waits: Waits) -> Sequence[Node]:
    """Return the nodes, each after what it needs and what it waits for; raise Error where they go round."""
    missing: dict[Node, int] = {}
    users: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        needs = dict.fromkeys(_before(node, waits))
        missing[node] = len(needs)
        for need in needs:
            users.setdefault(need, []).append(node)
    ready = deque(node for node in graph.nodes if not missing[node])
    order = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for user in users.get(node, ()):
            missing[user] -= 1
            if not missing[user]:
                ready.append(user)
    if len(order) < len(graph.nodes):
        raise Error(_complain(_circle(graph, waits, set(order)), waits))
    return order


def _circle(graph: Graph, waits: Waits, done: set[Node]) -> Sequence[Node]:
    """Return nodes of which each waits for the next, and the last for the first."""
    here = next(node for node in graph.nodes if node not in done)
    met: dict[Node, int] = {}
    while here not in met:
        met[here] = len(met)
        here = next(node for node in _before(here, waits) if node not in done)
    return list(met)[met[here] :]


def _complain(circle: Sequence[Node], waits: Waits) -> str:
    pairs = zip(circle, (*circle[1:], circle[0]), strict=True)
    clashes = [(writer, node, waits[writer][node]) for writer, node in pairs if node in waits.get(writer, ())]
    if len(clashes) == 1:
        ((writer, reader, state),) = clashes
        return (
            f"{reader!r} reads {state!r} too late: {writer!r} overwrites it, and {reader.op.name} comes after that; "
            f"read the new state there, or a copy of the old one"
        )
    told = "; ".join(f"{writer!r} overwrites {state!r}, which {reader!r} reads" for writer, reader, state in clashes)
    return f"writes wait for one another: {told}; copy one of the states first"


def _with_edges(graph: Graph, order: Sequence[Node], waits: Waits) -> Graph:
    now: dict[Value, Value] = {}
    made: dict[Node, Node] = {}
    for node in order:
        before = (*node.after, *waits[node]) if node in waits else node.after
        after = tuple(dict.fromkeys([made.get(other, other) for other in before])) if before else ()
        inputs = tuple([now.get(value, value) for value in node.inputs])
        if after == node.after and inputs == node.inputs:
            continue
        made[node] = new = rebuild(node, inputs, after)
        now.update(zip(node.outputs, new.outputs, strict=True))
    if not now:
        return graph
    outputs = [now.get(value, value) for value in graph.outputs]
    return graph.replace(outputs=outputs, inputs=[now.get(value, value) for value in graph.inputs])
