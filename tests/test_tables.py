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


def test_a_diff_is_drawn_in_groups_and_cut_where_it_is_long():
    node = {"name": "a[b]", "op": "relu", "inputs": ["x", None], "types": ["f32[3]"], "params": {"axis": "1"}}
    empty = {"added": [], "removed": [], "reordered": False}
    result = {
        "same": False, "added": [{**node, "made_by": ["cse"], "sources": ["r (relu)"]}],
        "removed": [node] * (tables.SHOWN + 2), "changed": [],
        "moved": [{"name": None, "op": None, "place": "output y", "from": None, "to": "a"}],
        "types": [{"name": "x", "op": "input", "from": ["f32[3]"], "to": ["f32[4]"]}], "types_below": 7,
        "inputs": {**empty, "added": ["z"]}, "outputs": {**empty, "reordered": True}, "renamed": {"dims": {"n": "m"}},
        "nodes": {"before": 52, "after": 1}, "operators": {"relu": {"before": 52, "after": 1}},
    }  # fmt: skip
    lines = [line.strip() for line in drawn(tables.draw_diff, result).splitlines()]
    assert lines.count("- a[b]: f32[3] = relu(x, None, axis=1)") == tables.SHOWN
    assert "... and 2 more; --json lists all" in lines
    assert "+ a[b]: f32[3] = relu(x, None, axis=1)  made by cse of r (relu)" in lines
    assert "> output y: nothing -> a" in lines
    assert lines[lines.index("other types (2)") + 2] == ": 7 more nodes below follow"
    firsts = [lines[lines.index(title) + 1] for title in ("inputs (1)", "outputs (1)", "renamed (1)")]
    assert firsts == ["+ z", "in another order", "= dims: n -> m"]
    assert lines[-1] == "different: 52 nodes before, 1 after"
