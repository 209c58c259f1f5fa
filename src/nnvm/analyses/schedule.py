"""Orders in which a graph's operators can run: the file's, and depth first."""

from heapq import heappop, heappush

from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Node, analysis
from nnvm.ir.op import constant, input, variable

SOURCES = (input, constant, variable)


@analysis
def depth_first(graph: Graph) -> tuple[Node, ...]:
    """Return the computing nodes in the order of a walk from the outputs, inputs left to right."""
    return tuple(node for node in graph.nodes if node.op not in SOURCES)


@analysis
def file_order(graph: Graph) -> tuple[Node, ...]:
    """Return the computing nodes in the order of their `position` hints, as far as their inputs allow.

    A node without a position comes as early as the latest of its inputs.
    """
    ranks: dict[Node, tuple[float, int]] = {}
    waiting: dict[Node, int] = {}
    users: dict[Node, list[Node]] = {}
    ready: list[tuple[tuple[float, int], Node]] = []
    for i, node in enumerate(depth_first(graph)):
        before = {need for need in needs(node) if need.op not in SOURCES}
        position = node.hints.get("position")
        inherited = max((ranks[need][0] for need in before), default=-1.0)
        ranks[node] = (float(position) if isinstance(position, (int, float)) else inherited, i)
        waiting[node] = len(before)
        for need in before:
            users.setdefault(need, []).append(node)
        if not before:
            heappush(ready, (ranks[node], node))
    order = []
    while ready:
        _, node = heappop(ready)
        order.append(node)
        for user in users.get(node, ()):
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, (ranks[user], user))
    return tuple(order)


def needs(node: Node) -> list[Node]:
    """Return the nodes that must run before a node."""
    return [*(value.node for value in node.inputs if value is not ABSENT), *node.after]


def check_order(graph: Graph, order: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the order, or raise Error where it lacks a node, repeats one, or runs one before what it needs."""
    done: set[Node] = set()
    for node in order:
        if node in done:
            raise Error(f"the order runs {node!r} twice")
        late = next((need for need in needs(node) if need.op not in SOURCES and need not in done), None)
        if late is not None:
            raise Error(f"the order runs {node!r} before {late!r}, which it needs")
        done.add(node)
    missing = next((node for node in depth_first(graph) if node not in done), None)
    if missing is not None:
        raise Error(f"the order leaves out {missing!r}")
    return order
