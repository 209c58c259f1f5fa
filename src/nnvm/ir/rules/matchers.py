"""How a left side of few ways is compiled to straight-line tests, the fastest that Python can do."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Final

from nnvm.ir.node import ABSENT, Node, Value
from nnvm.ir.op import Op, constant, data_of, input
from nnvm.ir.rules.patterns import (
    EITHER,
    Match,
    ParamHole,
    Pattern,
    RowHole,
    has_holes,
    is_number,
    is_operator,
    number_of,
    same_number,
    same_param,
    swaps,
)  # fmt: skip

Find = Callable[[Node], "Match | None"]

MOST: Final = 64
"""Patterns that stand for more ways than this are searched, not compiled."""


class Matcher:
    """Tells at a node of one operator what the holes stand for; `first` is its first input's operator, None for any."""

    __slots__ = ("find", "first", "operator")

    def __init__(self, operator: Op[..., Any], first: Op[..., Any] | None, find: Find) -> None:
        self.operator: Final = operator
        self.first: Final = first
        self.find: Final = find


def compilable(pattern: Pattern) -> bool:
    """Say whether a pattern has one root and few ways, and no inputs that can be split in several ways."""
    if len(pattern.roots) > 1 or pattern.ways > MOST:
        return False
    return all(sum(isinstance(value, RowHole) for value in node.inputs) < 2 for node in pattern.nodes)


def compiled(pattern: Pattern, name: str) -> Iterator[Matcher]:
    """Compile one matcher for each way to resolve `either` and to order the inputs of commutative operators."""
    # The last node is the root, which is the first to be decided, so that the first alternatives are tried first.
    nodes = pattern.nodes[::-1]
    ways = [len(node.inputs) if node.op is EITHER else 2 if swaps(node) else 1 for node in nodes]
    seen: set[object] = set()
    for choice in product(*map(range, ways)):
        writer = _Writer(dict(zip(nodes, choice, strict=True)), pattern)
        operator = writer.write()
        key = (operator, writer.source, tuple(map(id, writer.scope.values())))
        if key in seen:
            continue
        seen.add(key)
        exec(compile(writer.source, f"<pattern of {name}>", "exec"), writer.scope)
        yield Matcher(operator, writer.first, writer.scope["match"])


class _Writer:
    """Writes the source of one matcher: tests that return None at the first mismatch."""

    def __init__(self, choice: dict[Node, int], pattern: Pattern) -> None:
        self.choice, self.pattern = choice, pattern
        self.scope: dict[str, Any] = {
            "ABSENT": ABSENT, "is_number": is_number, "same_param": same_param, "number_of": number_of,
            "same_number": same_number,
        }  # fmt: skip
        self.lines: list[str] = []
        self.bound: dict[object, str] = {}
        self.first: Op[..., Any] | None = None

    @property
    def source(self) -> str:
        return "def match(n0):\n" + "".join(f" {line}\n" for line in self.lines)

    def write(self) -> Op[..., Any]:
        root = self._resolve(self.pattern.roots[0])
        if root.node.op.count != 1:
            self._refuse(f"len(n0.outputs) != {len(root.node.outputs)}")
        stack: list[tuple[Value, str]] = [(root, "n0")]
        self.bound[root.node] = "n0"
        while stack:
            value, name = stack.pop()
            stack += self._write_node(value, name)
        self.lines.append(f"return ({''.join(self.bound[hole] + ', ' for hole in self.pattern.holes)})")
        return root.node.op

    def _resolve(self, value: Value) -> Value:
        while value.node.op is EITHER:
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
        if swaps(node) and self.choice[node]:
            inputs[:2] = inputs[1::-1]
        if name != "n0":
            self._refuse(f"{name}.op is not {self._name(node.op)} or {name}.after")
        elif inputs:
            self.first = _operator_of(self._resolve(inputs[0]))
        rows = [i for i, pattern in enumerate(inputs) if isinstance(pattern, RowHole)]
        if rows:
            self._refuse(f"len({name}.inputs) < {len(inputs) - 1}")
        else:
            self._refuse(f"len({name}.inputs) != {len(inputs)}")
        for key, wanted in node.params.items():
            self._write_param(f"{name}.params[{key!r}]", wanted)
        deeper = []
        for i, pattern in enumerate(inputs):
            given = f"{name}_{i}"
            after = len(inputs) - 1 - i
            if i in rows:
                self.lines.append(f"{given} = {name}.inputs[{i}:{f'-{after}' if after else ''}]")
                self._bind(pattern, given, "{0} != {1}")
                continue
            self.lines.append(f"{given} = {name}.inputs[{-after - 1 if rows and i > rows[0] else i}]")
            deeper += self._write_input(self._resolve(pattern), given)
        return deeper

    def _bind(self, hole: object, given: str, differs: str) -> None:
        if hole in self.bound:
            self._refuse(differs.format(given, self.bound[hole]))
        else:
            self.bound[hole] = given

    def _write_param(self, given: str, wanted: object) -> None:
        if isinstance(wanted, ParamHole):
            self._bind(
                wanted, given, "not same_number({0}, {1})" if self._counts(wanted) else "not same_param({0}, {1})"
            )
        elif isinstance(wanted, tuple) and has_holes(wanted):
            self._refuse(f"{given}.__class__ is not tuple or len({given}) != {len(wanted)}")
            for i, each in enumerate(wanted):
                self._write_param(f"{given}[{i}]", each)
        else:
            self._refuse(f"not same_param({given}, {self._name(wanted)})")

    def _counts(self, hole: ParamHole) -> bool:
        """Say whether a hole for params stands for an input, too, where only its number counts."""
        return any(value is hole for node in self.pattern.nodes for value in node.inputs)

    def _write_input(self, pattern: Value, given: str) -> list[tuple[Value, str]]:
        data = data_of(pattern)
        if pattern is ABSENT:
            self._refuse(f"{given} is not ABSENT")
        elif data is not None:
            self._refuse(f"not is_number({given}, {self._name(data.uniform)})")
        elif isinstance(pattern, ParamHole):
            self.lines.append(f"{given}c = number_of({given})")
            self._refuse(f"{given}c is None")
            self._bind(pattern, f"{given}c", "not same_number({0}, {1})")
        elif pattern.node.op is input:
            if pattern not in self.bound:
                self._refuse(f"{given} is ABSENT")
            self._bind(pattern, given, "{0} is not {1}")
        elif pattern.node in self.bound:
            self._refuse(f"{given}.node is not {self.bound[pattern.node]} or {given}.index != {pattern.index}")
        else:
            self.bound[pattern.node] = f"{given}n"
            self.lines.append(f"{given}n = {given}.node")
            if pattern.node.op.count != 1:
                self._refuse(f"{given}.index != {pattern.index}")
            return [(pattern, f"{given}n")]
        return []


def _operator_of(pattern: Value) -> Op[..., Any] | None:
    if isinstance(pattern, ParamHole) or (pattern is not ABSENT and pattern.node.op is constant):
        return constant
    return pattern.node.op if is_operator(pattern) else None
