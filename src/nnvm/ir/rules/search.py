"""How a left side is searched for, way after way, where straight-line tests do not do or a reason is asked for."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, NamedTuple

from nnvm.ir.node import ABSENT, Node, Value
from nnvm.ir.op import constant, data_of, input
from nnvm.ir.rules.fits import Fits
from nnvm.ir.rules.patterns import (
    EITHER,
    Match,
    ParamHole,
    Pattern,
    RowHole,
    alternatives,
    has_holes,
    is_number,
    is_operator,
    number_of,
    same_number,
    same_param,
    swaps,
)  # fmt: skip

Readers = Callable[[Value], Collection[Node]]

STEPS: Final = 10_000
"""How many steps one search at one node may take; what needs more is not found."""
_NEAR: Final = 200
"""How many nodes above a shared value are looked at for another root."""


class Found(NamedTuple):
    """What the holes of a pattern stand for, and the nodes that its roots are."""

    holes: Match
    roots: tuple[Node, ...]


class _Input(NamedTuple):
    """A part of the pattern must be this input of that node."""

    pattern: Value
    node: Node
    place: int


class _Row(NamedTuple):
    """The patterns from one on must be this node's inputs from one on."""

    patterns: tuple[Value, ...]
    at: int
    node: Node
    place: int


class _Bind(NamedTuple):
    """A choice: this stands for that from here on."""

    key: object
    thing: Any


class _Root(NamedTuple):
    """A use of an operator in the pattern must be this node, which a choice made of it."""

    pattern: Value
    node: Node


class _Join(NamedTuple):
    """The root of this number must be found above what is known."""

    number: int


Goal = _Input | _Row | _Bind | _Root | _Join
Way = tuple[Goal, ...]
_DONE: Final[tuple[Way, ...]] = ((),)
_FAILED: Final[tuple[Way, ...]] = ()


class Search:
    """One search for a pattern at a node, depth first and without recursion over the graph.

    With `reasons` no way is left out early, and `reason` tells the first mismatch of the way that came furthest.
    """

    __slots__ = ("best", "bound", "fits", "pattern", "readers", "reason", "reasons", "trail")

    def __init__(self, pattern: Pattern, readers: Readers | None = None, *, reasons: bool = False) -> None:
        self.pattern: Final = pattern
        self.readers: Final = readers
        self.reasons: Final = reasons
        self.bound: dict[object, Any] = {}
        self.trail: list[object] = []
        self.fits: Final = Fits()
        self.best = -1
        self.reason: Callable[[], str] = lambda: "nothing was tried"

    def at(self, node: Node) -> Iterator[Found]:
        """Yield what is found with the first root at a node, way after way, until the steps are spent."""
        roots = self.pattern.roots
        goals: Any = None
        for number in range(len(roots) - 1, 0, -1):
            goals = (_Join(number), goals)
        starts = iter([(_Root(each, node),) for each in alternatives(roots[0])])
        choices: list[tuple[int, Any, Iterator[Way]]] = [(0, goals, starts)]
        steps = STEPS + 10 * len(node.inputs)
        while choices and steps:
            size, goals, ways = choices[-1]
            while len(self.trail) > size:
                del self.bound[self.trail.pop()]
            way = next(ways, None)
            if way is None:
                choices.pop()
                continue
            goals = _push(way, goals)
            while goals is not None and steps:
                steps -= 1
                goal, goals = goals
                found = self._ways(goal)
                if found is _DONE:
                    continue
                if isinstance(found, tuple) and len(found) == 1:
                    goals = _push(found[0], goals)
                    continue
                choices.append((len(self.trail), goals, iter(found)))
                break
            else:
                if goals is None:
                    yield self._found()
        if not steps:
            self._mismatch(lambda: f"the search was given up after {STEPS} steps")

    def _found(self) -> Found:
        bound = self.bound
        roots = [bound[("root", number)] for number in range(len(self.pattern.roots))]
        return Found(tuple([bound[hole] for hole in self.pattern.holes]), tuple(roots))

    def _bind(self, key: object, thing: Any) -> tuple[Way, ...]:
        self.bound[key] = thing
        self.trail.append(key)
        return _DONE

    def _mismatch(self, reason: Callable[[], str]) -> tuple[Way, ...]:
        if self.reasons and len(self.trail) > self.best:
            self.best, self.reason = len(self.trail), reason
        return _FAILED

    def _ways(self, goal: Goal) -> "tuple[Way, ...] | Iterator[Way]":
        match goal:
            case _Input():
                return self._input(goal.pattern, goal.node.inputs[goal.place], goal.node, goal.place)
            case _Row():
                return self._row(goal)
            case _Bind():
                return self._bind(goal.key, goal.thing)
            case _Root():
                return self._root(goal.pattern, goal.node)
            case _Join():
                return self._join(goal.number)

    def _root(self, pattern: Value, node: Node) -> "tuple[Way, ...] | Iterator[Way]":
        number = next(
            i for i, root in enumerate(self.pattern.roots) if any(each is pattern for each in alternatives(root))
        )
        if pattern.node in self.bound and self.bound[pattern.node] is not node:
            return self._mismatch(lambda: f"{told(node.outputs[0])} is not the node that another root reads")
        if any(self.bound.get(("root", i)) is node for i in range(number)):
            return _FAILED
        if node.op is not pattern.node.op:
            return self._mismatch(lambda: f"it is {told(node.outputs[0])}, not {pattern.node.op.name}")
        self._bind(("root", number), node)
        if pattern.node in self.bound:
            return _DONE
        self._bind(pattern.node, node)
        return self._uses(pattern, node)

    def _join(self, number: int) -> "tuple[Way, ...] | Iterator[Way]":
        root = self.pattern.roots[number]
        known = next((value for value in self.pattern.shared[number] if self._stands_for(value) is not None), None)
        if known is None or self.readers is None:
            return self._mismatch(lambda: "its other roots are looked for in a whole graph only")
        below = self._stands_for(known)
        assert below is not None
        return self._above(root, below)

    def _above(self, root: Value, below: Value) -> Iterator[Way]:
        """Yield the nodes that may be a root, from the nearest readers of a value upwards."""
        assert self.readers is not None
        ends = {each.node.op: each for each in reversed(alternatives(root))}
        ops = {node.op for node in self.pattern.nodes}
        seen: dict[Node, None] = {}
        level: list[Value] = [below]
        if below.node.op in ends:
            level.insert(0, below)
            seen[below.node] = None
            yield (_Root(ends[below.node.op], below.node),)
        left = _NEAR
        while level and left > 0:
            above: list[Value] = []
            for value in level:
                for node in self.readers(value):
                    left -= 1
                    if left < 0:
                        return
                    if node.op not in ops or node in seen:
                        continue
                    seen[node] = None
                    above += node.outputs
                    for each in alternatives(root) if node.op in ends else ():
                        if each.node.op is node.op:
                            yield (_Root(each, node),)
            level = above
        self._mismatch(lambda: f"no {root.node.op.name} with the rest of the left side reads {told(below)}")

    def _stands_for(self, pattern: Value) -> Value | None:
        if pattern.node.op is not input:
            node = self.bound.get(pattern.node)
            return None if node is None else node.outputs[pattern.index]
        found = self.bound.get(pattern)
        if isinstance(found, tuple):
            return found[0] if found else None
        return found if found is not ABSENT else None

    def _uses(self, pattern: Value, node: Node) -> "tuple[Way, ...] | Iterator[Way]":
        """Compare the rest of a node whose operator is right: outputs, params, then inputs."""
        wanted = pattern.node
        if len(node.outputs) != len(wanted.outputs):
            return self._mismatch(
                lambda: f"{told(node.outputs[0])} has {len(node.outputs)} outputs, not {len(wanted.outputs)}"
            )
        for key, param in wanted.params.items():
            if not self._param(node, key, param, node.params.get(key)):
                return _FAILED
        if any(isinstance(value, RowHole) for value in wanted.inputs):
            return ((_Row(wanted.inputs, 0, node, 0),),)
        if len(node.inputs) != len(wanted.inputs):
            return self._mismatch(
                lambda: f"{told(node.outputs[0])} has {len(node.inputs)} inputs, not {len(wanted.inputs)}"
            )
        straight: Way = tuple(_Input(value, node, i) for i, value in enumerate(wanted.inputs))
        if not swaps(wanted):
            return (straight,)
        swapped: Way = (_Input(wanted.inputs[0], node, 1), _Input(wanted.inputs[1], node, 0), *straight[2:])
        if self.reasons:
            return straight, swapped
        (p, q), (a, b) = wanted.inputs[:2], node.inputs[:2]
        fits = self.fits
        orders = ((straight, fits(p, a) and fits(q, b)), (swapped, fits(p, b) and fits(q, a)))
        return tuple(way for way, possible in orders if possible)

    def _param(self, node: Node, key: str, wanted: object, given: object) -> bool:
        if isinstance(wanted, ParamHole):
            if wanted not in self.bound:
                self._bind(wanted, given)
                return True
            if (
                same_number(given, self.bound[wanted])
                if self._counts(wanted)
                else same_param(given, self.bound[wanted])
            ):
                return True
            known = self.bound[wanted]
            self._mismatch(lambda: f"param {key} of {told(node.outputs[0])} is {given!r}, not {known!r} as before")
            return False
        if has_holes(wanted) and isinstance(wanted, tuple) and isinstance(given, tuple) and len(wanted) == len(given):
            return all(self._param(node, key, w, g) for w, g in zip(wanted, given, strict=True))
        if not has_holes(wanted) and same_param(given, wanted):
            return True
        self._mismatch(lambda: f"param {key} of {told(node.outputs[0])} is {given!r}, not {wanted!r}")
        return False

    def _counts(self, hole: ParamHole) -> bool:
        return any(value is hole for node in self.pattern.nodes for value in node.inputs)

    def _input(self, pattern: Value, given: Value, node: Node, place: int) -> "tuple[Way, ...] | Iterator[Way]":
        def differs(wanted: str) -> tuple[Way, ...]:
            return self._mismatch(lambda: f"input {place} of {told(node.outputs[0])} is {told(given)}, {wanted}")

        if pattern is ABSENT:
            return _DONE if given is ABSENT else differs("and should be absent")
        if pattern.node.op is EITHER:
            chosen = self.bound.get(pattern.node)
            if chosen is not None:
                return ((_Input(chosen, node, place),),)
            ways = [each for each in alternatives(pattern) if self.reasons or self.fits(each, given)]
            return tuple((_Bind(pattern.node, each), _Input(each, node, place)) for each in ways)
        data = data_of(pattern)
        if data is not None:
            return _DONE if is_number(given, data.uniform) else differs(f"not {data.uniform}")
        if isinstance(pattern, ParamHole):
            return self._number(pattern, given, differs)
        if pattern.node.op is input:
            known = self.bound.get(pattern)
            if known is not None:
                return _DONE if given is known else differs(f"not {told(known)} as before")
            return differs("") if given is ABSENT else self._bind(pattern, given)
        known = self.bound.get(pattern.node)
        if known is not None:
            if given.node is known and given.index == pattern.index:
                return _DONE
            return differs(f"not {told(known.outputs[pattern.index])} as before")
        if given.node.op is not pattern.node.op:
            return differs(f"not {pattern.node.op.name}")
        if given.index != pattern.index:
            return differs(f"which is output {given.index}, not {pattern.index}")
        if given.node.after:
            return differs("which has control edges")
        self._bind(pattern.node, given.node)
        return self._uses(pattern, given.node)

    def _number(self, hole: ParamHole, given: Value, differs: Callable[[str], tuple[Way, ...]]) -> tuple[Way, ...]:
        found = number_of(given)
        if found is None:
            return differs("not a constant of one number")
        if hole not in self.bound:
            return self._bind(hole, found)
        known = self.bound[hole]
        return _DONE if same_number(found, known) else differs(f"not {known!r} as before")

    def _row(self, row: _Row) -> "tuple[Way, ...] | Iterator[Way]":
        given, left = row.node.inputs, row.patterns[row.at :]
        fixed = sum(not isinstance(value, RowHole) for value in left)
        most = len(given) - row.place - fixed
        if most < 0 or (most > 0 and fixed == len(left)):
            return self._mismatch(
                lambda: (
                    f"{told(row.node.outputs[0])} has {len(given)} inputs, {'fewer' if most < 0 else 'more'} than fit"
                )
            )
        if not left:
            return _DONE
        first, rest = left[0], _Row(row.patterns, row.at + 1, row.node, row.place + 1)
        if not isinstance(first, RowHole):
            return ((_Input(first, row.node, row.place), rest),)
        known = self.bound.get(first)
        if known is not None:
            end = row.place + len(known)
            if given[row.place : end] != known:
                return self._mismatch(lambda: f"the inputs of {told(row.node.outputs[0])} from {row.place} on differ")
            return ((rest._replace(place=end),),)
        if fixed == len(left) - 1:
            end = row.place + most
            return ((_Bind(first, given[row.place : end]), rest._replace(place=end)),)
        return self._splits(first, row, most)

    def _splits(self, hole: RowHole, row: _Row, most: int) -> Iterator[Way]:
        """Yield each end of a row that another one follows, the shortest first."""
        given, after = row.node.inputs, row.patterns[row.at + 1]
        for end in range(row.place, row.place + most + 1):
            wrong = is_operator(after) and after.node.op is not EITHER and given[end].node.op is not after.node.op
            if not wrong:
                yield _Bind(hole, given[row.place : end]), _Row(row.patterns, row.at + 1, row.node, end)
        self._mismatch(
            lambda: f"no input of {told(row.node.outputs[0])} from {row.place} on is {told(after)} as wanted"
        )


def _push(way: Way, goals: Any) -> Any:
    for goal in reversed(way):
        goals = (goal, goals)
    return goals


def told(value: Value) -> str:
    """Name a value in a sentence: its operator, and what it is called."""
    if value is ABSENT:
        return "absent"
    number = number_of(value)
    if number is not None:
        return f"the constant {number}"
    if value.node.op is constant:
        return "a constant of several numbers"
    return value.node.op.name if value.node.name is None else f"{value.node.op.name} ({value.name})"
