"""Where the boxes of a graph stand on a plane, with the ways of the wires between them."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from nnvm.ir import Graph, analysis
from nnvm.pictures.blocks import blocks
from nnvm.pictures.coordinates import Extent, abscissas
from nnvm.pictures.diagram import Box, Diagram, Wire, diagram
from nnvm.pictures.layers import Bus, Layers, layers
from nnvm.pictures.lettering import width

SPACE: Final = 18.0
MARGIN: Final = 32.0
GAP: Final = 44.0
LABEL: Final = 10.0
"""Pixels of the text beside a wire."""

_BEND: Final = Extent(7.0, 7.0)


class Spot(NamedTuple):
    """A box's left upper corner."""

    x: float
    y: float


class Route(NamedTuple):
    """What one output of a box feeds; `paths` are points that a smooth line runs through, vertical at each."""

    source: int
    output: int | None
    targets: tuple[int, ...]
    paths: tuple[tuple[tuple[float, float], ...], ...]
    tips: tuple[tuple[float, float], ...]


class Layout(NamedTuple):
    """Places of a diagram's boxes, routes of its wires, and the wires too long to be drawn."""

    width: float
    height: float
    spots: tuple[Spot, ...]
    routes: tuple[Route, ...]
    far: tuple[Wire, ...]


@analysis
def layout(graph: Graph) -> Layout:
    """Return the layered layout of a graph's diagram, after Sugiyama: inputs at the top, boxes that never overlap."""
    drawn = diagram(graph)
    buses, wires = buses_of(drawn)
    inputs = [i for i, box in enumerate(drawn.boxes) if box.kind == "input"]
    made = layers(len(drawn.boxes), buses, given=inputs)
    slots = sum(map(len, made.rows))
    extents = [*map(extent, drawn.boxes), *[_BEND] * (slots - len(drawn.boxes))]
    x = abscissas(made.rows, blocks(made, slots), made.segments, extents)
    return _placed(drawn, made, buses, wires, x, extents)


def buses_of(drawn: Diagram) -> tuple[list[Bus], list[list[Wire]]]:
    """Return one bus for each output that is used, and one for the control edges of a box; with the wires of each."""
    found: dict[tuple[int, int], list[Wire]] = {}
    for wire in drawn.wires:
        found.setdefault((wire.source, -1 if wire.output is None else wire.output), []).append(wire)
    keys = sorted(found)
    buses = [Bus(*key, tuple(dict.fromkeys(sorted(wire.target for wire in found[key])))) for key in keys]
    return buses, [found[key] for key in keys]


def extent(box: Box) -> Extent:
    """Return the room that a box needs in its row: for itself, and for the label of the wire that leaves it."""
    half = box.width / 2
    label = width(box.labels[0], LABEL) + 6 if len(box.labels) == 1 and box.kind != "output" else 0.0
    return Extent(half + SPACE / 2, max(half, label) + SPACE / 2)


def _placed(
    drawn: Diagram, made: Layers, buses: list[Bus], wires: list[list[Wire]], x: list[float], extents: list[Extent]
) -> Layout:
    boxes = drawn.boxes
    left = min((x[slot] - extents[slot].left for row in made.rows for slot in row[:1]), default=0.0) - MARGIN
    right = max((x[slot] + extents[slot].right for row in made.rows for slot in row[-1:]), default=0.0) + MARGIN
    x = [round(place - left, 1) for place in x]
    row_of = {slot: i for i, slots in enumerate(made.rows) for slot in slots}
    bands = _bands(boxes, made, x, row_of)
    spots = []
    for item, box in enumerate(boxes):
        middle = sum(bands[row_of[item]]) / 2
        spots.append(Spot(round(x[item] - box.width / 2, 1), round(middle - box.height / 2, 1)))
    ways = [(bus.source, *bends) for bus, bends in zip(buses, made.bends, strict=True)]
    entries = _entries(boxes, made, ways, x, row_of)
    routes, far = [], []
    for number, bus in enumerate(buses):
        near = frozenset(made.near[number])
        far += [wire for wire in wires[number] if wire.target not in near]
        if not near:
            continue
        way, out = ways[number], x[bus.source] + _exit(boxes[bus.source], bus.key)
        xs = [out, *(x[bend] for bend in way[1:])]
        trunk = [(out, spots[bus.source].y + boxes[bus.source].height), (out, bands[row_of[bus.source]][1])]
        for at, bend in zip(xs[1:], way[1:], strict=True):
            trunk += [(at, bands[row_of[bend]][0]), (at, bands[row_of[bend]][1])]
        paths, tips = [tuple(trunk)], []
        for target in made.near[number]:
            row, step = row_of[target], row_of[target] - row_of[bus.source] - 1
            tip = (round(entries[number, target], 1), spots[target].y)
            paths.append(((xs[step], bands[row - 1][1]), (tip[0], bands[row][0]), tip))
            tips.append(tip)
        key = None if bus.key < 0 else bus.key
        routes.append(Route(bus.source, key, made.near[number], tuple(paths), tuple(tips)))
    height = (bands[-1][1] if bands else 0.0) + MARGIN
    return Layout(max(round(right - left, 1), 2 * MARGIN), height, tuple(spots), tuple(routes), tuple(far))


def _bands(boxes: Sequence[Box], made: Layers, x: list[float], row_of: Mapping[int, int]) -> list[tuple[float, float]]:
    """Return where each row begins and ends; the farther a wire between two rows goes aside, the farther apart."""
    aside = [0.0] * (len(made.rows) + 1)
    for upper, lower, _ in made.segments:
        row = row_of[lower]
        aside[row] = max(aside[row], abs(x[upper] - x[lower]))
    bands = []
    at = MARGIN
    for i, slots in enumerate(made.rows):
        tall = max((boxes[slot].height for slot in slots if slot < len(boxes)), default=0.0)
        at += round(GAP + min(90.0, aside[i] / 9), 1) if i else 0.0
        bands.append((round(at, 1), round(at + tall, 1)))
        at += tall
    return bands


def _exit(box: Box, key: int) -> float:
    """Return where the wire of an output leaves a box, from its centre; control edges leave at the left."""
    if key < 0:
        return -box.width / 4
    return (box.width - 28) * ((key + 0.5) / max(1, len(box.labels)) - 0.5)


def _entries(
    boxes: Sequence[Box], made: Layers, ways: list[tuple[int, ...]], x: list[float], row_of: Mapping[int, int]
) -> dict[tuple[int, int], float]:
    """Return where each bus enters each target, spread over the box in the order in which they come."""
    coming: dict[int, list[tuple[float, int]]] = {}
    for number, way in enumerate(ways):
        for target in made.near[number]:
            above = way[row_of[target] - row_of[way[0]] - 1]
            coming.setdefault(target, []).append((x[above], number))
    found = {}
    for target, ends in coming.items():
        ends.sort()
        reach = min(boxes[target].width / 2 - 12, 12.0 * len(ends) + 16)
        places = _spread([at for at, _ in ends], x[target] - reach, x[target] + reach)
        found.update({(number, target): place for (_, number), place in zip(ends, places, strict=True)})
    return found


def _spread(wishes: Sequence[float], least: float, most: float) -> list[float]:
    """Return places between two limits, as near to sorted wishes as an even space between them allows."""
    step = min(14.0, (most - least) / max(1, len(wishes) - 1))
    places: list[float] = []
    for i, wish in enumerate(wishes):
        low = places[-1] + step if places else least
        places.append(max(low, min(wish, most - step * (len(wishes) - 1 - i))))
    return places
