"""The graph that we and our peers build: residual blocks in which a quarter of the nodes are duplicates."""

from collections.abc import Sequence
from typing import Final

Row = tuple[str, int, int]

OPERATORS: Final = ("relu", "tanh", "sigmoid", "add", "mul")
BLOCK: Final = 8
DUPLICATES: Final = 2
"""Nodes of a block that compute what another one does; one of them shows only after the other is merged."""


def residual(nodes: int) -> list[Row]:
    """Return a graph as rows (operator, first, second) over values numbered from 1; 0 is the input, -1 no second."""
    rows: list[Row] = []
    x = 0
    for _ in range(nodes // BLOCK):
        a, b, c, d, e, f, g = range(len(rows) + 1, len(rows) + BLOCK)
        rows += [
            ("relu", x, -1),
            ("tanh", a, -1),
            ("relu", x, -1),
            ("tanh", c, -1),
            ("add", b, d),
            ("sigmoid", e, -1),
            ("mul", f, a),
            ("add", g, x),
        ]
        x = g + 1
    return rows


def wanted(rows: Sequence[Row]) -> tuple[int, int]:
    """Return the values that are outputs: one that seven eighths of the blocks make, then the last."""
    blocks = len(rows) // BLOCK
    return blocks * 7 // 8 * BLOCK, len(rows)
