"""How transposes meet, and how one moves to where it meets another."""

from collections.abc import Iterator

from nnvm.attrs import elementwise
from nnvm.ir import ABSENT, Node, Rule, TensorType, Value, data_of, is_constant, product, rebuild, rule
from nnvm.ops import transpose, unsqueeze
from nnvm.passes.constants import vector
from nnvm.passes.fold_constants import LIMIT
from nnvm.passes.visits import Readers

Perm = tuple[int, ...]

_MOVES = 4
"""How often, on average, one call may move a transpose past each node."""


@rule(untyped=True)
def transpose_twice(x: Value, first: Perm, second: Perm) -> Iterator[Value]:
    """transpose(transpose(x, p), q) = transpose(x, p of q), or x where that is every axis at its place."""
    yield transpose(transpose(x, perm=first), perm=second)
    rank = len(first) or len(second) or len(x.shape)
    perm = merged(order(first, rank), order(second, rank))
    yield x if is_plain(perm) else transpose(x, perm=perm)


def order(perm: Perm, rank: int) -> Perm:
    """Return a transpose's permutation, written out."""
    return perm or tuple(range(rank))[::-1]


def merged(first: Perm, second: Perm) -> Perm:
    """Return the permutation that two in a row are."""
    return tuple(first[i] for i in second)


def undone(perm: Perm) -> Perm:
    """Return the permutation that puts every axis back."""
    return tuple(sorted(range(len(perm)), key=perm.__getitem__))


def is_plain(perm: Perm) -> bool:
    """Say whether a permutation leaves every axis where it is."""
    return perm == tuple(range(len(perm)))


def perm_of(value: Value) -> Perm | None:
    """Return how a transpose that waits for nothing permutes, written out; None for any other node's value.

    None as well for one that reverses axes of which it is not known how many there are.
    """
    node = value.node
    if node.op is not transpose or node.after:
        return None
    perm: Perm = node.params["perm"]
    known = perm or (isinstance(value.type, TensorType) and value.type.shape_or_none is not None)
    return order(perm, len(perm) or len(value.shape)) if known else None


class Leaf:
    """What an elementwise tree reads: its value once permuted, and how many transposes that adds and takes away."""

    __slots__ = ("added", "removed", "value")

    def __init__(self, value: Value, added: int, removed: int) -> None:
        self.value, self.added, self.removed = value, added, removed


def _leaf(value: Value, perm: Perm, dies: bool) -> Leaf | None:
    """Return a leaf of a tree whose result is permuted, or None for one that cannot be permuted without computing."""
    inner = perm_of(value)
    if inner is not None and len(inner) == len(perm):
        joined = merged(inner, perm)
        source = value.node.inputs[0]
        plain = is_plain(joined)
        return Leaf(source if plain else transpose(source, perm=joined), int(not plain), int(dies))
    if isinstance(value.type, TensorType) and product(value.shape) == 1 and len(value.shape) <= 1:
        return Leaf(value, 0, 0)
    if is_constant(value) and len(value.shape) <= len(perm) and (dies or _is_small(value)):
        return Leaf(transpose(with_rank(value, len(perm)), perm=perm), 0, 0)
    return Leaf(transpose(value, perm=perm), 1, 0) if len(value.shape) == len(perm) else None


def with_rank(value: Value, rank: int) -> Value:
    """Return a value with the axes of 1 before its own that broadcasting gives it."""
    lead = rank - len(value.shape)
    return unsqueeze(value, vector(range(lead))) if lead else value


def _is_small(value: Value) -> bool:
    """Say whether a constant may be kept in two orders."""
    data = data_of(value)
    return data is not None and (data.repeats or data.nbytes <= LIMIT)


class Meetings:
    """Which values lead up to a transpose through elementwise nodes, and how many nodes may still be moved."""

    __slots__ = ("leading", "left", "readers")

    def __init__(self, readers: Readers, nodes: int) -> None:
        self.readers, self.left = readers, _MOVES * nodes
        self.leading: dict[Value, bool] = {ABSENT: False}

    def leads(self, value: Value) -> bool:
        """Say whether elementwise nodes lead from a value up to a transpose."""
        leading, stack = self.leading, [value]
        while stack:
            here = stack[-1]
            if here.node.op in elementwise and not here.node.after and here not in leading:
                waiting = [each for each in here.node.inputs if each not in leading]
                if waiting:
                    stack += waiting
                    continue
                leading[here] = any([leading[each] for each in here.node.inputs])
            leading.setdefault(here, here.node.op is transpose)
            stack.pop()
        return leading[value]

    def tree(self, root: Value) -> list[Node]:
        """Return the elementwise nodes that lead to a value and nowhere else, each after its inputs."""
        found: list[Node] = []
        stack = [root] if self.leads(root) else []
        while stack:
            value = stack.pop()
            node = value.node
            if node.op not in elementwise or node.after or not self.readers.one(value) or len(found) > self.left:
                continue
            found.append(node)
            stack += node.inputs
        self.left -= len(found)
        return found[::-1] if self.left >= 0 else []


def pull_up(node: Node, meetings: Meetings) -> Value | None:
    """Move a transpose up through the elementwise tree that only it reads, where that leaves fewer transposes."""
    perm = perm_of(node.outputs[0])
    tree = meetings.tree(node.inputs[0])
    if perm is None or not tree:
        return None
    added, removed = 0, 1
    now: dict[Value, Value] = {ABSENT: ABSENT}
    made = node.inputs[0]
    for inner in tree:
        if len(inner.outputs[0].shape) != len(perm):
            return None
        for value in inner.inputs:
            if value in now:
                continue
            leaf = _leaf(value, perm, meetings.readers.one(value))
            if leaf is None:
                return None
            now[value] = leaf.value
            added, removed = added + leaf.added, removed + leaf.removed
        made = rebuild(inner, tuple(now[value] for value in inner.inputs)).outputs[0]
        now[inner.outputs[0]] = made
    return made if added < removed else None


TRANSPOSES: tuple[Rule, ...] = (transpose_twice,)
