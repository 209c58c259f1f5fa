"""Which boxes belong together."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pictures.graphs import add, chain, hostile, relu, scattered, scoped

from nnvm import Graph, f32
from nnvm.ir import named_input
from nnvm.pictures.diagram import diagram
from nnvm.pictures.scopes import scopes


def tree(graph):
    found = scopes(diagram(graph))
    return {number: (scope.label, scope.parent, scope.size) for number, scope in enumerate(found)}


def check(graph):
    drawn = diagram(graph)
    found = scopes(drawn)
    home = {member: number for number, scope in enumerate(found) for member in scope.members}
    assert sorted(home) == [*range(1 - len(found) - 1, -1), *range(len(drawn.boxes))]
    assert all(scope.parent < number for number, scope in enumerate(found) if number)
    assert all(home[~number] == scope.parent for number, scope in enumerate(found) if number)

    def path(member):
        way = [member]
        while way[-1] != -1:
            way.append(~home[way[-1]])
        return way[::-1]

    for wire in drawn.wires:
        source, target = path(wire.source), path(wire.target)
        top = next(i for i, (a, b) in enumerate(zip(source, target, strict=False)) if a != b)
        members = found[~source[top - 1]].members
        assert members.index(source[top]) < members.index(target[top])
    return found


def test_scopes_of_names():
    found = tree(scoped(2))
    assert found[0] == ("all", 0, 32)
    assert [label for label, _, _ in found.values()].count("block1") == 2
    assert ("encoder/layer", 0, 30) in found.values()


def test_dots_are_scopes_too():
    value = named_input("x", f32[4])
    for part in "ab":
        for i in range(4):
            value = relu(value, f"{part}.{i}")
    assert [label for label, _, _ in tree(Graph([value])).values()] == ["all", "a", "b"]


def test_scopes_that_wires_leave_and_come_back_to_are_dissolved():
    value = named_input("x", f32[4])
    for i in range(20):
        value = add(relu(value, f"p.Relu.{i}"), value, f"q.Add.{i}")
    assert [label for label, _, _ in tree(Graph([value])).values()] == ["all"]


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 90))
def test_scopes_hold_every_box_once_in_the_order_of_wires(seed, size):
    check(scattered(seed, size))


def test_large_flat_graphs_are_cut_into_parts():
    found = check(chain(20_000))
    assert max(len(scope.members) for scope in found) <= 85
    assert found[1].label.startswith("r0 … r")
    assert len(check(chain(250))) == 1


def test_parts_end_where_the_graph_is_narrow():
    value = named_input("x", f32[4])
    for i in range(40):
        first = value
        for k in range(9):
            value = relu(value, f"r{i}_{k}")
        value = add(value, first, f"a{i}")
    found = check(Graph([value]))
    assert len(found) > 5
    assert all(scope.label.partition(" … ")[2].startswith("a") for scope in found[1:])


def test_hostile_names():
    check(hostile())
    check(scattered(7, 3000, window=500))
