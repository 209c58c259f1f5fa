"""The commands that change a model: opt and reduce."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from nnvm import dumps, plugins, report, tables
from nnvm.cli.base import (
    DIFFERS,
    Dims,
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
    parse_range,
    working,
)
from nnvm.ir import Graph, recording
from nnvm.ir.rules.firings import observing
from nnvm.passes.rules.reasons import explain
from nnvm.pipeline import find_pass


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
    rules: Annotated[bool, typer.Option("--rules", help="how often each rule fired, on stderr")] = False,
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
    why_not: Annotated[
        str | None,
        typer.Option("--why-not", metavar="RULE:NODE", help="say why a rule does not apply at a node; run nothing"),
    ] = None,
    dims: Dims = None,
    seed: Seed = 0,
    limits: Range = None,
    as_json: Json = False,
    traceback: Traceback = False,
) -> None:
    """Make a model smaller, prove that it computes the same, and save it; exit code 3 where it does not."""
    if (model is None) == (repro is None):
        raise typer.BadParameter("give a model, or --repro FILE", param_hint="MODEL")
    if why_not is not None and model is not None:
        return give({"why_not": explained(load(model, dims), why_not)}, as_json, tables.draw_values)
    for name in print_after or ():
        find_pass(name)
    settings: dict[str, Any] = {"passes": [] if passes is None and level == 0 else passes, "verify_each": verify_each}
    settings |= {"seed": seed, "limits": parse_range(limits)}
    read = partial(load, str(model), dims)
    if repro is not None:
        read, settings = replayed(repro)
    printed = dumps.printer(sys.stderr, names=print_after or (), every=print_all, changed=print_change)
    quiet = bool(print_after or print_all or print_change)
    fired: Counter[str] = Counter()
    with (
        recording() if provenance else nullcontext(),
        observing(lambda firing: fired.update([firing.rule.name])) if rules else nullcontext(),
    ):
        result = report.optimise(
            read, output, check=check, working=partial(working, quiet=quiet), stop_after=stop_after, dump=dump,
            watchers=[printed], provenance=provenance, replay=repro is not None, **settings,
        )  # fmt: skip
    if rules:
        tables.draw_pairs({name: str(times) for name, times in fired.most_common()}, errors)
        result["rules"] = dict(fired.most_common())
    if time_passes:
        tables.draw_times(result["passes"], errors)
    for row in result["passes"]:
        if row.get("unchecked"):
            print(f"note: what {row['name']} computes was not compared: {row['unchecked']}", file=sys.stderr)
        if row.get("judged"):
            print(f"note: what {row['name']} computes is equivalent: {row['judged']}", file=sys.stderr)
    give(result, as_json, tables.draw_opt)
    if result["equivalent"] is False:
        error = f"largest error {result['max_abs_error']:.3g}"
        fail(f"output {result['differs']!r} is not equivalent ({error}); nothing was saved", DIFFERS)


def explained(graph: Graph, text: str) -> str:
    """Return why a rule does not apply at a node: RULE:NODE."""
    rule, colon, node = text.partition(":")
    if not colon or not node:
        raise typer.BadParameter(f"{text!r} is not RULE:NODE", param_hint="--why-not")
    return explain(graph, rule, node, plugins.rules())


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


@contextmanager
def shrinking() -> Iterator[Callable[[str, int, int], None] | None]:
    """Show how small a graph is by now, on a terminal only."""
    if not errors.is_terminal:
        yield None
        return
    with errors.status("reducing") as status:
        yield lambda strategy, left, tests: status.update(f"reducing: {left} nodes after {tests} tests ({strategy})")
