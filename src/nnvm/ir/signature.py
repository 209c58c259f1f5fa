"""What params an operator takes, and whether given ones are such: each set is looked at once."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from nnvm.errors import Error
from nnvm.ir.annotations import annotations, fits, read, type_text
from nnvm.ir.node import Params, params

if TYPE_CHECKING:
    from nnvm.ir.op import Op


def check_params(op: "Op[..., Any]", given: Params, node: str | None = None) -> None:
    """Raise Error, naming operator, node and param, where a param is not what the operator's function annotates.

    A param that fits stays as it is: nothing is converted. Params without an annotation may be anything.
    """
    wanted = op.annotated
    for name, value in given.items():
        if name in wanted and not fits(value, wanted[name]):
            raise Error(f"{_place(op, node)}: param {name!r} is {type_text(wanted[name])}, and {value!r} is not")


def parse_params(op: "Op[..., Any]", texts: Mapping[str, str], *, node: str | None = None) -> Params:
    """Return an operator's params from texts, as files and command lines hold them, with its defaults for the rest.

    Reads "(1,2)", "[1, 2]", "(1L,)" and "7" for tuples, True, true and 1 for truths, None, and names of element types
    and choices. Keys like `__layer__` are hints, not params, and are passed by. Raises Error, naming operator, node and
    param, for one that is unknown (with what it may have meant), that is missing, or that no text spells so.
    """
    given = {name: text for name, text in texts.items() if not (name.startswith("__") and name.endswith("__"))}
    for name in given:
        if name not in op.param_names:
            raise Error(f"{_place(op, node)} has no param {name!r}{meant(name, op.param_names, 'it takes')}")
    found: dict[str, Any] = {}
    for name in op.param_names:
        if name in given:
            try:
                found[name] = read(given[name], op.annotated.get(name, object))
            except ValueError as error:
                wanted = type_text(op.annotated.get(name, object))
                shown = given[name] if len(given[name]) < 100 else f"{given[name][:100]}..."
                raise Error(f"{_place(op, node)}: param {name!r} is {wanted}, and {shown!r} is not") from error
        elif name in op.defaults:
            found[name] = op.defaults[name]
        else:
            raise Error(f"{_place(op, node)} lacks its param {name!r}, {type_text(op.annotated.get(name, object))}")
    return params(found)


def param_annotations(op: "Op[..., Any]") -> Mapping[str, Any]:
    """Return the annotations of an operator's params, evaluated."""
    found = annotations(op.body)
    return {name: found[name] for name in op.param_names if name in found}


def meant(name: str, known: Iterable[str], otherwise: str = "there is") -> str:
    """Return how an error goes on: with the known names that are nearly this one, else with all, or the first ten."""
    names = list(known)
    near = get_close_matches(name, names, 3) if len(names) < 5000 else []
    if near:
        return f"; is it {' or '.join(near)}?"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"; {otherwise} {', '.join(names[:10]) or 'none'}{more}"


def _place(op: "Op[..., Any]", node: str | None) -> str:
    return f"{op.name}{f' in node {node!r}' if node else ''}"


__all__ = ["check_params", "meant", "param_annotations", "parse_params"]
