"""What can be done with operators, an attribute at a time: a column of entries that anybody fills."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from nnvm.errors import Error
from nnvm.ir.op_group import OpGroup

if TYPE_CHECKING:
    from nnvm.ir.op import Op

T = TypeVar("T")

_unread: Final[list[Callable[[], bool]]] = []


def on_first_read(load: Callable[[], bool]) -> None:
    """Have `load` called before a column is next read, to bring entries from elsewhere, until it returns True."""
    _unread.append(load)


def _read_first() -> None:
    waiting = _unread[:]
    _unread.clear()  # before they run: what they import may read columns
    for load in waiting:
        if not load():
            _unread.append(load)


def _filler() -> str:
    """Return the module that fills a column."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "?"))


class OpAttr(Generic[T]):
    """One attribute of many operators: a column that any package fills, `column[op] = entry` or `@column(op)`.

    Filling a filled entry raises Error; `override` replaces it knowingly. An entry for an OpGroup goes to its members.
    """

    __slots__ = ("_fillers", "_groups", "_shared", "_table", "doc")

    def __init__(self, doc: str) -> None:
        self.doc: Final = doc
        self._table: dict[Op[..., Any], T] = {}
        self._fillers: dict[Op[..., Any] | OpGroup, str] = {}
        self._groups: dict[OpGroup, T] = {}
        self._shared: dict[Op[..., Any], OpGroup] = {}

    def __setitem__(self, op: "Op[..., Any] | OpGroup", entry: T) -> None:
        if op in self._groups or (op in self._table and op not in self._shared):
            places = f"from {self._fillers[op]}, and {_filler()} fills it again"
            raise Error(f"{op.name} has an entry for {self.doc!r} already, {places}; use override to replace it")
        self._fill(op, entry)

    def override(self, op: "Op[..., Any] | OpGroup", entry: T) -> None:
        """Set an entry whether or not there is one; a member's own still wins over its group's."""
        if _unread:
            _read_first()
        self._fill(op, entry)

    def _fill(self, op: "Op[..., Any] | OpGroup", entry: T) -> None:
        if isinstance(op, OpGroup):
            self.refuse_conflict(op, entry, op)
            self._groups[op] = entry
            op.note(self)
            self.share(op, op)
        else:
            self._table[op] = entry
            self._shared.pop(op, None)
        self._fillers[op] = _filler()

    def refuse_conflict(self, group: OpGroup, entry: T, ops: Iterable["Op[..., Any]"]) -> None:
        """Raise Error where another group of one of these operators has another entry."""
        for op in ops:
            for other, theirs in self._groups.items():
                if other is not group and theirs is not entry and op in other:
                    places = f"{other.name} (from {self._fillers[other]}) and {group.name}"
                    cure = f"leave {op.name} out of one"
                    raise Error(f"{op.name} is in two groups with entries for {self.doc!r}: {places}; {cure}")

    def of_group(self, group: OpGroup) -> T:
        """Return what members share, where the group has an entry."""
        return self._groups[group]

    def share(self, group: OpGroup, ops: Iterable["Op[..., Any]"]) -> None:
        """Give operators the entry of a group, except those with one of their own: reading stays one look-up."""
        for op in ops:
            if op not in self._table or op in self._shared:
                self._table[op] = self._groups[group]
                self._shared[op] = group

    def __call__(self, *ops: "Op[..., Any] | OpGroup") -> Callable[[T], T]:
        """Decorate the entry of these operators or groups."""

        def fill(entry: T) -> T:
            for op in ops:
                self[op] = entry
            return entry

        return fill

    def __getitem__(self, op: "Op[..., Any]") -> T:
        if _unread:
            _read_first()
        try:
            return self._table[op]
        except KeyError:
            raise Error(f"{op.name} has no entry for {self.doc!r}; fill it: column[{op.name}] = ...") from None

    def get(self, op: "Op[..., Any]", default: T | None = None) -> T | None:
        """Return the entry of an operator, or `default`."""
        if _unread:
            _read_first()
        return self._table.get(op, default)

    def __contains__(self, op: "Op[..., Any]") -> bool:
        if _unread:
            _read_first()
        return op in self._table

    def __iter__(self) -> Iterator["Op[..., Any]"]:
        if _unread:
            _read_first()
        return iter(sorted(self._table, key=lambda op: (op.module, op.name)))

    def __repr__(self) -> str:
        return f"<attribute of {len(self._table)} operators: {self.doc}>"
