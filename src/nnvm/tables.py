"""How the command's results look on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from nnvm.report import shape_text, size_text, top_text


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
    at = ", ".join("{" + ", ".join(f"{k}={v}" for k, v in row.items()) + "}" for row in result["bindings"] if row)
    error = f"largest absolute error {result['max_abs_error']:.3g}"
    return f"equivalent within rtol {result['rtol']:g}, {error}{f', at {at}' if at else ''}"


def draw_plan(result: Mapping[str, Any], console: Console) -> None:
    """Print a plan's figures beside their bounds, then its buffers where they were asked for."""
    table = Table("", "bytes", "at" if result["binding"] else "", "")
    rows = [("peak", "peak_bytes", ""), ("bound, this order", "packing_bound_bytes", result["packing_status"])]
    rows += [("bound, any order", "order_bound_bytes", result["order_status"]), ("without reuse", "naive_bytes", "")]
    rows += [("workspace beside it", "workspace_bytes", ""), ("inputs, outputs, weights", "external_bytes", "")]
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


def draw_pairs(result: Mapping[str, Any], console: Console) -> None:
    """Print names, each with its text."""
    for name, text in result.items():
        console.print(f"{name:24} {text}", markup=False, soft_wrap=True)


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
