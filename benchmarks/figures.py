"""How long a call takes, and how figures of many rounds are gathered."""

import gc
import math
import signal
import statistics
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")

Figure = tuple[str, float | None]
"""What was measured and the seconds it took, None where it cannot be measured here."""

LIMIT = 20.0
"""Seconds after which a pass is given up, so that one that is not linear yet does not hold up the rest."""

Subject = Callable[[int], Iterable[Figure]]
"""Measures everything it can on a graph of so many nodes."""


def cpu(call: Callable[[], T]) -> tuple[float, T]:
    """Return the CPU seconds of a call, with the collector paused, and what it returned."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        result = call()
        return time.process_time() - start, result
    finally:
        gc.enable()


class _TooLong(Exception):
    """Raised inside a call that used up its seconds."""


_gave_up: set[Hashable] = set()


def limited(key: Hashable, call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call, infinity where LIMIT runs out first; the same key is then not tried again."""
    if key in _gave_up:
        return math.inf
    previous = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        return cpu(call)[0]
    except _TooLong:
        _gave_up.add(key)
        return math.inf
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _stop(*_: object) -> None:
    raise _TooLong


def held(call: Callable[[], Any]) -> int:
    """Return the bytes that Python's allocators hold for what a call returns."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = call()
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        del kept
        return after - before
    finally:
        tracemalloc.stop()


def find(module: str, name: str) -> Any:
    """Return something of ours, or None where it is not there yet."""
    try:
        return getattr(import_module(module), name, None)
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] != "nnvm":
            raise
        return None


def rounds(subjects: Sequence[Subject], sizes: Sequence[int], repeats: int) -> dict[tuple[str, int], float | None]:
    """Return the median seconds of every figure at every size.

    Each round runs every subject once at every size, and four times at sizes under 10,000, in an order that rotates. A
    first turn at the smallest size loads what is loaded on first use, and is not counted.
    """
    for subject in subjects:
        deque(subject(sizes[0]), maxlen=0)
    gc.collect()
    gc.freeze()  # what libraries made on import is not collected over and over
    seen: dict[tuple[str, int], list[float | None]] = {}
    turns = [size for size in sizes for _ in range(4 if size < 10_000 else 1)] * repeats
    for turn, size in enumerate(turns):
        for subject in _rotated(subjects, turn):
            for name, seconds in subject(size):
                seen.setdefault((name, size), []).append(seconds)
    return {key: _median(found) for key, found in seen.items()}


def _rotated(subjects: Sequence[Subject], turn: int) -> Iterator[Subject]:
    return (subjects[(i + turn) % len(subjects)] for i in range(len(subjects)))


def _median(found: Sequence[float | None]) -> float | None:
    known = [seconds for seconds in found if seconds is not None]
    return statistics.median(known) if known else None
