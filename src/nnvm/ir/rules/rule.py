"""What a rule is: an equation between pieces of graph, written once as a generator."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, overload

from nnvm.errors import Error
from nnvm.ir.node import Node, Value
from nnvm.ir.op import Op, constant
from nnvm.ir.rules.matchers import Matcher, compilable, compiled
from nnvm.ir.rules.patterns import Match, Pattern, RowHole, read_holes, root_operators
from nnvm.ir.types import UnknownRank, same_type

Measure = Callable[[Sequence[Node]], Any]


def count(nodes: Sequence[Node]) -> int:
    """Measure a piece of graph by its number of nodes."""
    return len(nodes)


def work(nodes: Sequence[Node]) -> int:
    """Measure a piece of graph by its number of nodes with an input that is not constant."""
    return sum(any(value.node.op is not constant for value in node.inputs) for node in nodes)


class Rule:
    """A named equation; `lowers` is a measure of the right side that is below the left side's.

    Where a type is not known it fires only if it is `untyped`: then it keeps types whatever they are. `matchers` are
    the compiled ways to find its left side; a pattern of many ways or roots has none and is searched for.
    """

    __slots__ = (
        "_by_place", "_row", "arguments", "doc", "function", "lowers", "matchers", "name", "pattern", "root", "untyped",
    )  # fmt: skip
    name: Final[str]
    doc: Final[str]
    lowers: Final[Measure]
    pattern: Final[Pattern]
    matchers: Final[tuple[Matcher, ...]]
    root: Final[tuple[Op[..., Any], ...]]

    def __init__(self, function: Callable[..., Iterator[Any]], lowers: Measure, untyped: bool) -> None:
        self.untyped: Final = untyped
        self.name, self.doc = function.__name__, (function.__doc__ or "").strip()
        self.function, self.lowers = function, lowers
        self.arguments, holes = read_holes(function)
        self._by_place: Final = function.__code__.co_argcount
        self._row: Final = bool(function.__code__.co_flags & 0x04)
        try:
            left = next(self.start([(hole,) if isinstance(hole, RowHole) else hole for hole in holes]))
        except (UnknownRank, TypeError, AttributeError, StopIteration) as error:
            raise Error(
                f"rule {self.name}: before its first yield a rule only builds; it must not look at its holes ({error})"
            ) from error
        except Error as error:
            raise Error(f"rule {self.name}: {error}") from error
        roots = flat(left)
        if roots is None:
            raise Error(f"rule {self.name}: the first yield must be one value or more, not {type(left).__name__}")
        try:
            self.pattern = Pattern(roots, holes)
            self.matchers = tuple(compiled(self.pattern, self.name)) if compilable(self.pattern) else ()
        except Error as error:
            raise Error(f"rule {self.name}: {error}") from error
        self.root = root_operators(self.pattern)

    def __repr__(self) -> str:
        return f"<rule {self.name}>"

    def start(self, given: Sequence[Any]) -> Iterator[Any]:
        """Return the rule's generator on what stands for its arguments, in the order of `arguments`."""
        by_place, rest = self._by_place, self._by_place + self._row
        row = given[by_place] if self._row else ()
        if rest == len(given):
            return self.function(*given[:by_place], *row)
        return self.function(*given[:by_place], *row, **dict(zip(self.arguments[rest:], given[rest:], strict=True)))

    def apply(self, found: Match, old: Sequence[Value]) -> tuple[Value, ...] | None:
        """Return what this rule puts in place of values, one for each, or None where it does not hold there.

        A replacement whose type is not known to be the same is none. Raises Error where the rule itself fails.
        """
        steps = self.start(found)
        try:
            next(steps)
            put = next(steps, None)
        except (UnknownRank, Error):
            return None
        except Exception as error:
            raise Error(f"{self._failed(old)}: {type(error).__name__}: {error}") from error
        finally:
            steps.close()  # type: ignore[attr-defined]
        if put is None:
            return None
        made = (put,) if put.__class__ is Value else flat(put)
        if made is None:
            raise Error(f"{self._failed(old)}: it yields a {type(put).__name__} in place of a value")
        if len(made) != len(old):
            raise Error(f"{self._failed(old)}: it finds {len(old)} values and puts {len(made)}")
        for was, now in zip(old, made, strict=True):
            if not self.keeps(was, now):
                return None
        return made

    def keeps(self, was: Value, now: Value) -> bool:
        """Say whether a value is known to have the type of the one that it is put for, and to be another."""
        if now.node is was.node:
            return False
        if was.type is None:
            return self.untyped
        same = same_type(now.type, was.type)  # None for two of unknown rank, though they are one type
        return same is True or (same is None and self.untyped and now.type is was.type)

    def _failed(self, old: Sequence[Value]) -> str:
        return f"rule {self.name} failed at {old[0].node!r}"


@overload
def rule(function: Callable[..., Iterator[Any]], /) -> Rule: ...
@overload
def rule(*, lowers: Measure = ..., untyped: bool = ...) -> Callable[[Callable[..., Iterator[Any]]], Rule]: ...
def rule(function: Any = None, /, *, lowers: Measure = count, untyped: bool = False) -> Any:
    """Make a rule of a generator: its first yield is what to find, its second what to put there, guards stand between.

    Arguments annotated `Value` match any value, `tuple[Value, ...]` and `*args` any number of inputs, all others match
    a parameter, or where an input stands, the number that a constant is throughout. Numbers match constants that are
    this number. `yield a, b` finds several values at once, that share values, and puts as many. A match fires where the
    right side is known to have the left side's types; `untyped` declares that it always has, so that the rule serves
    behind operators that nobody knows, too. Raises Error, naming the rule, for a left side that cannot be found.
    """
    return Rule(function, lowers, untyped) if function is not None else lambda each: Rule(each, lowers, untyped)


def flat(yielded: object) -> tuple[Value, ...] | None:
    """Return the values that a rule yields, an operator's own outputs one by one; None where that is something else."""
    if isinstance(yielded, Value):
        return (yielded,)
    if not isinstance(yielded, (tuple, list)) or not yielded:
        return None
    found: list[Value] = []
    for each in yielded:
        found += each if isinstance(each, tuple) else (each,)
    return tuple(found) if all(isinstance(value, Value) for value in found) else None
