"""Why an arena is as high as it is: what is alive where most is, who made it, and what would lower it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from operator import add
from typing import Any, Final, NamedTuple

from nnvm.runtime.lives import Life, Lives
from nnvm.runtime.memory import round_up
from nnvm.runtime.parts import Step
from nnvm.runtime.program import Program

PRODUCTS: Final = ("conv", "matmul", "gemm")
"""How the names of kernels begin that multiply, and so read their inputs more than once."""

SHOWN: Final = 20
"""Buffers that the text of an explanation lists."""

PLACES: Final = 1000
"""Steps, of those where most is alive, that a remedy is looked for at."""


class Alive(NamedTuple):
    """A buffer that is alive at the peak: its bytes, the step that made it, the next that reads it, the last."""

    name: str
    size: int
    made_by: str
    kernel: str
    first: int
    last: int
    next_read: str
    used: bool


class Remedy(NamedTuple):
    """What would lower the peak: how, on which buffer, and to how many bytes alive at the most."""

    how: str
    name: str
    to_bytes: int
    text: str


class Saving(NamedTuple):
    """Bytes that would not be alive from one step up to another, and how."""

    how: str
    name: str
    number: int
    size: int
    lower: int
    upper: int
    text: str


class Explanation:
    """The peak of a plan, what is alive there and what would lower it; as text, or as an object for JSON."""

    __slots__ = ("alive", "live_bytes", "peak_bytes", "remedies", "step", "steps", "without_kernel")

    def __init__(
        self,
        peak_bytes: int,
        live_bytes: int,
        step: str,
        steps: list[int],
        alive: list[Alive],
        remedies: list[Remedy],
        without_kernel: Mapping[str, int] | None = None,
    ) -> None:
        self.without_kernel: Final[Mapping[str, int]] = dict(without_kernel or {})
        self.peak_bytes: Final = peak_bytes
        self.live_bytes: Final = live_bytes
        self.step: Final = step
        self.steps: Final = tuple(steps)
        self.alive: Final = tuple(alive)
        self.remedies: Final = tuple(remedies)

    def report(self) -> dict[str, Any]:
        """Give the explanation as an object that JSON can hold."""
        return {
            "peak_bytes": self.peak_bytes,
            "live_bytes": self.live_bytes,
            "step": self.step,
            "steps": list(self.steps),
            "alive": [each._asdict() for each in self.alive],
            "remedies": [each._asdict() for each in self.remedies],
            "without_kernel": dict(self.without_kernel),
        }

    def __str__(self) -> str:
        if not self.alive:
            return "\n".join(["the arena is empty: nothing is alive between two steps", *self._lacking()])
        rest = len(self.steps) - 1
        more = f", and at {rest} more step{'s' * (rest > 1)}" if rest else ""
        lines = [f"{self.live_bytes:,} bytes are alive at step {self.steps[0]} ({self.step}){more}:"]
        for each in self.alive[:SHOWN]:
            role = f"next read by {each.next_read}" if each.next_read else "read here for the last time"
            lines.append(f"  {each.size:>14,}  {each.name}: made by {each.made_by} ({each.kernel}), {role}")
        if len(self.alive) > SHOWN:
            lines.append(f"  and {len(self.alive) - SHOWN} more")
        lines += [each.text for each in self.remedies]
        if all(each.to_bytes >= self.live_bytes for each in self.remedies):
            lines.append("no single change that is known would lower it")
        return "\n".join([*lines, *self._lacking()])

    def _lacking(self) -> list[str]:
        if not self.without_kernel:
            return []
        listed = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in self.without_kernel.items())
        return [f"without a kernel, so planned to write into memory of their own and to want no workspace: {listed}"]


def explain(program: Program, binding: Mapping[str, int] | None = None) -> Explanation:
    """Explain the peak of a program at a binding, by default the one it was measured at.

    A remedy tells how many bytes would be alive at the most if it alone were applied; where several steps are as full,
    also if one like it were at each of them. Raises Error for dimensions that
    have no value.
    """
    lives = Lives(program, binding)
    most = max(lives.live, default=0)
    if not most:
        return Explanation(lives.placed.peak, 0, "", [], [], [], program.without_kernel)
    steps = [i for i, live in enumerate(lives.live) if live == most]
    at = steps[0]
    here = sorted(
        (life for life in lives.held if life.first <= at <= life.last), key=lambda each: (-each.size, each.number)
    )
    here = [life for life in here if life.size]
    touched = _touched(program, program.steps[at])
    alive = [_alive(lives, life, at, touched) for life in here]
    found = [_applied(lives, [saving]) for saving in _savings(lives, at)]
    lower = [each for each in found if each.to_bytes < most]
    lower += _everywhere(lives, steps, min((each.to_bytes for each in lower), default=most))
    lower.sort(key=lambda each: (each.to_bytes, each.how, each.name))
    remedies = [*_bounds(program, lives, most), *lower[:SHOWN]]
    told = program.without_kernel
    return Explanation(lives.placed.peak, most, _named(program, at), steps, alive, remedies, told)


def _applied(lives: Lives, savings: Sequence[Saving]) -> Remedy:
    """Say how many bytes would be alive at the most if these were saved."""
    changes = [0] * (len(lives.live) + 1)
    spared: dict[int, int] = {}
    for each in sorted(savings, key=lambda each: each.lower):
        lower = max(each.lower, spared.get(each.number, 0))  # no buffer is spared twice at one step
        upper = spared[each.number] = max(lower, each.upper)
        changes[lower] -= each.size
        changes[upper] += each.size
    low = max(map(add, lives.live, accumulate(changes)))
    kinds = {each.how: each for each in reversed(savings)}
    text = "; ".join(each.text for each in reversed(kinds.values()))
    rest = len(savings) - len(kinds)
    text += f"; and so at {rest} more place{'s' * (rest > 1)}" if rest else ""
    return Remedy(" and ".join(sorted(kinds)), savings[0].name, low, f"{text}: {low:,} bytes")


def _everywhere(lives: Lives, steps: Sequence[int], least: int) -> Iterator[Remedy]:
    """Say what each way gives where it is taken wherever most is alive, then what all do, if below the `least`."""
    ways: dict[str, dict[tuple[int, int, int], Saving]] = {}
    for at in steps[:PLACES]:
        here = sorted(_savings(lives, at), key=lambda each: -each.size)
        for how in ("", *sorted({each.how for each in here})):
            best = next((each for each in here if how in ("", each.how)), None)
            if best is not None:
                ways.setdefault(how, {})[best.number, best.lower, best.upper] = best
    remedies = [_applied(lives, list(ways[how].values())) for how in sorted(ways) if how and len(ways[how]) > 1]
    for remedy in remedies:
        if remedy.to_bytes < least:
            yield remedy
    if ways and len(ways[""]) > 1:
        all_together = _applied(lives, list(ways[""].values()))
        if all_together.to_bytes < min([least, *(each.to_bytes for each in remedies)]):
            yield all_together


def _named(program: Program, step: int) -> str:
    return program.steps[step].name or program.steps[step].kernel


def _touched(program: Program, step: Step) -> set[int]:
    indices = [i for i in (*step.inputs, *step.outputs, step.scratch) if i is not None]
    return {i if (root := program.buffers[i].alias_of) is None else root for i in indices}


def _alive(lives: Lives, life: Life, at: int, touched: set[int]) -> Alive:
    program = lives.program
    inside = [each for each in lives.buffers if each.root == life.root and each.first <= at]
    inside = [each for each in inside if program.buffers[each.number].view_of is None]
    shown = max(inside, key=lambda each: (each.first, each.size)) if inside else life
    later = sorted(i for each in lives.buffers if each.root == life.root for i in lives.touches[each.number] if i > at)
    reader = _named(program, later[0]) if later else ""
    kernel = program.steps[shown.maker].kernel
    name = shown.name if shown.size == life.size and shown.name else life.name
    return Alive(
        name, life.size, _named(program, shown.maker), kernel, life.first, life.last, reader, life.root in touched
    )


def _bounds(program: Program, lives: Lives, most: int) -> Iterator[Remedy]:
    """Say what packing and order could still give, from the bounds that the plan carries."""
    if lives.placed.peak > most:
        lost = lives.placed.peak - most
        yield Remedy("packing", "", most, f"a tighter packing would save up to {lost:,} bytes: `pack=`, or `nnvm pack`")
    plan = program.meta.get("plan", {})
    bound = plan.get("order_bound_bytes") if isinstance(plan, Mapping) else None
    bound = bound.get("at") if isinstance(bound, Mapping) else bound
    if isinstance(bound, int) and bound < most:
        text = f"another order would save at most {most - bound:,} bytes: `effort=` searches longer, `order=` sets one"
        yield Remedy("order", "", bound, text)
    elif isinstance(bound, int):
        yield Remedy("none", "", most, "no order is lower, with what is computed in place and what is laid into what")


def _savings(lives: Lives, at: int) -> Iterator[Saving]:
    """Say how each buffer that is alive at a step could be spared there, or for longer."""
    program = lives.program
    step, alignment = program.steps[at], program.alignment
    touched = _touched(program, step)
    here = [life for life in lives.held if life.first <= at <= life.last and life.size]
    here = [life._replace(name=_alive(lives, life, at, touched).name) for life in here]
    outputs = {i if (root := program.buffers[i].alias_of) is None else root for i in step.outputs}
    for life in here:
        size = round_up(life.size, alignment)
        if life.root not in touched:
            uses = _uses(lives, life)
            before = max((i for i in uses if i < at), default=life.first)
            after = min((i for i in uses if i > at), default=life.last)
            waits = f"it waits from {_named(program, before)} on"
            text = f"recompute {life.name!r} before {_named(program, after)} ({waits})"
            yield Saving("recompute", life.name, life.number, size, before + 1, after, text)
        elif life.number == step.scratch:
            text = f"a kernel with less workspace for {_named(program, at)}"
            yield Saving("workspace", life.name, life.number, size, at, at + 1, text)
        elif life.root in outputs:
            yield from _accumulated(lives, here, life, at)
            yield from _fused(lives, here, life, at)
        elif life.last == at and not _multiplies(step) and _could_take(lives, step, life):
            text = f"in place: if {_named(program, at)} could write over {life.name!r}"
            yield Saving("in place", life.name, life.number, size, at, at + 1, text)


def _multiplies(step: Step) -> bool:
    """Say whether a step is a product, which can be added to another tensor but not written over what it reads."""
    return step.kernel.partition(":")[2].startswith(PRODUCTS)


def _accumulated(lives: Lives, here: list[Life], life: Life, at: int) -> Iterator[Saving]:
    """Say that a product could be added at once to what it is added to next, where that is as large and alive."""
    program = lives.program
    after = min((i for i in _uses(lives, life) if i > at), default=None)
    if after is None or not _multiplies(program.steps[at]) or not program.steps[after].kernel.endswith(":add/1"):
        return
    touched = _touched(program, program.steps[after])
    for other in here:
        if other.root in touched and other.root != life.root and other.size == life.size:
            size = round_up(life.size, program.alignment)
            text = f"accumulate: if {_named(program, at)} were added to {other.name!r} in its bytes"
            yield Saving("accumulate", life.name, life.number, size, at, after + 1, text)


def _fused(lives: Lives, here: list[Life], life: Life, at: int) -> Iterator[Saving]:
    """Say that a result need not be kept if the steps in place on it, up to one that reads its origin too, were one."""
    program = lives.program
    later = sorted({i for i in _uses(lives, life) if i > at})
    if not program.steps[at].inplace:
        return
    for i in later:
        step, touched = program.steps[i], _touched(program, program.steps[i])
        beside = [each for each in here if each.root in touched and each.root != life.root and each.size == life.size]
        stays = any(program.buffers[written].alias_of == life.root for written in step.outputs)
        if not step.inplace or not (stays or (beside and life.last == i)):
            return
        if not beside:
            continue
        for other in beside:
            if not stays or other.last == i:
                joint = "with" if i == later[0] else "up to"
                text = f"fuse {_named(program, at)} {joint} {_named(program, i)}, which reads {other.name!r} beside it"
                size = round_up(life.size, program.alignment)
                yield Saving("fuse", life.name, life.number, size, at, i + 1, text)
        return


def _could_take(lives: Lives, step: Step, life: Life) -> bool:
    """Say whether a step writes a buffer of its own that is as large as one that dies there."""
    sizes = [lives.placed.sizes[i] for i in step.outputs if lives.program.buffers[i].alias_of is None]
    return life.size in sizes


def _uses(lives: Lives, life: Life) -> list[int]:
    return [i for each in lives.buffers if each.root == life.root for i in lives.touches[each.number]]
