"""How orders of parts that share nothing are merged, by the hills they climb and the valleys between (Liu 1987)."""

from collections.abc import Sequence
from heapq import merge
from typing import Any, Final

Rope = tuple[Any, Any] | int
"""Steps one after the other: a step, or two ropes."""


class Segment:
    """Steps that run without a break: the most they hold and what they leave, beyond what their part began with."""

    __slots__ = ("hill", "steps", "valley")

    def __init__(self, hill: int, valley: int, steps: Rope) -> None:
        self.hill: Final = hill
        self.valley: Final = valley
        self.steps: Final = steps

    def __repr__(self) -> str:
        return f"Segment({self.hill}, {self.valley}, {flat([self])})"


def canonical(segments: Sequence[Segment]) -> list[Segment]:
    """Return the segments with breaks only where another part may gain from one.

    A break is dropped where the steps before it can as well wait (they leave no less than there was, and climb no
    higher than what follows), or the steps after it can as well run at once. What remains goes down to its lowest
    valley over ever higher hills, and up from it over ever lower ones.
    """
    done: list[Segment] = []
    for segment in segments:
        while done:
            before = done[-2].valley if len(done) > 1 else 0
            last = done[-1]
            waits = before <= last.valley and last.hill <= segment.hill
            runs = segment.valley <= last.valley and segment.hill <= last.hill
            if not waits and not runs:
                break
            segment = Segment(max(last.hill, segment.hill), segment.valley, (last.steps, segment.steps))
            done.pop()
        done.append(segment)
    return done


def interleave(parts: Sequence[Sequence[Segment]]) -> list[Segment]:
    """Return the segments of canonical parts in the order that holds the least, each still relative to its own part.

    First all go down to their lowest valleys, by ever more of hill over what was there before; then up, by ever less of
    hill over what is left.
    """
    down: list[list[tuple[int, int, Segment]]] = []
    up: list[list[tuple[int, int, Segment]]] = []
    for number, segments in enumerate(parts):
        valleys = [0, *(segment.valley for segment in segments)]
        lowest = len(segments) - valleys[::-1].index(min(valleys))
        before = zip(valleys, segments[:lowest], strict=False)
        down.append([(segment.hill - valley, number, segment) for valley, segment in before])
        up.append([(segment.valley - segment.hill, number, segment) for segment in segments[lowest:]])
    return [each[2] for side in (down, up) for each in merge(*side, key=lambda entry: entry[:2])]


def relative(parts: Sequence[Sequence[Segment]], merged: Sequence[Segment]) -> list[Segment]:
    """Return the merged segments of several parts, relative to what all of them began with."""
    owner = {id(segment): number for number, segments in enumerate(parts) for segment in segments}
    valleys = [0] * len(parts)
    live, found = 0, []
    for segment in merged:
        number = owner[id(segment)]
        hill = live + segment.hill - valleys[number]
        live += segment.valley - valleys[number]
        valleys[number] = segment.valley
        found.append(Segment(hill, live, segment.steps))
    return found


def flat(segments: Sequence[Segment]) -> list[int]:
    """Return the steps of segments in their order."""
    order: list[int] = []
    stack: list[Rope] = [segment.steps for segment in reversed(segments)]
    while stack:
        rope = stack.pop()
        if isinstance(rope, int):
            order.append(rope)
        else:
            stack += (rope[1], rope[0])
    return order
