"""How the command's results look on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from nnvm.report import shape_text, size_text, top_text

SHOWN = 50
"""How many lines of a kind a terminal is given."""


def draw_show(result: Mapping[str, Any], console: Console) -> None:
    """Print what is in a model: its operators as a table, then its doors and its weights."""
    table = Table("operator", "count", title=f"{result['nodes']} nodes", title_justify="left")
    for name, count in sorted(result["operators"].items(), key=lambda row: (-row[1], row[0])):
        table.add_row(name, str(count))
    console.print(table)
    for kind in ("inputs", "outputs"):
        for row in result[kind]:
            console.print(f"{kind[:-1]:6} {row['name']}: {row['dtype']} {shape_text(row['shape'])}", markup=False)
    size = size_text(result["parameter_bytes"])
    console.print(f"{result['parameters']:,} parameters, {size}; multiply-accumulates: {result['macs']}")


def draw_provenance(result: Mapping[str, Any], console: Console) -> None:
    """Print what a node was made of and by whom, or what became of it."""
    operator = f" ({result['operator']})" if result["operator"] else " is no more"
    console.print(f"{result['name']}{operator}", markup=False)
    for source in result.get("sources", ()):
        console.print(f"  from {source}", markup=False, soft_wrap=True)
    for name in result.get("made_by", ()):
        console.print(f"  by   {name}", markup=False)
    for part in result.get("part_of", ()):
        by = ", ".join(part["made_by"])
        console.print(f"  part of {part['name']} ({part['operator']}), by {by}", markup=False, soft_wrap=True)
    for source, told in result.get("vanished", {}).items():
        console.print(f"  {source}: {told}", markup=False, soft_wrap=True)


def draw_opt(result: Mapping[str, Any], console: Console) -> None:
    """Print a model before and after as a table, then how long it took and what the check found."""
    before, after = result["before"], result["after"]
    table = Table("", "before", "after")
    table.add_row("nodes", str(before["nodes"]), str(after["nodes"]))
    table.add_row("parameters", f"{before['parameters']:,}", f"{after['parameters']:,}")
    table.add_row("parameter bytes", f"{before['parameter_bytes']:,}", f"{after['parameter_bytes']:,}")
    for name in sorted({*before["operators"], *after["operators"]}):
        counts = before["operators"].get(name, 0), after["operators"].get(name, 0)
        if counts[0] != counts[1]:
            table.add_row(f"  {name}", *map(str, counts))
    console.print(table)
    console.print(f"load, optimise and save took {result['seconds']:.3f} s, the check {result['check_seconds']:.3f} s")
    console.print(_verdict(result), markup=False)


def _verdict(result: Mapping[str, Any]) -> str:
    if result["equivalent"] is None:
        return (
            "not checked"
            if not result["insensitive"]
            else f"equal, but no input changes {', '.join(result['insensitive'])}: this proves nothing"
        )
    if not result["equivalent"]:
        return f"NOT equivalent: {result['differs']}"
    if result.get("judged"):
        return f"equivalent: {result['judged']}"
    at = ", ".join("{" + ", ".join(f"{k}={v}" for k, v in row.items()) + "}" for row in result["bindings"] if row)
    error = f"largest absolute error {result['max_abs_error']:.3g}"
    return f"equivalent within rtol {result['rtol']:g}, {error}{f', at {at}' if at else ''}"


def draw_plan(result: Mapping[str, Any], console: Console) -> None:
    """Print a plan's figures beside their bounds, then its buffers where they were asked for."""
    table = Table("", "bytes", "at" if result["binding"] else "", "")
    rows = [("peak", "peak_bytes", ""), ("bound, this order", "packing_bound_bytes", result["packing_status"])]
    rows += [("bound, any order", "order_bound_bytes", result["order_status"]), ("without reuse", "naive_bytes", "")]
    rows += [("workspace beside it", "workspace_bytes", ""), ("inputs, outputs, weights", "external_bytes", "")]
    rows += [("sized at run", "adopted_bytes", "")] if result.get("adopted_bytes") else []
    for title, key, status in rows:
        size = result[key]
        if isinstance(size, Mapping):
            text = size["expr"] if len(size["expr"]) <= 60 else size["expr"][:57] + "..."
            table.add_row(title, text, f"{size['at']:,}", status)
        else:
            table.add_row(title, f"{size:,}", "", status)
    console.print(table)
    if result["binding"]:
        console.print("at " + ", ".join(f"{name}={size}" for name, size in result["binding"].items()), markup=False)
    if result.get("without_kernel"):
        counts = ", ".join(f"{name} ({count})" for name, count in result["without_kernel"].items())
        console.print(f"planned, but without a kernel to run: {counts}", markup=False, soft_wrap=True)
    if "explain" in result:
        console.print(result["explain"]["text"], markup=False, soft_wrap=True)
    for row in result.get("buffers", ()):
        console.print(
            f"{row['offset']:>12} +{row['size']:<10} steps {row['first']}..{row['last']}  {row['name']}", markup=False
        )


def draw_run(result: Mapping[str, Any], console: Console) -> None:
    """Print each output's shape, the time of a run, and what the other engine computed."""
    for row in result["outputs"]:
        console.print(
            f"output {row['name']}: {row['dtype']} {shape_text(row['shape'])}{top_text(row)}",
            markup=False,
        )
    planned = size_text(result["planned_bytes"])
    time = f"{result['seconds_median'] * 1e3:.3f} ms"
    console.print(f"median of {result['runs']} runs on {result['backend']}: {time}; planned {planned}")
    if "compared" in result:
        other = result["compared"]
        word = "equivalent to" if other["equivalent"] else "NOT equivalent to"
        time = f"{other['seconds_median'] * 1e3:.3f} ms"
        console.print(f"{word} {other['engine']} (largest error {other['max_abs_error']:.3g}), which took {time}")


def draw_pack(result: Mapping[str, Any], console: Console) -> None:
    """Print how high a packing is, the bound, and by whom it was found."""
    bound = result["lower_bound"]
    above = f", {result['height'] / bound - 1:.3%} above" if bound and result["height"] > bound else ""
    console.print(f"{result['buffers']:,} buffers in {result['height']:,} bytes; bound {bound:,}{above}")
    console.print(f"{result['status']}, by {result['method']}, in {result['seconds']:.3f} s", markup=False)


def draw_pairs(result: Mapping[str, Any], console: Console) -> None:
    """Print names, each with its text."""
    for name, text in result.items():
        console.print(f"{name:24} {text}", markup=False, soft_wrap=True)


def draw_values(result: Mapping[str, Any], console: Console) -> None:
    """Print texts alone."""
    for text in result.values():
        console.print(text, markup=False, soft_wrap=True)


def draw_passes(result: Mapping[str, Any], console: Console) -> None:
    """Print each pass with what it does, its options below it."""
    for name, row in result.items():
        console.print(f"{name:24} {row['doc']}", markup=False, soft_wrap=True)
        for option, known in row["options"].items():
            default = f" = {known['default']!r}" if "default" in known else ""
            console.print(f"{'':24}   {option}: {known['type']}{default}", markup=False, soft_wrap=True)


def draw_times(rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print the seconds of each run of a pass, their share, and the operators that it left."""
    total = sum(row["seconds"] for row in rows)
    table = Table("", "pass", "seconds", "share", "nodes", title=f"{total:.3f} s in passes", title_justify="left")
    for i, row in enumerate(rows, 1):
        share = f"{row['seconds'] / total:.0%}" if total else ""
        nodes = str(row["nodes"]) if row["changed"] else "-"
        table.add_row(str(i), row["name"], f"{row['seconds']:.4f}", share, nodes)
    console.print(table)


def draw_diff(result: Mapping[str, Any], console: Console) -> None:
    """Print what changed, a line each, in groups; then the operators whose number changed."""
    for title, lines in diff_lines(result):
        console.print(f"{title} ({len(lines)})")
        for line in lines[:SHOWN]:
            console.print(f"  {line}", markup=False, soft_wrap=True)
        if len(lines) > SHOWN:
            console.print(f"  ... and {len(lines) - SHOWN} more; --json lists all")
    counts = {name: row for name, row in result["operators"].items() if row["before"] != row["after"]}
    if counts:
        table = Table("operator", "before", "after")
        for name, row in counts.items():
            table.add_row(name, str(row["before"]), str(row["after"]))
        console.print(table)
    nodes = result["nodes"]
    said = "the same" if result["same"] else "different"
    console.print(f"{said}: {nodes['before']} nodes before, {nodes['after']} after")


def diff_lines(result: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return the groups of a diff that hold anything: what each is about, and its lines."""
    groups = [
        ("removed", [f"- {_use_text(row)}" for row in result["removed"]]),
        ("added", [f"+ {_use_text(row)}" for row in result["added"]]),
        ("changed", [f"~ {_change_text(row)}" for row in result["changed"]]),
        ("read something else", [
            f"> {'' if row['name'] is None else row['name'] + ' '}{row['place']}: "
            f"{row['from'] or 'nothing'} -> {row['to'] or 'nothing'}" for row in result["moved"]
        ]),
        ("other types", [
            f": {row['name']} {', '.join(row['from'])} -> {', '.join(row['to'])}" for row in result["types"]
        ]),
    ]  # fmt: skip
    if result["types_below"]:
        groups[-1][1].append(f": {result['types_below']} more nodes below follow")
    for kind in ("inputs", "outputs"):
        ends = result[kind]
        lines = [f"- {name}" for name in ends["removed"]] + [f"+ {name}" for name in ends["added"]]
        groups.append((kind, [*lines, *(["in another order"] if ends["reordered"] else [])]))
    renamed = [f"= {kind}: {old} -> {new}" for kind, rows in result["renamed"].items() for old, new in rows.items()]
    groups.append(("renamed", renamed))
    return [(title, lines) for title, lines in groups if lines]


def _use_text(row: Mapping[str, Any]) -> str:
    arguments = [*(name or "None" for name in row["inputs"]), *(f"{name}={v}" for name, v in row["params"].items())]
    made = f"  made by {', '.join(row['made_by'])} of {', '.join(row['sources'])}" if "made_by" in row else ""
    return f"{row['name']}: {', '.join(row['types'])} = {row['op']}({', '.join(arguments)}){made}"


def _change_text(row: Mapping[str, Any]) -> str:
    error = row["max_abs_error"]
    apart = "" if error is None else f", by up to {error:.3g}"
    return f"{row['name']} {row['op']}{' (' + row['user'] + ')' if 'user' in row else ''}: " + (
        f"{row['param']} {row['from']} -> {row['to']}{apart}"
    )


def draw_reduce(result: Mapping[str, Any], console: Console) -> None:
    """Print how far a graph was reduced, and the graph where it is small."""
    before, after = result["before"]["nodes"], result["after"]["nodes"]
    if after <= SHOWN:
        console.print(result["text"], markup=False, soft_wrap=True)
    if result["failure"] is not None:
        console.print(f"it still shows: {result['failure']}", markup=False, soft_wrap=True)
    ended = {"smallest": "nothing smaller was found"}.get(result["stopped"], f"stopped: {result['stopped']}")
    spent = f"{result['tests']} tests, {result['seconds']:.1f} s"
    console.print(f"{before} nodes -> {after} in {result['output']}; {spent}; {ended}", markup=False, soft_wrap=True)
