"""How figures are written: as JSON holds them, and as people write them."""

from collections.abc import Mapping, Sequence
from typing import Any


def plain(thing: Any) -> Any:
    """Return an object that JSON can hold; dimensions, and whatever else it does not know, become their text."""
    if isinstance(thing, Mapping):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [plain(value) for value in thing]
    return thing if thing is None or isinstance(thing, (str, int, float)) else str(thing)


def shape_text(shape: Sequence[Any] | None) -> str:
    """Write a shape as people do."""
    return "of unknown rank" if shape is None else "[" + ", ".join(map(str, shape)) + "]"


def size_text(size: int) -> str:
    """Write bytes as people do."""
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


def top_text(row: Mapping[str, Any]) -> str:
    """Write the largest element of a vector of answers."""
    return f", top answer {row['top']['index']} ({row['top']['value']:.4f})" if "top" in row else ""
