"""Operators that share attributes, whenever they join and whenever a column is filled."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nnvm.ir.op import Op
    from nnvm.ir.op_attr import OpAttr


class OpGroup:
    """A group of operators: `column[group] = entry` gives the entry to every member, now or later.

    An operator's own entry wins over its groups', whichever came first. Two groups that give one operator different
    entries of one column are an Error, whichever came first.
    """

    __slots__ = ("_columns", "_members", "name")

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self._members: dict[Op[..., Any], None] = {}
        self._columns: dict[OpAttr[Any], None] = {}

    def add(self, *ops: "Op[..., Any]") -> "OpGroup":
        """Let operators join, and return the group; raise Error, changing nothing, where another group contradicts."""
        for column in self._columns:
            column.refuse_conflict(self, column.of_group(self), ops)
        for column in self._columns:
            column.share(self, ops)
        self._members.update(dict.fromkeys(ops))
        return self

    def note(self, column: "OpAttr[Any]") -> None:
        """Remember a column that has an entry for the group."""
        self._columns[column] = None

    def __contains__(self, op: object) -> bool:
        return op in self._members

    def __iter__(self) -> Iterator["Op[..., Any]"]:
        return iter(sorted(self._members, key=lambda op: (op.module, op.name)))

    def __deepcopy__(self, memo: object) -> "OpGroup":
        return self

    def __repr__(self) -> str:
        return f"<group {self.name} of {len(self._members)} operators>"


__all__ = ["OpGroup"]
