"""Which nodes of two graphs are one and the same, by what they are made of and by what is made of them."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

from nnvm.ir import Graph, Node, Params, TensorData, Value, collection_paused, constant, input, variable
from nnvm.ir.node import ABSENT, literal_key
from nnvm.ir.provenance import sources_of

Keys = Mapping[Node, Hashable]
_TELLING: Final = 8
"""A constant of at least so many elements is seldom found twice, so that it marks the node that reads it."""


class Alignment:
    """Pairs of nodes, inputs and outputs of two graphs; what is in no pair has no counterpart."""

    __slots__ = ("back", "inputs", "outputs", "there")

    def __init__(self, inputs: Sequence[tuple[int, int]], outputs: Sequence[tuple[int, int]]) -> None:
        self.there: Final[dict[Node, Node]] = {}
        self.back: Final[dict[Node, Node]] = {}
        self.inputs: Final = tuple(inputs)
        self.outputs: Final = tuple(outputs)

    def value(self, old: Value) -> Value | None:
        """Return what stands for a value of the first graph in the second, or None."""
        if old is ABSENT:
            return ABSENT
        node = self.there.get(old.node)
        return node.outputs[old.index] if node is not None and old.index < len(node.outputs) else None


def align(a: Graph, b: Graph) -> Alignment:
    """Pair the nodes of two graphs, each with one of the same operator at most; linear in their sizes.

    First those that are made of the same and used for the same, then those made of the same, then those used for the
    same, then neighbours of pairs, at last what stands among the same operators elsewhere; names and sources only
    choose among what is equal otherwise.
    """
    with collection_paused():
        found = Alignment(_ends(*map(_doors, (a, b))), _ends(*map(_exits, (a, b))))
        _Aligner(a, b, found).run()
        pairs, there = dict(found.there), found.there
        there.clear()
        there.update((node, pairs.pop(node)) for node in a.nodes if node in pairs)
        there.update(pairs)
    return found


def _doors(graph: Graph) -> list[tuple[str, Hashable]]:
    return [(value.name, value.type) for value in graph.inputs]


def _exits(graph: Graph) -> list[tuple[str, Hashable]]:
    return [(name, value.type) for name, value in zip(graph.output_names, graph.outputs, strict=True)]


def _ends(a: Sequence[tuple[str, Hashable]], b: Sequence[tuple[str, Hashable]]) -> list[tuple[int, int]]:
    """Pair named ends: those of one name, then of one type in their order, then the rest where as many are left."""
    pairs: dict[int, int] = {}
    rests: tuple[Callable[[tuple[str, Hashable]], Hashable], ...] = (lambda end: end[0], lambda end: end[1])
    for key in rests:
        free: dict[Hashable, deque[int]] = {}
        taken = set(pairs.values())
        for j, end in enumerate(b):
            if j not in taken:
                free.setdefault(key(end), deque()).append(j)
        for i, end in enumerate(a):
            if i not in pairs and free.get(key(end)):
                pairs[i] = free[key(end)].popleft()
    taken = set(pairs.values())
    left, right = [i for i in range(len(a)) if i not in pairs], [j for j in range(len(b)) if j not in taken]
    if len(left) == len(right):
        pairs.update(zip(left, right, strict=True))
    return sorted(pairs.items())


class _Numbers:
    """Gives equal things equal numbers, in both graphs; so nothing is told equal that is not."""

    def __init__(self) -> None:
        self.known: dict[Hashable, int] = {}
        self.graphs: dict[Graph, int] = {}
        self._params: dict[Params, int] = {}

    def of(self, key: Hashable) -> int:
        return self.known.setdefault(key, len(self.known))

    def params(self, params: Params) -> int:
        found = self._params.get(params)
        if found is None:
            literal = literal_key(params)
            key = (
                tuple(sorted((name, self._param(each)) for name, each in params.items()))
                if literal is None
                else literal
            )
            found = self._params[params] = self.of(("params", key))
        return found

    def _param(self, param: object) -> int:
        if isinstance(param, TensorData):
            return self.of(("data", param.key))
        if isinstance(param, Graph):
            return self.of(("graph", self.graphs[param]))
        if isinstance(param, (tuple, list)):
            return self.of(("row", *map(self._param, param)))
        return self.of(("other", type(param).__name__, literal_key((param,)) or repr(param)))

    def down(self, graph: Graph, ends: Keys) -> dict[Node, int]:
        """Number nodes by what they are: operator, params, inputs and control edges, down to the ends."""
        found: dict[Node, int] = {ABSENT.node: -1}
        for node in graph.nodes:
            if node in ends:
                found[node] = self.of(("end", ends[node]))
                continue
            made = tuple([(found[value.node], value.index) for value in node.inputs])
            after = tuple(sorted([found[early] for early in node.after])) if node.after else ()
            found[node] = self.of((node.op, self.params(node.params), made, after))
        del found[ABSENT.node]
        return found

    def up(self, graph: Graph, exits: Mapping[int, int]) -> dict[Node, int]:
        """Number nodes by what becomes of them: their users with the places there, up to the outputs.

        What a constant holds is left out, so that one that changed is found.
        """
        users: dict[Node, list[tuple[int, int, int]]] = {}
        for i, value in enumerate(graph.outputs):
            users.setdefault(value.node, []).append((-1, exits.get(i, -1), value.index))
        found: dict[Node, int] = {}
        for node in reversed(graph.nodes):
            own = None if node.op in (constant, input, variable) else self.params(node.params)
            number = found[node] = self.of((node.op, own, tuple(sorted(users.pop(node, ())))))
            for i, value in enumerate(node.inputs):
                users.setdefault(value.node, []).append((number, i, value.index))
            for early in node.after:
                users.setdefault(early, []).append((number, -1, 0))
        return found

    def nested(self, *graphs: Graph) -> None:
        """Number the graphs among params, the innermost first."""
        order: list[Graph] = []
        pending = list(graphs)
        seen = set(graphs)
        while pending:
            here = pending.pop()
            order.append(here)
            inner = {param: None for node in here.nodes for param in node.params.values() if isinstance(param, Graph)}
            pending += [each for each in inner if each not in seen]
            seen.update(inner)
        for graph in reversed(order):
            if graph not in graphs:
                down = self.down(graph, {value.node: (i, value.type) for i, value in enumerate(graph.inputs)})
                ends = tuple([(down[value.node], value.index) for value in graph.outputs])
                self.graphs[graph] = self.of(("graph", ends, len(graph.inputs)))


class _Aligner:
    def __init__(self, a: Graph, b: Graph, found: Alignment) -> None:
        self.a, self.b, self.found = a, b, found
        self.queue: deque[Node] = deque()
        self.users = _users(a), _users(b)

    def run(self) -> None:
        a, b, found = self.a, self.b, self.found
        for i, j in found.inputs:
            if a.inputs[i].node.op is b.inputs[j].node.op:
                self.pair(a.inputs[i].node, b.inputs[j].node)
        self._variables()
        numbers = _Numbers()
        numbers.nested(a, b)
        ends = {node: i for i, node in enumerate(found.there)}
        others = {found.there[node]: i for node, i in ends.items()}
        down = numbers.down(a, ends), numbers.down(b, others)
        exits = {i: k for k, (i, _) in enumerate(found.outputs)}, {j: k for k, (_, j) in enumerate(found.outputs)}
        up = numbers.up(a, exits[0]), numbers.up(b, exits[1])
        self.local = {**_local(a, numbers, down[0]), **_local(b, numbers, down[1])}
        self.anchor(*({node: (d[node], u[node]) for node in d} for d, u in zip(down, up, strict=True)))
        self.anchor(*({node: d[node] for node in d if node.inputs} for d in down))
        self.anchor(*({node: self.local[node] for node in d if _is_marked(node)} for d in down))
        self.anchor(*up)
        self._exits()
        self.spread()
        self.anchor(*({node: (node.op, node.name) for node in d if node.name} for d in down))
        self.anchor(*({node: (node.op, sources_of(node)) for node in d if node.hints} for d in down))
        self.spread(loose=True)
        self.anchor(*({node: d[node] for node in d if node.op is not constant} for d in down), loose=True)
        self.anchor(*up, loose=True)
        self.anchor(*(self._around(graph, numbers) for graph in (a, b)), loose=True)
        self.spread(loose=True)

    def pair(self, x: Node, y: Node) -> None:
        self.found.there[x], self.found.back[y] = y, x
        self.queue.append(x)

    def _exits(self) -> None:
        """Pair what outputs are made of where it is of one operator."""
        for i, j in self.found.outputs:
            x, y = self.a.outputs[i].node, self.b.outputs[j].node
            if x.op is y.op and x not in self.found.there and y not in self.found.back:
                self.pair(x, y)

    def _variables(self) -> None:
        """Pair variables that are no inputs as the ends they are: by name, then by what they start as."""
        free = [
            [node for node in graph.nodes if node.op is variable and node not in done]
            for graph, done in ((self.a, self.found.there), (self.b, self.found.back))
        ]
        rows = [[(node.name or "", (*node.types, _start(node))) for node in nodes] for nodes in free]
        for i, j in _ends(*rows):
            self.pair(free[0][i], free[1][j])

    def _around(self, graph: Graph, numbers: _Numbers) -> dict[Node, Hashable]:
        """Number the nodes that are alone so far by themselves and what is beside them: they may have moved."""
        users = self.users[graph is self.b]
        done = self.found.back if graph is self.b else self.found.there
        found: dict[Node, Hashable] = {}
        for node in graph.nodes:
            if node in done or node.op in (constant, input, variable):
                continue
            above = tuple([value.node.op for value in node.inputs])
            below = sorted({numbers.of(user.op) for user, _, _ in users.get(node, ())})
            found[node] = self.local[node], above, tuple(below)
        return found

    def anchor(self, first: Keys, second: Keys, *, loose: bool = False) -> None:
        """Pair what has one key, where there are as many on both sides; with `loose` as many as there are."""
        groups: dict[Hashable, tuple[list[Node], list[Node]]] = {}
        for side, (keys, done) in enumerate(((first, self.found.there), (second, self.found.back))):
            for node, key in keys.items():
                if node not in done and (side == 0 or key in groups):
                    groups.setdefault(key, ([], []))[side].append(node)
        for left, right in groups.values():
            if right and (loose or len(left) == len(right)):
                self._pair_all(left, right)

    def _pair_all(self, left: list[Node], right: list[Node]) -> None:
        """Pair nodes of one kind: those told alike first, the rest in their order."""
        if len(left) > 1 or len(right) > 1:
            for told in (lambda node: self.local[node], lambda node: node.name, sources_of):
                left, right = self._pair_told(left, right, told)
        for x, y in zip(left, right, strict=False):
            self.pair(x, y)

    def _pair_told(
        self, left: list[Node], right: list[Node], told: Callable[[Node], Hashable]
    ) -> tuple[list[Node], list[Node]]:
        by: dict[Hashable, list[list[Node]]] = {}
        for side, nodes in enumerate((left, right)):
            for node in nodes:
                by.setdefault(told(node), [[], []])[side].append(node)
        for key, (some, others) in by.items():
            if key is not None and len(some) == len(others) == 1:
                self.pair(some[0], others[0])
        there, back = self.found.there, self.found.back
        return [node for node in left if node not in there], [node for node in right if node not in back]

    def spread(self, *, loose: bool = False) -> None:
        """Pair what stands beside pairs: inputs place by place, users of one operator at one place."""
        if loose:
            self.queue.extend(self.found.there)
        there, back = self.found.there, self.found.back
        while self.queue:
            x = self.queue.popleft()
            y = there[x]
            for p, q in zip(x.inputs, y.inputs, strict=False):
                p_node, q_node = p.node, q.node
                if p_node.op is q_node.op and p_node not in there and q_node not in back and p is not ABSENT:
                    self.pair(p_node, q_node)
            groups: dict[Hashable, tuple[list[Node], list[Node]]] = {}
            for side, (users, done) in enumerate(((self.users[0].get(x), there), (self.users[1].get(y), back))):
                for node, place, index in users or ():
                    if node not in done:
                        groups.setdefault((node.op, place, index), ([], []))[side].append(node)
            for left, right in groups.values():
                free = [node for node in left if node not in there], [node for node in right if node not in back]
                if all(free) and (loose or len(free[0]) == len(free[1])):
                    self._pair_all(*free)


def _users(graph: Graph) -> dict[Node, list[tuple[Node, int, int]]]:
    found: dict[Node, list[tuple[Node, int, int]]] = {}
    for node in graph.nodes:
        for i, value in enumerate(node.inputs):
            if value.node.op is not constant:
                found.setdefault(value.node, []).append((node, i, value.index))
    return found


def _local(graph: Graph, numbers: _Numbers, down: Mapping[Node, int]) -> dict[Node, Hashable]:
    """Number nodes by operator, params and the constants they read."""
    found: dict[Node, Hashable] = {}
    for node in graph.nodes:
        read = tuple([down[value.node] if value.node.op is constant else -1 for value in node.inputs])
        found[node] = node.op, numbers.params(node.params), read
    return found


def _is_marked(node: Node) -> bool:
    constants: Iterable[Any] = (value.node.params["data"] for value in node.inputs if value.node.op is constant)
    return any(data.size >= _TELLING for data in constants)


def _start(node: Node) -> bytes | None:
    init = node.params["init"]
    return None if init is None else init.key
