"""What is said once for all nodes that are built inside a `with` block: prefixes of names, and hints."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from nnvm.errors import Error
from nnvm.ir.node import HINTLESS, params

if TYPE_CHECKING:
    from nnvm.ir.op import Op

Entry = Callable[["Op[..., Any]", str | None, Mapping[str, Any]], tuple[str | None, Mapping[str, Any]]]
"""Takes the operator, name and hints of a node that is being built; returns the name and hints that it gets."""

OPEN: Final[list[None]] = []
"""One item for each scope open in any thread: while it is empty, building asks for nothing else."""

_entries: Final[ContextVar[tuple[Entry, ...]]] = ContextVar("nnvm.scopes", default=())


def scoped(op: "Op[..., Any]", name: str | None, hints: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    """Return the name and hints that the scopes open here, the innermost first, make of a node's own."""
    for entry in reversed(_entries.get()):
        name, hints = entry(op, name, hints)
    return name, hints


@contextmanager
def scope(entry: Entry) -> Iterator[None]:
    """Pass every node that an operator's call builds inside through `entry`: a function to (name, hints).

    Scopes nest, and belong to the thread or the asyncio task that opened them: a new thread starts without, a new task
    with those of its maker. They end with the block, also where it raises. Graphs that exist are never touched.
    """
    token = _entries.set((*_entries.get(), entry))
    OPEN.append(None)
    try:
        yield
    finally:
        OPEN.pop()
        _entries.reset(token)


@contextmanager
def unscoped() -> Iterator[None]:
    """Set all scopes aside: what passes and rules build is not what the user's block is about."""
    if not OPEN:
        yield
        return
    token = _entries.set(())
    try:
        yield
    finally:
        _entries.reset(token)


def prefix(text: str) -> AbstractContextManager[None]:
    """Put `text` before the name of every node that is given one inside: `with nnvm.prefix("layer1/"):`.

    Nested prefixes add up, outermost first. A node without a name stays so: it gets its number when it is printed.
    """
    if not isinstance(text, str):
        raise Error(f"a prefix is text, not {text!r}")
    return scope(lambda op, name, hints: (None if name is None else text + name, hints))


def hints(**given: Any) -> AbstractContextManager[None]:
    """Give every node that is built inside these hints: `with nnvm.hints(device="gpu1"):`.

    Nested scopes merge, and the inner wins; a hint given to the operator itself wins over all.
    """
    shared = params(given)

    def merge(op: object, name: str | None, own: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
        return name, shared if own is HINTLESS or not own else params({**shared, **own})

    return scope(merge)


__all__ = ["OPEN", "Entry", "hints", "prefix", "scope", "scoped", "unscoped"]
