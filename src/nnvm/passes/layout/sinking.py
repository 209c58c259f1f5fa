"""How transposes sink together, through all that lies between them, to where they cancel."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from nnvm.ir import ABSENT, Graph, Node, TensorType, Value, data_of, is_constant, rewrite, uses
from nnvm.ops import transpose
from nnvm.passes.fold_constants import LIMIT
from nnvm.passes.layout.axes import Turn, turned
from nnvm.passes.layout.transpose import Perm, is_plain, merged, perm_of, undone, with_rank

_MANY: Final = 64
"""A value that more read than this is taken to be needed as it was."""


def sink_transposes(graph: Graph) -> Graph:
    """Move transposes behind what reads them, wherever that leaves fewer of them.

    What is transposed forms regions of nodes that can say the same of axes in another order. A region turns as a whole
    if more transposes vanish, at its begin and where its end is transposed back, than have to be put.
    """
    if not any(node.op is transpose for node in graph.nodes):
        return graph
    survey = _Survey(graph)
    chosen = survey.worthwhile()
    return _turn(graph, survey, chosen) if chosen else graph


class _Survey:
    """What may be turned: the permutation of each value, and by whom each is read."""

    __slots__ = ("graph", "insides", "perms", "readers", "turns", "used", "wanted")

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.perms: dict[Value, Perm] = {}
        self.turns: dict[Node, Turn] = {}
        self.insides: dict[Node, set[Value]] = {}
        self.readers: dict[Value, list[Node]] = {}
        self.wanted, self.used = set(graph.outputs), uses(graph)
        for node in graph.nodes:
            self._see(node)
        self._trim()

    def _see(self, node: Node) -> None:
        perms = self.perms
        for value in node.inputs:
            if value in perms:
                self.readers.setdefault(value, []).append(node)
        if node.after:
            return
        if node.op is transpose:
            perm = perm_of(node.outputs[0])
            if perm is not None and not is_constant(node.inputs[0]):
                perms[node.outputs[0]] = perm
            return
        first = next((i for i, value in enumerate(node.inputs) if value in perms), None)
        turn = None if first is None else turned(node, first, perms[node.inputs[first]])
        if turn is None or not self._feasible(node, turn):
            return
        self.turns[node], self.insides[node] = turn, self._inside(node, turn)
        for value, perm in zip(node.outputs, turn.outputs, strict=True):
            perms[value] = perm

    def _feasible(self, node: Node, turn: Turn) -> bool:
        """Say whether what is not transposed yet can be, and how many axes each output has is known."""
        for value, perm in zip(node.inputs, turn.inputs, strict=True):
            if perm is None or self.perms.get(value) == perm:
                continue
            if _rank(value) != len(perm) and not self._is_free(value):
                return False
        return all(_rank(value) == len(perm) for value, perm in zip(node.outputs, turn.outputs, strict=True))

    def _inside(self, node: Node, turn: Turn) -> set[Value]:
        """Return what a node reads turned, wherever it reads it."""
        alike: set[Value] = set()
        others: set[Value] = set()
        for value, perm in zip(node.inputs, turn.inputs, strict=True):
            (others if perm is None or self.perms.get(value) != perm else alike).add(value)
        return alike - others

    def _is_free(self, value: Value) -> bool:
        """Say whether a value is transposed when the graph is made: a constant that need not be kept in two orders."""
        data = data_of(value) if is_constant(value) else None
        return data is not None and (self.used[value] == 1 or data.repeats or data.nbytes <= LIMIT)

    def _trim(self) -> None:
        """Let go, from their ends on, of nodes that are no reason to turn what is before them."""
        for node in reversed(self.graph.nodes):
            turn = self.turns.get(node)
            if turn is None or any(self.within(each, value) for value in node.outputs for each in self.read_by(value)):
                continue
            gained = sum(self.is_put(value) - len(self.cancelled(value)) for value in node.outputs)
            gained += sum(1 for _ in self.leaves([node]))
            lost = sum(self.would_be_put(value, node) for value in {*node.inputs} if self.within(node, value))
            if lost - gained <= 0:
                del self.turns[node], self.insides[node]

    def read_by(self, value: Value) -> list[Node]:
        return self.readers.get(value, [])

    def within(self, node: Node, value: Value) -> bool:
        """Say whether a node reads a value turned."""
        return value in self.insides.get(node, ())

    def cancelled(self, value: Value) -> list[Node]:
        """Return the transposes that undo what turning does to a value."""
        perm = self.perms[value]
        return [node for node in self.read_by(value) if node.op is transpose and _undoes(node, perm)]

    def is_put(self, value: Value) -> bool:
        """Say whether a turned value is needed as it was, too."""
        return not is_plain(self.perms[value]) and self._is_needed(value)

    def would_be_put(self, value: Value, node: Node) -> bool:
        """Say whether a value is needed as it was only once a node of its region is let go of."""
        return not is_plain(self.perms[value]) and not self._is_needed(value)

    def _is_needed(self, value: Value) -> bool:
        """Say whether somebody reads a value as it was."""
        perm = self.perms[value]
        if value in self.wanted or len(self.read_by(value)) > _MANY:
            return True
        return any(
            not self.within(node, value) and not (node.op is transpose and _undoes(node, perm))
            for node in self.read_by(value)
        )

    def leaves(self, nodes: Iterable[Node]) -> Iterator[tuple[Value, Perm]]:
        """Yield what must be transposed for some nodes to turn, and how, each once."""
        seen = set()
        for node in nodes:
            for value, perm in zip(node.inputs, self.turns[node].inputs, strict=True):
                if perm is None or self.perms.get(value) == perm or is_plain(perm) or self._is_free(value):
                    continue
                if (value, perm) not in seen:
                    seen.add((value, perm))
                    yield value, perm

    def regions(self) -> list[list[Node]]:
        """Return the nodes that turn together, in the order of the graph."""
        root: dict[Node, Node] = {}

        def find(node: Node) -> Node:
            while root.setdefault(node, node) is not node:
                root[node] = node = root[root[node]]
            return node

        for node in self.turns:
            for value in node.inputs:
                if self.within(node, value):
                    root[find(node)] = find(value.node)
        found: dict[Node, list[Node]] = {}
        for node in self.graph.nodes:
            if node in self.turns:
                found.setdefault(find(node), []).append(node)
        return list(found.values())

    def worthwhile(self) -> set[Node]:
        """Return the nodes whose turning leaves fewer transposes; no transpose is counted for two regions."""
        chosen: set[Node] = set()
        counted: set[Node] = set()
        for nodes in self.regions():
            sources = {v.node: None for node in nodes for v in node.inputs if self.within(node, v)}
            begins = [node for node in sources if node.op is transpose]
            values = [value for node in nodes for value in node.outputs]
            ends = [node for value in values for node in self.cancelled(value)]
            if not counted.isdisjoint(begins) or not counted.isdisjoint(ends):
                continue
            gone = len(ends) + sum(not self._is_needed(node.outputs[0]) for node in begins)
            gone -= 2 * len({*begins} & {*ends})  # one that is both is put again for what it begins
            if sum(map(self.is_put, values)) + sum(1 for _ in self.leaves(nodes)) < gone:
                chosen.update(nodes)
                counted.update(begins, ends)
        return chosen


def _rank(value: Value) -> int | None:
    shape = value.type.shape_or_none if isinstance(value.type, TensorType) else None
    return None if shape is None else len(shape)


def _undoes(node: Node, perm: Perm) -> bool:
    other = perm_of(node.outputs[0])
    return other is not None and is_plain(merged(perm, other))


def _turn(graph: Graph, survey: _Survey, chosen: set[Node]) -> Graph:
    now: dict[Value, Value] = {}
    leaves: dict[tuple[Value, Perm], Value] = {}

    gone = {end for node in chosen for value in node.outputs for end in survey.cancelled(value)}

    def visit(node: Node, origin: Node) -> tuple[Value, ...] | None:
        if origin.op is transpose and origin.outputs[0] in survey.perms:
            now[origin.outputs[0]] = node.inputs[0]
        if origin in gone:
            return (now[origin.inputs[0]],)
        if origin not in chosen:
            return None
        turn = survey.turns[origin]
        inputs = []
        for old, new, perm in zip(origin.inputs, node.inputs, turn.inputs, strict=True):
            plain = perm is None or new is ABSENT
            turned = new if plain else now[old] if survey.within(origin, old) else _leaf(new, perm, leaves)  # type: ignore[arg-type]
            inputs.append(turned)
        made = _settled(turn.make(inputs), origin, turn, survey)
        found = []
        for old, value, perm in zip(origin.outputs, made, turn.outputs, strict=True):
            now[old] = value
            found.append(value if is_plain(perm) else transpose(value, perm=perm))
        return tuple(found)

    return rewrite(graph, visit, origins=True)


def _settled(made: Sequence[Value], origin: Node, turn: Turn, survey: _Survey) -> Sequence[Value]:
    """Return what was made, with the hints and types of what it stands for, and its name where nobody else takes it."""
    types = []
    for value, perm in zip(origin.outputs, turn.outputs, strict=True):
        back = undone(perm)
        types.append(value.tensor[tuple(value.shape[axis] for axis in back)])
    name = None if any(survey.is_put(value) for value in origin.outputs) else origin.name
    return made[0].node.replace(name=name, hints=origin.hints, types=tuple(types)).outputs


def _leaf(value: Value, perm: Perm, leaves: dict[tuple[Value, Perm], Value]) -> Value:
    """Return a value transposed back, the same one each time it is asked for."""
    found = leaves.get((value, perm))
    if found is None:
        full = with_rank(value, len(perm))
        found = leaves[value, perm] = full if is_plain(perm) else transpose(full, perm=undone(perm))
    return found
