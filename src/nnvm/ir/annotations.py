"""What an annotation lets a param or an option be, how that reads to people, and how a text spells it."""

import ast
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from inspect import Parameter
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from nnvm.ir.types import DTYPES, DType

LONGEST: Final = 100_000
"""Characters of a param's text."""
_TRUTHS: Final[Mapping[str, bool]] = {"True": True, "true": True, "1": True, "False": False, "false": False, "0": False}
_SIGNS: Final[Mapping[str, str]] = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_PLAIN: Final = frozenset((str, bool, bytes, DType))
_DTYPES: Final[Mapping[str, DType]] = {**{repr(each): each for each in DTYPES.values()}, **DTYPES}


class Bounds:
    """What a number, or the length of a text or tuple, is limited to: `Annotated[int, Bounds(ge=1)]`."""

    __slots__ = ("ge", "gt", "le", "lt")

    def __init__(
        self, *, ge: float | None = None, gt: float | None = None, le: float | None = None, lt: float | None = None
    ) -> None:
        self.ge: Final = ge
        self.gt: Final = gt
        self.le: Final = le
        self.lt: Final = lt

    def __repr__(self) -> str:
        given = [f"{key}={getattr(self, key)!r}" for key in _SIGNS if getattr(self, key) is not None]
        return f"Bounds({', '.join(given)})"


def annotations(function: Callable[..., Any] | None) -> Mapping[str, Any]:
    """Return what a function annotates its parameters with; what only type checkers can read is left out."""
    found: Mapping[str, Any] = getattr(function, "__annotations__", {})
    if not any(isinstance(each, str) for each in found.values()):
        return found
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError, SyntaxError, AttributeError):
        return {name: each for name, each in found.items() if not isinstance(each, str)}


def fits(value: Any, annotation: Any) -> bool:
    """Say whether a value is of an annotated type; what the annotation does not make plain is let through."""
    if value.__class__ is annotation:
        return True
    if annotation in _PLAIN:
        return isinstance(value, annotation)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return fits(value, inner[0]) and all(_within(value, each) for each in inner[1:])
    if origin in (Union, UnionType):
        return any(fits(value, each) for each in inner)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in inner)
    if origin is tuple and inner[-1:] != (...,):
        return isinstance(value, tuple) and len(value) == len(inner) and all(map(fits, value, inner))
    if isinstance(origin, type) and issubclass(origin, Sequence | set | frozenset):
        return isinstance(value, origin) and all(fits(each, inner[0]) for each in value)
    wanted = NoneType if annotation is None else origin or annotation
    if not isinstance(wanted, type) or wanted in (Any, Parameter.empty):
        return True
    if wanted in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, wanted) or (wanted is float and isinstance(value, int))


def _within(value: Any, bounds: object) -> bool:
    """Say whether a value lies within bounds: ours, or whatever else has `ge`, `gt`, `le` or `lt` (annotated-types)."""
    measure = len(value) if isinstance(value, (str, tuple, list)) else value
    if measure is None:
        return True
    low, above = getattr(bounds, "ge", None), getattr(bounds, "gt", None)
    high, below = getattr(bounds, "le", None), getattr(bounds, "lt", None)
    return (
        (low is None or measure >= low)
        and (above is None or measure > above)
        and (high is None or measure <= high)
        and (below is None or measure < below)
    )


def type_text(annotation: Any) -> str:
    """Write an annotation as people do."""
    if annotation is Parameter.empty:
        return "anything"
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        limits = [
            f"{sign} {getattr(each, key)}"
            for each in inner[1:]
            for key, sign in _SIGNS.items()
            if getattr(each, key, None) is not None
        ]
        return " ".join([type_text(inner[0]), " and ".join(limits)]).rstrip()
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin in (Union, UnionType):
        return " | ".join(map(type_text, inner))
    if origin is None and isinstance(annotation, type):
        return "None" if annotation is NoneType else annotation.__name__
    if inner and isinstance(origin, type):
        return f"{origin.__name__}[{', '.join('...' if each is ... else type_text(each) for each in inner)}]"
    return "None" if annotation is None else str(annotation)


def read(text: str, annotation: Any) -> Any:
    """Return what a text spells where a value of this annotation is wanted: "(1,2)", "[1, 2]", "7", "true", "None".

    One number stands for a tuple of one, as in MXNet. Raises ValueError for a text that spells no such value.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a text of {len(text)} characters; at most {LONGEST} are read")
    found = _read(text.strip(), annotation)
    if not fits(found, annotation):
        raise ValueError(f"{text!r} is not {type_text(annotation)}")
    return found


def _read(text: str, annotation: Any) -> Any:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _read(text, inner[0])
    if origin in (Union, UnionType):
        return _read_any(text, inner)
    if origin is Literal:
        return next((each for each in inner if str(each) == text), text)
    if origin in (tuple, list, Sequence) or annotation in (tuple, list):
        return _read_tuple(text, inner)
    if annotation in (None, NoneType):
        return None if text in ("None", "") else text
    if isinstance(annotation, type):
        return _read_plain(text, annotation)
    return _guess(text)


def _read_any(text: str, choices: tuple[Any, ...]) -> Any:
    """Read the first of several types that a text spells; a plain text last, as it spells anything."""
    for each in sorted(choices, key=lambda each: (each is str, each is not NoneType)):
        try:
            found = _read(text, each)
        except ValueError:
            continue
        if fits(found, each):
            return found
    return text


def _read_plain(text: str, wanted: type) -> Any:
    if wanted is bool:
        return _TRUTHS.get(text, text)
    if wanted is int:
        return int(text[:-1] if text.endswith("L") else text)  # Python 2 wrote 7L
    if wanted is float:
        return float(text)
    if wanted is str:
        return text
    if wanted is DType:
        return _DTYPES.get(text, text)
    if issubclass(wanted, Enum):
        return next((each for each in wanted if text in (each.name, str(each.value))), text)
    return _guess(text)


def _guess(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return text


def _read_tuple(text: str, inner: tuple[Any, ...]) -> tuple[Any, ...]:
    pieces = _pieces(text[1:-1]) if text[:1] + text[-1:] in ("()", "[]") else [text]
    if inner[-1:] == (...,) or len(inner) == 1:
        return tuple(_read(piece, inner[0]) for piece in pieces)
    if inner and len(inner) == len(pieces):
        return tuple(_read(piece, each) for piece, each in zip(pieces, inner, strict=True))
    return tuple(map(_guess, pieces))


def _pieces(text: str) -> list[str]:
    """Cut a text at its commas outside of brackets and quotes; quotes around a whole piece fall away."""
    found, depth, start, quote = [], 0, 0, ""
    for i, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == "," and not depth:
            found.append(text[start:i].strip())
            start = i + 1
    last = text[start:].strip()
    found += [last] if last else []
    return [each[1:-1] if len(each) > 1 and each[0] in "'\"" and each[-1] == each[0] else each for each in found]


__all__ = ["Bounds", "annotations", "fits", "read", "type_text"]
