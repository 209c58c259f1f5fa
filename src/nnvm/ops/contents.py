"""How small integer tensors that carry shapes are followed symbolically, operator by operator."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product as places
from operator import mul
from typing import Any

from nnvm.ir import Node, Op, Value, equal, follow, follow_types, larger, smaller
from nnvm.ir.contents import Contents
from nnvm.ir.dims import UNKNOWN, Size, at_least
from nnvm.ir.types import Shape
from nnvm.ops import arithmetic, index, shape
from nnvm.ops.shape import first_of_slice
from nnvm.ops.typing import axis_of

Given = tuple[Contents, ...]


@follow(shape.shape)
def _(node: Node, given: Given) -> Contents | None:
    found = node.inputs[0].shape[node.params["start"] : node.params["end"]]
    return None if UNKNOWN in found else found


@follow(shape.size)
def _(node: Node, given: Given) -> Contents | None:
    found = node.inputs[0].tensor.elements
    return None if found is UNKNOWN else (found,)


follow_types(shape.shape)
follow_types(shape.size)


@follow(shape.reshape, shape.flatten, shape.squeeze, shape.unsqueeze, arithmetic.identity)
def _(node: Node, given: Given) -> Contents | None:
    return given[0]


@follow(arithmetic.cast)
def _(node: Node, given: Given) -> Contents | None:
    """Follow what surely does not wrap around; a dimension fits into 32 bits."""
    to, (elements, *_) = node.outputs[0].dtype, given
    if to.kind == "bool" or (to.kind == "uint" and not all(at_least(item, 0) for item in elements)):
        return None
    most = 1 << (to.bits - 1 if to.kind == "int" else to.bits)
    fits = all(-most <= item < most if isinstance(item, int) else to.bits >= 32 for item in elements)
    return elements if fits else None


def _spread(elements: Contents, own: Shape, wanted: Shape) -> Contents:
    """Broadcast row-major elements from one shape to another; both are small and known."""
    if own == wanted:
        return elements
    lead = len(wanted) - len(own)
    spread = []
    for place in places(*(range(size) for size in wanted if isinstance(size, int))):
        at = 0
        for i, extent in enumerate(own):
            at = at * int(extent) + (place[lead + i] if extent != 1 else 0)  # type: ignore[arg-type]
        spread.append(elements[at])
    return tuple(spread)


def _elementwise(operator: Op[..., Any], compute: Callable[..., Size | None]) -> None:
    follow[operator] = partial(_by_element, compute)


def _by_element(compute: Callable[..., Size | None], node: Node, given: Given) -> Contents | None:
    wanted = node.outputs[0].shape
    columns = [_spread(elements, value.shape, wanted) for elements, value in zip(given, node.inputs, strict=True)]
    found = [compute(*row) for row in zip(*columns, strict=True)]
    return None if None in found or UNKNOWN in found else tuple(found)  # type: ignore[arg-type]


def _divide(a: Size, b: Size) -> Size | None:
    """Divide truncating toward zero, which is flooring where nothing is negative."""
    if isinstance(a, int) and isinstance(b, int):
        return None if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return a // b if at_least(a, 0) and at_least(b, 1 if isinstance(b, int) else 0) else None


def _truth(answer: bool | None) -> int | None:
    return None if answer is None else int(answer)


def _modulo(a: Size, b: Size) -> int | None:
    return a % b if isinstance(a, int) and isinstance(b, int) and b else None


def _extreme(pick: Callable[[Size, Size], Size]) -> Callable[..., Size]:
    def compute(*row: Size) -> Size:
        found = row[0]
        for item in row[1:]:
            found = pick(found, item)
        return found

    return compute


@follow(arithmetic.mod)
def _(node: Node, given: Given) -> Contents | None:
    return None if node.params["fmod"] else _by_element(_modulo, node, given)


_elementwise(arithmetic.add, lambda a, b: a + b)
_elementwise(arithmetic.sub, lambda a, b: a - b)
_elementwise(arithmetic.mul, lambda a, b: a * b)
_elementwise(arithmetic.div, _divide)
_elementwise(arithmetic.neg, lambda a: 0 - a)
_elementwise(arithmetic.minimum, _extreme(smaller))
_elementwise(arithmetic.maximum, _extreme(larger))
_elementwise(arithmetic.equal, lambda a, b: _truth(equal(a, b)))
_elementwise(arithmetic.greater_equal, lambda a, b: _truth(at_least(a, b)))
_elementwise(arithmetic.less_equal, lambda a, b: _truth(at_least(b, a)))
_elementwise(arithmetic.greater, lambda a, b: _truth(at_least(a, b + 1)))
_elementwise(arithmetic.less, lambda a, b: _truth(at_least(b, a + 1)))
_elementwise(
    arithmetic.where,
    lambda chosen, a, b: a if isinstance(chosen, int) and chosen else b if isinstance(chosen, int) else None,
)


def _extents(value: Value) -> tuple[int, ...]:
    """Return the shape of a small tensor, which is known."""
    return tuple(int(size) for size in value.shape)  # type: ignore[arg-type]


def _taken(elements: Contents, extents: Sequence[int], chosen: Sequence[Sequence[int]]) -> Contents:
    """Take of each axis the positions chosen, row-major."""
    found = []
    for place in places(*chosen):
        at = 0
        for extent, position in zip(extents, place, strict=True):
            at = at * extent + position
        found.append(elements[at])
    return tuple(found)


@follow(shape.transpose)
def _(node: Node, given: Given) -> Contents | None:
    extents = _extents(node.inputs[0])
    order = node.params["perm"] or tuple(range(len(extents)))[::-1]
    strides = [math.prod(extents[axis + 1 :]) for axis in order]
    grid = places(*(range(extents[axis]) for axis in order))
    return tuple(given[0][sum(map(mul, place, strides))] for place in grid)


@follow(shape.concat)
def _(node: Node, given: Given) -> Contents | None:
    shapes = [_extents(value) for value in node.inputs]
    axis = axis_of(node.params["axis"], len(shapes[0]))
    found: list[Size] = []
    for row in range(math.prod(shapes[0][:axis])):
        for elements, extents in zip(given, shapes, strict=True):
            size = math.prod(extents[axis:])
            found += elements[row * size : (row + 1) * size]
    return tuple(found)


@follow(shape.slice)
def _(node: Node, given: Given) -> Contents | None:
    elements, starts, ends, *rest = given
    extents = _extents(node.inputs[0])
    axes = rest[0] if rest and rest[0] else tuple(range(len(starts)))
    steps = rest[1] if len(rest) > 1 and rest[1] else (1,) * len(starts)
    if not all(isinstance(item, int) for item in (*starts, *ends, *axes, *steps)):
        return None
    chosen: list[Sequence[int]] = [range(extent) for extent in extents]
    for start, axis, step in zip(starts, axes, steps, strict=True):
        at = axis_of(int(axis), len(extents))  # type: ignore[arg-type]
        count = node.outputs[0].shape[at]
        first = first_of_slice(extents[at], start, int(step))  # type: ignore[arg-type]
        if not (isinstance(count, int) and isinstance(first, int)):
            return None
        chosen[at] = [first + int(step) * i for i in range(count)]  # type: ignore[arg-type]
    return _taken(elements, extents, chosen)


@follow(index.gather)
def _(node: Node, given: Given) -> Contents | None:
    elements, wanted = given
    extents = _extents(node.inputs[0])
    at = axis_of(node.params["axis"], len(extents))
    if not all(isinstance(item, int) and -extents[at] <= item < extents[at] for item in wanted):
        return None
    chosen: list[Sequence[int]] = [range(extent) for extent in extents]
    chosen[at] = [int(item) % extents[at] for item in wanted]  # type: ignore[arg-type]
    return _taken(elements, extents, chosen)


@follow(shape.tile)
def _(node: Node, given: Given) -> Contents | None:
    extents, wide = _extents(node.inputs[0]), _extents(node.outputs[0])
    return _taken(
        given[0], extents, [[i % extent for i in range(size)] for extent, size in zip(extents, wide, strict=True)]
    )


@follow(shape.expand)
def _(node: Node, given: Given) -> Contents | None:
    return _spread(given[0], node.inputs[0].shape, node.outputs[0].shape)


@follow(index.fill)
def _(node: Node, given: Given) -> Contents | None:
    count = node.outputs[0].tensor.elements
    return (int(node.params["value"].values()[0]),) * count if isinstance(count, int) else None


@follow(index.arange)
def _(node: Node, given: Given) -> Contents | None:
    (first,), _, (step,) = given
    count = node.outputs[0].shape[0]
    return tuple(first + step * i for i in range(count)) if isinstance(count, int) else None
