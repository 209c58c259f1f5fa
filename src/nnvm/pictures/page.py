"""How a graph looks as one page that is read with a browser: pan, zoom, search, open and close scopes."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any, Final

from nnvm.ir import Graph
from nnvm.pictures.diagram import Box, Diagram, diagram, made_box
from nnvm.pictures.drawing import device_colours
from nnvm.pictures.families import PALETTE
from nnvm.pictures.layout import LABEL
from nnvm.pictures.lettering import clean, width
from nnvm.pictures.levels import Level, levels
from nnvm.pictures.scopes import FLAT, Scope, scopes

_POLICY: Final = (
    "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
)


def html(graph: Graph) -> str:
    """Return a whole HTML document that shows a graph, needs no other file, and asks no network for anything.

    Scopes start open in a graph of up to FLAT boxes, else closed, so that what is drawn at once stays bounded. What
    names out of a file hold is data to the page, never markup or code.
    """
    drawn = diagram(graph)
    style, script = _text("page.css") + _families(), _text("arrange.js") + _text("page.js")
    return document("page.html", drawn.title, style, script, _data(drawn))


def document(template: str, title: str, style: str, script: str, data: str) -> str:
    """Return a page out of its template, under a policy that lets nothing but this style and this script act."""
    policy = _POLICY.format(_digest(script), _digest(style))
    parts = {"title": escape(title), "policy": policy, "style": style, "data": data, "script": script}
    page = _text(template)
    pieces = []
    while True:
        before, mark, page = page.partition("{{")
        pieces.append(before)
        if not mark:
            return "".join(pieces)
        name, _, page = page.partition("}}")
        pieces.append(parts[name])


def _text(name: str) -> str:
    return (files("nnvm.pictures") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _families() -> str:
    rules = [f".{family}{{--light:{light};--dark:{dark}}}" for family, (light, dark) in PALETTE.items()]
    return "\n".join([*rules, ""])


def _data(drawn: Diagram) -> str:
    """Return the graph as JSON that holds no letter which could end the element around it."""
    found = scopes(drawn)
    sizes = [_closed(drawn, found, number) for number in range(len(found))]
    content = {
        "title": drawn.title,
        "families": [family for family in PALETTE if family != "end"],
        "devices": device_colours(drawn.boxes),
        "open": len(drawn.boxes) <= FLAT,
        "boxes": [_box_row(box) for box in drawn.boxes],
        "wires": [[wire.source, wire.output, wire.target, wire.port] for wire in drawn.wires],
        "scopes": [
            _scope_row(scope, size, level)
            for scope, size, level in zip(found, sizes, levels(drawn, found), strict=True)
        ],
    }
    return held(content)


def held(content: Any) -> str:
    """Return JSON that holds no letter which could end the element around it."""
    text = json.dumps(content, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _box_row(box: Box) -> dict[str, Any]:
    label = box.labels[0] if len(box.labels) == 1 and box.kind != "output" else ""
    row = {
        "k": box.kind,
        "t": box.title,
        "f": box.family,
        "n": box.name,
        "l": box.lines,
        "w": box.width,
        "h": box.height,
        "d": box.device,
        "p": box.params,
        "c": box.held,
        "y": box.types,
        "s": label,
        "sw": round(width(label, LABEL)),
        "x": box.hints,
    }
    return {key: each for key, each in row.items() if each not in (None, "", (), 0)}


def _closed(drawn: Diagram, found: Sequence[Scope], number: int) -> Box:
    """Return what a closed scope looks like."""
    counts: Counter[str] = Counter()
    stack = list(found[number].members)
    while stack and number:
        member = stack.pop()
        if member < 0:
            stack += found[~member].members
        else:
            counts[drawn.boxes[member].title] += 1
    common = sorted(counts, key=lambda title: (-counts[title], title))
    lines = [f"{found[number].size} operators", *[f"{counts[title]} × {title}" for title in common[:3]]]
    return made_box("scope", found[number].label, "other", "", lines, (), [], [], None, ())


def _scope_row(scope: Scope, closed: Box, level: Level) -> dict[str, Any]:
    made = level.made
    return {
        "t": clean(scope.label),
        "l": closed.lines,
        "w": closed.width,
        "h": closed.height,
        "up": scope.parent,
        "m": scope.members,
        "in": level.ports,
        "out": level.has_exit,
        "rows": made.rows,
        "blocks": level.blocks,
        "ties": made.segments,
        "buses": [
            [bus.source, bus.key, close, bends, doors]
            for bus, close, bends, doors in zip(level.buses, made.near, made.bends, level.doors, strict=True)
            if close
        ],
    }
