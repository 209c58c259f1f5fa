"""How much a search may still do: counted steps, which are the same on every machine, and a clock as a cap."""

import time
from collections.abc import Callable
from typing import Final, TypeAlias

Progress: TypeAlias = Callable[[str], None]

ENDLESS: Final = 1 << 62


class Budget:
    """Steps that are left (about a microsecond each on the machine we measure on), and the moment to stop at.

    `cut` tells whether somebody was refused.
    """

    __slots__ = ("clock", "cut", "deadline", "left", "started")

    def __init__(
        self, steps: int | None = None, seconds: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock: Final = clock
        self.started: Final = clock()
        self.left = ENDLESS if steps is None else steps
        self.deadline: Final = None if seconds is None else self.started + seconds
        self.cut = False

    @property
    def seconds(self) -> float:
        """Return how long it has been."""
        return self.clock() - self.started

    def remaining(self) -> float | None:
        """Return the seconds until the moment to stop, or None without one."""
        return None if self.deadline is None else max(self.deadline - self.clock(), 0.0)

    def late(self) -> bool:
        """Tell whether the moment to stop has come."""
        if self.deadline is not None and self.clock() >= self.deadline:
            self.cut = True
        return self.cut

    def affords(self, steps: int, *, whole: bool = False) -> bool:
        """Tell whether that many steps are left and the clock allows more; what was refused once stays so.

        `whole` is for what looks at no clock: a microsecond a step must remain.
        """
        if self.late():
            return False
        remaining = self.remaining() if whole else None
        if steps > self.left or (remaining is not None and steps * 1e-6 > remaining):
            self.cut = True
        return not self.cut

    def spend(self, steps: int) -> None:
        """Take steps away."""
        self.left -= steps
