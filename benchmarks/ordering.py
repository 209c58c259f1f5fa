"""How few bytes our orders hold beside other orders, on cell networks: `python -m benchmarks.ordering`."""

import argparse
import io
import math
import re
import time
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from benchmarks.cell_networks import (
    Network,
    long_network,
    published,
    series_parallel,
    small_piece,
    tangled_network,
    tree,
)
from benchmarks.machine import describe, unslow
from benchmarks.single_cells import cells_report
from benchmarks.table import Cell, table
from nnvm.analyses.ordering import Order, Problem, order, order_bound, peak
from nnvm.analyses.ordering.greedy import breadth_first, depth_first, least_memory_first

GAP_GOAL, RATIO_GOAL, PIECE_GOAL = 0.05, 1.68, 1.0
BASELINES: dict[str, Callable[[Problem], Sequence[int]]] = {
    "file": lambda problem: range(len(problem)),
    "depth first": depth_first,
    "breadth first": breadth_first,
    "LPMF": least_memory_first,
}
TRACED = ("DARTS", "NASNet-A mobile", "AmoebaNet-A", "Inception v1")
"""Networks that are also built in torch and exported; the fused nodes of others are no operators of torch."""


def main() -> None:
    """Print the tables and what the goals came to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ordering", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="random networks of each family")
    parser.add_argument("--pieces", type=int, default=60, help="cells of up to 40 nodes to prove")
    parser.add_argument("--large", action="store_true", help="also 100,000 operators")
    args = parser.parse_args()
    unslow("benchmarks.ordering")
    print(describe("torch") + "\n", flush=True)
    for text in report(args.seeds, args.pieces, large=args.large):
        print(text + "\n", flush=True)


def report(seeds: int = 3, pieces: int = 60, *, large: bool = False) -> list[str]:
    """Return the tables and the verdicts, one text each."""
    return [*networks_report(published(seeds)), cells_report(seeds), pieces_report(pieces), large_report(large)]


def networks_report(nets: Sequence[Network]) -> list[str]:
    """Return the table of networks: our peak, the others' over ours, our gap to the bounds."""
    rows: list[list[Cell]] = []
    ratios: list[float] = []
    gaps: dict[bool, list[float]] = {True: [], False: []}
    weak: dict[bool, list[float]] = {True: [], False: []}
    worse = 0
    for net in nets:
        problem, found, seconds = solve(net)
        others = {name: peak(problem, walk(problem)) for name, walk in BASELINES.items()}
        worse += any(found.peak > each for each in others.values())
        traced = torch_order(net) if net.name in TRACED or net.name.endswith(" ops") else None
        mandatory = found.peak / order_bound(problem) - 1
        shown = [each / found.peak for each in others.values()]
        shown_torch = peak(problem, traced) / found.peak if traced else "missing" if net.name in TRACED else "-"
        over = found.peak / found.bound - 1
        rows.append([net.name, len(problem), found.peak, *shown, shown_torch, mandatory, over, found.status, seconds])
        gaps[net.series_parallel].append(over)
        weak[net.series_parallel].append(mandatory)
        if not net.name.startswith("tree"):
            ratios.append(shown[0])
    heads = ["network", "steps", "our bytes", *(f"{name}/ours" for name in BASELINES), "torch.onnx/ours"]
    text = table("Bytes alive at once", [*heads, "over mandatory-live", "over bound", "status", "seconds"], rows)
    return [text, _verdicts(ratios, gaps, weak, worse)]


def _verdicts(ratios: Sequence[float], gaps: dict[bool, list[float]], weak: dict[bool, list[float]], worse: int) -> str:
    ratio = math.exp(sum(map(math.log, ratios)) / len(ratios))
    unproven = sum(over > 0 for each in gaps.values() for over in each)
    series, others, series_weak, others_weak = (
        sum(each[kind]) / max(len(each[kind]), 1) for each in (gaps, weak) for kind in (True, False)
    )
    lines = (
        f"never above file order, depth first, breadth first, LPMF: {'met' if not worse else f'NOT MET ({worse})'}",
        f"mean gap to the bound of all orders, series-parallel: {series:.1%} (at most {GAP_GOAL:.0%}: "
        f"{'met' if series <= GAP_GOAL else 'NOT MET'}); the others: {others:.1%}; "
        f"to the mandatory-live bound alone: {series_weak:.1%} and {others_weak:.1%}",
        f"file order over ours, geometric mean without the trees: {ratio:.3f} (goal {RATIO_GOAL}: "
        f"{'met' if ratio >= RATIO_GOAL else 'NOT MET'}; all but {unproven} of ours are proven the best)",
    )
    return "\n".join(lines)


def solve(net: Network, effort: int | None = None) -> tuple[Problem, Order, float]:
    """Return the problem of a network, its order, and the seconds that took."""
    problem = net.problem()
    start = time.perf_counter()
    found = order(problem) if effort is None else order(problem, effort=effort)
    return problem, found, time.perf_counter() - start


def pieces_report(count: int) -> str:
    """Return how many random cells of up to 40 nodes are proven optimal, and the slowest."""
    slowest, proven, ratios = 0.0, 0, []
    for seed in range(count):
        problem, found, seconds = solve(small_piece(seed))
        slowest = max(slowest, seconds)
        proven += found.status == "optimal"
        ratios.append(peak(problem, range(len(problem))) / found.peak)
    best = max(ratios, default=1.0)
    mean = math.exp(sum(map(math.log, ratios)) / max(len(ratios), 1))
    met = proven == count and slowest <= PIECE_GOAL
    return (
        f"cells of 30 to 40 nodes (WS, ER, BA, sizes at random): {proven} of {count} proven optimal, the slowest in "
        f"{slowest:.2f} s ({PIECE_GOAL:.0f} s each: {'met' if met else 'NOT MET'}); file order over ours "
        f"{mean:.3f} in the mean, {best:.2f} at most"
    )


def large_report(large: bool) -> str:
    """Return the table of large networks."""
    sizes = (1_000, 10_000, 100_000) if large else (1_000, 10_000)
    makers = (long_network, tangled_network, lambda n: series_parallel(1, n), lambda n: tree(1, n))
    rows: list[list[Cell]] = []
    for size in sizes:
        for make in makers:
            net = make(size)
            problem, found, seconds = solve(net)
            others = [peak(problem, walk(problem)) / found.peak for walk in BASELINES.values()]
            rows.append([net.name, len(problem), *others, found.peak / found.bound - 1, found.status, seconds])
    heads = ["network", "steps", *(f"{name}/ours" for name in BASELINES), "over bound", "status", "seconds"]
    slow = [row[0] for row in rows if isinstance(row[1], int) and row[1] < 20_000 and float(row[-1] or 0) > 20]
    return table("Large networks", heads, rows) + f"\n10,000 in 20 s: {'met' if not slow else f'NOT MET {slow}'}"


def torch_order(net: Network) -> list[int] | None:
    """Return the order in which torch.onnx.export writes a network, None without torch.

    The wiring is the network's; each operator is a stand-in that adds up what it reads, for shapes do not matter here.
    """
    if find_spec("torch") is None or find_spec("onnx") is None:
        return None
    import onnx
    import torch

    class StandIn(torch.nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = factor  # of its own, for the export merges operators that are the same

        def forward(self, *values: Any) -> Any:
            total = values[0] * self.factor
            for value in values[1:]:
                total = total + value
            return total

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.operators = torch.nn.ModuleList(StandIn(i + 1.5) for i in range(len(net.operations)))

        def forward(self, image: Any) -> Any:
            made: list[Any] = []
            for operator, operation in zip(self.operators, net.operations, strict=True):
                made.append(operator(*(image if i < 0 else made[i] for i in operation.inputs)))
            return made[-1]

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Whole(), (torch.zeros(1),), file, dynamo=False)
    nodes = onnx.load_from_string(file.getvalue()).graph.node
    computing = [node.name for node in nodes if node.op_type != "Constant"]  # those are written first of all
    found = [int(match[1]) for name in computing if (match := re.search(r"operators\.(\d+)/", name))]
    wanted = list(dict.fromkeys(found))
    return [*wanted, *(i for i in range(len(net.operations)) if i not in set(wanted))]


if __name__ == "__main__":
    main()
