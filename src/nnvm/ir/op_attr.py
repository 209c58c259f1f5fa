"""What can be done with operators, an attribute at a time: a column of entries that anybody fills."""

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from nnvm.errors import Error

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

    Filling a filled entry raises Error; `override` replaces it knowingly.
    """

    __slots__ = ("_fillers", "_table", "doc")

    def __init__(self, doc: str) -> None:
        self.doc: Final = doc
        self._table: dict[Op[..., Any], T] = {}
        self._fillers: dict[Op[..., Any], str] = {}

    def __setitem__(self, op: "Op[..., Any]", entry: T) -> None:
        if op in self._table:
            places = f"from {self._fillers[op]}, and {_filler()} fills it again"
            raise Error(f"{op.name} has an entry for {self.doc!r} already, {places}; use override to replace it")
        self._table[op] = entry
        self._fillers[op] = _filler()

    def override(self, op: "Op[..., Any]", entry: T) -> None:
        """Set an entry whether or not there is one."""
        if _unread:
            _read_first()
        self._table[op] = entry
        self._fillers[op] = _filler()

    def __call__(self, *ops: "Op[..., Any]") -> Callable[[T], T]:
        """Decorate the entry of these operators."""

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
