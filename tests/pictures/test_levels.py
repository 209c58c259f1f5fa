"""Scopes opened."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pictures.graphs import chain, residual, scattered, scoped

from nnvm.pictures.diagram import diagram
from nnvm.pictures.levels import levels
from nnvm.pictures.scopes import scopes


def reached(graph):
    """Return the pairs of boxes that wires connect, as read off the levels: through exits, buses and entries."""
    drawn = diagram(graph)
    found = scopes(drawn)
    made = levels(drawn, found)
    home = {member: number for number, scope in enumerate(found) for member in scope.members}
    pairs = set()
    for box in range(len(drawn.boxes)):
        stack = [(home[box], made[home[box]].ports + found[home[box]].members.index(box))]
        seen = set()
        while stack:
            number, slot = stack.pop()
            if (number, slot) in seen:
                continue
            seen.add((number, slot))
            level, scope = made[number], found[number]
            for bus, near, doors in zip(level.buses, level.made.near, level.doors, strict=True):
                if bus.source != slot:
                    continue
                for target, door in zip(near, doors, strict=True):
                    if level.has_exit and target == level.ports + len(scope.members):
                        outer = scope.parent
                        stack.append((outer, made[outer].ports + found[outer].members.index(~number)))
                        continue
                    member = scope.members[target - level.ports]
                    if member >= 0:
                        pairs.add((box, member))
                    else:
                        assert 0 <= door < made[~member].ports
                        stack.append((~member, door))
    return drawn, pairs


def test_the_whole_of_a_flat_graph_is_one_level():
    drawn, pairs = reached(residual())
    assert pairs == {(wire.source, wire.target) for wire in drawn.wires}


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_every_wire_can_be_followed(seed, size):
    drawn, pairs = reached(scattered(seed, size))
    assert pairs >= {(wire.source, wire.target) for wire in drawn.wires}


def test_wires_through_scopes():
    drawn, pairs = reached(scoped(3))
    assert pairs >= {(wire.source, wire.target) for wire in drawn.wires}


def test_what_is_drawn_at_once_stays_bounded():
    graph = chain(10_000)
    drawn = diagram(graph)
    assert max(sum(map(len, level.made.rows)) for level in levels(drawn, scopes(drawn))) < 200
