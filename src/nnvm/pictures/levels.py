"""What a page needs to draw each scope: members in rows, wires, and ports for what crosses its border."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from nnvm.pictures.blocks import blocks
from nnvm.pictures.diagram import Diagram
from nnvm.pictures.layers import Bus, Layers, layers
from nnvm.pictures.scopes import Scope

_MOST_PORTS: Final = 24


class Level(NamedTuple):
    """One scope opened: slots are `ports` entries, then its members, then an exit if there is one, then bends.

    `doors[b]` says, for each near target of bus b, which entry of that target (a scope) it goes on through; -1: a box.
    """

    ports: int
    has_exit: bool
    made: Layers
    blocks: tuple[int, ...]
    buses: tuple[Bus, ...]
    doors: tuple[tuple[int, ...], ...]


Port = tuple[int, int, int]  # the scope in which a wire is on top, its source there, the source's output
_EXIT: Final = object()


def levels(drawn: Diagram, found: Sequence[Scope]) -> tuple[Level, ...]:
    """Return the level of each scope; a wire is drawn in every scope that it touches, through at most one exit each."""
    home = {member: number for number, scope in enumerate(found) for member in scope.members}
    paths = [_path(number, home, found) for number in range(len(drawn.boxes))]
    links: list[dict[tuple[object, int], dict[object, None]]] = [{} for _ in found]
    entries: list[dict[Port, int]] = [{} for _ in found]
    for wire in drawn.wires:
        above, below = paths[wire.source], paths[wire.target]
        top = 0
        while top + 1 < min(len(above), len(below)) and above[top + 1] == below[top + 1]:
            top += 1
        sources = [*(~scope for scope in above[1:]), wire.source]
        targets = [*(~scope for scope in below[1:]), wire.target]
        keys = [0 if source < 0 else -1 if wire.output is None else wire.output for source in sources]
        shared = above[top]
        links[shared].setdefault((sources[top], keys[top]), {})[targets[top]] = None
        for depth in range(top + 1, len(above)):
            links[above[depth]].setdefault((sources[depth], keys[depth]), {})[_EXIT] = None
        port: Port = (shared, sources[top], keys[top])
        for depth in range(top + 1, len(below)):
            known = entries[below[depth]]
            known.setdefault(port, min(len(known), _MOST_PORTS - 1))
            links[below[depth]].setdefault((port, -2 if wire.output is None else 0), {})[targets[depth]] = None
    return tuple(_level(number, scope, links[number], entries) for number, scope in enumerate(found))


def _path(box: int, home: dict[int, int], found: Sequence[Scope]) -> list[int]:
    """Return the scopes around a box, the whole first."""
    path = [home[box]]
    while path[-1]:
        path.append(found[path[-1]].parent)
    return path[::-1]


def _level(
    number: int,
    scope: Scope,
    links: dict[tuple[object, int], dict[object, None]],
    entries: Sequence[dict[Port, int]],
) -> Level:
    own = entries[number]
    ports = len(set(own.values()))
    local: dict[object, int] = {member: ports + i for i, member in enumerate(scope.members)}
    for port, place in own.items():
        local[port] = place
    has_exit = any(_EXIT in targets for targets in links.values())
    count = ports + len(scope.members)
    if has_exit:
        local[_EXIT] = count
        count += 1
    merged: dict[tuple[int, int], dict[int, int]] = {}
    for (source, key), targets in links.items():
        port = source if isinstance(source, tuple) else (number, source, key)
        reached = merged.setdefault((local[source], key), {})
        for target in targets:
            door = entries[~target].get(port, -1) if isinstance(target, int) and target < 0 else -1
            reached.setdefault(local[target], door)
    buses, doors = [], []
    for (start, key), reached in sorted(merged.items()):
        buses.append(Bus(start, key, tuple(sorted(reached))))
        doors.append(reached)
    made = layers(count, buses, top=range(ports), bottom=[count - 1] if has_exit else [])
    slots = sum(map(len, made.rows))
    near = tuple(tuple(reached[target] for target in close) for reached, close in zip(doors, made.near, strict=True))
    return Level(ports, has_exit, made, tuple(blocks(made, slots)), tuple(buses), near)
