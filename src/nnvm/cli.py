"""The `nnvm` command: show, opt, plan and run a model."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

from nnvm.errors import Error, MissingExtra

try:
    import typer
    from rich.console import Console
except ModuleNotFoundError as _missing:
    sys.exit(f"error: {MissingExtra(str(_missing.name), 'cli')}")

from nnvm import dumps, report, tables
from nnvm.ir import Graph
from nnvm.pipeline import find_pass

DIFFERS = 3
"""Exit code of a result that is not equivalent."""

OVER = 4
"""Exit code of a result that is above the budget."""

_POINTED = re.compile(r"^\s*\^+\s*$", re.MULTILINE)

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
    """Print an error in one line, and below it what the message points at with a caret, and leave."""
    told, *rest = message.split("\n") if _POINTED.search(message) else [message]
    print("error: " + "\n".join([" ".join(told.split()), *rest]), file=sys.stderr)
    sys.exit(code)


@contextmanager
def working(what: str, quiet: bool = False) -> Iterator[None]:
    """Show what is being done, on a terminal only."""
    if quiet or not errors.is_terminal:
        yield
        return
    with errors.status(what):
        yield


@contextmanager
def shrinking() -> Iterator[Callable[[str, int, int], None] | None]:
    """Show how small a graph is by now, on a terminal only."""
    if not errors.is_terminal:
        yield None
        return
    with errors.status("reducing") as status:
        yield lambda strategy, left, tests: status.update(f"reducing: {left} nodes after {tests} tests ({strategy})")


def load(model: str, dims: Sequence[str] | None = None) -> Graph:
    """Load a model and give open dimensions their sizes."""
    from nnvm.frontends import load as read
    from nnvm.passes.infer_types import infer_types
    from nnvm.passes.set_dims import set_dims

    with working(f"loading {model}"):
        graph = infer_types(read_stdin() if model == "-" else read(model))
        binding = dict(map(parse_dim, dims or ()))
        return infer_types(set_dims(graph, binding)) if binding else graph


def read_stdin() -> Graph:
    """Read the text form of a graph from stdin."""
    from nnvm.frontends.nnvm import parse

    return parse(sys.stdin.read())


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
    provenance: Annotated[
        str | None, typer.Option("--provenance", metavar="NODE", help="say where a node comes from, or what became of it")
    ] = None,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="write the graph as a picture")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="write the graph as a page to look around in")
    ] = None,
    dims: Dims = None,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Say what is in a model: operators, inputs, outputs, parameters, work."""
    graph = load(model, dims)
    if output is not None:
        if output.suffix.lower() in (".json", ".nnvm"):
            from nnvm.frontends import save

            save(graph, output)
        else:
            dumps.write_text(output, str(graph) + "\n")
    if svg is not None or html is not None:
        with working("drawing"):
            draw(graph, svg, html)
    if provenance is not None:
        return give(report.provenance(graph, provenance), as_json, tables.draw_provenance)
    give(report.show(graph), as_json, tables.draw_show)


def draw(graph: Graph, svg: Path | None, html: Path | None) -> None:
    """Write pictures of a graph, and say on stderr what the still one leaves out."""
    from nnvm import pictures

    if svg is not None:
        dumps.write_text(svg, pictures.svg(graph))
        for note in pictures.left_out(graph):
            print(f"note: {svg}: {note}", file=sys.stderr)
    if html is not None:
        dumps.write_text(html, pictures.html(graph))


@app.command()
def opt(
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="a model, by file type")] = None,
    output: Annotated[Path | None, typer.Option("-o", metavar="OUT", help="where to save the result")] = None,
    passes: Annotated[
        str | None,
        typer.Option("-p", metavar="PIPELINE", help='passes to run, "fold_constants{limit=8},cse"; default: all'),
    ] = None,
    level: Annotated[int, typer.Option("-O", min=0, max=3, help="0: no passes; 1 to 3: all")] = 2,
    check: Annotated[bool, typer.Option("--check/--no-check", help="prove that the result computes the same")] = True,
    verify_each: Annotated[
        bool, typer.Option("--verify-each", help="after every pass, check the graph's form and what it computes")
    ] = False,
    stop_after: Annotated[
        int | None, typer.Option("--stop-after", metavar="N", min=0, help="run only the first N passes, to bisect")
    ] = None,
    time_passes: Annotated[bool, typer.Option("--time-passes", help="a table of seconds on stderr")] = False,
    print_after: Annotated[
        list[str] | None, typer.Option("--print-after", metavar="PASS", help="the graph after this pass, on stderr")
    ] = None,
    print_all: Annotated[bool, typer.Option("--print-after-all", help="the graph after every pass")] = False,
    print_change: Annotated[bool, typer.Option("--print-after-change", help="the graph where it changed")] = False,
    dump: Annotated[
        Path | None,
        typer.Option("--dump-dir", metavar="DIR", help="write each changed graph there, and what replays a failure"),
    ] = None,
    repro: Annotated[
        Path | None,
        typer.Option("--repro", metavar="FILE", help="replay a failure that --dump-dir kept, set as it was"),
    ] = None,
    provenance: Annotated[
        bool, typer.Option("--provenance", help="record what each node was made of, and keep it in the file")
    ] = False,
    dims: Dims = None,
    seed: Seed = 0,
    limits: Range = None,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Make a model smaller, prove that it computes the same, and save it; exit code 3 where it does not."""
    if (model is None) == (repro is None):
        raise typer.BadParameter("give a model, or --repro FILE", param_hint="MODEL")
    for name in print_after or ():
        find_pass(name)
    settings: dict[str, Any] = {"passes": [] if passes is None and level == 0 else passes, "verify_each": verify_each}
    settings |= {"seed": seed, "limits": parse_range(limits)}
    read = partial(load, str(model), dims)
    if repro is not None:
        read, settings = replayed(repro)
    printed = dumps.printer(sys.stderr, names=print_after or (), every=print_all, changed=print_change)
    quiet = bool(print_after or print_all or print_change)
    result = report.optimise(
        read, output, check=check, working=partial(working, quiet=quiet), stop_after=stop_after, dump=dump,
        watchers=[printed], provenance=provenance, **settings,
    )  # fmt: skip
    if time_passes:
        tables.draw_times(result["passes"], errors)
    for row in result["passes"]:
        if row.get("unchecked"):
            print(f"note: what {row['name']} computes was not compared: {row['unchecked']}", file=sys.stderr)
    give(result, as_json, tables.draw_opt)
    if result["equivalent"] is False:
        error = f"largest error {result['max_abs_error']:.3g}"
        fail(f"output {result['differs']!r} is not equivalent ({error}); nothing was saved", DIFFERS)


def replayed(path: Path) -> tuple[partial[Graph], dict[str, Any]]:
    """Return the graph and the settings of a reproducer; say on stderr how it failed, and what is other than it was."""
    from nnvm.frontends import load as read

    found, here = dumps.read_repro(path), dumps.versions()
    print(f"note: it failed with: {' '.join(found.error.split())}", file=sys.stderr)
    for name, version in found.versions.items():
        if here.get(name) != version:
            print(f"note: {name} was {version} and is {here.get(name, 'missing')}", file=sys.stderr)
    settings = {"verify_each": found.verify_each, "seed": found.seed, "limits": found.limits}
    return partial(read, found.graph), {**settings, "passes": found.pipeline}


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
    loaded = report.load_program(model) if model.endswith(report.PROGRAM_SUFFIX) else load(model, dims)
    with working("running"):
        result = report.run(
            loaded, model, files, save, backend=backend, runs=runs, compare=compare, seed=seed,
            limits=parse_range(limits), binding=dict(map(parse_dim, dims or ())),
        )  # fmt: skip
    give(result, as_json, tables.draw_run)
    if "compared" in result and not result["compared"]["equivalent"]:
        other = result["compared"]
        fail(f"{other['engine']} computes something else (largest error {other['max_abs_error']:.3g})", DIFFERS)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="a model, by file type")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="another, of any type")],
    names: Annotated[bool, typer.Option("--names", help="other names of inputs and outputs are a difference")] = False,
    dims: Dims = None,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Say what changed between two models, whatever their nodes are called; exit code 3 where anything did."""
    from nnvm.diff import diff as compare

    graphs = load(before, dims), load(after, dims)
    with working("comparing"):
        found = compare(*graphs)
    give(found.report(), as_json, tables.draw_diff)
    if not found.same or (names and found.renamed):
        sys.exit(DIFFERS)


@app.command()
def reduce(
    model: Model,
    test: Annotated[
        str | None, typer.Option("--test", metavar="CMD", help="interesting: CMD exits with status 0; {} is the file")
    ] = None,
    passes: Annotated[
        str | None, typer.Option("--pass", metavar="PIPELINE", help="interesting: --verify-each still refuses it alike")
    ] = None,
    crash: Annotated[bool, typer.Option("--crash", help="with --pass: without verification, it still raises")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", metavar="OUT", help="where the result goes; default: MODEL.reduced.nnvm")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="the most tests")] = None,
    seconds: Annotated[float | None, typer.Option("--time-limit", metavar="S", min=0, help="begin none later")] = None,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", min=0, help="of one run of CMD")] = 60.0,
    dims: Dims = None,
    seed: Seed = 0,
    limits: Range = None,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Shrink a model while it stays interesting: while CMD exits with status 0, or a pass fails as it does now."""
    from nnvm.reduce.files import reduce_into

    if (test is None) == (passes is None) or (crash and passes is None):
        raise typer.BadParameter("give either a command, or passes", param_hint="--test, --pass")
    target = output or Path("stdin" if model == "-" else model).with_suffix(".reduced.nnvm")
    graph = load(model, dims)
    with shrinking() as progress:
        result = reduce_into(
            graph, target, test=test, passes=passes, verify=not crash, limit=limit, seconds=seconds, timeout=timeout,
            seed=seed, limits=parse_range(limits), progress=progress,
        )  # fmt: skip
    give(result, as_json, tables.draw_reduce)
    if result["stopped"] == "interrupted":
        fail(f"interrupted; the smallest so far is in {target}")


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
    settings = {"alignment": alignment, "capacity": capacity, "effort": effort, "time_limit": limit, "exact": exact}
    result = pack_file(file, output, progress=told, **settings)
    give(result, as_json, tables.draw_pack)
    if not result.get("fits", True):
        fail(f"no packing of at most {capacity} bytes was found, the lowest takes {result['height']}", OVER)


@app.command("passes")
def list_passes(as_json: Json = False, traceback: Traceback = False) -> None:
    """List the passes, in the order of the default pipeline, with what each does and its options."""
    give(report.passes(), as_json, tables.draw_passes)


@app.command("ops")
def list_ops(as_json: Json = False, traceback: Traceback = False) -> None:
    """List the operators that are here, with their inputs and parameters."""
    from nnvm import ops, plugins

    rows = {}
    for each in (*(getattr(ops, name) for name in ops.__all__), *plugins.every("nnvm.ops").values()):
        values = [f"{value}=None" if value in each.optional else value for value in each.inputs]
        params = [
            f"{param}={each.defaults[param]!r}" if param in each.defaults else param for param in each.param_names
        ]
        rows[each.name] = f"({', '.join([*values, *(['*'] if params else []), *params])})  {each.doc}"
    give(rows, as_json, tables.draw_pairs)


if __name__ == "__main__":
    main()
