"""Work that goes on in a thread of its own while the caller does something else."""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Event, Thread
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """An iterator that runs ahead in a thread; `news` tells that it found something or ended.

    Raises, where its results are taken, what the iterator raised. `stop` is called once, to make it end early.
    """

    __slots__ = ("_failed", "_found", "_stop", "_thread", "news")

    def __init__(self, work: Iterator[T], stop: Callable[[], None] = lambda: None) -> None:
        self.news: Final = Event()
        self._found: Final[SimpleQueue[T | None]] = SimpleQueue()
        self._stop: Final = stop
        self._failed: BaseException | None = None
        self._thread: Final = Thread(target=self._run, args=(work,), name="nnvm aside", daemon=True)
        self._thread.start()

    def _run(self, work: Iterator[T]) -> None:
        try:
            for found in work:
                self._found.put(found)
                self.news.set()
        except BaseException as error:
            self._failed = error
        finally:
            self._found.put(None)
            self.news.set()

    def results(self) -> Iterator[T]:
        """Yield what was found so far and wait for more, until the iterator ends."""
        while (found := self._found.get()) is not None:
            yield found
        if self._failed is not None:
            raise self._failed

    def end(self) -> None:
        """Make the iterator end early, and wait until it has."""
        self._stop()
        self._thread.join()
