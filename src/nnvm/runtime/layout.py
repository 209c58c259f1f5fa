"""Where every buffer of a program lies once its dimensions are bound."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nnvm.runtime.program import Program


class Layout:
    """Where every buffer of a program lies, in bytes, once its dimensions are bound.

    `starts` counts from the start of the arena for what lies in it and of the root for the rest. `shapes` and
    `sizes` are None for a buffer that only a run can measure: the data decides a dimension of it, or all.
    """

    __slots__ = ("binding", "peak", "shapes", "sizes", "starts", "workspace", "workspaces")

    def __init__(
        self,
        shapes: list[tuple[int, ...] | None],
        sizes: list[int | None],
        starts: list[int],
        peak: int,
        workspaces: list[int],
        binding: Mapping[str, int],
    ) -> None:
        self.binding: Final = binding
        self.shapes: Final = shapes
        self.sizes: Final = sizes
        self.starts: Final = starts
        self.peak: Final = peak
        self.workspaces: Final = workspaces
        self.workspace: Final = max(workspaces, default=0)


def layout(program: "Program", binding: Mapping[str, int]) -> Layout:
    """Evaluate every shape, size and place of `program` where `binding` says what each dimension is.

    Raises Error for a dimension without a value, an absurd size, and offsets that build on each other in a circle.
    """
    return program.formulas.at(binding)


def nested_bytes(placed: Layout) -> int:
    """Give the bytes that a nested program wants at once: its arena, then its workspace, which starts aligned to 64."""
    return -(-placed.peak // 64) * 64 + placed.workspace
