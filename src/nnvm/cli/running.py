"""The commands that plan memory and run: plan, run and pack."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nnvm import report, tables
from nnvm.cli.base import (
    DIFFERS,
    OVER,
    BackendName,
    Dims,
    Io,
    Json,
    Model,
    Range,
    Seed,
    Traceback,
    app,
    errors,
    fail,
    give,
    load,
    load_program,
    parse_dims,
    parse_range,
    power_of_two,
    working,
)


@app.command()
def plan(
    model: Model,
    io: Annotated[
        Io, typer.Option("--io", help="external: inputs and outputs are the caller's; arena: they are planned too")
    ] = Io.EXTERNAL,
    alignment: Annotated[int, typer.Option("--alignment", help="bytes, a power of two", callback=power_of_two)] = 64,
    buffers: Annotated[bool, typer.Option("--buffers", help="list every buffer with its place and lifetime")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="say what is alive at the peak, who made it and what would lower it")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="write the arena as a page to look around in")
    ] = None,
    png: Annotated[Path | None, typer.Option("--png", metavar="FILE", help="write the arena as a picture")] = None,
    accumulate: Annotated[
        bool, typer.Option("--accumulate/--no-accumulate", help="let kernels add their result to a dying tensor")
    ] = True,
    donate: Annotated[
        list[str] | None, typer.Option("--donate", metavar="INPUT", help="an input that a run may write over")
    ] = None,
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
        result = report.plan(
            graph, backend=backend, io=io.value, alignment=alignment, buffers=buffers, save=save, explain=explain,
            accumulate=accumulate, donate=donate or (), pictures={"html": html, "png": png}, title=Path(model).name,
        )  # fmt: skip
    give(result, as_json, tables.draw_plan)


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
    binding = parse_dims(dims)
    loaded = load_program(model, binding) if model.endswith(report.PROGRAM_SUFFIX) else load(model, dims)
    with working("running"):
        result = report.run(
            loaded, model, files, save, backend=backend, runs=runs, compare=compare, seed=seed,
            limits=parse_range(limits), binding=binding,
        )  # fmt: skip
    give(result, as_json, tables.draw_run)
    if "compared" in result and not result["compared"]["equivalent"]:
        other = result["compared"]
        fail(f"{other['engine']} computes something else (largest error {other['max_abs_error']:.3g})", DIFFERS)


@app.command("pack")
def pack_file(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="id,lower,upper,size: one buffer a line")],
    output: Annotated[Path | None, typer.Option("-o", metavar="OUT.csv", help="the file with an offset column")] = None,
    time_limit: Annotated[float | None, typer.Option("--time-limit", min=0, help="seconds; 10 if no --effort")] = None,
    effort: Annotated[int | None, typer.Option("--effort", min=0, help="steps: the same packing everywhere")] = None,
    capacity: Annotated[int | None, typer.Option("--capacity", min=0, help="bytes; end when it fits, 4 if not")] = None,
    alignment: Annotated[int, typer.Option("--alignment", min=1, help="bytes")] = 1,
    exact: Annotated[bool, typer.Option("--exact", help="prove with CP-SAT too; 60 s without --time-limit")] = False,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Pack buffers that live for a while into as few bytes as possible, against a proven bound."""
    from nnvm.packing.csv_files import pack_file

    limit = (60.0 if exact else 10.0) if time_limit is None and effort is None else time_limit
    told = (lambda line: print(line, file=sys.stderr)) if errors.is_terminal else None
    result = pack_file(
        file,
        output,
        progress=told,
        alignment=alignment,
        capacity=capacity,
        effort=effort,
        time_limit=limit,
        exact=exact,
    )
    give(result, as_json, tables.draw_pack)
    if not result.get("fits", True):
        fail(f"no packing of at most {capacity} bytes was found, the lowest takes {result['height']}", OVER)
