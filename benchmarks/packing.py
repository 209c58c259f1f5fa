"""How low blocks are packed: MiniMalloc's hard set, real traces, a million of them, beside what others do.

Run as `python -m benchmarks.packing [--data DIR] [--seconds 30] [--exact-seconds 60] [--only hard|exact|traces|...]`.
`like` draws traces as those are, of up to `--largest` buffers, and packs each by default, in 10 s and in 20 s.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.machine import describe
from benchmarks.table import Cell, table
from benchmarks.training_traces import DRAWN, drawn
from nnvm.errors import MissingExtra
from nnvm.packing.csv_files import read
from nnvm.packing.exact import cp_model
from nnvm.packing.portfolio import pack
from nnvm.packing.problem import Packing
from nnvm.packing.timeline import Timeline
from nnvm.runtime.memory import Block, check, height, max_live, sweep

HARD = "ABCDEFGHIJK"
CAPACITY = 1 << 20
TRACES = ("iopddl_G_1", "somas_resnet50", "iopddl_S_1")
TRACE_SECONDS = 10.0
MILLION = 1_000_000
MILLION_SECONDS = 40.0
SIZES = (1_000, 10_000, 30_000, 62_000, 100_000)
LIKE_SECONDS = (None, 10.0, 20.0)


class Packed(NamedTuple):
    """A packing that passed the check, and the wall and CPU seconds it took."""

    packing: Packing
    wall: float
    cpu: float


def blocks_of(path: Path) -> list[Block]:
    """Read the blocks of a file."""
    return [Block(buffer.lower, buffer.upper, buffer.size) for buffer in read(path).problem.buffers]


def packed(blocks: Sequence[Block], **limits: object) -> Packed:
    """Pack blocks without alignment, check the result, and tell the time."""
    wall, cpu = time.perf_counter(), time.process_time()
    packing = pack(blocks, 1, **limits)  # type: ignore[arg-type]
    took = time.perf_counter() - wall, time.process_time() - cpu
    check(blocks, packing.offsets, 1, packing.height)
    return Packed(packing, *took)


def by_size(blocks: Sequence[Block]) -> int:
    """Return the height of TensorFlow Lite's way: the largest first, each at the tightest gap."""
    timeline = Timeline(blocks)
    timeline.fill(np.lexsort((timeline.lower, -timeline.size)), True)
    return timeline.height


def swept(blocks: Sequence[Block]) -> int:
    """Return the height of an allocator that sees the blocks come and go, as a TLSF would."""
    return height(blocks, sweep(blocks))


def hard(data: Path, seconds: float) -> Iterator[Sequence[Cell]]:
    """Yield, for A to K, what is reached without a solver: a plain search for the lowest, `seconds` each."""
    ratios = []
    for name in HARD:
        blocks = blocks_of(data / f"{name}.{CAPACITY}.csv")
        found = packed(blocks, time_limit=seconds)
        ratios.append(found.packing.height / CAPACITY)
        yield _row(name, blocks, found, CAPACITY)
    yield ("mean", None, None, None, None, None, statistics.mean(ratios), "goal: 1.10", None, None)


def exactly(data: Path, seconds: float) -> Iterator[Sequence[Cell]]:
    """Yield, for A to K, whether all fits the capacity, and the lowest height with its proof."""
    fitting = total = 0.0
    for name in HARD:
        blocks = blocks_of(data / f"{name}.{CAPACITY}.csv")
        fits = packed(blocks, time_limit=seconds, exact=True, enough=CAPACITY)
        fitting += fits.packing.height <= CAPACITY
        total += fits.wall
        lowest = fits if fits.packing.status == "optimal" else packed(blocks, time_limit=seconds, exact=True)
        best = min(fits.packing, lowest.packing, key=lambda each: each.height)
        yield (
            name,
            "yes" if fits.packing.height <= CAPACITY else "no",
            fits.wall,
            fits.cpu,
            best.height,
            best.bound,
            best.status,
            best.method,
        )
    yield ("all", f"{fitting:.0f} of {len(HARD)}", total, None, None, None, None, None)


def traces(data: Path) -> Iterator[Sequence[Cell]]:
    """Yield what is reached on traces of real programs."""
    for name in TRACES:
        blocks = blocks_of(data / f"{name}.csv")
        yield _row(name, blocks, packed(blocks, time_limit=TRACE_SECONDS), max_live(blocks, 1))


def million(count: int = MILLION) -> Iterator[Sequence[Cell]]:
    """Yield what is reached on a million blocks that live shortly, in 60 s."""
    chance = random.Random(1)
    blocks = [
        Block(t := chance.randrange(count), t + 1 + int(chance.expovariate(1 / 50)), 64 * chance.randrange(1, 4000))
        for _ in range(count)
    ]
    yield _row(
        f"{count:,} blocks", blocks, packed(blocks, time_limit=MILLION_SECONDS), max_live(blocks, 1), greedy=False
    )


def like(largest: int, seeds: int) -> Iterator[Sequence[Cell]]:
    """Yield what is reached on drawn traces, by default and in ten and twenty seconds."""
    for count in (size for size in SIZES if size <= largest):
        for kind in DRAWN:
            for seed in range(1, seeds + 1):
                blocks = drawn(kind, count, seed)
                cells: list[Cell] = [f"{kind} {seed}", count, swept(blocks) / max_live(blocks, 1)]
                for seconds in LIKE_SECONDS:
                    found = packed(blocks, time_limit=seconds)
                    cells += [f"{found.packing.height / found.packing.bound:.5f}", found.wall, found.cpu]
                yield cells


def _row(name: str, blocks: Sequence[Block], found: Packed, unit: int, *, greedy: bool = True) -> Sequence[Cell]:
    packing = found.packing
    size: float | None = by_size(blocks) / unit if greedy else None
    ratios = (size, swept(blocks) / unit, packing.height / unit)
    return (name, len(blocks), packing.bound, packing.height, *ratios, packing.status, found.wall, found.cpu)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--exact-seconds", type=float, default=60.0)
    parser.add_argument("--only", choices=["hard", "exact", "traces", "like", "million"])
    parser.add_argument("--largest", type=int, default=SIZES[-2], help="the most buffers of a drawn trace")
    parser.add_argument("--seeds", type=int, default=1, help="drawn traces of each kind and size")
    chosen = parser.parse_args()
    folder = chosen.data / "packing"
    print(describe("numpy", "ortools"))
    heads = ["", "blocks", "bound", "height", "by size", "sweep", "ours", "status", "wall s", "CPU s"]
    runs: dict[str, Callable[[], str]] = {
        "hard": lambda: table("Without a solver: height over capacity", heads, hard(folder, chosen.seconds)),
        "exact": lambda: table(
            "With CP-SAT: within capacity, then the lowest",
            ["", "fits", "wall s", "CPU s", "height", "bound", "status", "by"],
            exactly(folder, chosen.exact_seconds),
        ),
        "traces": lambda: table("Traces: height over bound", heads, traces(folder)),
        "like": lambda: table(
            "Drawn traces: height over bound, by default, in 10 s, in 20 s",
            ["", "blocks", "sweep", *["ours", "wall s", "CPU s"] * len(LIKE_SECONDS)],
            like(chosen.largest, chosen.seeds),
        ),
        "million": lambda: table("Synthetic: height over bound", heads, million()),
    }
    for name, run in runs.items():
        if chosen.only not in (None, name):
            continue
        if name not in ("like", "million") and not folder.is_dir():
            print(f"{name}: there is no {folder}; give --data DIR")
            continue
        if name == "exact":
            try:
                cp_model()
            except MissingExtra as error:
                print(f"exact: {error}")
                continue
        print(run(), flush=True)


if __name__ == "__main__":
    main()
