"""What deep nets ask of an allocator while they train or infer: buffers of any number, drawn from a seed."""

import random
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from nnvm.runtime.memory import Block, max_live

WARM: Final = 4
"""Steps at either end of a trace at which no layer runs."""


class _Layer(NamedTuple):
    """Sizes of a layer: its weights, what backward wants to see again, what is gone after a few steps."""

    weights: tuple[int, ...]
    saved: tuple[int, ...]
    passing: tuple[int, ...]


def trace(kind: str, count: int, seed: int) -> list[Block]:
    """Draw `count` buffers of a net of a kind of LAYERS, shuffled.

    Forward keeps what backward wants until the mirrored step, gradients wait for the optimiser, weights always live.
    """
    chance = random.Random(f"{kind} {count} {seed}")
    layers = LAYERS[kind](chance, max(count // 24, 2))
    blocks = _decoded(layers, chance) if kind == "decoding" else _trained(layers, chance, nested=kind == "unet")
    top = max(block.upper for block in blocks)
    while len(blocks) < count:  # what an optimiser or a loss leaves behind here and there
        lower = chance.randrange(top)
        size = chance.choice(blocks).size
        blocks.append(Block(lower, min(top, lower + chance.randrange(1, 12)), max(size // chance.choice((1, 2, 8)), 1)))
    chance.shuffle(blocks)
    return blocks[:count]


def _trained(layers: list[_Layer], chance: random.Random, *, nested: bool) -> list[Block]:
    """Run all layers forward, then backward, then let the optimiser take the gradients."""
    steps = 10
    forward, end = WARM, WARM + 2 * steps * len(layers)
    last = end + 3 * len(layers) + WARM
    blocks = []
    for number, layer in enumerate(layers):
        begin = forward + steps * number
        back = end - steps * (number + 1)
        update = end + 3 * (len(layers) - number)
        blocks += [Block(0, last, size) for size in layer.weights]
        for size in layer.saved:
            blocks.append(Block(begin + chance.randrange(steps), back + chance.randrange(1, steps), size))
        if nested and number < len(layers) // 2:  # the way across from the encoder to the decoder
            blocks.append(Block(begin + 3, forward + steps * (len(layers) - number), layer.saved[0]))
        blocks += _passing(layer.passing, begin, steps, chance)
        blocks += _passing(layer.passing * 2, back, steps, chance)
        blocks += [Block(back + chance.randrange(1, steps), update + 1, size) for size in layer.weights]
        blocks += [Block(update, update + 2, size) for size in layer.weights]
    return blocks


def _decoded(layers: list[_Layer], chance: random.Random) -> list[Block]:
    """Run all layers forward alone; keys and values stay, a few residuals skip layers."""
    steps = 8
    last = WARM + steps * len(layers) + WARM
    blocks = []
    for number, layer in enumerate(layers):
        begin = WARM + steps * number
        blocks += [Block(begin, last, size) for size in layer.weights[:2]]
        for size in layer.saved:
            blocks.append(Block(begin + 1, min(begin + 1 + int(chance.expovariate(1 / 30)) + 1, last), size))
        blocks += _passing(layer.passing * 3, begin, steps, chance)
    return blocks


def _passing(sizes: tuple[int, ...], begin: int, steps: int, chance: random.Random) -> list[Block]:
    found = []
    for size in sizes:
        lower = begin + chance.randrange(steps)
        found.append(Block(lower, lower + chance.choice((1, 2, 2, 2, 3, 4, 9)), size))
    return found


def _convolutional(chance: random.Random, count: int) -> list[_Layer]:
    """Stages that halve the picture and double the channels; odd widths, as compilers make them."""
    layers, side, channels, batch = [], 112, 64, chance.choice((8, 32, 128))
    for number in range(count):
        if number in (count // 8, count // 4, count * 5 // 8):
            side, channels = side // 2, channels * 2
        wide = channels * chance.choice((1, 1, 1, 4))
        picture = 4 * batch * side * side * channels
        weights = (4 * channels * wide * chance.choice((1, 9)) + 1, 4 * wide, 4 * wide)
        saved = (picture, 4 * batch * side * side * wide, picture // 4 + 1, 4 * wide)
        layers.append(_Layer(weights, saved, (picture, picture // 8, 4 * wide, 4, 256)))
    return layers


def _transformer(chance: random.Random, count: int) -> list[_Layer]:
    """The same layer again and again, between an embedding and logits that are far larger than anything else."""
    width, length, batch = chance.choice((512, 768, 1024)), chance.choice((128, 512, 1000)), chance.choice((2, 8))
    state, heads = 4 * batch * length * width, 4 * batch * 12 * length * length
    weights = (4 * width * width * 4, 4 * width * width * 4, 4 * width)
    layer = _Layer(weights, (state, heads, 4 * state, state + 1, 4 * batch * length), (state, heads, 3 * state, 4, 2))
    logits = 4 * batch * length * 30_000
    ends = _Layer((4 * width * 30_000,), (logits,), (logits, logits // 2, 4))
    return [layer] * (count - 1) + [ends]


def _unet(chance: random.Random, count: int) -> list[_Layer]:
    """Down to small pictures and up again, each level twice."""
    layers = []
    for number in range(count):
        depth = min(number, count - 1 - number) * 8 // count
        size = (4 << 22) >> depth
        weights = (4 * (64 << depth) * 9 * chance.choice((8, 16)), 4 * (64 << depth))
        layers.append(_Layer(weights, (size, size // 2, size // 3 + 1), (size, 2 * size, size // 2, 128, 7)))
    return layers


def _mixed(chance: random.Random, count: int) -> list[_Layer]:
    """Layers of sizes that have nothing in common, over four orders of magnitude, each a few times."""
    layers: list[_Layer] = []
    while len(layers) < count:
        scale = 10 ** chance.uniform(3, 7)
        size = [1 + int(scale * 2 ** chance.gauss(0, 1.5)) for _ in range(11)]
        layers += [_Layer(tuple(size[:3]), tuple(size[3:7]), tuple(size[7:]))] * chance.randrange(1, 9)
    return layers[:count]


LAYERS: Final[Mapping[str, Callable[[random.Random, int], list[_Layer]]]] = {
    "convolutional": _convolutional,
    "transformer": _transformer,
    "unet": _unet,
    "decoding": _mixed,
    "mixed": _mixed,
}
"""The layers of a net of each kind."""


def crowded(count: int, seed: int) -> list[Block]:
    """Draw blocks that live a third of the time each, of sizes over six orders of magnitude."""
    chance = random.Random(f"crowded {count} {seed}")
    blocks = []
    for _ in range(count):
        lower = chance.randrange(count)
        blocks.append(Block(lower, lower + 1 + chance.randrange(count * 2 // 3), 1 + int(10 ** chance.uniform(1, 7))))
    return blocks


def phased(count: int, seed: int) -> list[Block]:
    """Draw blocks in phases that come and go, of a hundred sizes, as in traces of compilers: many short, some long.

    A few are a third of what lives at once; nothing is mirrored.
    """
    chance = random.Random(f"phased {count} {seed}")
    span = count * 3 // 2
    sizes = [1 + int(10 ** chance.uniform(1, 6.5)) for _ in range(100)]
    edges = sorted(chance.randrange(span) for _ in range(max(count // 150, 4)))
    blocks = []
    for _ in range(count):
        lower, length = chance.randrange(span), chance.random()
        if length < 0.75:
            upper = lower + 2 + int(chance.expovariate(1 / 6))
        elif length < 0.97:
            upper = lower + 2 + int(10 ** chance.uniform(1, 2.7))
        else:
            upper = chance.choice(edges)
        lower, upper = min(lower, upper), max(lower + 1, upper)
        blocks.append(Block(lower, upper, chance.choice(sizes)))
    live = max_live(blocks, 1)
    for _ in range(max(count // 1000, 4)):
        lower = chance.randrange(span)
        blocks[chance.randrange(count)] = Block(lower, lower + chance.randrange(3, 40), live // chance.randrange(3, 9))
    return blocks


DRAWN: Final = (*LAYERS, "phased", "crowded")


def drawn(kind: str, count: int, seed: int) -> list[Block]:
    """Draw a trace of any kind."""
    if kind in LAYERS:
        return trace(kind, count, seed)
    return phased(count, seed) if kind == "phased" else crowded(count, seed)
