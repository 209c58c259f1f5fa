"""Graphs to draw: small ones that are known, random ones, and one whose every name is hostile."""

from random import Random

from nnvm import Graph, Node, Value, f32, ops
from nnvm.ir import named_input, variable

HOSTILE = [
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "\x00\x01\x1b[31m\x7f",
    "\ud800 half of a pair",
    "\ufffe\uffff no letters",
    "😀🎉👩‍👩‍👧",
    "\u202egnp.exe",
    "]]><!--{{data}}--> &amp; &lt;",
    "漢字" * 100,
    "x" * 100_000,
    "a/" * 5000 + "b",
    "/" * 1000,
    "",
]


def relu(value: Value, name: str | None = None, **fields: object) -> Value:
    return Node(ops.relu, (value,), types=(value.type,), name=name, **fields).outputs[0]  # type: ignore[arg-type]


def add(a: Value, b: Value, name: str | None = None) -> Value:
    return Node(ops.add, (a, b), types=(a.type,), name=name).outputs[0]


def residual() -> Graph:
    """Return relu(conv(x)) + x with everything named."""
    x = named_input("x", f32[1, 4, 8, 8])
    weight = variable(type=f32[4, 4, 3, 3], name="w")
    y = ops.conv(x, weight, kernel=(3, 3), pads=(1, 1, 1, 1), name="/body/conv")
    return Graph([add(relu(y, "/body/relu"), x, "/sum")], output_names=["y"], name="residual")


def chain(length: int) -> Graph:
    value = named_input("x", f32[4])
    for i in range(length):
        value = relu(value, f"r{i}")
    return Graph([value])


def scoped(layers: int, blocks: int = 3, length: int = 4) -> Graph:
    """Return layers of blocks of relu with a sum around each block, named as exporters do."""
    value = named_input("x", f32[4])
    for layer in range(layers):
        for block in range(blocks):
            first = value
            for i in range(length):
                value = relu(value, f"/encoder/layer.{layer}/block{block}/relu_{i}")
            value = add(value, first, f"/encoder/layer.{layer}/block{block}/add")
    return Graph([value], name="scoped")


def scattered(seed: int, size: int, window: int = 20) -> Graph:
    """Return a random graph: sums of earlier values, some split in two, some with control edges; names with scopes."""
    random = Random(seed)
    values = [named_input("x", f32[4]), named_input("z", f32["n", 4])]
    for i in range(size):
        a, b = random.choice(values[-window:]), random.choice(values)
        name = random.choice([None, f"n{i}", f"/p{i // 7}/n{i}", f"/p{i % 3}/q{i // 11}/n{i}"])
        kind = random.random()
        if kind < 0.1:
            node = Node(ops.split, (a,), types=(f32[2], f32[2]), name=name)
            values += node.outputs
        elif kind < 0.2:
            values.append(relu(a, name, after=(b.node,)))
        else:
            values.append(add(a, b, name))
    used = {value for made in values for value in made.node.inputs}
    return Graph([value for value in values if value not in used] or values[-1:], values[:2])


def hostile() -> Graph:
    value = named_input(HOSTILE[0], f32[4])
    for name in HOSTILE:
        value = relu(value, name, hints={"device": HOSTILE[1], HOSTILE[2]: HOSTILE[0]})
    return Graph([value], output_names=[HOSTILE[7]], name=HOSTILE[0])
