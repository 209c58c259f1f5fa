"""Which steps of a program are sure to have ended before another one starts."""

from typing import Final

from nnvm.errors import Error
from nnvm.runtime.program import Program

BEFORE: Final = -1
"""What stands for whoever wrote before the first step."""


class Precedence:
    """Which steps are sure to have ended before a step starts.

    Most questions are about a step that is waited for directly, or one before a point that all steps up to
    are known to precede; only for the others is there a search, of the steps between the two.
    """

    __slots__ = ("before", "program")

    def __init__(self, program: Program) -> None:
        self.program = program
        self.before: list[int] = []
        for step in program.steps:
            reached = max((self.before[wait] for wait in step.waits), default=0)
            waits = set(step.waits)
            while reached in waits:
                reached += 1
            self.before.append(reached)

    def need(self, step: int, earlier: int, why: str) -> None:
        """Raise Error unless `earlier` has ended when `step` starts."""
        if earlier not in (BEFORE, step) and not self.follows(step, earlier, search=True):
            raise Error(
                f"{self.named(step)} {why} but does not wait for {self.named(earlier)}, which touches the same bytes"
            )

    def follows(self, step: int, earlier: int, *, search: bool) -> bool:
        """Say whether `earlier` is sure to end before `step` starts; without a search, False may mean unknown."""
        if earlier < self.before[step] or earlier in self.program.steps[step].waits:
            return True
        return search and self.reaches(step, earlier)

    def reaches(self, step: int, earlier: int) -> bool:
        """Walk back along waits, the earliest first, and never past `earlier`."""
        steps, before = self.program.steps, self.before
        seen = {step}
        todo = [step]
        while todo:
            for wait in reversed(steps[todo.pop()].waits):
                if wait == earlier or earlier < before[wait]:
                    return True
                if wait > earlier and wait not in seen:
                    seen.add(wait)
                    todo.append(wait)
        return False

    def named(self, index: int) -> str:
        """Give a step's number, name and kernel, for errors."""
        step = self.program.steps[index]
        return f"step {index} ({step.name!r}, {step.kernel})"
