"""In which order nodes are written: as they stood in the file, new ones right after what they need."""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from nnvm.errors import Error
from nnvm.frontends.onnx.records import POSITION
from nnvm.ir import ABSENT, Graph, Node


def arranged(graph: Graph) -> Sequence[Node]:
    """Return all nodes, each after what it needs, by position in the file first and by postorder second."""
    nodes = graph.nodes
    keys: dict[Node, int] = {ABSENT.node: -1}
    for node in nodes:
        position = node.hints.get(POSITION) if node.hints else None
        if isinstance(position, int):
            keys[node] = position
        else:
            keys[node] = max([keys[value.node] for value in node.inputs], default=-1)
    order = sorted(range(len(nodes)), key=lambda i: (keys[nodes[i]], i))
    arranged = [nodes[i] for i in order]
    return arranged if _holds(arranged) else _sort(nodes, keys)


def _needs(node: Node) -> set[Node]:
    return {value.node for value in node.inputs if value is not ABSENT}.union(node.after)


def _holds(nodes: Sequence[Node]) -> bool:
    seen = {ABSENT.node}
    for node in nodes:
        if not all([value.node in seen for value in node.inputs]) or not seen.issuperset(node.after):
            return False
        seen.add(node)
    return True


def _sort(nodes: Sequence[Node], keys: dict[Node, int]) -> Sequence[Node]:
    numbers = {node: i for i, node in enumerate(nodes)}
    users: list[list[int]] = [[] for _ in nodes]
    waiting = []
    for i, node in enumerate(nodes):
        needed = _needs(node)
        waiting.append(len(needed))
        for other in needed:
            users[numbers[other]].append(i)
    ready = [(keys[nodes[i]], i) for i, count in enumerate(waiting) if not count]
    heapify(ready)
    order = []
    while ready:
        _, i = heappop(ready)
        order.append(nodes[i])
        for user in users[i]:
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, (keys[nodes[user]], user))
    if len(order) < len(nodes):
        stuck = nodes[next(i for i, count in enumerate(waiting) if count)]
        raise Error(f"{len(nodes) - len(order)} nodes wait for one another, {stuck!r} among them; break the cycle")
    return order
