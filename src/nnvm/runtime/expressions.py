"""Integers that may depend on dimensions: how they are written, checked and evaluated."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add, floordiv, mul, sub
from typing import Any, TypeAlias

from nnvm.errors import Error

Expr: TypeAlias = int | str | tuple[Any, ...]
"""`7`, `"n"`, `("*", 4, "n")`, and in offsets `("end", 3)`: where arena buffer 3 ends, rounded up to the alignment."""

LARGEST = 2**48
DEEPEST = 200

_MANY: dict[str, Callable[[int, int], int]] = {"+": add, "*": mul, "max": max, "min": min}
_TWO: dict[str, Callable[[int, int], int]] = {"-": sub, "//": floordiv}


def evaluate(expr: Expr, binding: Mapping[str, int], ends: Mapping[int, int] | None = None) -> int:
    """Give the value of `expr`, a count or a byte offset, where `binding` says what each dimension is.

    `ends` gives the rounded end of each arena buffer that an offset builds on. Raises Error for a
    dimension without a value, a division by zero, and a result that is negative or above 2**48.
    """
    value = expr if type(expr) is int else _reduce(expr, binding, ends or {})
    if not 0 <= value <= LARGEST:
        raise Error(f"{show(expr)} is {value}, which is no size: sizes and offsets lie between 0 and 2**48")
    return value


def _reduce(expr: Expr, binding: Mapping[str, int], ends: Mapping[int, int]) -> int:
    """Evaluate from the leaves up, on a stack of our own because expressions may be deep."""
    todo: list[tuple[Expr, bool]] = [(expr, False)]
    values: list[int] = []
    while todo:
        part, ready = todo.pop()
        if ready:
            count = len(part) - 1  # type: ignore[arg-type]
            arguments = values[-count:]
            del values[-count:]
            values.append(_apply(part, arguments))
        elif isinstance(part, tuple) and part[0] != "end":
            todo.append((part, True))
            todo.extend((argument, False) for argument in reversed(part[1:]))
        else:
            values.append(_leaf(part, binding, ends))
    return values[0]


def _leaf(part: Expr, binding: Mapping[str, int], ends: Mapping[int, int]) -> int:
    if isinstance(part, int):
        return part
    if isinstance(part, tuple):
        if part[1] not in ends:
            raise Error(f"the end of arena buffer {part[1]} is needed before it is known")
        return ends[part[1]]
    if part not in binding:
        raise Error(f"dimension {part!r} has no value; it is given by the shape of no input, so bind it by name")
    return binding[part]


def _apply(expr: Expr, arguments: Sequence[int]) -> int:
    operator = expr[0]  # type: ignore[index]
    if operator == "//" and arguments[1] == 0:
        raise Error(f"{show(expr)} divides by zero at this binding")
    value = reduce(_MANY.get(operator) or _TWO[operator], arguments)
    if abs(value) > LARGEST * LARGEST:
        raise Error(f"{show(expr)} passes 2**96 at this binding, which is no size")
    return value


def parse(data: object, *, ends: int = 0) -> Expr:
    """Give the expression that JSON `data` (or an expression) spells, where offsets may build on `ends` buffers.

    Raises Error for anything else: an unknown operator, too few arguments, a deeper nesting than 200.
    """
    if type(data) is int or (isinstance(data, str) and data):
        return data
    return _parse(data, ends, DEEPEST)


def _parse(data: object, ends: int, depth: int) -> Expr:
    if type(data) is int or (isinstance(data, str) and data):
        return data
    if not isinstance(data, (list, tuple)) or not data or not isinstance(data[0], str):
        raise Error(f"{str(data)[:80]!r} is neither an integer, a dimension nor an operation on them")
    if not depth:
        raise Error(f"an expression is nested deeper than {DEEPEST}; simplify it")
    operator, *arguments = data
    if operator == "end":
        if len(arguments) != 1 or type(arguments[0]) is not int or not 0 <= arguments[0] < ends:
            raise Error(f"{str(data)[:80]} names no arena buffer whose end it could be")
        return ("end", arguments[0])
    if not (arguments and operator in _MANY) and not (len(arguments) == 2 and operator in _TWO):
        raise Error(f"{str(data)[:80]} is no operation: + * max min take one argument or more, - and // take two")
    return (operator, *(_parse(argument, ends, depth - 1) for argument in arguments))


def leaves(expr: Expr) -> list[Expr]:
    """List the dimensions and buffer ends that `expr` is made of, from left to right, repeated where it repeats."""
    todo: list[Expr] = [expr]
    found: list[Expr] = []
    while todo:
        part = todo.pop()
        if isinstance(part, str) or (isinstance(part, tuple) and part[0] == "end"):
            found.append(part)
        elif isinstance(part, tuple):
            todo.extend(reversed(part[1:]))
    return found


def show(expr: Expr, limit: int = 120) -> str:
    """Write `expr` as people do, cut at `limit` characters."""
    if not isinstance(expr, tuple):
        return str(expr)[:limit]
    text = _write(expr, 12)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _write(expr: Expr, depth: int) -> str:
    if not isinstance(expr, tuple):
        return str(expr)
    if not depth:
        return "…"
    operator, *arguments = expr
    written = [_write(argument, depth - 1) for argument in arguments[:8]] + ["…"] * (len(arguments) > 8)
    if operator in ("max", "min", "end"):
        return f"{operator}({', '.join(written)})"
    return f"({f' {operator} '.join(written)})"
