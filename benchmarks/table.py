"""How figures are put side by side as plain text."""

import math
from collections.abc import Iterable, Sequence

MISSING = "missing"
TOO_LONG = "too long"
Cell = str | int | float | None


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table under its title; the first column is to the left, None is `missing`, infinity is `too long`."""
    cells = [list(heads), *([show(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(row, widths) for row in cells]
    return "\n".join([title, lines[0], "-" * len(lines[0]), *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    )


def show(cell: Cell) -> str:
    """Return a figure as it is printed: three digits where it is a fraction, thousands apart where it is whole."""
    if cell is None:
        return MISSING
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    if math.isinf(cell):
        return TOO_LONG
    if not cell or math.isnan(cell):
        return "0" if not cell else "nan"
    if abs(cell) >= 100:
        return f"{cell:,.0f}"
    return f"{cell:.2e}" if abs(cell) < 1e-3 else f"{cell:.3g}"


def slope(sizes: Sequence[int], costs: Sequence[float]) -> float | None:
    """Return the exponent of growth, the slope of log(cost) over log(size) by least squares; None for one size."""
    if len(sizes) < 2:
        return None
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    middle = sum(x) / len(x)
    return sum((a - middle) * b for a, b in zip(x, y, strict=True)) / sum((a - middle) ** 2 for a in x)
