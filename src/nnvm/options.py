"""What a pipeline written as text asks for: passes by name, with literal options that their signatures know."""

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from nnvm.errors import Error
from nnvm.ir.annotations import fits, type_text

Find = Callable[[str], Callable[..., Any]]

_LONGEST: Final = 10_000
_SHOWN: Final = 60
_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*")
_SPACE: Final = re.compile(r"\s*")
_PIECE: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^'"]""", re.DOTALL)
_OPENING, _CLOSING = "([{", ")]}"


class Stage:
    """A pass to run and the options to run it with; as text, what `parse` reads."""

    __slots__ = ("function", "name", "options")

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any] | None = None) -> None:
        self.function: Final = function
        self.name: Final[str] = getattr(function, "__name__", str(function))
        self.options: Final[Mapping[str, Any]] = options or {}

    def __str__(self) -> str:
        given = ",".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.name}{{{given}}}" if given else self.name

    def __repr__(self) -> str:
        return f"<stage {self}>"


def parse(text: str, find: Find) -> list[Stage]:
    """Read "fold_constants{limit=8},cse": passes in a row, options in braces, Python's literals for values.

    `find` returns the pass of a name. Raises Error, with the text and a caret under the place, for what is not written
    so, for passes that `find` refuses, and for options that a pass does not take.
    """
    reader = _Reader(text)
    if len(text) > _LONGEST:
        reader.fail(f"a pipeline has at most {_LONGEST:,} characters; this one has {len(text):,}", 0)
    reader.skip()
    stages: list[Stage] = []
    while stages or not reader.ended:
        stages.append(_stage(reader, find))
        if reader.ended:
            break
        if not reader.take(","):
            reader.fail("a comma is expected here" + ("" if stages[-1].options else ", or options in braces"))
    return stages


def _stage(reader: "_Reader", find: Find) -> Stage:
    at, name = reader.name("the name of a pass")
    try:
        function = find(name)
    except Error as error:
        reader.fail(str(error), at)
    known = options_of(function)
    given: dict[str, Any] = {}
    if reader.take("{"):
        while not reader.take("}"):
            if given and not reader.take(","):
                reader.fail("a comma or a closing brace is expected here")
            option, value = _option(reader, name, known)
            if option in given:
                reader.fail(f"{name} is given {option} twice", reader.last)
            given[option] = value
    lacking = [option for option, each in known.items() if each.default is each.empty and option not in given]
    if lacking:
        reader.fail(f"{name} needs the option {lacking[0]}: {name}{{{lacking[0]}=...}}", at)
    return Stage(function, given)


def _option(reader: "_Reader", name: str, known: Mapping[str, inspect.Parameter]) -> tuple[str, Any]:
    at, option = reader.name("the name of an option")
    if option not in known:
        options = f"its options are {', '.join(known)}" if known else "it has none"
        reader.fail(f"{name} has no option {option}; {options}", at)
    if not reader.take("="):
        reader.fail(f"= and a value of {option} are expected here")
    start, value = reader.literal()
    wanted = known[option].annotation
    if not fits(value, wanted):
        reader.fail(f"{name}: {option} is {type_text(wanted)}, and {value!r} is not", start)
    reader.last = at
    return option, value


class _Reader:
    """A place in a text, moved on by what is read."""

    __slots__ = ("at", "last", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.at = self.last = 0

    @property
    def ended(self) -> bool:
        return self.at == len(self.text)

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        place = self.at if at is None else at
        start = max(0, place - _SHOWN)
        shown = re.sub(r"\s", " ", self.text[start : place + _SHOWN])
        raise Error(f"{message}\n  {shown}\n  {' ' * (place - start)}^")

    def skip(self) -> None:
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]

    def take(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        self.at += 1
        self.skip()
        return True

    def name(self, what: str) -> tuple[int, str]:
        found, at = _NAME.match(self.text, self.at), self.at
        if found is None:
            self.fail(f"{what} is expected here")
        self.at = found.end()
        self.skip()
        return at, found.group()

    def literal(self) -> tuple[int, Any]:
        """Read up to a comma or a brace outside of brackets and quotes."""
        start, open_brackets = self.at, 0
        while not self.ended:
            piece = _PIECE.match(self.text, self.at)
            if piece is None:
                self.fail("this quote is not closed")
            sign = piece.group()
            if not open_brackets and sign in (",", "}"):
                break
            open_brackets += (sign in _OPENING) - (sign in _CLOSING)
            self.at = piece.end()
        written = self.text[start : self.at].strip()
        try:
            return start, ast.literal_eval(written)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            shown = written if len(written) <= _SHOWN else f"{written[:_SHOWN]}..."
            literals = "a number, 'text', True, False, None, or a tuple of those"
            self.fail(f"{shown!r} is no literal; write {literals}", start)


def options_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return the options of a pass: its keyword-only parameters, with their types and defaults."""
    try:
        signature = inspect.signature(function, eval_str=True)
    except NameError:  # an annotation that only type checkers can read
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return {}
    return {name: each for name, each in signature.parameters.items() if each.kind is each.KEYWORD_ONLY}


__all__ = ["Stage", "fits", "options_of", "parse", "type_text"]
