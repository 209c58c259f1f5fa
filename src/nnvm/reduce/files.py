"""How a graph is reduced into a file: by which test, and what is told of it."""

import os
from pathlib import Path
from typing import Any, Final

from nnvm.errors import Error
from nnvm.frontends import save
from nnvm.ir import Graph
from nnvm.pipeline import count_nodes, operator_counts
from nnvm.reduce.interest import Command, FailingPass
from nnvm.reduce.search import Progress, Reduction, reduce

TIMEOUT: Final = 60.0
"""Seconds that a command may take for one model."""


def reduce_into(
    graph: Graph,
    output: Path,
    *,
    test: str | None = None,
    passes: str | None = None,
    verify: bool = True,
    limit: int | None = None,
    seconds: float | None = None,
    timeout: float = TIMEOUT,
    seed: int = 0,
    limits: tuple[float, float] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Shrink a graph while a command's exit status is 0, or while passes fail alike; return what `nnvm reduce` says.

    The best so far is saved after each strategy that found better, whole, and at the end. Raises Error where the model
    is not interesting to begin with, and where it cannot be saved.
    """
    if not output.suffix:
        raise Error(f"{output} has no suffix, which says in what format a model is saved: name it {output}.nnvm")

    def keep(graph: Graph) -> None:
        save(graph, output)

    options: dict[str, Any] = {"limit": limit, "seconds": seconds, "progress": progress, "keep": keep}
    told: dict[str, Any] = {"test": test, "pass": None, "failure": None}
    if test is not None:
        with Command(test, output.suffix, timeout) as command:
            try:
                found = reduce(graph, command, **options)
            except Error as error:
                raise Error(_why(error, command, test)) from error
    else:
        failing = FailingPass(graph, passes, verify=verify, seed=seed, limits=limits)
        found = reduce(failing.graph, failing, **options)
        told |= {"pass": str(failing.error.stage), "failure": str(failing.error)}
    keep(found.graph)
    return {**_figures(found), **told, "output": os.fspath(output)}


def _why(error: Error, command: Command, test: str) -> str:
    if "is not interesting" not in str(error):
        return str(error)
    if command.unsaved is not None:
        return f"the model cannot be handed to the test: {command.unsaved}"
    return f"{error}; the test is interesting where it exits with status 0, and `{test}` does not (or takes too long)"


def _figures(found: Reduction) -> dict[str, Any]:
    rows = [("before", found.original), ("after", found.graph)]
    figures: dict[str, Any] = {
        name: {"nodes": count_nodes(graph), "operators": operator_counts(graph), "inputs": len(graph.inputs),
               "outputs": len(graph.outputs)}
        for name, graph in rows
    }  # fmt: skip
    steps = [{"strategy": strategy, "nodes": left} for strategy, left in found.steps]
    figures |= {"tests": found.tests, "stopped": found.stopped, "seconds": found.seconds, "steps": steps}
    return {**figures, "text": str(found.graph)}
