"""How cuts and joins of the same parts undo each other."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from nnvm.errors import Error
from nnvm.ir import Graph, Node, UnknownRank, Value, rewrite
from nnvm.ir.dims import Size
from nnvm.ops import concat, slice, split
from nnvm.ops.typing import axis_of
from nnvm.passes.constants import vector
from nnvm.passes.cse import DEVICE
from nnvm.passes.layout.slice import cuts_of, taken
from nnvm.passes.visits import Readers

_MOST: Final = 1 << 10
"""How many parts are looked at."""


class Part:
    """Elements `start` up to `end` along an axis of a value."""

    __slots__ = ("axis", "end", "source", "start")

    def __init__(self, source: Value, axis: int, start: int, end: int) -> None:
        self.source, self.axis, self.start, self.end = source, axis, start, end


def part_of(value: Value) -> Part | None:
    """Return which part of another value this one is, or None where it is no part or its ends are not known."""
    node = value.node
    if node.after or node.op not in (slice, split) or len(node.outputs) > _MOST:
        return None
    source = node.inputs[0]
    if node.op is split:
        axis = axis_of(node.params["axis"], len(source.shape))
        ends = _ends([each.shape[axis] for each in node.outputs])
        return None if ends is None else Part(source, axis, ends[value.index], ends[value.index + 1])
    cuts = cuts_of(node)
    if cuts is None or len(cuts) != 1:
        return None
    ((axis, cut),) = cuts.items()
    length = source.shape[axis]
    if cut[2] != 1 or not isinstance(length, int):
        return None
    found = taken(length, cut)
    return Part(source, axis, found.start, max(found.start, found.stop))


def _ends(sizes: Sequence[Size]) -> list[int] | None:
    """Return where parts of these sizes begin, and where the last one ends; None where a size is open."""
    ends = [0]
    for size in sizes:
        if not isinstance(size, int):
            return None
        ends.append(ends[-1] + size)
    return ends


def join_parts(node: Node, readers: Readers) -> Value | None:
    """Put x for the join of all its parts in order, and one slice for the join of some that follow each other."""
    axis = axis_of(node.params["axis"], len(node.outputs[0].shape))
    whole_split = _all_of_split(node, axis)
    if whole_split is not None:
        return whole_split
    if len(node.inputs) > _MOST:
        return None
    found: list[Value] = []
    runs = list(_runs(node.inputs, axis))
    if len(runs) == len(node.inputs):
        return None
    for values, part in runs:
        length = part.source.shape[axis] if part is not None else None
        if part is None or len(values) == 1:
            found += values
        elif (part.start, part.end) == (0, length):
            found.append(part.source)
        elif len(runs) == 1 or all(value.node.op is slice and readers.one(value) for value in values):
            found.append(slice(part.source, vector([part.start]), vector([part.end]), vector([axis])))
        else:
            found += values
    if len(found) == len(node.inputs):
        return None
    return found[0] if len(found) == 1 else concat(*found, axis=axis)


def _all_of_split(node: Node, axis: int) -> Value | None:
    """Return what a split cuts, whatever the sizes, where this joins every part in order."""
    inner = node.inputs[0].node
    if inner.op is not split or inner.after or node.inputs != inner.outputs:
        return None
    source = inner.inputs[0]
    return source if axis_of(inner.params["axis"], len(source.shape)) == axis else None


def _runs(values: Sequence[Value], axis: int) -> list[tuple[list[Value], Part | None]]:
    """Group what follows each other in one value, with the part that each group is."""
    runs: list[tuple[list[Value], Part | None]] = []
    for value in values:
        part = part_of(value)
        if part is not None and part.axis != axis:
            part = None
        last = runs[-1][1] if runs else None
        if part is not None and last is not None and part.source is last.source and part.start == last.end:
            together = runs[-1][0]
            together.append(value)
            runs[-1] = (together, Part(part.source, axis, last.start, part.end))
        else:
            runs.append(([value], part))
    return runs


def without_empty(node: Node) -> Value | None:
    """Leave out of a join what has no elements along its axis."""
    axis = axis_of(node.params["axis"], len(node.outputs[0].shape))
    kept = [value for value in node.inputs if value.shape[axis] != 0]
    if len(kept) == len(node.inputs) or not kept:
        return None
    return kept[0] if len(kept) == 1 else concat(*kept, axis=axis)


def slice_of_join(node: Node) -> Value | None:
    """Slice one of the values that are joined, where what is taken of their join lies within it."""
    inner = node.inputs[0].node
    if inner.op is not concat or inner.after or len(inner.inputs) > _MOST:
        return None
    axis = axis_of(inner.params["axis"], len(inner.outputs[0].shape))
    cuts, ends = cuts_of(node), _ends([value.shape[axis] for value in inner.inputs])
    if cuts is None or ends is None or axis not in cuts:
        return None
    places = taken(ends[-1], cuts[axis])
    if not places:
        return None
    at = next(i for i, end in enumerate(ends[1:]) if places[0] < end)
    low, high = min(places[0], places[-1]), max(places[0], places[-1])
    if low < ends[at] or high >= ends[at + 1]:
        return None
    value, first, step = inner.inputs[at], places[0] - ends[at], places.step
    if len(cuts) == 1 and step == 1 and high - low + 1 == ends[at + 1] - ends[at]:
        return value
    last = places[-1] - ends[at] + (1 if step > 0 else -1)
    length = ends[at + 1] - ends[at]
    cuts[axis] = first, last if last >= 0 else -length - 1, step
    starts, limits, steps = zip(*cuts.values(), strict=True)
    return slice(value, vector(starts), vector(limits), vector(cuts), vector(steps))


def cut_of_join(node: Node, readers: Readers) -> tuple[Value, ...] | None:
    """Put the values that are joined for the parts that the join is cut into, where the cuts fall between them."""
    inner = node.inputs[0].node
    if inner.op is not concat or inner.after or len(inner.inputs) > _MOST:
        return None
    axis = axis_of(inner.params["axis"], len(inner.outputs[0].shape))
    if axis_of(node.params["axis"], len(inner.outputs[0].shape)) != axis:
        return None
    ends = _ends([value.shape[axis] for value in inner.inputs])
    cuts = _ends([value.shape[axis] for value in node.outputs])
    if ends is None or cuts is None or len(set(ends)) != len(ends) or not set(cuts) <= set(ends):
        return None
    places = {end: i for i, end in enumerate(ends)}
    groups = [inner.inputs[places[start] : places[end]] for start, end in pairwise(cuts) if end > start]
    if len(groups) != len(node.outputs):
        return None
    if sum(len(group) > 1 for group in groups) > 1 + readers.one(node.inputs[0]):
        return None
    return tuple(group[0] if len(group) == 1 else concat(*group, axis=axis) for group in groups)


def cut_once(graph: Graph) -> Graph:
    """Put one split for slices that are, together, all of a value, each element in one of them."""
    readers: dict[Value, list[Node]] = {}
    for node in graph.nodes:
        if node.op is slice:
            readers.setdefault(node.inputs[0], []).append(node)
    chosen = _tiled({source: nodes for source, nodes in readers.items() if 1 < len(nodes) <= _MOST})
    if not chosen:
        return graph

    splits: dict[Value, tuple[Value, ...]] = {}

    def visit(node: Node, origin: Node) -> Value | None:
        found = chosen.get(origin)
        if found is None:
            return None
        axis, ends, at = found
        source = node.inputs[0]
        if source not in splits:
            sizes = vector(end - start for start, end in pairwise(ends))
            splits[source] = split(source, sizes, axis=axis, parts=len(ends) - 1)
        return splits[source][at]

    return rewrite(graph, visit, origins=True)


Cutting: TypeAlias = tuple[int, tuple[int, ...], int]
"""The axis of a split, where its parts begin and the last one ends, and which of them is meant."""


def _tiled(readers: Mapping[Value, Sequence[Node]]) -> dict[Node, Cutting]:
    found: dict[Node, Cutting] = {}
    for source, nodes in readers.items():
        along: dict[int, list[tuple[Node, Part]]] = {}
        for node in nodes:
            part = _plain_part(node)
            if part is not None:
                along.setdefault(part.axis, []).append((node, part))
        for axis, parts in along.items():
            ranges = sorted({(part.start, part.end) for _, part in parts})
            ends = (0, *(end for _, end in ranges))
            if len(ranges) > 1 and [start for start, _ in ranges] == [*ends[:-1]] and ends[-1] == source.shape[axis]:
                found.update({node: (axis, ends, ends.index(part.start)) for node, part in parts})
                break
    return found


def _plain_part(node: Node) -> Part | None:
    """Return what a slice takes, None where that is nothing or the slice is kept for more than its elements."""
    try:
        part = part_of(node.outputs[0])
    except (UnknownRank, Error):
        return None
    return None if part is None or part.start == part.end or DEVICE in node.hints else part
