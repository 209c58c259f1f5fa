"""What a graph costs, µs a node, at growing sizes: `python -m benchmarks.scale`, beside onnx-ir, torch.fx and xDSL."""

import argparse
import math
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import partial

from benchmarks import scale_ours, scale_peers, thousand
from benchmarks.figures import held, rounds
from benchmarks.machine import describe, unslow
from benchmarks.residual import residual
from benchmarks.table import Cell, slope, table

SIZES = (1_000, 10_000, 100_000)
BUDGETS = {
    "build, @op elementwise": 1.5,
    "build, @op convolution": 4.0,
    "build, a frontend's fast path": 1.0,
    "rewrite, nothing changes": 0.5,
    "rewrite, a tenth new, all rebuilt": 2.5,
    "nnvm CSE": 3.0,
    "nnvm DCE": 0.5,
    "30 rules to a fixpoint, 5 % match": 3.5,
    "nnvm print": 1.5,
    "nnvm parse": 12.0,
    "nnvm JSON write": 3.0,
    "nnvm JSON read": 8.0,
    "optimize, the default pipeline": 100.0,
}
"""The design's, µs a node at 100,000 nodes."""
BUDGETED_SIZE = 100_000
BYTES_BUDGET = 300
IMPORT_BUDGET = 0.1
COMPARED = scale_peers.ROWS

Figures = dict[tuple[str, int], float | None]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="NODES")
    parser.add_argument("--repeats", type=int, default=3, help="rounds; sizes under 10,000 join four times as many")
    parser.add_argument("--no-peers", action="store_true", help="measure only ours")
    options = parser.parse_args()
    unslow("benchmarks.scale")
    sizes = sorted({size - size % 40 for size in options.sizes if size >= 40})
    if not sizes:
        parser.error("sizes below 40 nodes say nothing")
    peers = () if options.no_peers else scale_peers.PEERS
    print(describe("onnx-ir", "torch", "xdsl"))
    print("CPU time, collector paused, medians of rounds in which all take turns; exponent: 1 is linear.\n", flush=True)
    figures = rounds(
        [scale_ours.measure, *(partial(scale_peers.measure, peer) for peer in peers)], sizes, options.repeats
    )
    print(table("nnvm, µs a node", [*_heads(sizes), "budget", "met"], _ours(figures, sizes)) + "\n")
    title = "The same residual graph, µs a node; beside our JSON stand onnx-ir's protobuf messages"
    print(table(title, [*_heads(sizes), "over ours"], _beside(figures, sizes, peers)), "\n")
    print(table("What became of it, nodes", ["library", "before", "CSE", "DCE"], _counts(sizes[0], peers)) + "\n")
    print(table("Whole", ["what", "found", "budget", "met"], _whole(sizes, peers)))


def _heads(sizes: Sequence[int]) -> list[str]:
    return ["what", *(f"{size:,}" for size in sizes), "exponent"]


def _row(figures: Figures, name: str, sizes: Sequence[int]) -> list[Cell]:
    """Return the name, µs a node at each size, and the exponent."""
    seconds = [figures.get((name, size)) for size in sizes]
    each: list[Cell] = [None if s is None else s / size * 1e6 for s, size in zip(seconds, sizes, strict=True)]
    known = [s for s in seconds if s and math.isfinite(s)]
    exponent = slope(sizes, known) if len(known) == len(sizes) else None
    return [name, *each, "-" if exponent is None else f"{exponent:.2f}"]


def _ours(figures: Figures, sizes: Sequence[int]) -> list[list[Cell]]:
    names = dict.fromkeys(name for name, _ in figures)
    peers = tuple(f"{peer.name} " for peer in scale_peers.PEERS)
    rows = []
    for name in names:
        if name.startswith(peers):
            continue
        row = _row(figures, name, sizes)
        at = figures.get((name, BUDGETED_SIZE))
        rows.append([*row, *_judged(None if at is None else at / BUDGETED_SIZE * 1e6, BUDGETS.get(name))])
    return rows


def _judged(found: float | None, budget: float | None) -> list[Cell]:
    """Return a budget and whether it is met; a figure that was not taken at the budget's size meets nothing."""
    if budget is None:
        return ["-", "-"]
    return [budget, "-" if found is None else "yes" if found <= budget else "NO"]


def _beside(figures: Figures, sizes: Sequence[int], peers: Sequence[scale_peers.Peer]) -> list[list[Cell]]:
    rows = []
    for what in COMPARED:
        ours = figures.get((f"nnvm {what}", sizes[-1]))
        for name in ("nnvm", *(peer.name for peer in peers)):
            theirs = figures.get((f"{name} {what}", sizes[-1]))
            ratio = f"{theirs / ours:.1f}" if ours and theirs else None
            rows.append([*_row(figures, f"{name} {what}", sizes), ratio])
    return rows


def _counts(nodes: int, peers: Sequence[scale_peers.Peer]) -> list[list[Cell]]:
    rows: list[list[Cell]] = [["nnvm", *scale_ours.counts(nodes)]]
    return rows + [[peer.name, *scale_peers.counts(peer, nodes)] for peer in peers]


def _whole(sizes: Sequence[int], peers: Sequence[scale_peers.Peer]) -> list[list[Cell]]:
    size = min(sizes[-1], BUDGETED_SIZE)
    rows = residual(size)
    ours = held(lambda: scale_ours.build(rows)) / size
    found = [["nnvm, bytes a node", ours, *_judged(ours if size == BUDGETED_SIZE else None, BYTES_BUDGET)]]
    for peer in peers:
        bytes_each = held(partial(peer.build, rows)) / size if scale_peers.is_here(peer) else None
        found.append([f"{peer.name}, bytes a node", bytes_each, "-", "-"])
    share = thousand.own_share()
    found.append(
        [f"load-optimise-plan of {thousand.NODES:,} nodes, our share, s", share, *_judged(share, thousand.BUDGET)]
    )
    seconds = import_seconds()
    return [*found, ["import nnvm, s", seconds, *_judged(seconds, IMPORT_BUDGET)]]


def import_seconds(repeats: int = 7) -> float:
    """Return what `import nnvm` adds to the seconds of a bare interpreter, which takes turns with it."""
    taken: dict[str, list[float]] = {"pass": [], "import nnvm": []}
    for _ in range(repeats):
        for program, seconds in taken.items():
            timed = f"import time; start = time.perf_counter(); {program}; print(time.perf_counter() - start)"
            answer = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
            seconds.append(float(answer.stdout))
    return statistics.median(taken["import nnvm"]) - statistics.median(taken["pass"])


if __name__ == "__main__":
    main()
