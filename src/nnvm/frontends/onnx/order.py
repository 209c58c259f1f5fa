"""In which order the nodes of a file can be read, whatever order they stand in."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from nnvm.errors import Error

Record = tuple[tuple[str, ...], tuple[str, ...], Any]
"""The names of a node's inputs and outputs, and the node."""
Captured = Mapping[int, tuple[str, ...]]
"""What the sub-graphs of some nodes take from around them."""


def in_order(
    records: Sequence[Record], captured: Captured, known: Collection[str], wanted: Sequence[str]
) -> Sequence[int]:
    """Return the numbers of the nodes, each after those it needs, in the file's order where that holds.

    `captured` are names that the sub-graphs of a node need, `known` those that need no node. Raises Error naming what
    nobody defines, what is defined twice, or the nodes on a cycle.
    """
    defined = {"", *known}
    sorted_already = True
    for i, (inputs, outputs, _) in enumerate(records):
        if sorted_already:
            sorted_already = defined.issuperset(inputs) and (i not in captured or defined.issuperset(captured[i]))
        for name in outputs:
            if name in defined and name:
                raise Error(
                    f"{name!r} is defined twice, the second time by node {i} ({records[i][2].op_type}); rename one"
                )
            defined.add(name)
    if set(map(type, defined)) != {str}:
        raise Error("the name of a value is no UTF-8 text; export the file again")
    if sorted_already and defined.issuperset(wanted):
        return range(len(records))
    _check_defined(records, captured, defined, wanted)
    return _sort(records, captured, set(known))


def _check_defined(records: Sequence[Record], captured: Captured, defined: set[str], wanted: Sequence[str]) -> None:
    missing: dict[str, str] = {}
    for i, (inputs, _, node) in enumerate(records):
        for name in (*inputs, *captured.get(i, ())):
            if name and name not in defined:
                missing.setdefault(name, f"{name!r}, which node {i} ({node.op_type} {node.name!r}) takes")
    for name in wanted:
        if name not in defined:
            missing.setdefault(name, f"{name!r}, an output of the graph")
    if missing:
        listed = "; nor ".join(list(missing.values())[:8])
        raise Error(f"nobody defines {listed}; the file is incomplete, export it again")


def _sort(records: Sequence[Record], captured: Captured, known: set[str]) -> Sequence[int]:
    makers = {name: i for i, (_, outputs, _) in enumerate(records) for name in outputs if name}
    needs = [
        {makers[name] for name in (*inputs, *captured.get(i, ())) if name in makers and name not in known}
        for i, (inputs, _, _) in enumerate(records)
    ]
    users: list[list[int]] = [[] for _ in records]
    for i, needed in enumerate(needs):
        for maker in needed:
            users[maker].append(i)
    waiting = [len(needed) for needed in needs]
    ready = deque(i for i, count in enumerate(waiting) if not count)
    order: list[int] = []
    while ready:
        i = ready.popleft()
        order.append(i)
        for user in users[i]:
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    if len(order) < len(records):
        raise Error(_describe_cycle(records, needs, waiting))
    return order


def _describe_cycle(records: Sequence[Record], needs: Sequence[set[int]], waiting: Sequence[int]) -> str:
    """Follow needs from any node that was never ready; whoever is met twice is on a cycle."""
    here = next(i for i, count in enumerate(waiting) if count)
    path: list[int] = []
    met: dict[int, int] = {}
    while here not in met:
        met[here] = len(path)
        path.append(here)
        here = min(i for i in needs[here] if waiting[i])
    cycle = path[met[here] :]
    shown = [f"{records[i][2].op_type} {records[i][1][0]!r}" for i in cycle[:8]]
    more = f", and {len(cycle) - 8} more" if len(cycle) > 8 else ""
    return f"{len(cycle)} nodes wait for one another: {', '.join(shown)}{more}; break the cycle"
