"""What can be done with operators, an attribute at a time: a column of entries that anybody fills."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from nnvm.errors import Error

if TYPE_CHECKING:
    from nnvm.ir.op import Op

T = TypeVar("T")


class OpAttr(Generic[T]):
    """One attribute of many operators: a column that any package fills, `column[op] = entry` or `@column(op)`.

    Filling a filled entry raises Error; `override` replaces it knowingly.
    """

    __slots__ = ("_table", "doc")

    def __init__(self, doc: str) -> None:
        self.doc: Final = doc
        self._table: dict[Op[..., Any], T] = {}

    def __setitem__(self, op: "Op[..., Any]", entry: T) -> None:
        if op in self._table:
            raise Error(f"{op.name} has an entry for {self.doc!r} already; use override to replace it")
        self._table[op] = entry

    def override(self, op: "Op[..., Any]", entry: T) -> None:
        """Set an entry whether or not there is one."""
        self._table[op] = entry

    def __call__(self, *ops: "Op[..., Any]") -> Callable[[T], T]:
        """Decorate the entry of these operators."""

        def fill(entry: T) -> T:
            for op in ops:
                self[op] = entry
            return entry

        return fill

    def __getitem__(self, op: "Op[..., Any]") -> T:
        try:
            return self._table[op]
        except KeyError:
            raise Error(f"{op.name} has no entry for {self.doc!r}; fill it: column[{op.name}] = ...") from None

    def get(self, op: "Op[..., Any]", default: T | None = None) -> T | None:
        """Return the entry of an operator, or `default`."""
        return self._table.get(op, default)

    def __contains__(self, op: "Op[..., Any]") -> bool:
        return op in self._table

    def __iter__(self) -> Iterator["Op[..., Any]"]:
        return iter(sorted(self._table, key=lambda op: (op.module, op.name)))

    def __repr__(self) -> str:
        return f"<attribute of {len(self._table)} operators: {self.doc}>"
