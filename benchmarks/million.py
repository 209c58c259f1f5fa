"""Whether a million nodes are built, inferred, merged, pruned, planned in a minute: `python -m benchmarks.million`."""

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

from benchmarks.figures import find
from benchmarks.machine import describe, unslow
from benchmarks.residual import residual
from benchmarks.scale_ours import build
from benchmarks.table import Cell, table
from nnvm.ir import Graph, collection_paused

SECONDS_BUDGET = 60
BYTES_BUDGET = 2_500_000_000
STEPS = (
    ("infer_types", "nnvm.passes.infer_types", "infer_types"),
    ("CSE", "nnvm.passes.cse", "cse"),
    ("DCE", "nnvm.passes.dce", "dce"),
    ("plan (compile for numpy)", "nnvm.pipeline", "compile"),
)


def main() -> None:
    """Go through the steps once, and print what each took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    nodes = parser.parse_args().nodes
    unslow("benchmarks.million")
    print(describe("numpy") + "\n", flush=True)
    rows: list[list[Cell]] = []
    with collection_paused():
        recipe = residual(nodes)
        graph: Any = _step(rows, "build", lambda _: build(recipe), None)
        for name, module, function in STEPS:
            call = find(module, function)
            if call is None:
                rows.append([name, None, None, None])
            elif isinstance(graph, Graph):
                graph = _step(rows, name, call, graph)
    total = sum(seconds for _, _, seconds, _ in rows if isinstance(seconds, float))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    rows.append(["all", "", total, round(peak / 1e6)])
    print(table(f"{nodes:,} nodes, once", ["step", "nodes after", "seconds", "peak MB"], rows))
    within = total <= SECONDS_BUDGET and peak <= BYTES_BUDGET and all(row[2] is not None for row in rows)
    verdict = "-" if nodes != 1_000_000 else "met" if within else "NOT MET"
    print(f"\nbudget at a million nodes: {SECONDS_BUDGET} s and {BYTES_BUDGET / 1e6:,.0f} MB: {verdict}")


def _step(rows: list[list[Cell]], name: str, call: Callable[[Any], Any], graph: Any) -> Any:
    start = time.perf_counter()
    result = call(graph)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    rows.append([name, len(result.nodes) if isinstance(result, Graph) else "", seconds, round(peak / 1e6)])
    return result


if __name__ == "__main__":
    main()
