"""Which sums are computed by the kernel that computes one of their terms, on top of the other."""

from collections.abc import Mapping, Sequence

from nnvm.compile.backend import Call
from nnvm.ir import ABSENT, Graph, Node, Value
from nnvm.ops import add


def accumulated(
    graph: Graph, order: Sequence[Node], calls: Mapping[Node, Call]
) -> tuple[list[Node], dict[Node, Call], dict[Node, Node]]:
    """Return the order without the terms that their sums compute, the calls with theirs, and each term's sum.

    A term is computed by its sum where nothing else reads it, it has the sum's type, and its kernel can add; of two
    such terms the later one. What others run after, or runs on another device, stays as it is.
    """
    users = _users(graph, order)
    place = {node: i for i, node in enumerate(order)}
    awaited = {node for each in order for node in each.after}
    changed = dict(calls)
    sums: dict[Node, Node] = {}
    for node in order:
        if node.op is not add or node not in calls or calls[node].allocates:
            continue
        terms = sorted((i for i in (0, 1)), key=lambda i: -place.get(node.inputs[i].node, -1))
        for i in terms:
            term, rest = node.inputs[i], node.inputs[1 - i]
            own = calls.get(term.node)
            if own is None or own.adding is None or term.node in awaited or users.get(term) != 1:
                continue
            if term.type is not node.outputs[0].type or rest.type is not term.type or rest is term:
                continue
            if len(term.node.outputs) > 1 or term.node.hints.get("device") != node.hints.get("device"):
                continue
            if term.node in sums:
                continue
            changed[node] = own.adding(rest)
            sums[term.node] = node
            break
    return [node for node in order if node not in sums], changed, sums


def _users(graph: Graph, order: Sequence[Node]) -> dict[Value, int]:
    """Count who reads each value; the caller is one."""
    users: dict[Value, int] = {}
    for node in order:
        for value in node.inputs:
            if value is not ABSENT:
                users[value] = users.get(value, 0) + 1
    for value in graph.outputs:
        users[value] = users.get(value, 0) + 1
    return users
