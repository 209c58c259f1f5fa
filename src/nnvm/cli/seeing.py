"""The commands that look: show, diff, and the lists of passes and operators."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nnvm import dumps, report, tables
from nnvm.cli.base import DIFFERS, Dims, Json, Model, Traceback, app, give, load, working
from nnvm.ir import Graph, aliases


@app.command()
def show(
    model: Model,
    output: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="write the text of the graph")] = None,
    provenance: Annotated[
        str | None,
        typer.Option("--provenance", metavar="NODE", help="say where a node comes from, or what became of it"),
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
        also = f" (also {', '.join(aliases(each))})" if aliases(each) else ""
        rows[each.name] = f"({', '.join([*values, *(['*'] if params else []), *params])})  {each.doc}{also}"
    give(rows, as_json, tables.draw_pairs)
