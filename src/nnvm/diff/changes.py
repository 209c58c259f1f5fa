"""What changed between two graphs, once it is known which of their nodes are the same."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from nnvm.backends.numpy.device import dtype_of
from nnvm.diff.align import Alignment, align
from nnvm.errors import Error
from nnvm.ir import Dim, Graph, Node, TensorData, TensorType, Value, constant, input, same, set_dims, variable
from nnvm.ir.dims import Size, dim, names
from nnvm.ir.node import ABSENT, literal_key
from nnvm.ir.provenance import MADE_BY, sources_of
from nnvm.ir.types import Type
from nnvm.pipeline import count_nodes, operator_counts

_CHUNK: Final = 1 << 22
_LONGEST: Final = 120


class Change:
    """A node that is still there and has another param; `max_abs_error` is the largest difference of two constants.

    It is None where nothing can be subtracted, infinite where one has an infinity or a NaN that the other has not.
    """

    __slots__ = ("after", "before", "max_abs_error", "now", "param", "was")

    def __init__(
        self, before: Node, after: Node, param: str, was: str, now: str, max_abs_error: float | None = None
    ) -> None:
        self.before: Final = before
        self.after: Final = after
        self.param: Final = param
        self.was: Final = was
        self.now: Final = now
        self.max_abs_error: Final = max_abs_error


class Move:
    """An input of a node, or an output of the graph, that reads another value than it did; None is nothing."""

    __slots__ = ("node", "now", "place", "was")

    def __init__(self, node: Node | None, place: str, was: Value | None, now: Value | None) -> None:
        self.node: Final = node
        self.place: Final = place
        self.was: Final = was
        self.now: Final = now


class Diff:
    """What it takes to make the second graph of the first; true where there is any change.

    `added` and `removed` are nodes; `retyped` pairs of nodes where another type begins, with `retyped_below` more that
    only follow; `renamed` names of ends, variables and dimensions by kind: such a change alone is none. `inputs` and
    `outputs` hold the names added and removed, and whether the order is another.
    """

    __slots__ = ("added", "after", "alignment", "before", "changed", "moved", "removed", "renamed", "retyped",
                 "retyped_below")  # fmt: skip

    def __init__(self, before: Graph, after: Graph) -> None:
        self.before: Final = before
        self.after: Final = after
        self.alignment: Final = align(before, after)
        there, back = self.alignment.there, self.alignment.back
        self.removed: Final = [node for node in _all_nodes(before) if node not in there and node.op is not input]
        self.added: Final = [node for node in _all_nodes(after) if node not in back and node.op is not input]
        self.changed: Final = [each for x, y in there.items() if x.params is not y.params for each in _changes(x, y)]
        self.moved: Final = [*_moves(self.alignment), *_exits(self)]
        dims = _renamed_dims(there)
        self.retyped, self.retyped_below = _retyped(there, dims)
        self.renamed: Final = _renamed(self, dims)

    def ends(self, kind: str) -> dict[str, Any]:
        """Return what became of the graph's inputs or outputs, by `kind`: names added, names removed, another order."""
        before, after = _end_names(self.before, kind), _end_names(self.after, kind)
        pairs = self.alignment.inputs if kind == "inputs" else self.alignment.outputs
        old, new = {i for i, _ in pairs}, {j for _, j in pairs}
        return {
            "added": [name for j, name in enumerate(after) if j not in new],
            "removed": [name for i, name in enumerate(before) if i not in old],
            "reordered": [j for _, j in pairs] != sorted(new),
        }

    @property
    def same(self) -> bool:
        """Whether nothing changed but names."""
        return not self

    def __bool__(self) -> bool:
        ends = [self.ends(kind) for kind in ("inputs", "outputs")]
        return bool(
            self.added
            or self.removed
            or self.changed
            or self.moved
            or self.retyped
            or any(any(e.values()) for e in ends)
        )

    def report(self) -> dict[str, Any]:
        """Return the differences as plain objects, nodes under their names or those that their text would give them."""
        labels = {**_labels(self.before), **_labels(self.after)}
        users = _first_users(self.after) if any(each.after.op is constant for each in self.changed) else {}
        return {
            "same": self.same,
            "added": [_row(node, labels) for node in self.added],
            "removed": [_row(node, labels) for node in self.removed],
            "changed": [
                {**_place(each.after, labels, users), "param": each.param, "from": each.was, "to": each.now,
                 "max_abs_error": each.max_abs_error}
                for each in self.changed
            ],
            "moved": [
                {"name": None if each.node is None else labels[each.node],
                 "op": None if each.node is None else each.node.op.name, "place": each.place,
                 "from": _value_text(each.was, labels), "to": _value_text(each.now, labels)}
                for each in self.moved
            ],
            "types": [
                {"name": labels[y], "op": y.op.name, "from": list(map(str, x.types)), "to": list(map(str, y.types))}
                for x, y in self.retyped
            ],
            "types_below": self.retyped_below,
            "inputs": self.ends("inputs"),
            "outputs": self.ends("outputs"),
            "renamed": self.renamed,
            "nodes": {"before": count_nodes(self.before), "after": count_nodes(self.after)},
            "operators": _operators(self.before, self.after),
        }  # fmt: skip


def diff(before: Graph, after: Graph) -> Diff:
    """Return what changed from one graph to another, by structure and contents; names and hints are no part of it."""
    return Diff(before, after)


def _all_nodes(graph: Graph) -> Iterable[Node]:
    return dict.fromkeys((*graph.nodes, *(value.node for value in graph.inputs)))


def _end_names(graph: Graph, kind: str) -> Sequence[str]:
    return [value.name for value in graph.inputs] if kind == "inputs" else graph.output_names


def _changes(x: Node, y: Node) -> Iterator[Change]:
    """Compare params; those of inputs say a type alone, which is compared as one."""
    if x.op is input:
        return
    for name in dict.fromkeys((*x.params, *y.params)):
        if x.op is variable and name == "type":
            continue
        p, q = x.params.get(name), y.params.get(name)
        if isinstance(p, TensorData) and isinstance(q, TensorData):
            if p.key != q.key:
                yield Change(x, y, name, repr(p), repr(q), largest_difference(p, q))
        elif isinstance(p, Graph) and isinstance(q, Graph):
            found = same(p, q)
            if not found:
                yield Change(x, y, name, repr(p), f"{q!r}: {getattr(found, 'where', '')}")
        elif name not in x.params or name not in y.params or not _equal(p, q):
            yield Change(x, y, name, repr(p) if name in x.params else "-", repr(q) if name in y.params else "-")


def _equal(p: object, q: object) -> bool:
    key = literal_key((p,))
    return key == literal_key((q,)) if key is not None else type(p) is type(q) and (p == q or repr(p) == repr(q))


def largest_difference(p: TensorData, q: TensorData) -> float | None:
    """Return the largest absolute difference of elements; None where shapes differ or the elements are no numbers."""
    if p.shape != q.shape or not (p.has_numbers and q.has_numbers):
        return None
    if p.dtype.bits < 8 or q.dtype.bits < 8:
        return max((abs(float(a) - float(b)) for a, b in zip(p.values(), q.values(), strict=True)), default=0.0)
    try:
        a, b = (np.frombuffer(each.read(), dtype_of(each.dtype.name)) for each in (p, q))
    except Error:
        return None
    starts = range(0, p.size, _CHUNK)
    return max((_largest(a[start : start + _CHUNK], b[start : start + _CHUNK]) for start in starts), default=0.0)


def _largest(a: Any, b: Any) -> float:
    wide = np.longdouble if a.dtype.kind in "iu" else np.float64
    a, b = a.astype(wide), b.astype(wide)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    apart = np.abs(a[~alike] - b[~alike])
    if not apart.size:
        return 0.0
    return float("inf") if np.isnan(apart).any() else float(apart.max())


def _moves(alignment: Alignment) -> Iterator[Move]:
    back = alignment.back
    for x, y in alignment.there.items():
        for i in range(max(len(x.inputs), len(y.inputs))):
            was = x.inputs[i] if i < len(x.inputs) else ABSENT
            now = y.inputs[i] if i < len(y.inputs) else ABSENT
            if alignment.value(was) is not now:
                yield Move(y, _input_name(y, i), was, now)
        if x.after or y.after:
            kept = {back[late] for late in y.after if late in back}
            for early in x.after:
                if early not in kept:
                    yield Move(y, "after", early.outputs[0], None)
            waited = set(x.after)
            for early in y.after:
                if back.get(early) not in waited:
                    yield Move(y, "after", None, early.outputs[0])


def _input_name(node: Node, i: int) -> str:
    known = node.op.inputs
    if node.op.variadic and i >= len(known) - 1:
        return f"{known[-1]}[{i - len(known) + 1}]"
    return known[i] if i < len(known) else f"inputs[{i}]"


def _exits(found: Diff) -> Iterator[Move]:
    before, after, alignment = found.before, found.after, found.alignment
    for i, j in alignment.outputs:
        was, now = before.outputs[i], after.outputs[j]
        if alignment.value(was) is not now:
            yield Move(None, f"output {after.output_names[j]}", was, now)


def _renamed_dims(there: Mapping[Node, Node]) -> dict[str, str]:
    """Read off pairs of types which dimension is called how now; a name is only one other's."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for x, y in there.items():
        for p, q in zip(x.types, y.types, strict=False):
            if p is q or not isinstance(p, TensorType) or not isinstance(q, TensorType):
                continue
            for old, new in zip(p.shape_or_none or (), q.shape_or_none or (), strict=False):
                if _is_name(old) and _is_name(new) and str(old) not in found and str(new) not in taken:
                    found[str(old)] = str(new)
                    taken.add(str(new))
    return {old: new for old, new in found.items() if old != new}


def _is_name(size: Size) -> bool:
    return isinstance(size, Dim) and names(size) == (str(size),)


def _retyped(there: Mapping[Node, Node], dims: Mapping[str, str]) -> tuple[list[tuple[Node, Node]], int]:
    """Return the pairs where another type begins, and how many more only follow from their inputs'."""
    binding = {old: dim(new) for old, new in dims.items()}
    known: dict[Type | None, Type | None] = {}

    def renamed(type: Type | None) -> Type | None:
        if type not in known:
            known[type] = set_dims(type, binding)
        return known[type]

    other = {
        x: y
        for x, y in there.items()
        if x.op is not constant and x.types != y.types and tuple(map(renamed, x.types)) != y.types
    }
    first = [(x, y) for x, y in other.items() if not any(value.node in other for value in x.inputs)]
    return first, len(other) - len(first)


def _renamed(found: Diff, dims: Mapping[str, str]) -> dict[str, dict[str, str]]:
    kinds: dict[str, dict[str, str]] = {}
    for kind, pairs in (("inputs", found.alignment.inputs), ("outputs", found.alignment.outputs)):
        before, after = _end_names(found.before, kind), _end_names(found.after, kind)
        kinds[kind] = {before[i]: after[j] for i, j in pairs if before[i] != after[j]}
    states = [(x, y) for x, y in found.alignment.there.items() if x.op is variable and x.name != y.name]
    kinds["variables"] = {x.name or "": y.name or "" for x, y in states if (x.name or "") not in kinds["inputs"]}
    kinds["dims"] = dict(dims)
    return {kind: rows for kind, rows in kinds.items() if rows}


def _labels(graph: Graph) -> dict[Node, str]:
    """Name the nodes that have no name by their operator and a number, as their text does."""
    taken = {node.name for node in graph.nodes if node.name}
    counts: dict[str, int] = {}
    found: dict[Node, str] = {}
    for node in _all_nodes(graph):
        if node.name:
            found[node] = node.name
            continue
        label = ""
        while not label or label in taken:
            counts[node.op.name] = counts.get(node.op.name, 0) + 1
            label = f"{node.op.name}_{counts[node.op.name]}"
        found[node] = label
    return found


def _row(node: Node, labels: Mapping[Node, str]) -> dict[str, Any]:
    row = {
        "name": labels[node],
        "op": node.op.name,
        "inputs": [_value_text(value, labels) for value in node.inputs],
        "types": list(map(str, node.types)),
        "params": {name: _short(repr(param)) for name, param in node.params.items() if _is_told(node, name, param)},
    }
    if MADE_BY in node.hints:
        row |= {"sources": list(sources_of(node)), "made_by": list(node.hints[MADE_BY])}
    return row


def _is_told(node: Node, name: str, param: object) -> bool:
    return name not in node.op.defaults or not _equal(param, node.op.defaults[name])


def _first_users(graph: Graph) -> dict[Node, tuple[Node, int]]:
    found: dict[Node, tuple[Node, int]] = {}
    for user in graph.nodes:
        for i, value in enumerate(user.inputs):
            if value.node.op is constant:
                found.setdefault(value.node, (user, i))
    return found


def _place(node: Node, labels: Mapping[Node, str], users: Mapping[Node, tuple[Node, int]]) -> dict[str, Any]:
    """Name a node; a constant with who reads it first, and as what."""
    place = {"name": labels[node], "op": node.op.name}
    if node not in users:
        return place
    user, i = users[node]
    return {**place, "user": f"{_input_name(user, i)} of {labels[user]}"}


def _value_text(value: Value | None, labels: Mapping[Node, str]) -> str | None:
    if value is None or value is ABSENT:
        return None
    label = labels[value.node]
    return label if len(value.node.outputs) == 1 else f"{label}.{value.index}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _operators(before: Graph, after: Graph) -> dict[str, dict[str, int]]:
    counts = operator_counts(before), operator_counts(after)
    names = sorted({*counts[0], *counts[1]})
    return {name: {"before": counts[0].get(name, 0), "after": counts[1].get(name, 0)} for name in names}
