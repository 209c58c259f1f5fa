"""Where every buffer of a program lies once its dimensions are bound."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from nnvm.errors import Error
from nnvm.runtime.births import hangs_on
from nnvm.runtime.expressions import Expr, evaluate, leaves
from nnvm.runtime.parts import Buffer, item_size

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
    shapes: list[tuple[int, ...] | None] = []
    sizes: list[int | None] = []
    for buffer in program.buffers:
        unknown = buffer.shape is None or (program.born and hangs_on(buffer, program.born))
        shape = None if unknown else tuple(evaluate(dim, binding) for dim in buffer.shape or ())
        shapes.append(shape)
        sizes.append(None if shape is None else _nbytes(buffer, shape))
    starts = _starts(program, binding, sizes)
    workspaces = [0 if step.scratch is not None else evaluate(step.workspace, binding) for step in program.steps]
    ends = {i: starts[i] + _rounded(sizes[i], program.alignment) for i in _peaks(program.peak)}
    return Layout(shapes, sizes, starts, evaluate(program.peak, binding, ends), workspaces, dict(binding))


def nested_bytes(placed: Layout) -> int:
    """Give the bytes that a nested program wants at once: its arena, then its workspace, which starts aligned to 64."""
    return _rounded(placed.peak, 64) + placed.workspace


def _nbytes(buffer: Buffer, shape: tuple[int, ...]) -> int:
    size = item_size(buffer.dtype)
    for dim in shape:
        size *= dim
    return evaluate(size, {})


def _rounded(size: int | None, alignment: int) -> int:
    return -(-(size or 0) // alignment) * alignment


def _peaks(peak: Expr) -> set[int]:
    return {leaf[1] for leaf in leaves(peak) if isinstance(leaf, tuple)}


def _starts(program: "Program", binding: Mapping[str, int], sizes: Sequence[int | None]) -> list[int]:
    """Evaluate offsets, each after those it builds on, then move aliases of arena roots to where their root is."""
    buffers, alignment = program.buffers, program.alignment
    starts = [0] * len(buffers)
    ends: dict[int, int] = {}
    waiting: dict[int, list[int]] = {}
    missing: dict[int, int] = {}
    ready: list[int] = []
    for index, buffer in enumerate(buffers):
        needs = _peaks(buffer.offset) if isinstance(buffer.offset, tuple) else ()
        for need in needs:
            waiting.setdefault(need, []).append(index)
        if needs:
            missing[index] = len(needs)
        else:
            ready.append(index)
    while ready:
        index = ready.pop()
        starts[index] = evaluate(buffers[index].offset, binding, ends)
        ends[index] = starts[index] + _rounded(sizes[index], alignment)
        for dependent in waiting.pop(index, ()):
            missing[dependent] -= 1
            if not missing[dependent]:
                ready.append(dependent)
                del missing[dependent]
    if missing:
        stuck = [f"{i} ({buffers[i].name})" for i in sorted(missing)[:5]]
        raise Error(f"the offsets of buffers {', '.join(stuck)} build on each other in a circle")
    for index, buffer in enumerate(buffers):
        if buffer.alias_of is not None and buffer.kind == "arena":
            starts[index] += starts[buffer.alias_of]
    return starts
