"""Tables on a terminal: what they say of passes and of their seconds."""

from io import StringIO

from rich.console import Console

from nnvm import tables


def drawn(draw, result) -> str:
    stream = StringIO()
    draw(result, Console(file=stream, width=120, highlight=False))
    return stream.getvalue()


def test_passes_are_drawn_with_their_options():
    rows = {
        "fuse": {"doc": "Fuse [bold]it.", "options": {"limit": {"type": "int", "default": 8}, "size": {"type": "int"}}}
    }
    lines = drawn(tables.draw_passes, rows).splitlines()
    assert [line.split() for line in lines] == [
        ["fuse", "Fuse", "[bold]it."], ["limit:", "int", "=", "8"], ["size:", "int"],
    ]  # fmt: skip


def test_times_are_drawn_with_their_shares():
    rows = [
        {"name": "simplify", "seconds": 0.75, "nodes": 4, "changed": True},
        {"name": "cse", "seconds": 0.25, "nodes": 4, "changed": False},
    ]
    text = drawn(tables.draw_times, rows)
    assert "1.000 s in passes" in text
    assert [line.split("│")[1:-1] for line in text.splitlines() if "│" in line] == [
        [" 1 ", " simplify ", " 0.7500  ", " 75%   ", " 4     "],
        [" 2 ", " cse      ", " 0.2500  ", " 25%   ", " -     "],
    ]
    assert "0.000 s in passes" in drawn(tables.draw_times, [{**rows[0], "seconds": 0.0}])


def test_a_check_that_proves_nothing_says_so():
    shown = {"nodes": 1, "parameters": 0, "parameter_bytes": 0, "operators": {"relu": 1}}
    result = {"before": shown, "after": {**shown, "operators": {}}, "seconds": 1.0, "check_seconds": 0.0}
    assert "not checked" in drawn(tables.draw_opt, {**result, "equivalent": None, "insensitive": []})
    assert "proves nothing" in drawn(tables.draw_opt, {**result, "equivalent": None, "insensitive": ["y"]})
