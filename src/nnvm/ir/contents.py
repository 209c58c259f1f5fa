"""What a small integer tensor holds, followed symbolically, so that shapes computed from shapes are known."""

from collections.abc import Callable
from typing import Any, Final

from nnvm.ir.dims import Size
from nnvm.ir.node import ABSENT, Node, Value
from nnvm.ir.op import Op, constant, looked
from nnvm.ir.op_attr import OpAttr
from nnvm.ir.types import DType, TensorType, UnknownRank, boolean

Contents = tuple[Size, ...]
follow: Final[OpAttr[Callable[[Node, tuple[Contents, ...]], Contents | None]]] = OpAttr(
    "symbolic contents of a small integer output"
)
"""From a node and its inputs' elements (row-major) to its output's elements; filled by operators that carry shapes."""

_SMALL: Final = 64
_sees_types_only: Final[set[Op[..., Any]]] = set()


def follow_types(operator: Op[..., Any]) -> None:
    """Declare that an operator's `follow` entry needs its inputs' types alone, as Shape's does."""
    _sees_types_only.add(operator)


def contents(value: Value) -> Contents | None:
    """Return the elements, row-major, of a small integer tensor as far as they are known symbolically, or None."""
    looked()
    stack = [value]
    while stack:
        here = stack[-1]
        if not hasattr(here, "known"):
            waiting = _unfollowed(here)
            if waiting:
                stack += waiting
                continue
            here.known = _follow(here)
        stack.pop()
    return value.known


def _unfollowed(value: Value) -> list[Value]:
    node = value.node
    if node.op not in follow or node.op in _sees_types_only or not _is_small(value):
        return []
    return [item for item in node.inputs if item is not ABSENT and not hasattr(item, "known")]


def _follow(value: Value) -> Contents | None:
    node = value.node
    if not _is_small(value):
        return None
    if node.op is constant:
        return tuple(int(item) for item in node.params["data"].values())
    rule = follow.get(node.op)
    if rule is None:
        return None
    types_only = node.op in _sees_types_only
    given = () if types_only else tuple(() if item is ABSENT else item.known for item in node.inputs)
    if None in given:
        return None
    try:
        found = rule(node, given)  # type: ignore[arg-type]
    except (UnknownRank, ZeroDivisionError):
        return None
    return found if found is None or all(_fits(element, value.dtype) for element in found) else None


def _fits(element: Size, dtype: DType) -> bool:
    """Say whether a number stays as it is in its element type; an open dimension counts as one that does."""
    if not isinstance(element, int) or dtype is boolean:
        return True
    if dtype.kind == "uint":
        return 0 <= element < 1 << dtype.bits
    return -1 << dtype.bits - 1 <= element < 1 << dtype.bits - 1


def _is_small(value: Value) -> bool:
    type = value.type
    if not isinstance(type, TensorType) or type.dtype.kind not in ("int", "uint", "bool") or type.shape_or_none is None:
        return False
    return isinstance(type.elements, int) and type.elements <= _SMALL
