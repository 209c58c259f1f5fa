"""Single cells of irregularly wired networks, inputs and outputs in the arena, as Serenity (2020) measures them."""

import math
from collections.abc import Callable, Sequence
from random import Random

from benchmarks.cell_networks import (
    DARTS_NORMAL,
    DARTS_REDUCE,
    NASNET_NORMAL,
    NASNET_REDUCE,
    Edges,
    Network,
    Operation,
    barabasi_albert,
    cell,
    erdos_renyi,
    randwire_cell,
    watts_strogatz,
)
from benchmarks.table import Cell, table
from nnvm.analyses.ordering import Problem, Step, Tensor, order, peak
from nnvm.analyses.ordering.greedy import breadth_first, depth_first

ITEM = 4
GOAL, REWRITTEN_GOAL = 1.68, 1.86


def cell_problem(net: Network, *, inplace: bool) -> Problem:
    """Return a cell as steps and tensors: inputs live from the start, what nobody reads until the end."""
    readers: list[list[int]] = [[] for _ in net.operations]
    for number, operation in enumerate(net.operations):
        for value in operation.inputs:
            readers[value].append(number)
    sizes = [operation.channels * operation.side**2 * ITEM for operation in net.operations]
    steps, tensors = [], []
    for number, operation in enumerate(net.operations):
        over = list(operation.inputs[1:] if operation.kind == "accumulate" else operation.inputs)
        over = [value for value in over if sizes[value] == sizes[number]]
        may = operation.kind == "accumulate" or (inplace and operation.kind in ("relu", "add"))
        steps.append(Step(operation.inputs, inplace=[(number, over)] if may and over else []))
        given = operation.kind == "input"
        tensors.append(
            Tensor(sizes[number], () if given else [number], readers[number], given=given, kept=not readers[number])
        )
    return Problem(steps, tensors)


def rewritten(net: Network) -> Network:
    """Return a cell where no convolution waits for a concatenation: each adds up one convolution for each part."""
    made = Network(net.name, net.image)
    number: dict[int, int] = {}
    parts: dict[int, list[int]] = {}
    readers: dict[int, list[Operation]] = {}
    for operation in net.operations:
        for value in operation.inputs:
            readers.setdefault(value, []).append(operation)
    for old, operation in enumerate(net.operations):
        users = readers.get(old, [])
        if operation.kind == "concat" and users and all(each.kind == "conv" and each.groups == 1 for each in users):
            parts[old] = [number[value] for value in operation.inputs]
            continue
        first = operation.inputs[0] if operation.inputs else -1
        for part in parts.get(first, []):
            kind, reads = ("accumulate", (part, number[old])) if old in number else ("conv", (part,))
            number[old] = made.add(kind, reads, operation.channels, operation.side)
        if first not in parts:
            number[old] = made.add(
                operation.kind, [number[value] for value in operation.inputs], operation.channels, operation.side
            )
    return made


def randwire(kind: str, seed: int, *, fused: bool) -> Network:
    """Return one stage of 32 nodes (Xie et al. 2019) over 32 x 32 pixels."""
    random = Random(f"cell {kind} {seed}")
    edges: Edges = {
        "ws": lambda: watts_strogatz(32, 4, 0.75, random),
        "er": lambda: erdos_renyi(32, 0.2, random),
        "ba": lambda: barabasi_albert(32, 5, random),
    }[kind]()
    net = Network(f"RandWire-{kind.upper()} {seed}{'' if fused else ' ops'}", (3, 32))
    randwire_cell(net, net.add("input", [], 78, 32), edges, 32, 78, fused=fused)
    return net


def searched(name: str, choices: Sequence[tuple[str, int]], concat: Sequence[int], *, reduce: bool) -> Network:
    """Return one cell of DARTS or NASNet for ImageNet, with both of its inputs."""
    net = Network(name, (3, 28))
    inputs = (net.add("input", [], 192, 28), net.add("input", [], 192, 28))
    cell(net, inputs, choices, concat, 48 * (2 if reduce else 1), reduce=reduce)
    return net


def swiftnet_like(count: int, channels: int, seed: int) -> Network:
    """Return a cell of so many operators that read up to three others at random, as SwiftNet's cells do.

    The counts (21, 19, 22) are published, the wiring is not.
    """
    random = Random(f"swift cell {count} {seed}")
    net = Network(f"SwiftNet-like, {count} nodes, {seed}", (3, 32))
    values = [net.add("input", [], channels, 32)]
    used: set[int] = set()
    for _ in range(count):
        reads = sorted(set(random.choices(values[-6:], k=random.choice((1, 1, 2, 2, 3)))))
        used.update(reads)
        joined = net.concat(reads) if len(reads) > 1 else reads[0]
        values.append(net.conv(joined, channels * random.choice((1, 1, 2, 3)) // 2, random.choice((1, 3))))
    net.concat([value for value in values if value not in used])
    return net


def cells(seeds: int = 3) -> list[Network]:
    """Return the cells, one family after the other."""
    found = [randwire(kind, seed, fused=True) for kind in ("ws", "er", "ba") for seed in range(seeds)]
    found += [randwire("ws", seed, fused=False) for seed in range(seeds)]
    found.append(searched("DARTS normal", DARTS_NORMAL, range(2, 6), reduce=False))
    found.append(searched("DARTS reduction", DARTS_REDUCE, range(2, 6), reduce=True))
    found.append(searched("NASNet-A normal", NASNET_NORMAL, (0, 2, 3, 4, 5, 6), reduce=False))
    found.append(searched("NASNet-A reduction", NASNET_REDUCE, (3, 4, 5, 6), reduce=True))
    for seed in range(seeds):
        found += [swiftnet_like(count, channels, seed) for count, channels in ((21, 16), (19, 24), (22, 48))]
    return found


def cells_report(seeds: int = 3) -> str:
    """Return how much more three orders hold than ours, cell by cell, without and with rewriting, and the means."""
    walks: dict[str, Callable[[Problem], Sequence[int]]] = {
        "file": lambda problem: range(len(problem)),
        "breadth first": breadth_first,
        "depth first": depth_first,
    }
    rows: list[list[Cell]] = []
    for net in cells(seeds):
        plain = cell_problem(net, inplace=False)
        ours, shared = order(plain), order(cell_problem(rewritten(net), inplace=True))
        held = [peak(plain, walk(plain)) for walk in walks.values()]
        ratios = [each / ours.peak for each in held]
        rows.append([net.name, len(plain), ours.peak, ours.status, *ratios, shared.status, held[0] / shared.peak])
    heads = ["cell", "steps", "our bytes", "status", *(f"{walk}/ours" for walk in walks)]
    text = table("Single cells, inputs and outputs in the arena", [*heads, "rewritten", "file/ours rewritten"], rows)
    file, breadth, depth, after = (mean([float(row[k] or 0) for row in rows]) for k in (4, 5, 6, 8))
    return (
        f"{text}\nGeometric means: file order {file:.3f} over ours, breadth first (Kahn) {breadth:.3f}, depth first "
        f"{depth:.3f} (Serenity over TensorFlow Lite, other cells: {GOAL}); file order over ours in place and with "
        f"partial convolutions for concatenations {after:.3f} ({REWRITTEN_GOAL})"
    )


def mean(values: Sequence[float]) -> float:
    """Return the geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values))
