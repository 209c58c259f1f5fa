"""How an equation between pieces of graph is written once, found anywhere, and put in place."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Any, Final, overload

from nnvm.errors import Error
from nnvm.ir.firings import Firing, Observer, current_observer, piece
from nnvm.ir.graph import Graph, collection_paused
from nnvm.ir.node import ABSENT, Node, Value, literal_key
from nnvm.ir.op import Op, constant, data_of, foreign, input, named_input
from nnvm.ir.op_attr import OpAttr
from nnvm.ir.rewrite import adopt, loses_order, rebuild
from nnvm.ir.types import UnknownRank, same_type

commutes: Final[OpAttr[bool]] = OpAttr("its first two inputs may be swapped")
Measure = Callable[[Sequence[Node]], Any]
Match = tuple[Any, ...]
Matcher = Callable[[Node], "Match | None"]

_either: Final = foreign("either", __name__)
_BUDGET: Final = 1_000
_ALTERNATIVES: Final = 64


class ParamHole:
    """Stands for a parameter of any value in a pattern."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TypeError(f"the parameter {self.name} is not known yet")

    def __eq__(self, other: object) -> bool:
        raise TypeError(f"the parameter {self.name} is not known yet")

    def __repr__(self) -> str:
        return f"<any {self.name}>"


def count(nodes: Sequence[Node]) -> int:
    """Measure a piece of graph by its number of nodes."""
    return len(nodes)


def work(nodes: Sequence[Node]) -> int:
    """Measure a piece of graph by its number of nodes with an input that is not constant."""
    return sum(any(value.node.op is not constant for value in node.inputs) for node in nodes)


class Rule:
    """A named equation; `lowers` is a measure of the right side that is below the left side's.

    Where a type is not known it fires only if it is `untyped`: then it keeps types whatever they are.
    """

    __slots__ = ("arguments", "doc", "function", "lowers", "matchers", "name", "root", "untyped")
    name: Final[str]
    doc: Final[str]
    lowers: Final[Measure]
    root: Final[tuple[Op[..., Any], ...]]

    def __init__(self, function: Callable[..., Iterator[Value]], lowers: Measure, untyped: bool) -> None:
        self.untyped: Final = untyped
        self.name, self.doc = function.__name__, (function.__doc__ or "").strip()
        self.function, self.lowers = function, lowers
        code = function.__code__
        self.arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        holes = [_hole(name, function.__annotations__.get(name)) for name in self.arguments]
        try:
            pattern = next(self._start(holes))
        except (UnknownRank, TypeError, AttributeError, StopIteration) as error:
            raise Error(
                f"rule {self.name}: before its first yield a rule only builds; it must not look at its holes ({error})"
            ) from error
        if not isinstance(pattern, Value):
            raise Error(f"rule {self.name}: the first yield must be one value, not {type(pattern).__name__}")
        try:
            self.matchers = tuple(_matchers(pattern, holes, self.name))
        except Error as error:
            raise Error(f"rule {self.name}: {error}") from error
        self.root = tuple(dict.fromkeys(operator for operator, _ in self.matchers))

    def __repr__(self) -> str:
        return f"<rule {self.name}>"

    def _start(self, given: Sequence[Any]) -> Iterator[Value]:
        by_place = self.function.__code__.co_argcount
        return self.function(*given[:by_place], **dict(zip(self.arguments[by_place:], given[by_place:], strict=True)))

    def apply(self, node: Node, match: Matcher) -> Value | None:
        """Return what this rule puts in place of the node's output, or None where it does not hold there.

        A replacement whose type is not known to be the same is none. Raises Error where the rule itself fails.
        """
        found = match(node)
        if found is None:
            return None
        steps = self._start(found)
        try:
            next(steps)
            made = next(steps, None)
        except (UnknownRank, Error):
            return None
        except Exception as error:
            raise Error(f"rule {self.name} failed at {node!r}: {type(error).__name__}: {error}") from error
        finally:
            steps.close()  # type: ignore[attr-defined]
        if made is None:
            return None
        if not isinstance(made, Value):
            raise Error(f"rule {self.name} failed at {node!r}: it yields a {type(made).__name__} in place of a value")
        if made.node is node:
            return None
        old = node.outputs[0].type
        if old is None:
            return made if self.untyped else None
        return made if made.type is old or same_type(made.type, old) else None


@overload
def rule(function: Callable[..., Iterator[Value]], /) -> Rule: ...
@overload
def rule(*, lowers: Measure = ..., untyped: bool = ...) -> Callable[[Callable[..., Iterator[Value]]], Rule]: ...
def rule(function: Any = None, /, *, lowers: Measure = count, untyped: bool = False) -> Any:
    """Make a rule of a generator: its first yield is what to find, its second what to put there, guards stand between.

    Arguments annotated `Value` match any value, all others match a parameter. Numbers match constants that are this
    number throughout. A match fires where the right side is known to have the left side's type; `untyped` declares that
    it always has, so that the rule serves behind operators that nobody knows, too.
    """
    return Rule(function, lowers, untyped) if function is not None else lambda each: Rule(each, lowers, untyped)


def either(*alternatives: Value) -> Value:
    """Match any of these (for the left side of a rule)."""
    return Node(_either, alternatives).outputs[0]


def _hole(name: str, annotation: object) -> Any:
    is_value = annotation is Value or annotation in ("Value", "nnvm.Value") or annotation is None
    return named_input(name) if is_value else ParamHole(name)


def _matchers(pattern: Value, holes: Sequence[Any], name: str) -> Iterator[tuple[Op[..., Any], Matcher]]:
    """Compile one matcher for each way to resolve `either` and to order the inputs of commutative operators."""
    stack, nodes = [pattern.node], []
    while stack:
        node = stack.pop()
        if node not in nodes and node.op not in (input, constant) and node is not ABSENT.node:
            nodes.append(node)
            stack += [value.node for value in node.inputs]
    ways = [len(node.inputs) if node.op is _either else 2 if node.op in commutes else 1 for node in nodes]
    total = 1
    for way in ways:
        total *= way
    if total > _ALTERNATIVES:
        raise Error(f"it stands for {total} patterns; split it (at most {_ALTERNATIVES})")
    seen: set[object] = set()
    for choice in product(*map(range, ways)):
        writer = _Writer(dict(zip(nodes, choice, strict=True)), holes)
        operator = writer.write(pattern)
        scope = writer.scope
        key = (operator, writer.source, tuple(map(id, scope.values())))
        if key in seen:
            continue
        seen.add(key)
        exec(compile(writer.source, f"<pattern of {name}>", "exec"), scope)
        yield operator, scope["match"]


class _Writer:
    """Writes the source of one matcher: straight-line tests that return None at the first mismatch."""

    def __init__(self, choice: dict[Node, int], holes: Sequence[Any]) -> None:
        self.choice, self.holes = choice, holes
        self.scope: dict[str, Any] = {"ABSENT": ABSENT, "is_number": _is_number, "same_param": _same_param}
        self.lines: list[str] = []
        self.bound: dict[object, str] = {}

    @property
    def source(self) -> str:
        return "def match(n0):\n" + "".join(f" {line}\n" for line in self.lines)

    def write(self, pattern: Value) -> Op[..., Any]:
        root = self._resolve(pattern)
        if root.node.op in (input, constant) or len(root.node.outputs) != 1:
            raise Error(f"its left side must be one use of an operator of one output, not {root!r}")
        if root.node.op.count != 1:
            self._refuse("len(n0.outputs) != 1")
        stack: list[tuple[Value, str]] = [(root, "n0")]
        self.bound[root.node] = "n0"
        while stack:
            value, name = stack.pop()
            stack += self._write_node(value, name)
        unbound = [hole for hole in self.holes if hole not in self.bound]
        if unbound:
            raise Error(f"its left side does not use {unbound[0]!r}")
        self.lines.append(f"return ({''.join(self.bound[hole] + ', ' for hole in self.holes)})")
        return root.node.op

    def _resolve(self, value: Value) -> Value:
        while value.node.op is _either:
            value = value.node.inputs[self.choice[value.node]]
        return value

    def _name(self, thing: object) -> str:
        name = f"k{len(self.scope)}"
        self.scope[name] = thing
        return name

    def _refuse(self, condition: str) -> None:
        self.lines.append(f"if {condition}: return None")

    def _write_node(self, value: Value, name: str) -> list[tuple[Value, str]]:
        node = value.node
        inputs = list(node.inputs)
        if node.op in commutes and self.choice[node]:
            inputs[:2] = inputs[1::-1]
        if name != "n0":
            self._refuse(f"{name}.op is not {self._name(node.op)} or {name}.after")
        self._refuse(f"len({name}.inputs) != {len(inputs)}")
        for key, wanted in node.params.items():
            self._write_param(f"{name}.params[{key!r}]", wanted)
        deeper = []
        for i, pattern in enumerate(inputs):
            given = f"{name}_{i}"
            self.lines.append(f"{given} = {name}.inputs[{i}]")
            deeper += self._write_input(self._resolve(pattern), given)
        return deeper

    def _write_param(self, given: str, wanted: object) -> None:
        if not isinstance(wanted, ParamHole):
            self._refuse(f"not same_param({given}, {self._name(wanted)})")
        elif wanted in self.bound:
            self._refuse(f"not same_param({given}, {self.bound[wanted]})")
        else:
            self.bound[wanted] = given

    def _write_input(self, pattern: Value, given: str) -> list[tuple[Value, str]]:
        data = data_of(pattern)
        if pattern is ABSENT:
            self._refuse(f"{given} is not ABSENT")
        elif data is not None:
            if data.uniform is None:
                raise Error(f"{data!r} is not one number; take a hole, and look at it in a guard")
            self._refuse(f"not is_number({given}, {self._name(data.uniform)})")
        elif pattern.node.op is input:
            if pattern in self.bound:
                self._refuse(f"{given} is not {self.bound[pattern]}")
            else:
                self._refuse(f"{given} is ABSENT")
                self.bound[pattern] = given
        elif pattern.node in self.bound:
            self._refuse(f"{given}.node is not {self.bound[pattern.node]} or {given}.index != {pattern.index}")
        else:
            self.bound[pattern.node] = f"{given}n"
            self.lines.append(f"{given}n = {given}.node")
            if pattern.node.op.count != 1:
                self._refuse(f"{given}.index != {pattern.index}")
            return [(pattern, f"{given}n")]
        return []


def _is_number(value: Value, number: object) -> bool:
    data = data_of(value)
    if data is None:
        return False
    found = data.uniform
    return found is not None and found == number


def _same_param(a: object, b: object) -> bool:
    if a is b:
        return True
    key = literal_key(a)
    return key == literal_key(b) if key is not None else type(a) is type(b) and bool(a == b)


class Rewriting:
    """What a run of rules did: the graph, how often each rule fired, and why it stopped."""

    __slots__ = ("fired", "graph", "stopped")

    def __init__(self, graph: Graph, fired: dict[str, int], stopped: str) -> None:
        self.graph, self.fired, self.stopped = graph, fired, stopped


def apply_rules(graph: Graph, rules: Iterable[Rule]) -> Graph:
    """Return the graph in which no rule applies any more."""
    return run_rules(graph, rules).graph


def run_rules(
    graph: Graph, rules: Iterable[Rule], *, budget: int = _BUDGET, observer: Observer | None = None
) -> Rewriting:
    """Rewrite by rules to a fixpoint in one walk: every node that a right side makes is visited too.

    `budget` bounds the firings that one node of the graph may set off; at the bound its rewriting ends there and the
    report says so. `observer` is told of every firing; without one, whom `observing` names.
    """
    index: dict[Op[..., Any], list[tuple[Rule, Matcher]]] = {}
    for each in rules:
        for operator, matcher in each.matchers:
            index.setdefault(operator, []).append((each, matcher))
    driver = _Driver(index, budget, observer or current_observer())
    with collection_paused():
        for node in graph.nodes:
            driver.settle(node)
        forward = driver.resolve
        if not driver.forward:
            return Rewriting(graph, {}, "nothing to change")
        made = graph.replace(outputs=map(forward, graph.outputs), inputs=map(forward, graph.inputs))
    return Rewriting(made, dict(sorted(driver.fired.items())), driver.stopped)


class _Driver:
    def __init__(
        self, index: dict[Op[..., Any], list[tuple[Rule, Matcher]]], budget: int, observer: Observer | None
    ) -> None:
        self.index, self.budget, self.observer = index, budget, observer
        self.settled: set[Node] = {ABSENT.node}
        self.forward: dict[Value, Value] = {}
        self.fired: dict[str, int] = {}
        self.stopped = "fixpoint"

    def resolve(self, value: Value) -> Value:
        """Follow a value to what stands for it now."""
        forward = self.forward
        found = value
        while found in forward:
            found = forward[found]
        while value is not found and forward[value] is not found:
            forward[value], value = found, forward[value]
        return found

    def settle(self, origin: Node) -> None:
        """Bring a node, and all that rules make of it, to normal form."""
        settled, forward = self.settled, self.forward
        left = self.budget
        stack = [origin]
        while stack:
            node = stack[-1]
            pending = (
                [value.node for value in map(self.resolve, node.inputs) if value.node not in settled]
                if node is not origin
                else []
            )
            if pending:
                stack += pending
                continue
            stack.pop()
            if node in settled or node.outputs[0] in forward:
                continue
            now = self._current(node)
            made = self._fire(now) if left else None
            if made is None:
                settled.add(now)
                self._replace(node, now.outputs)
                continue
            left -= 1
            if not left:
                self.stopped = f"budget of {self.budget} firings spent at {origin!r}"
            made = adopt((made,), now, settled)[0]
            self._replace(node, (made,))
            if now is not node:
                self._replace(now, (made,))
            if made.node not in settled and made not in forward:
                stack.append(made.node)

    def _current(self, node: Node) -> Node:
        forward = self.forward
        if not node.after and forward.keys().isdisjoint(node.inputs):
            return node
        inputs = tuple([self.resolve(value) if value in forward else value for value in node.inputs])
        after = tuple(dict.fromkeys(new for old in node.after for new in self._follow(old))) if node.after else ()
        if inputs == node.inputs and after == node.after:
            return node
        return rebuild(node, inputs, after)

    def _follow(self, node: Node) -> Iterator[Node]:
        return (self.resolve(value).node for value in node.outputs)

    def _replace(self, node: Node, values: Sequence[Value]) -> None:
        if values[0].node is node:
            return
        for old, new in zip(node.outputs, values, strict=True):
            self.forward[old] = new

    def _fire(self, node: Node) -> Value | None:
        for each, matcher in self.index.get(node.op, ()):
            made = each.apply(node, matcher)
            if made is not None:
                made = self.resolve(made)
                if loses_order(node, (made,), self.settled):
                    continue
                self.fired[each.name] = self.fired.get(each.name, 0) + 1
                if self.observer is not None:
                    self.observer(self._firing(each, matcher, node, made))
                return made
        return None

    def _firing(self, rule: Rule, matcher: Matcher, node: Node, made: Value) -> Firing:
        holes = {each for each in matcher(node) or () if isinstance(each, Value)}
        return Firing(rule, node, made, piece(node.outputs[0], holes), piece(made, holes, self.settled))
