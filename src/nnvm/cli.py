"""The `nnvm` command: show, opt, plan and run a model."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

from nnvm.errors import Error, MissingExtra

try:
    import typer
    from rich.console import Console
    from rich.table import Table
except ModuleNotFoundError as _missing:
    sys.exit(f"error: {MissingExtra(str(_missing.name), 'cli')}")

from nnvm import report
from nnvm.ir import Graph

DIFFERS = 3
"""Exit code of a result that is not equivalent."""

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="See, shrink, plan and run models."
)
errors = Console(stderr=True)

Model = Annotated[str, typer.Argument(metavar="MODEL", help="a model, by file type")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object on stdout and nothing else")]
Dims = Annotated[
    list[str] | None,
    typer.Option("--set-dim", metavar="NAME=INT", help="give an open dimension its size; repeat for more"),
]
Traceback = Annotated[bool, typer.Option("--traceback", help="show where an error was raised")]
BackendName = Annotated[str, typer.Option("--backend", help="whose kernels run")]
Seed = Annotated[int, typer.Option("--seed", help="of random inputs")]
Range = Annotated[str | None, typer.Option("--range", metavar="LOW,HIGH", help="limits of random inputs")]


def main() -> None:
    """Run the command; every problem ends in one line on stderr and exit code 1, wrong usage in 2."""
    try:
        app(standalone_mode=True)
    except Error as error:
        if "--traceback" in sys.argv:
            raise
        fail(str(error))
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)
    except MemoryError:
        fail("there is not enough memory for this model")


def fail(message: str, code: int = 1) -> NoReturn:
    """Print an error in one line and leave."""
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(code)


@contextmanager
def working(what: str, quiet: bool = False) -> Iterator[None]:
    """Show what is being done, on a terminal only."""
    if quiet or not errors.is_terminal:
        yield
        return
    with errors.status(what):
        yield


def load(model: str, dims: Sequence[str] | None = None) -> Graph:
    """Load a model and give open dimensions their sizes."""
    from nnvm.frontends import load as read
    from nnvm.passes.infer_types import infer_types
    from nnvm.passes.set_dims import set_dims

    with working(f"loading {model}"):
        graph = infer_types(read(model))
        binding = dict(map(parse_dim, dims or ()))
        return infer_types(set_dims(graph, binding)) if binding else graph


def parse_dim(text: str) -> tuple[str, int]:
    """Read NAME=INT."""
    name, equals, size = text.rpartition("=")
    if not equals or not name or not size.isdecimal():
        raise typer.BadParameter(f"{text!r} is not NAME=INT", param_hint="--set-dim")
    return name, int(size)


def parse_range(text: str | None) -> tuple[float, float] | None:
    """Read LOW,HIGH."""
    if text is None:
        return None
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not LOW,HIGH", param_hint="--range") from None
    return low, high


def give(result: Mapping[str, Any], as_json: bool, draw: Callable[[Mapping[str, Any], Console], None]) -> None:
    """Print a result as JSON or as tables."""
    if as_json:
        print(json.dumps(report.plain(result)))
    else:
        draw(result, Console(highlight=False))


@app.command()
def show(
    model: Model,
    output: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="write the text of the graph")] = None,
    dims: Dims = None,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Say what is in a model: operators, inputs, outputs, parameters, work."""
    graph = load(model, dims)
    if output is not None:
        report.write_text(output, str(graph) + "\n")
    give(report.show(graph), as_json, draw_show)


def draw_show(result: Mapping[str, Any], console: Console) -> None:
    """Print what is in a model: its operators as a table, then its doors and its weights."""
    table = Table("operator", "count", title=f"{result['nodes']} nodes", title_justify="left")
    for name, count in sorted(result["operators"].items(), key=lambda row: (-row[1], row[0])):
        table.add_row(name, str(count))
    console.print(table)
    for kind in ("inputs", "outputs"):
        for row in result[kind]:
            console.print(
                f"{kind[:-1]:6} {row['name']}: {row['dtype']} {report.shape_text(row['shape'])}", markup=False
            )
    size = report.size_text(result["parameter_bytes"])
    console.print(f"{result['parameters']:,} parameters, {size}; multiply-accumulates: {result['macs']}")


@app.command()
def opt(
    model: Model,
    output: Annotated[Path | None, typer.Option("-o", metavar="OUT", help="where to save the result")] = None,
    passes: Annotated[
        str | None, typer.Option("-p", metavar="PIPELINE", help='passes to run, "fold_constants,cse"; default: all')
    ] = None,
    level: Annotated[int, typer.Option("-O", min=0, max=3, help="0: no passes; 1 to 3: all")] = 2,
    check: Annotated[bool, typer.Option("--check/--no-check", help="prove that the result computes the same")] = True,
    verify_each: Annotated[bool, typer.Option("--verify-each", help="check the graph after every pass")] = False,
    dims: Dims = None,
    seed: Seed = 0,
    limits: Range = None,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Make a model smaller, prove that it computes the same, and save it; exit code 3 where it does not."""
    chosen: list[str] | None = [] if level == 0 else None
    if passes is not None:
        chosen = [name.strip() for name in passes.split(",") if name.strip()]
    result = report.optimise(
        lambda: load(model, dims), output, passes=chosen, check=check, verify_each=verify_each, seed=seed,
        limits=parse_range(limits), working=working,
    )  # fmt: skip
    give(result, as_json, draw_opt)
    if result["equivalent"] is False:
        error = f"largest error {result['max_abs_error']:.3g}"
        fail(f"output {result['differs']!r} is not equivalent ({error}); nothing was saved", DIFFERS)


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


@app.command()
def plan(
    model: Model,
    io: Annotated[
        str, typer.Option("--io", help="external: inputs and outputs are the caller's; arena: they are planned too")
    ] = "external",
    alignment: Annotated[int, typer.Option("--alignment", help="bytes, a power of two")] = 64,
    buffers: Annotated[bool, typer.Option("--buffers", help="list every buffer with its place and lifetime")] = False,
    save: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="save the Program, to run without the model")
    ] = None,
    backend: BackendName = "numpy",
    dims: Dims = None,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Plan the memory of a model and say how near to the least possible the plan is."""
    graph = load(model, dims)
    with working("planning"):
        result = report.plan(graph, backend=backend, io=io, alignment=alignment, buffers=buffers, save=save)
    give(result, as_json, draw_plan)


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


@app.command()
def run(
    model: Model,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=FILE.npy", help="an input's values; else seeded random")
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="DIR", help="write each output as DIR/NAME.npy")
    ] = None,
    runs: Annotated[int, typer.Option("--runs", min=1, help="how often to run, for the median time")] = 5,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="ENGINE", help="run this engine too and compare: onnxruntime")
    ] = None,
    backend: BackendName = "numpy",
    dims: Dims = None,
    seed: Seed = 0,
    limits: Range = None,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Run a model once or more, on given or random inputs."""
    files: dict[str, str] = {}
    for text in inputs or ():
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise typer.BadParameter(f"{text!r} is not NAME=FILE.npy", param_hint="--input")
        files[name] = path
    loaded = report.load_program(model) if model.endswith(report.PROGRAM_SUFFIX) else load(model, dims)
    with working("running"):
        result = report.run(
            loaded, model, files, save, backend=backend, runs=runs, compare=compare, seed=seed,
            limits=parse_range(limits), binding=dict(map(parse_dim, dims or ())),
        )  # fmt: skip
    give(result, as_json, draw_run)
    if "compared" in result and not result["compared"]["equivalent"]:
        other = result["compared"]
        fail(f"{other['engine']} computes something else (largest error {other['max_abs_error']:.3g})", DIFFERS)


def draw_run(result: Mapping[str, Any], console: Console) -> None:
    """Print each output's shape, the time of a run, and what the other engine computed."""
    for row in result["outputs"]:
        console.print(
            f"output {row['name']}: {row['dtype']} {report.shape_text(row['shape'])}{report.top_text(row)}",
            markup=False,
        )
    planned = report.size_text(result["planned_bytes"])
    time = f"{result['seconds_median'] * 1e3:.3f} ms"
    console.print(f"median of {result['runs']} runs on {result['backend']}: {time}; planned {planned}")
    if "compared" in result:
        other = result["compared"]
        word = "equivalent to" if other["equivalent"] else "NOT equivalent to"
        time = f"{other['seconds_median'] * 1e3:.3f} ms"
        console.print(f"{word} {other['engine']} (largest error {other['max_abs_error']:.3g}), which took {time}")


@app.command("passes")
def list_passes(as_json: Json = False, traceback: Traceback = False) -> None:
    """List the passes, in the order of the default pipeline, with what each does."""
    from nnvm.passes import PASSES

    rows = {name: (each.__doc__ or "").strip().splitlines()[0] for name, each in PASSES.items()}
    give(rows, as_json, draw_pairs)


@app.command("ops")
def list_ops(as_json: Json = False, traceback: Traceback = False) -> None:
    """List the operators we ship, with their inputs and parameters."""
    from nnvm import ops

    rows = {}
    for name in ops.__all__:
        each = getattr(ops, name)
        values = [f"{value}=None" if value in each.optional else value for value in each.inputs]
        params = [
            f"{param}={each.defaults[param]!r}" if param in each.defaults else param for param in each.param_names
        ]
        rows[each.name] = f"({', '.join([*values, *(['*'] if params else []), *params])})  {each.doc}"
    give(rows, as_json, draw_pairs)


def draw_pairs(result: Mapping[str, Any], console: Console) -> None:
    """Print names, each with its text."""
    for name, text in result.items():
        console.print(f"{name:24} {text}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
