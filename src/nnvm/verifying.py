"""What `--verify-each` asks of a run of a pass: form, the same results, and rules that lower their measure."""

from collections.abc import Iterator
from typing import Final

from nnvm.equivalence import Reference, compare
from nnvm.errors import Error
from nnvm.ir import UNKNOWN, Dim, Graph, Node, TensorData, TensorType, Value, constant, input, params, variable, verify
from nnvm.ir.dims import names
from nnvm.ir.node import ABSENT
from nnvm.ir.rules.firings import Firing
from nnvm.ir.types import Type
from nnvm.ops import copy
from nnvm.trial_inputs import candidate_bindings, open_dimensions

BLAMED: Final = 20
"""How many firings of each rule are looked at to find the rule that is at fault."""


class Refusal(Error):
    """Say what verification refused; `kind` is one word for what was wrong, `rule` the rule at fault or None.

    Kinds: measure, form, ends, type (an output's type says less), order, device, run (the result does not run), result
    (it computes something else).
    """

    def __init__(self, message: str, kind: str, rule: str | None = None) -> None:
        super().__init__(message)
        self.kind: Final = kind
        self.rule: Final = rule


class Verifier:
    """Sees what one pass after another does, and trusts none of them.

    `judged` says of the run checked last how it was found to compute the same, where that was not by equal numbers on
    NumPy: in the words of `nnvm.equivalence.Comparison`.
    """

    __slots__ = ("firings", "judged", "limits", "seed")

    def __init__(self, seed: int = 0, limits: tuple[float, float] | None = None) -> None:
        self.seed: Final = seed
        self.limits: Final = limits
        self.firings: list[Firing] = []
        self.judged: str | None = None

    def watch(self, firing: Firing) -> None:
        """Remember a firing; raise Error where its right side is not below its left side in the rule's measure."""
        self.firings.append(firing)
        rule = firing.rule
        left, right = rule.lowers(firing.left), rule.lowers(firing.right)
        if not right < left:
            measure = getattr(rule.lowers, "__name__", "its measure")
            told = f"rule {rule.name} does not lower {measure} ({left} before, {right} after) at {firing.node!r}"
            raise Refusal(told, "measure", rule.name)

    def check(self, before: Graph, after: Graph) -> str | None:
        """Raise Refusal, naming the rule where one is at fault, unless a pass kept the graph's form and meaning.

        Returns None, or why what they compute could not be compared. Forgets the firings seen.
        """
        firings, self.firings = self.firings, []
        self.judged = None
        if after is before:
            return None
        try:
            return self._compare(before, after)
        except Refusal as error:
            culprit = self._blame(firings)
            if culprit is None:
                raise
            told = f"{error}; rule {culprit.rule.name} is at fault: {culprit!r}"
            raise Refusal(told, error.kind, culprit.rule.name) from error

    def _compare(self, before: Graph, after: Graph) -> str | None:
        try:
            verify(after)
        except Error as error:
            raise Refusal(str(error), "form") from error
        _compare_ends(before, after)
        _compare_types(before, after)
        _compare_order(before, after)
        _check_devices(before, after)
        try:
            given = typed(before, after)
            reference = Reference(given, bindings=_bindings(given, after), seed=self.seed, limits=self.limits)
        except Error as error:
            return str(error)
        if not reference.rows:
            return "the graph runs at none of the sizes tried; give sizes: --set-dim NAME=INT"
        try:
            found = compare(reference, after)
        except Exception as error:  # a wrong graph may make a kernel raise anything
            raise Refusal(f"the result does not run: {error}", "run") from error
        if found.equivalent is False:
            told = f"output {found.differs!r} is not equivalent (largest error {found.max_abs_error:.3g})"
            raise Refusal(told, "result")
        self.judged = found.judged
        return "no input changes any output" if found.equivalent is None else None

    def _blame(self, firings: list[Firing]) -> Firing | None:
        """Return the first firing whose two sides differ, whatever is around them."""
        seen: dict[str, int] = {}
        for firing in firings:
            name = firing.rule.name
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > BLAMED:
                continue
            inputs = Graph([*firing.found, *firing.made]).inputs
            names = [str(i) for i in range(len(firing.made))]
            try:
                self._compare(*(Graph(side, inputs, output_names=names) for side in (firing.found, firing.made)))
            except Refusal:
                return firing
        return None


def _compare_ends(before: Graph, after: Graph) -> None:
    if before.output_names != after.output_names:
        raise Refusal(f"the outputs were {list(before.output_names)} and are {list(after.output_names)}", "ends")
    were, are = ([value.name for value in graph.inputs] for graph in (before, after))
    if were != are:
        raise Refusal(f"the inputs were {were} and are {are}", "ends")


def _compare_types(before: Graph, after: Graph) -> None:
    """Raise Error where an output's type says less than it did: it is stale, or nobody inferred it."""
    for name, old, new in zip(before.output_names, before.outputs, after.outputs, strict=True):
        if not _says_all(new.type, old.type):
            raise Refusal(f"output {name!r} was known to be {old.type} and is {new.type}", "type")

    gone = set(open_dimensions(before)).difference(open_dimensions(after))
    for node in after.nodes if gone else ():
        for value in node.outputs:
            if isinstance(value.type, TensorType) and not gone.isdisjoint(_names(value.type)):
                raise Refusal(
                    f"{value!r} has the type {value.type}, and no input has those dimensions any more", "type"
                )


def _names(type: TensorType) -> Iterator[str]:
    for size in type.shape_or_none or ():
        yield from names(size)


def _says_all(new: Type | None, old: Type | None) -> bool:
    if old is None or new is old:
        return True
    if not isinstance(old, TensorType) or not isinstance(new, TensorType):
        return new is not None
    were, are = old.shape_or_none, new.shape_or_none
    if were is None or are is None:
        return were is None
    if new.dtype is not old.dtype or len(were) != len(are):
        return False
    return all(size is UNKNOWN or (isinstance(now, int) if isinstance(size, int) else now is not UNKNOWN)
               for size, now in zip(were, are, strict=True))  # fmt: skip


def _compare_order(before: Graph, after: Graph) -> None:
    """Raise Error where a control edge is lost between nodes that are both still there.

    A node is there itself, by its name, or as the only one that computes the same in the same way; what gives an output
    stays the node that gives it, and what gives the output in its place waits as it did.
    """
    late = [node for node in before.nodes if node.after]
    if not late:
        return
    now = _Still(before, after)
    above = _Above(after)
    for old in late:
        new = now.get(old) or now.instead.get(old)
        if new is None:
            continue
        for early in map(now.get, old.after):
            if early is not None and early is not new and not above.holds(early, new):
                raise Refusal(f"{new!r} no longer waits for {early!r}", "order")


class _Still:
    """Where nodes of one graph are in another one."""

    def __init__(self, before: Graph, after: Graph) -> None:
        self.there: Final = set(after.nodes)
        self.named: Final = {node.name: node for node in after.nodes if node.name is not None}
        self.instead: Final[dict[Node, Node]] = {}
        for old, new in zip(before.outputs, after.outputs, strict=True):
            if not {old.node.op, new.node.op} & {constant, input, variable}:
                self.instead.setdefault(old.node, new.node)
        self.ends: Final = {old: new for old, new in self.instead.items() if new.op is old.op}
        numbers: dict[object, int] = {}
        self.numbers: Final = _numbers(before, numbers)
        self.alone: Final = _alone(_numbers(after, numbers))
        self.once: Final = _alone(self.numbers)

    def get(self, node: Node) -> Node | None:
        """Return the node in the other graph, or None where that is not known."""
        if node in self.there:
            return node
        found = self.named.get(node.name) if node.name is not None else None
        if found is None:
            number = self.numbers[node]
            found = self.alone.get(number) if self.once.get(number) is node else None
        return found if found is not None else self.ends.get(node)


def _numbers(graph: Graph, seen: dict[object, int]) -> dict[Node, int]:
    """Number the nodes of graphs, those alike that compute the same operator of the same inputs."""
    found: dict[Node, int] = {ABSENT.node: -1}
    for node in graph.nodes:
        if not node.inputs and node.op is not constant:
            key: object = (node.op, node.name)
        else:
            given = tuple((name, each.key if isinstance(each, TensorData) else repr(each))
                          for name, each in node.params.items())  # fmt: skip
            key = (node.op, tuple((found[value.node], value.index) for value in node.inputs), given)
        found[node] = seen.setdefault(key, len(seen))
    return found


def _alone(numbers: dict[Node, int]) -> dict[int, Node]:
    found: dict[int, Node | None] = {}
    for node, number in numbers.items():
        found[number] = None if number in found else node
    return {number: node for number, node in found.items() if node is not None}


class _Above:
    """What each node of a graph comes after, by its inputs and control edges: one bit for each node."""

    def __init__(self, graph: Graph) -> None:
        self.place: Final = {node: i for i, node in enumerate(graph.nodes)}
        self.nodes: Final = graph.nodes

    def holds(self, early: Node, late: Node) -> bool:
        """Say whether one node comes before another in every order."""
        if early in late.after:
            return True
        first = self.place[early]
        stack, seen = [late], {late}
        while stack:
            node = stack.pop()
            for other in (*[value.node for value in node.inputs], *node.after):
                if other is early:
                    return True
                if other not in seen and self.place.get(other, -1) > first:
                    seen.add(other)
                    stack.append(other)
        return False


def _check_devices(before: Graph, after: Graph) -> None:
    """Raise Error where every node has its device, and a value is read on another one without a copy."""
    if not _is_placed(after):
        return
    clean = not _is_placed(before) or _crossing(before) is None
    crossing = _crossing(after) if clean else None
    if crossing is not None:
        value, node = crossing
        raise Refusal(f"{node!r} reads {value!r} on another device, and no copy brings it there", "device")


def _is_placed(graph: Graph) -> bool:
    return bool(graph.nodes) and all("device" in node.hints for node in graph.nodes)


def _crossing(graph: Graph) -> tuple[Value, Node] | None:
    for node in graph.nodes:
        if node.op is not copy:
            for value in node.inputs:
                if value is not ABSENT and value.node.hints["device"] != node.hints["device"]:
                    return value, node
    return None


def _bindings(before: Graph, after: Graph) -> list[dict[str, int]] | None:
    """Return bindings at which a result runs whose inputs have sizes that were open before; None where none has."""
    fixed: dict[str, int] = {}
    for old, new in zip(before.inputs, after.inputs, strict=True):
        if isinstance(old.type, TensorType) and isinstance(new.type, TensorType) and old.type is not new.type:
            were, are = old.type.shape_or_none or (), new.type.shape_or_none or ()
            for size, now in zip(were, are, strict=False):
                if isinstance(size, Dim) and isinstance(now, int) and names(size) == (str(size),):
                    fixed[str(size)] = now
    if not fixed:
        return None
    rows = [row | fixed for row in candidate_bindings(before)]
    return [row for i, row in enumerate(rows) if row not in rows[:i]]


def typed(before: Graph, after: Graph) -> Graph:
    """Return a graph in which every value has a type, inferred here, its inputs typed as those of what it became.

    The graph itself where nothing lacks a type.
    """
    if all(isinstance(type, TensorType) and _is_known(type) for node in _all(before) for type in node.types):
        return before
    known = {value.name: value.type for value in after.inputs}
    known.update((node.name or "", node.types[0]) for node in after.nodes if node.op in (input, variable))
    now: dict[Value, Value] = {ABSENT: ABSENT}
    made: dict[Node, Node] = {}
    for node in _all(before):
        made[node] = new = _with_types(node, now, made, known)
        now.update(zip(node.outputs, new.outputs, strict=True))
    return before.replace(outputs=[now[v] for v in before.outputs], inputs=[now[v] for v in before.inputs])


def _all(graph: Graph) -> tuple[Node, ...]:
    return tuple(dict.fromkeys((*graph.nodes, *(value.node for value in graph.inputs))))


def _is_known(type: TensorType) -> bool:
    return type.shape_or_none is not None and UNKNOWN not in type.shape_or_none


def _with_types(node: Node, now: dict[Value, Value], made: dict[Node, Node], known: dict[str, Type | None]) -> Node:
    if node.op is constant:
        return node
    if node.op in (input, variable):
        type = known.get(node.name or "") or node.types[0]
        return (
            node if type is node.types[0] else node.replace(params=params({**node.params, "type": type}), types=(type,))
        )
    inputs, after = tuple(now[value] for value in node.inputs), tuple(made[early] for early in node.after)
    if node.op.foreign:
        return node.replace(inputs=inputs, after=after)
    types = node.op.infer(inputs, node.params, node.name)
    return node.replace(inputs=inputs, after=after, types=types if len(types) == len(node.types) else node.types)
