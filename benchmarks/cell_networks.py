"""Networks whose order matters, by their shapes alone: RandWire, DARTS, SwiftNet-like, NASNet, AmoebaNet, Inception."""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from nnvm.analyses.ordering import Problem, Step, Tensor

INPLACE = ("relu", "add")
"""Kinds whose output may take over an input of its size."""

ITEM = 4


class Operation(NamedTuple):
    """One operator: its kind, the operators it reads (-1: the image), and its output as channels and side."""

    kind: str
    inputs: tuple[int, ...]
    channels: int
    side: int
    window: int = 1
    stride: int = 1
    groups: int = 1


class Network:
    """Operators in the order in which the published code writes them."""

    def __init__(self, name: str, image: tuple[int, int], *, series_parallel: bool = False) -> None:
        self.name = name
        self.image = image
        self.series_parallel = series_parallel
        self.operations: list[Operation] = []

    def shape(self, value: int) -> tuple[int, int]:
        """Return a value's channels and side."""
        return self.image if value < 0 else (self.operations[value].channels, self.operations[value].side)

    def add(self, kind: str, inputs: Sequence[int], channels: int, side: int, **window: int) -> int:
        """Add an operator and return its number."""
        self.operations.append(Operation(kind, tuple(inputs), channels, side, **window))
        return len(self.operations) - 1

    def conv(self, x: int, channels: int, window: int = 1, stride: int = 1, groups: int = 1) -> int:
        """Add a convolution, its batch norm folded."""
        side = -(-self.shape(x)[1] // stride)
        return self.add("conv", [x], channels, side, window=window, stride=stride, groups=groups)

    def relu(self, x: int) -> int:
        """Add a rectifier."""
        return self.add("relu", [x], *self.shape(x))

    def pool(self, x: int, window: int = 3, stride: int = 1) -> int:
        """Add a pooling window."""
        channels, side = self.shape(x)
        return self.add("pool", [x], channels, -(-side // stride), window=window, stride=stride)

    def sum(self, values: Sequence[int]) -> int:
        """Add values up, two at a time."""
        total = values[0]
        for value in values[1:]:
            total = self.add("add", [total, value], *self.shape(total))
        return total

    def concat(self, values: Sequence[int]) -> int:
        """Concatenate channels."""
        return self.add("concat", values, sum(self.shape(value)[0] for value in values), self.shape(values[0])[1])

    def separable(self, x: int, channels: int, window: int, stride: int = 1, *, twice: bool = True) -> int:
        """Add rectifier, depthwise and pointwise convolution, twice where the cells do so."""
        for turn in range(1 + twice):
            x = self.relu(x)
            inner = self.shape(x)[0]
            x = self.conv(x, inner, window, stride if not turn else 1, inner)
            x = self.conv(x, channels)
        return x

    def problem(self) -> Problem:
        """Return the network as steps and tensors; image and answer lie outside."""
        readers: list[list[int]] = [[] for _ in self.operations]
        for number, operation in enumerate(self.operations):
            for value in operation.inputs:
                if value >= 0:
                    readers[value].append(number)
        sizes = [
            operation.channels * operation.side**2 * ITEM if readers[number] else 0
            for number, operation in enumerate(self.operations)
        ]
        steps = []
        for number, operation in enumerate(self.operations):
            over = [v for v in operation.inputs if v >= 0 and sizes[v] == sizes[number] and sizes[v]]
            inplace = [(number, over)] if operation.kind in INPLACE and over else []
            steps.append(Step([value for value in operation.inputs if value >= 0], inplace=inplace))
        tensors = [Tensor(size, [number], readers[number]) for number, size in enumerate(sizes)]
        return Problem(steps, tensors)


Edges = list[tuple[int, int]]


def watts_strogatz(count: int, near: int, chance: float, random: Random) -> Edges:
    """Return a ring where each node is next to its `near` nearest, each edge moved with a chance; ends are ordered."""
    edges = {(i, (i + step) % count) for step in range(1, near // 2 + 1) for i in range(count)}
    for step in range(1, near // 2 + 1):
        for i in range(count):
            if random.random() < chance:
                free = [j for j in range(count) if j != i and (i, j) not in edges and (j, i) not in edges]
                edges.discard((i, (i + step) % count))
                edges.add((i, random.choice(free)))
    return sorted({(min(edge), max(edge)) for edge in edges})


def erdos_renyi(count: int, chance: float, random: Random) -> Edges:
    """Return each edge with a chance."""
    return [(i, j) for i in range(count) for j in range(i + 1, count) if random.random() < chance]


def barabasi_albert(count: int, links: int, random: Random) -> Edges:
    """Return a graph that grew: each new node links to `links` others, the likelier the more links they have."""
    ends = list(range(links))
    edges: Edges = []
    for node in range(links, count):
        chosen: set[int] = set()
        while len(chosen) < links:
            chosen.add(random.choice(ends))
        edges += [(other, node) for other in sorted(chosen)]
        ends += [*sorted(chosen), *[node] * links]
    return edges


def randwire_cell(net: Network, x: int, edges: Edges, count: int, channels: int, *, fused: bool) -> int:
    """Add a stage: each node sums what it reads, then rectifies and convolves; the mean of all ends leaves it."""
    needs: list[list[int]] = [[] for _ in range(count)]
    ends = set(range(count))
    for i, j in edges:
        needs[j].append(i)
        ends.discard(i)
    made: list[int] = []
    for node in range(count):
        inputs = [made[i] for i in needs[node]] or [x]
        stride = 1 if needs[node] else 2
        if fused:
            made.append(
                net.add("node", inputs, channels, -(-net.shape(inputs[0])[1] // stride), window=3, stride=stride)
            )
        else:
            made.append(net.separable(net.sum(inputs), channels, 3, stride, twice=False))
    outs = [made[i] for i in sorted(ends)]
    return net.add("mean", outs, channels, net.shape(outs[0])[1]) if fused else net.sum(outs)


def randwire(kind: str, seed: int, *, fused: bool = True, channels: int = 78) -> Network:
    """Return RandWire in the small regime (Xie et al. 2019): three stages of 32 nodes after two convolutions."""
    random = Random(f"{kind} {seed}")
    net = Network(f"RandWire-{kind.upper()} {seed}{'' if fused else ' ops'}", (3, 224))
    x = net.conv(-1, channels // 2, 3, 2)
    x = net.conv(x, channels, 3, 2)
    for stage in range(3):
        edges = {
            "ws": lambda: watts_strogatz(32, 4, 0.75, random),
            "er": lambda: erdos_renyi(32, 0.2, random),
            "ba": lambda: barabasi_albert(32, 5, random),
        }[kind]()
        x = randwire_cell(net, x, edges, 32, channels * 2**stage, fused=fused)
    return _head(net, x)


def _head(net: Network, x: int) -> Network:
    net.add("mean", [x], 1000, 1)
    return net


Choice = tuple[str, int]
DARTS_NORMAL: tuple[Choice, ...] = (
    ("sep3", 0), ("sep3", 1), ("sep3", 0), ("sep3", 1), ("sep3", 1), ("skip", 0), ("skip", 0), ("dil3", 2),
)  # fmt: skip
DARTS_REDUCE: tuple[Choice, ...] = (
    ("pool", 0), ("pool", 1), ("skip", 2), ("pool", 1), ("pool", 0), ("skip", 2), ("skip", 2), ("pool", 1),
)  # fmt: skip
NASNET_NORMAL: tuple[Choice, ...] = (
    *(("sep3", 1), ("skip", 1), ("sep3", 0), ("sep5", 1), ("pool", 1), ("skip", 0), ("pool", 0), ("pool", 0)),
    *(("sep5", 0), ("sep3", 0)),
)
NASNET_REDUCE: tuple[Choice, ...] = (
    *(("sep7", 0), ("sep5", 1), ("pool", 1), ("sep7", 0), ("pool", 1), ("sep5", 0), ("pool", 1), ("sep3", 2)),
    *(("pool", 2), ("skip", 3)),
)
AMOEBA_NORMAL: tuple[Choice, ...] = (
    *(("conv1", 1), ("pool", 1), ("skip", 1), ("conv7", 0), ("conv1", 0), ("conv7", 0), ("pool", 2), ("skip", 2)),
    *(("pool", 1), ("conv1", 5)),
)
AMOEBA_REDUCE: tuple[Choice, ...] = (
    *(("pool", 0), ("pool", 0), ("skip", 2), ("conv3", 1), ("conv7", 2), ("pool", 2), ("skip", 3), ("pool", 1)),
    *(("pool", 2), ("conv1", 3)),
)


def _choice(net: Network, kind: str, x: int, channels: int, stride: int) -> int:
    if kind == "skip":
        return x if stride == 1 else net.conv(net.relu(x), channels, 1, 2)
    if kind == "pool":
        return net.pool(x, 3, stride)
    if kind == "dil3":
        return net.separable(x, channels, 3, stride, twice=False)
    if kind.startswith("sep"):
        return net.separable(x, channels, int(kind[3:]), stride)
    return net.conv(net.relu(x), channels, int(kind[4:]), stride)


def cell(
    net: Network, two: tuple[int, int], choices: Sequence[Choice], concat: Sequence[int], channels: int, *, reduce: bool
) -> int:
    """Add a cell of two inputs: states are sums of two choices each, some are concatenated."""
    older, newer = two
    side = net.shape(newer)[1]
    states = []
    for x in (older, newer):
        stride = net.shape(x)[1] // side
        states.append(net.conv(net.relu(x), channels, 1, max(stride, 1)))
    for first, second in zip(choices[::2], choices[1::2], strict=True):
        both = [_choice(net, kind, states[i], channels, 2 if reduce and i < 2 else 1) for kind, i in (first, second)]
        states.append(net.sum(both))
    return net.concat([states[i] for i in concat])


def stacked(
    name: str, normal: Sequence[Choice], reduce: Sequence[Choice], concats: tuple[Sequence[int], Sequence[int]],
    *, channels: int, layers: int,
) -> Network:  # fmt: skip
    """Return cells upon cells, channels doubled at each of two reductions, as DARTS, NASNet and AmoebaNet are built."""
    net = Network(name, (3, 224))
    older = net.conv(net.relu(net.conv(-1, channels // 2, 3, 2)), channels, 3, 2)
    newer = net.conv(net.relu(older), channels, 3, 2)
    for layer in range(layers):
        reducing = layer in (layers // 3, 2 * layers // 3)
        channels *= 2 if reducing else 1
        kind, concat = (reduce, concats[1]) if reducing else (normal, concats[0])
        older, newer = newer, cell(net, (older, newer), kind, concat, channels, reduce=reducing)
    return _head(net, newer)


def darts() -> Network:
    """Return the net of DARTS (second order) for ImageNet: 14 cells of 48 channels (Liu et al. 2019)."""
    whole = (range(2, 6), range(2, 6))
    return stacked("DARTS", DARTS_NORMAL, DARTS_REDUCE, whole, channels=48, layers=14)


def nasnet() -> Network:
    """Return NASNet-A (mobile): 4 cells of 44 channels between reductions (Zoph et al. 2018)."""
    some = ((0, 2, 3, 4, 5, 6), (3, 4, 5, 6))
    return stacked("NASNet-A mobile", NASNET_NORMAL, NASNET_REDUCE, some, channels=44, layers=14)


def amoebanet() -> Network:
    """Return AmoebaNet-A with 18 cells of 64 channels (Real et al. 2019)."""
    some = ((0, 3, 4, 6), (4, 5, 6))
    return stacked("AmoebaNet-A", AMOEBA_NORMAL, AMOEBA_REDUCE, some, channels=64, layers=18)


def swiftnet_like(seed: int) -> Network:
    """Return three cells of 21, 19 and 22 operators that read two or three others at random, as SwiftNet's do.

    The published description gives the counts, not the wiring: sizes fall as in a detector for small images.
    """
    random = Random(f"swift {seed}")
    net = Network(f"SwiftNet-like {seed}", (3, 128))
    x = net.conv(-1, 16, 3, 2)
    for count, channels in ((21, 16), (19, 24), (22, 48)):
        values = [x]
        used: set[int] = set()
        for number in range(count):
            reads = sorted(set(random.choices(values[-6:], k=random.choice((1, 1, 2, 2, 3)))))
            used.update(reads)
            joined = net.concat(reads) if len(reads) > 1 else reads[0]
            grown = channels * random.choice((1, 1, 2, 3)) // 2 + number % 2
            values.append(net.conv(joined, grown, random.choice((1, 3))))
        x = net.conv(net.concat([value for value in values if value not in used]), channels, 3, 2)
    return _head(net, x)


def inception() -> Network:
    """Return Inception v1 (GoogLeNet, Szegedy et al. 2015), rectifiers included."""
    net = Network("Inception v1", (3, 224), series_parallel=True)

    def conv(x: int, *shape: int) -> int:
        return net.relu(net.conv(x, *shape))

    x = net.pool(conv(-1, 64, 7, 2), 3, 2)
    x = net.pool(conv(conv(x, 64), 192, 3), 3, 2)
    rows = (
        *((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), (), (192, 96, 208, 16, 48, 64)),
        *((160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64)),
        *((256, 160, 320, 32, 128, 128), (), (256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
    )
    for row in rows:
        if not row:
            x = net.pool(x, 3, 2)
            continue
        one, three_in, three, five_in, five, pooled = row
        branches = [conv(x, one), conv(conv(x, three_in), three, 3), conv(conv(x, five_in), five, 5)]
        x = net.concat([*branches, conv(net.pool(x), pooled)])
    return _head(net, x)


def series_parallel(seed: int, count: int = 200) -> Network:
    """Return a random net of chains and branches within branches, that meet again."""
    random = Random(f"sp {seed}")
    net = Network(f"series-parallel {seed} ({count})", (16, 56), series_parallel=True)

    def build(x: int, left: int) -> int:
        if left <= 2:
            for _ in range(max(left, 1)):
                x = net.conv(x, random.choice((4, 8, 16, 32, 64)), 3)
            return x
        if random.random() < 0.4:
            first = random.randint(1, left - 1)
            return build(build(x, first), left - first)
        branches = random.randint(2, 4)
        ends = [build(x, max((left - 1) // branches, 1)) for _ in range(branches)]
        return net.add("node", ends, random.choice((4, 8, 16, 32, 64)), 56)

    return _head(net, build(net.conv(-1, 16, 3), count))


def tree(seed: int, count: int = 200) -> Network:
    """Return a random in-tree: every result is read once, by a later concatenation."""
    random = Random(f"tree {seed}")
    net = Network(f"tree {seed} ({count})", (16, 56), series_parallel=True)
    loose = [net.conv(-1, random.randint(1, 64), 3) for _ in range(count // 4)]
    while len(loose) > 1 or len(net.operations) < count:
        taken = [loose.pop(random.randrange(len(loose))) for _ in range(min(random.choice((1, 1, 2, 3)), len(loose)))]
        joined = net.concat(taken) if len(taken) > 1 else taken[0]
        loose.append(net.conv(joined, random.randint(1, 64), 3))
    return _head(net, loose[0])


def small_piece(seed: int) -> Network:
    """Return one random cell of 30 to 40 nodes with sizes of their own."""
    random = Random(f"piece {seed}")
    count = random.randint(30, 38)
    edges = (
        lambda: watts_strogatz(count, 4, 0.75, random),
        lambda: erdos_renyi(count, 0.2, random),
        lambda: barabasi_albert(count, 5, random),
    )[seed % 3]()
    net = Network(f"piece {seed}", (16, 56))
    x = randwire_cell(net, net.conv(-1, 16, 3), edges, count, 16, fused=True)
    for number, operation in enumerate(net.operations):
        net.operations[number] = operation._replace(channels=random.randint(1, 64))
    return _head(net, x)


def published(seeds: int = 3) -> list[Network]:
    """Return the networks that the figures are about, smallest families first."""
    makers: list[Callable[[], Network]] = []
    for kind in ("ws", "er", "ba"):
        makers += [lambda kind=kind, seed=seed: randwire(kind, seed) for seed in range(seeds)]  # type: ignore[misc]
    makers += [lambda kind=kind: randwire(kind, 0, fused=False) for kind in ("ws", "er", "ba")]  # type: ignore[misc]
    makers += [darts, nasnet, amoebanet, inception]
    makers += [lambda seed=seed: swiftnet_like(seed) for seed in range(seeds)]  # type: ignore[misc]
    makers += [lambda seed=seed: series_parallel(seed) for seed in range(seeds)]  # type: ignore[misc]
    makers += [lambda seed=seed: tree(seed) for seed in range(seeds)]  # type: ignore[misc]
    return [make() for make in makers]


def long_network(count: int, seed: int = 0) -> Network:
    """Return cells of WS(32, 4, 0.75) and SwiftNet-like wiring one after the other, up to so many operators."""
    random = Random(f"long {seed}")
    net = Network(f"cells, {count:,} operators", (16, 56))
    x = net.conv(-1, 16, 3)
    while len(net.operations) < count:
        edges = watts_strogatz(32, 4, 0.75, random)
        x = net.conv(randwire_cell(net, x, edges, 32, random.choice((16, 24, 32)), fused=True), 16, 3)
        net.operations[-1] = net.operations[-1]._replace(side=56)
    return _head(net, x)


def tangled_network(count: int, seed: int = 0) -> Network:
    """Return a net without any point that all must pass: every operator reads one to three of the last fifty."""
    random = Random(f"tangled {seed}")
    net = Network(f"tangled, {count:,} operators", (16, 56))
    values = [net.conv(-1, 16, 3)]
    while len(net.operations) < count:
        reads = sorted({values[-1 - min(int(random.expovariate(0.15)), 49, len(values) - 1)] for _ in range(2)})
        values.append(net.add("node", reads, random.choice((4, 8, 16, 32, 64)), 56))
    return _head(net, net.add("node", values[-8:], 16, 56))
