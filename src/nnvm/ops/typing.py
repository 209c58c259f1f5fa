"""What the types of operators are computed with: broadcasting, axes, and inputs of one element type."""

from collections.abc import Iterable

from nnvm.ir import TensorType, Value, equal, larger
from nnvm.ir.dims import Size
from nnvm.ir.types import DType, Shape

_broadcasts: dict[tuple[Shape, Shape], Shape] = {}


def broadcast(a: Shape, b: Shape) -> Shape:
    """Return the shape that NumPy and ONNX broadcast two shapes to; raise ValueError where they cannot.

    Two open dimensions give their maximum, which is right unless one is bound to 0 and the other to 1.
    """
    if a is b:
        return a
    found = _broadcasts.get((a, b))
    if found is None:
        longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
        lead = len(longer) - len(shorter)
        found = longer[:lead] + tuple(_broadcast_dim(p, q, a, b) for p, q in zip(longer[lead:], shorter, strict=True))
        _broadcasts[a, b] = found
    return found


def _broadcast_dim(a: Size, b: Size, first: Shape, second: Shape) -> Size:
    if a is b or b == 1:
        return a
    if a == 1:
        return b
    if isinstance(a, int) and isinstance(b, int):
        if a != b:
            raise ValueError(f"shapes {list(first)} and {list(second)} do not broadcast: {a} against {b}")
        return a
    if isinstance(a, int) or isinstance(b, int):
        return a if isinstance(a, int) else b
    return a if equal(a, b) else larger(a, b)


def fits(shape: Shape, whole: Shape) -> bool:
    """Say whether a shape may broadcast to another without enlarging it; a dimension that is not known may."""
    if len(shape) > len(whole):
        return False
    ends = whole[len(whole) - len(shape) :]
    return all(equal(p, 1) is not False or equal(p, q) is not False for p, q in zip(shape, ends, strict=True))


def one_dtype(values: Iterable[Value]) -> DType:
    """Return the element type that all values have; raise ValueError where they differ."""
    found = list(dict.fromkeys(value.dtype for value in values))
    if len(found) != 1:
        raise ValueError(f"element types differ ({', '.join(map(repr, found))}); cast one")
    return found[0]


def of_kind(value: Value, *kinds: str) -> TensorType:
    """Return the type of a value whose elements are of one of these kinds; raise ValueError for any others."""
    require(value.dtype.kind in kinds, f"elements are {value.dtype!r}; they must be of kind {' or '.join(kinds)}")
    return value.tensor


def broadcast_type(*values: Value) -> TensorType:
    """Return the type of an elementwise operator of many inputs."""
    require(values, "there must be at least one input")
    first = values[0].tensor
    if len(values) == 2 and values[1].type is first:
        return first
    dtype = one_dtype(values)
    if any(value.tensor.shape_or_none is None for value in values):
        return dtype[...]
    shape = first.shape
    for value in values[1:]:
        shape = broadcast(shape, value.shape)
    return dtype[shape]


def axis_of(axis: int, rank: int) -> int:
    """Return an axis counted from the front; raise ValueError where there is no such axis."""
    if not -rank <= axis < max(rank, 1):
        raise ValueError(f"axis {axis} is not among the {rank} axes")
    return axis % rank if rank else 0


def axes_of(axes: Iterable[int], rank: int) -> tuple[int, ...]:
    """Return axes counted from the front, sorted; raise ValueError for a repeated or missing one."""
    found = tuple(sorted(axis_of(axis, rank) for axis in axes))
    if len(set(found)) != len(found):
        raise ValueError(f"an axis is repeated in {list(axes)}")
    return found


def rank_or_none(value: Value) -> int | None:
    """Return the number of dimensions, or None where it is not known."""
    shape = value.tensor.shape_or_none
    return None if shape is None else len(shape)


def require(condition: object, message: str) -> None:
    """Raise ValueError with the message where the condition does not hold."""
    if not condition:
        raise ValueError(message)


__all__ = [
    "axes_of", "axis_of", "broadcast", "broadcast_type", "fits", "of_kind", "one_dtype", "rank_or_none", "require",
]  # fmt: skip
