"""Where the time of a run goes, by step and by kernel."""

from typing import NamedTuple

from nnvm.runtime.parts import Step


class Row(NamedTuple):
    """Calls and seconds of one kernel or one step."""

    name: str
    calls: int
    seconds: float


class Profile:
    """Give an instance to `Executable.run(..., profile=...)`, then read what it has gathered over all runs."""

    __slots__ = ("_kernels", "_steps")

    def __init__(self) -> None:
        self._kernels: dict[str, tuple[int, float]] = {}
        self._steps: dict[Step, tuple[int, float]] = {}

    def __call__(self, step: Step, seconds: float) -> None:
        """Count one call of `step`."""
        calls, before = self._kernels.get(step.kernel, (0, 0.0))
        self._kernels[step.kernel] = calls + 1, before + seconds
        calls, before = self._steps.get(step, (0, 0.0))
        self._steps[step] = calls + 1, before + seconds

    def kernels(self) -> list[Row]:
        """List every kernel, the one that took the most seconds first."""
        rows = [Row(name, *counted) for name, counted in self._kernels.items()]
        return sorted(rows, key=lambda row: (-row.seconds, row.name))

    def steps(self) -> list[Row]:
        """List every step by its name, the one that took the most seconds first."""
        rows = [Row(step.name or step.kernel, *counted) for step, counted in self._steps.items()]
        return sorted(rows, key=lambda row: (-row.seconds, row.name))
