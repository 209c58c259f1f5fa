"""What the command says of a memory plan: its figures, its buffers, its explanation and its pictures."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnvm.dumps import write_text
from nnvm.errors import Error
from nnvm.ir import Graph
from nnvm.pipeline import compile


def plan(
    graph: Graph,
    *,
    backend: str,
    io: str,
    alignment: int,
    buffers: bool,
    save: Path | None,
    explain: bool = False,
    accumulate: bool = True,
    donate: Sequence[str] = (),
    pictures: Mapping[str, Path | None] | None = None,
    title: str = "plan",
) -> dict[str, Any]:
    """Return what `nnvm plan` says of a graph; `save` writes the Program, `pictures` its arena as html and png."""
    start = time.perf_counter()
    program = compile(graph, backend, io=io, alignment=alignment, accumulate=accumulate, donate=donate).program
    result = {**program.meta["plan"], "backend": backend, "seconds": time.perf_counter() - start}
    if buffers:
        result["buffers"] = _buffers(program, result["binding"])
    if explain:
        told = program.explain()
        result["explain"] = told.report() | {"text": str(told)}
    _draw_plan(program, title, pictures or {})
    if save is not None:
        program.save(save)
    return result


def _draw_plan(program: Any, title: str, paths: Mapping[str, Path | None]) -> None:
    """Write pictures of a plan where they were asked for."""
    page, still = paths.get("html"), paths.get("png")
    if page is None and still is None:
        return
    from nnvm.pictures import plan_html, plan_png

    if page is not None:
        write_text(page, plan_html(program, title))
    if still is not None:
        try:
            still.write_bytes(plan_png(program, title))
        except OSError as error:
            raise Error(f"{still} cannot be written: {error.strerror or error}") from error


def _buffers(program: Any, binding: Mapping[str, int]) -> list[dict[str, Any]]:
    """List the arena's buffers where they lie at the binding, each with the first and last step that touches it.

    Each has a name of its own: of those that share one, the later say which buffer of the program they are.
    """
    from nnvm.runtime.lives import Lives

    lives = Lives(program, binding).buffers
    first = {life.name: life.number for life in reversed(lives)}
    names = {
        life.number: life.name if first[life.name] == life.number else f"{life.name}#{life.number}" for life in lives
    }
    rows = []
    for life in lives:
        alias = None if life.root == life.number else names[life.root]
        span = {"first": life.first, "last": life.last, "alias_of": alias}
        rows.append({"name": names[life.number], "offset": life.offset, "size": life.size, **span})
    return rows
