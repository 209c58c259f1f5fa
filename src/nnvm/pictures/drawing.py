"""How a graph looks as one still picture: SVG that any viewer shows, light or dark as the reader likes it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from colorsys import hls_to_rgb
from html import escape
from typing import Final

from nnvm.ir import Graph
from nnvm.pictures.diagram import LINE, Box, Diagram, diagram, short_name
from nnvm.pictures.families import PALETTE
from nnvm.pictures.layout import LABEL, Layout, Route, Spot, layout
from nnvm.pictures.lettering import TEXT, TITLE, fit

MOST_WORDS: Final = 3000
"""Boxes up to which a picture says everything; above it shows operators and wires, and says so."""

_INK: Final = {"ground": ("#FFFFFF", "#14181F"), "ink": ("#1B2430", "#E8ECF2"), "dim": ("#566172", "#A9B3C1")}
_WIRE: Final = ("#8A95A5", "#76828F")
_TINT: Final = (0.10, 0.20)
_FONT: Final = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"


def svg(graph: Graph) -> str:
    """Return the picture of a graph as a whole SVG document; names out of files are text in it and nothing else.

    Above MOST_WORDS boxes it leaves out params, constants and the types on wires, and a line at its top says so.
    """
    drawn, placed = diagram(graph), layout(graph)
    whole = len(drawn.boxes) <= MOST_WORDS
    notes = left_out(graph)
    wide = max(placed.width, 360.0) if notes else placed.width
    top = 18.0 * len(notes)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(wide)}" height="{_n(placed.height + top)}" '
        f'viewBox="0 {_n(-top)} {_n(wide)} {_n(placed.height + top)}" font-family="{escape(_FONT)}" role="img">',
        f"<title>{escape(drawn.title)}</title>",
        f"<style>{style()}</style>",
        f'<rect class="ground" x="0" y="{_n(-top)}" width="{_n(wide)}" height="{_n(placed.height + top)}"/>',
    ]
    lines += [
        f'<text class="note" x="14" y="{_n(18.0 * i - top + 18)}">{escape(note)}</text>' for i, note in enumerate(notes)
    ]
    lines += _wires(placed.routes)
    devices = device_colours(drawn.boxes)
    for i, (box, spot) in enumerate(zip(drawn.boxes, placed.spots, strict=True)):
        lines += _box(i, box, spot, whole, devices)
    lines += _labels(drawn, placed, whole)
    return "\n".join([*lines, "</svg>", ""])


def left_out(graph: Graph) -> list[str]:
    """Return what the picture of a graph does not show, a sentence each."""
    drawn, placed = diagram(graph), layout(graph)
    notes = []
    if len(drawn.boxes) > MOST_WORDS:
        notes.append(f"{len(drawn.boxes)} boxes: params, constants and types are left out; the HTML page has them")
    if placed.far:
        notes.append(f"{len(placed.far)} wires are too long to be drawn; where one ends, it says where it comes from")
    return notes


def style() -> str:
    """Return the rules that colour a picture, for light ground and for dark."""
    return _rules(0) + "@media (prefers-color-scheme: dark){" + _rules(1) + "}"


def _rules(dark: int) -> str:
    ink = {name: colours[dark] for name, colours in _INK.items()}
    rules = [
        f".ground{{fill:{ink['ground']}}}",
        f"text{{fill:{ink['ink']};font-size:{TEXT}px}}",
        f".title{{font-size:{TITLE}px;font-weight:bold}}",
        f".dim,.note{{fill:{ink['dim']}}}",
        f".label{{fill:{ink['dim']};font-size:{LABEL}px;stroke:{ink['ground']};stroke-width:3px;"
        "stroke-linejoin:round;paint-order:stroke}",
        f".wire{{fill:none;stroke:{_WIRE[dark]};stroke-width:1.4}}",
        ".control{stroke-dasharray:5 4}",
        f".tip{{fill:{_WIRE[dark]};stroke:none}}",
        f".frame{{fill:{ink['ground']};stroke-width:1.2}}",
        ".tint{stroke:none}",
    ]
    for family, colours in PALETTE.items():
        colour = colours[dark]
        rules.append(f".{family} .frame{{stroke:{colour}}}.{family} .bar{{fill:{colour}}}")
        rules.append(f".{family} .tint{{fill:{colour};fill-opacity:{_TINT[dark]}}}")
    return "".join(rules)


def device_colours(boxes: Iterable[Box]) -> dict[str, str]:
    """Return the border colour of each device that boxes name: hues far apart, in the order of the names."""
    names = sorted({box.device for box in boxes if box.device is not None})
    return {name: _hex(*hls_to_rgb(i * 0.381966 % 1, 0.45, 0.75)) for i, name in enumerate(names)}


def _hex(*parts: float) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def _box(i: int, box: Box, spot: Spot, whole: bool, devices: Mapping[str, str]) -> Iterator[str]:
    wide, tall = box.width, box.height
    yield f'<g class="{box.family}" id="n{i}" transform="translate({_n(spot.x)} {_n(spot.y)})">'
    if whole:
        yield f"<title>{escape(_tooltip(box))}</title>"
    shape = f'width="{_n(wide)}" height="{_n(tall)}" rx="{_n(5.0 if box.kind == "node" else min(tall / 2, 18.0))}"'
    border = "" if box.device is None else f' style="stroke:{devices[box.device]};stroke-width:3.5"'
    yield f'<rect class="frame" {shape}{border}/><rect class="tint" {shape}/>'
    if box.kind == "node":
        yield f'<rect class="bar" width="5" height="{_n(tall)}" rx="2.5"/>'
    middle = _n(wide / 2)
    yield f'<text class="title" text-anchor="middle" x="{middle}" y="17">{escape(box.title)}</text>'
    for k, line in enumerate(box.lines if whole else ()):
        y = _n(18 + LINE * (k + 1))
        yield f'<text class="dim" text-anchor="middle" x="{middle}" y="{y}">{escape(line)}</text>'
    yield "</g>"


def _tooltip(box: Box) -> str:
    lines = [f"{box.title} {box.name}".strip()]
    lines += [f"{key}: {text}" for key, text in (*box.params, *box.held)]
    lines += [f"→ {type}" for type in box.types if type and box.kind != "output"]
    if box.device is not None:
        lines.append(f"on {box.device}")
    return "\n".join(lines)


def _wires(routes: Iterable[Route]) -> Iterator[str]:
    for route in routes:
        way = "".join(map(path, route.paths))
        tips = "".join(f"M{_n(x)} {_n(y)}l-3.5 -7h7z" for x, y in route.tips)
        kind = "wire control" if route.output is None else "wire"
        yield f'<path class="{kind}" d="{way}"/><path class="tip" d="{tips}"/>'


def path(points: Sequence[tuple[float, float]]) -> str:
    """Return the data of a line through points: straight where it goes straight down, else a curve, upright at both."""
    (x, y), *rest = points
    parts = [f"M{_n(x)} {_n(y)}"]
    for next_x, next_y in rest:
        if next_x == x:
            if next_y != y:
                parts.append(f"V{_n(next_y)}")
        else:
            middle = _n((y + next_y) / 2)
            parts.append(f"C{_n(x)} {middle} {_n(next_x)} {middle} {_n(next_x)} {_n(next_y)}")
        x, y = next_x, next_y
    return "".join(parts)


def _labels(drawn: Diagram, placed: Layout, whole: bool) -> Iterator[str]:
    """Yield the types of single outputs, beside where their wires leave, and where wires not drawn come from."""
    for route in placed.routes if whole else ():
        box = drawn.boxes[route.source]
        if route.output is None or len(box.labels) != 1 or not box.labels[0]:
            continue
        x, y = route.paths[0][0]
        yield f'<text class="label" x="{_n(x + 5)}" y="{_n(y + 12)}">{escape(box.labels[0])}</text>'
    origins: dict[int, list[str]] = {}
    for wire in placed.far:
        box = drawn.boxes[wire.source]
        origins.setdefault(wire.target, []).append(short_name(box.name) or box.title)
    for target, names in origins.items():
        spot, wide = placed.spots[target], drawn.boxes[target].width
        text = fit(f"↑ {', '.join(dict.fromkeys(names[:8]))}", wide / 2, LABEL)
        yield f'<text class="label" x="{_n(spot.x)}" y="{_n(spot.y - 4)}">{escape(text)}</text>'


def _n(number: float) -> str:
    """Write a coordinate, as short as it goes."""
    return f"{number:.1f}".removesuffix(".0")
