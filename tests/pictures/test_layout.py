"""Where boxes and wires are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pictures.graphs import chain, hostile, residual, scattered, scoped

from nnvm import Graph
from nnvm.pictures.diagram import diagram
from nnvm.pictures.layout import layout


def check(graph: Graph) -> None:
    drawn, placed = diagram(graph), layout(graph)
    assert len(placed.spots) == len(drawn.boxes)
    areas = [
        (spot.y, spot.x, spot.y + box.height, spot.x + box.width)
        for box, spot in zip(drawn.boxes, placed.spots, strict=True)
    ]
    assert all(a[0] >= 0 and a[1] >= 0 and a[2] <= placed.height and a[3] <= placed.width for a in areas)
    ordered = sorted(areas)
    for i, (top, left, bottom, right) in enumerate(ordered):
        for other in ordered[i + 1 :]:
            if other[0] >= bottom:
                break
            assert other[1] >= right or other[3] <= left, (top, left, other)
    for wire in drawn.wires:
        assert areas[wire.source][2] < areas[wire.target][0]
    ends = {(route.source, route.output, target) for route in placed.routes for target in route.targets}
    far = {(wire.source, wire.output, wire.target) for wire in placed.far}
    assert ends | far == {(wire.source, wire.output, wire.target) for wire in drawn.wires}
    for route in placed.routes:
        for target, (x, y) in zip(route.targets, route.tips, strict=True):
            assert y == areas[target][0]
            assert areas[target][1] <= x <= areas[target][3]


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 60), st.integers(1, 30))
def test_no_two_boxes_overlap_and_wires_lead_down(seed, size, window):
    check(scattered(seed, size, window))


@pytest.mark.parametrize(
    "graph", [residual(), scoped(3), hostile(), Graph([])], ids=["residual", "scoped", "hostile", ""]
)
def test_known_graphs(graph):
    check(graph)


def test_a_residual_keeps_its_backbone_straight():
    graph = residual()
    centers = [spot.x + box.width / 2 for box, spot in zip(diagram(graph).boxes, layout(graph).spots, strict=True)]
    assert max(centers) - min(centers) < 0.2


def test_20_000_nodes_in_a_chain():
    graph = chain(20_000)
    placed = layout(graph)
    assert placed.far == ()
    assert len({spot.y for spot in placed.spots}) == 20_002


def test_wires_that_are_too_long_are_told():
    graph = scattered(1, 4000, window=4000)
    check(graph)
    assert layout(graph).far
