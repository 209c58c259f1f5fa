"""Orders in which a graph's operators can run: the file's, depth first, and the one planned to hold few bytes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Final

from nnvm.analyses.ordering import Order, Problem, Step, Tensor
from nnvm.analyses.ordering import order as best_order
from nnvm.attrs import elementwise, view
from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Node, TensorType, Value, analysis
from nnvm.ir.dims import UNKNOWN, names, substitute
from nnvm.ir.op import constant, input, variable
from nnvm.ir.types import product

SOURCES = (input, constant, variable)

SAMPLE: Final = 64
"""What an open dimension is taken for where nobody says."""

EFFORT: Final = 200_000
"""Transitions that `schedule` may take: a few tenths of a second where a graph is hard, none where a walk will do."""


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


@analysis
def schedule(graph: Graph) -> tuple[Node, ...]:
    """Return the computing nodes in an order that holds few bytes at once, never more than the file's order does.

    Sizes are taken with open dimensions at 64; what is elementwise may write over an input of its type; inputs,
    outputs, constants and variables lie elsewhere.
    """
    return plan_order(graph)[0]


def plan_order(
    graph: Graph,
    *,
    size: Callable[[Value], int] | None = None,
    inplace: Callable[[Node], Iterable[Value]] | None = None,
    workspace: Callable[[Node], int] = lambda node: 0,
    reads: Callable[[Node], Iterable[Value]] | None = None,
    is_view: Callable[[Node], bool] = lambda node: node.op in view,
    io: str = "external",
    effort: int = EFFORT,
) -> tuple[tuple[Node, ...], Order]:
    """Return an order of the computing nodes that holds few bytes, and what is known of it: peak, bound, status.

    What a backend knows is handed in: the bytes a value takes in the arena (0 outside), the inputs that output 0 may
    overwrite, the bytes of the arena that a node works in, the values it reads, whether it only looks at the bytes of
    its first input. `io="arena"` counts inputs and outputs.
    """
    given = file_order(graph)
    problem = ordering_problem(
        graph,
        given,
        size=size or bytes_of,
        inplace=inplace or overwritable,
        workspace=workspace,
        reads=reads or _inputs,
        is_view=is_view,
        io=io,
    )
    found = best_order(problem, effort=effort)
    return tuple(given[step] for step in found.order), found


def ordering_problem(
    graph: Graph,
    order: Sequence[Node],
    *,
    size: Callable[[Value], int],
    inplace: Callable[[Node], Iterable[Value]],
    workspace: Callable[[Node], int],
    reads: Callable[[Node], Iterable[Value]],
    is_view: Callable[[Node], bool],
    io: str = "external",
) -> Problem:
    """Return the nodes, in this order, as steps, and what they make as tensors; views share what they show."""
    number = {node: i for i, node in enumerate(order)}
    outside = set() if io == "arena" else {value for value in graph.outputs if value.node in number}
    content: dict[Value, Value] = {}
    sizes: dict[Value, int] = {value: size(value) for value in graph.inputs} if io == "arena" else {}
    readers: dict[Value, list[int]] = {value: [] for value in sizes}
    writers: dict[Value, list[int]] = {}
    for i, node in enumerate(order):
        shows = is_view(node) and node.outputs[0] not in outside
        if shows:
            content[node.outputs[0]] = content.get(node.inputs[0], node.inputs[0])
            continue
        for value in reads(node):
            if content.get(value, value) in sizes:
                readers[content.get(value, value)].append(i)
        for value in node.outputs:
            if value not in outside:
                sizes[value], readers[value], writers[value] = size(value), [], [i]
    kept = {content.get(value, value) for value in graph.outputs if value not in outside}
    index = {value: t for t, value in enumerate(sizes)}
    tensors = [
        Tensor(sizes[value], writers.get(value, ()), readers[value], given=value not in writers, kept=value in kept)
        for value in sizes
    ]
    steps = []
    for node in order:
        over = []
        if node.outputs and sizes.get(node.outputs[0]):
            found = (content.get(value, value) for value in inplace(node))
            same = (value for value in found if sizes.get(value) == sizes[node.outputs[0]])
            over = [index[value] for value in dict.fromkeys(same)]
        pairs = [(index[node.outputs[0]], over)] if over else []
        before = (number[need] for need in needs(node) if need in number)
        steps.append(Step(before, workspace=workspace(node), inplace=pairs))
    return Problem(steps, tensors)


def bytes_of(value: Value, binding: Mapping[str, int] | None = None) -> int:
    """Return the bytes of a value, open dimensions at a binding or at 64; 0 where the type does not tell."""
    type = value.type
    if not isinstance(type, TensorType) or type.shape_or_none is None or UNKNOWN in type.shape:
        return 0
    open_names = dict.fromkeys(name for each in type.shape for name in names(each))
    at = {name: SAMPLE if binding is None else binding.get(name, SAMPLE) for name in open_names}
    try:
        count = product([substitute(each, at) for each in type.shape])
    except ZeroDivisionError:
        return 0
    return max(count, 0) * max(type.dtype.bits // 8, 1) if isinstance(count, int) else 0


def overwritable(node: Node) -> list[Value]:
    """Return the inputs that output 0 of an elementwise node may overwrite: those of its type."""
    if node.op not in elementwise:
        return []
    return [value for value in node.inputs if value is not ABSENT and value.type is node.outputs[0].type]


def _inputs(node: Node) -> list[Value]:
    return [value for value in node.inputs if value is not ABSENT]


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
