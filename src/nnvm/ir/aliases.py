"""Other names of operators, for wherever an operator is found by its name: texts, files, the command."""

from collections.abc import Mapping
from typing import Any, Final

from nnvm.errors import Error
from nnvm.ir.op import Op

_OWNERS: Final[dict[str, Op[..., Any]]] = {}


def alias(op: Op[..., Any], *names: str) -> None:
    """Let an operator be found under more names; its own stays the one that is printed and saved.

    Raises Error for a name that is no text, and for an alias that another operator owns.
    """
    for name in names:
        if not isinstance(name, str) or not name:
            raise Error(f"an alias of {op.name} is a name, not {name!r}")
        owner = _OWNERS.get(name, op)
        if owner is not op:
            raise Error(f"{name!r} is an alias of {_told(owner)} already; it cannot be one of {_told(op)} too")
    _OWNERS.update(dict.fromkeys(names, op))


def aliases(op: Op[..., Any]) -> tuple[str, ...]:
    """Return the other names of an operator, sorted."""
    return tuple(sorted(name for name, owner in _OWNERS.items() if owner is op and name != op.name))


def with_aliases(operators: Mapping[str, Op[..., Any]]) -> dict[str, Op[..., Any]]:
    """Return operators by name and by alias; raise Error where an alias is the name of another one of them."""
    found = dict(operators)
    there = set(operators.values())
    for name, owner in _OWNERS.items():
        if owner in there and found.setdefault(name, owner) is not owner:
            names = f"an alias of {_told(owner)} and the name of {_told(found[name])}"
            raise Error(f"{name!r} is {names}; give one of them another name")
    return found


def _told(op: Op[..., Any]) -> str:
    return f"{op.name} ({op.module})"


__all__ = ["alias", "aliases", "with_aliases"]
