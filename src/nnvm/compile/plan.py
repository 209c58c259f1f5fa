"""Where every buffer of a lowered graph lies in one arena, and how near to the least possible that is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import index
from typing import Any, Final

from nnvm.compile.lower import Lowered
from nnvm.errors import Error
from nnvm.ir.dims import Size, larger, names, substitute, tree
from nnvm.ir.types import TensorType, product
from nnvm.runtime.expressions import Expr
from nnvm.runtime.memory import Block, max_live, round_up
from nnvm.runtime.parts import Buffer, item_size, without_kernel
from nnvm.runtime.program import Program

Pack = Callable[[Sequence[Block], int], Sequence[int]]


class Arena:
    """The roots of an arena: their order, lifetimes, sizes as dimensions and at the sample binding."""

    __slots__ = ("alignment", "blocks", "number", "roots", "sizes")

    def __init__(self, lowered: Lowered, binding: Mapping[str, int], alignment: int) -> None:
        self.roots: Final = sorted(root for root in lowered.born if lowered.tensors[root].kind == "arena")
        items = (item_size(lowered.tensors[root].type.dtype.name) for root in self.roots)
        self.alignment: Final = max(alignment, *items, 1)  # no element lies across two of its own size
        self.number: Final = {root: i for i, root in enumerate(self.roots)}
        self.sizes: Final = [nbytes(lowered.tensors[root].type) for root in self.roots]
        self.blocks: Final = [
            Block(lowered.born[root], lowered.dies[root] + 1, at(size, binding))
            for root, size in zip(self.roots, self.sizes, strict=True)
        ]

    def rounded(self, i: int) -> Size:
        """Return a root's size, rounded up to the alignment."""
        return (self.sizes[i] + (self.alignment - 1)) // self.alignment * self.alignment


def nbytes(type: TensorType) -> Size:
    """Return how many bytes a tensor takes while it runs."""
    return product(type.shape) * item_size(type.dtype.name)


def at(size: Size, binding: Mapping[str, int]) -> int:
    """Return the number that a dimension is at a binding."""
    found = substitute(size, binding)
    assert isinstance(found, int), f"{found} is not bound"
    return found


def plan(
    lowered: Lowered,
    binding: Mapping[str, int],
    backend: str,
    pack: Pack,
    *,
    io: str,
    alignment: int = 64,
    plain: Lowered | None = None,
    order_bound: int | None = None,
) -> Program:
    """Give every arena root an offset and return the Program, with both bounds and statuses in `meta["plan"]`.

    `binding` is where the sizes are measured; `plain` is the graph before parts were laid into wholes, and
    `order_bound` what no order of that can do without at the binding. With unbound dimensions the offsets become
    expressions that keep the order in which buffers lie on each other, and so hold at every binding.
    """
    arena = Arena(lowered, binding, alignment)
    offsets = packed(arena, pack)
    dynamic = any(not isinstance(size, int) for size in arena.sizes)
    below = _below(arena, offsets) if dynamic else [[] for _ in offsets]
    places: list[Expr] = [_on(arena, some) for some in below] if dynamic else list(offsets)
    covered = {k for some in below for k in some}
    tops = [i for i in range(len(offsets)) if i not in covered] if dynamic else []
    height = _height(arena, below) if dynamic else _top(arena, offsets)
    buffers = []
    for i, tensor in enumerate(lowered.tensors):
        where: Expr = places[arena.number[i]] if i in arena.number else 0
        shape = tuple(map(tree, tensor.type.shape))
        buffers.append(
            Buffer(
                tensor.kind,
                tensor.type.dtype.name,
                shape,
                where if tensor.root is None else tree(tensor.offset),
                tensor.root,
                tensor.shown,
                tensor.name,
            )
        )
    return Program(
        backend,
        buffers,
        lowered.steps,
        lowered.inputs,
        lowered.outputs,
        output_names=lowered.graph.output_names,
        constants=lowered.constants,
        donated=lowered.donated,
        peak=_on(arena, tops) if dynamic else at(height, {}),
        alignment=arena.alignment,
        meta={
            "plan": _report(
                lowered,
                arena,
                binding,
                height,
                dynamic,
                io,
                _order_bound(plain or lowered, arena, binding, order_bound if not dynamic else None),
                order_bound or 0,
            )
        },
    )


def packed(arena: Arena, pack: Pack) -> list[int]:
    """Return the offsets that a packer gives; Error where it does not give each block one."""
    given: object = pack(arena.blocks, arena.alignment)
    try:
        offsets = [index(each) for each in given]  # type: ignore[attr-defined]
    except TypeError as error:
        raise Error(
            f"`pack` gave {given!r:.80}; it must give an offset in bytes, an integer, for each block"
        ) from error
    if len(offsets) != len(arena.blocks):
        raise Error(f"`pack` gave {len(offsets)} offsets for {len(arena.blocks)} blocks; it must give each block one")
    wrong = next((i for i, offset in enumerate(offsets) if offset < 0 or offset % arena.alignment), None)
    if wrong is not None:
        what = f"`pack` put block {wrong}, {arena.blocks[wrong]}, at {offsets[wrong]}"
        raise Error(f"{what}; an offset is a multiple of the alignment {arena.alignment} from 0 up")
    return offsets


def _on(arena: Arena, below: Sequence[int]) -> Expr:
    """Return the offset of what lies on these roots."""
    ends = [("end", arena.roots[i]) for i in below]
    return 0 if not ends else ends[0] if len(ends) == 1 else ("max", *ends)


def _below(arena: Arena, offsets: Sequence[int]) -> list[list[int]]:
    """Return, for each root, the roots that it lies on: they live with it, lie lower, and lie under no other such."""
    blocks = arena.blocks
    order = sorted(range(len(blocks)), key=lambda i: (offsets[i], blocks[i].size, i))
    by_start = sorted(range(len(blocks)), key=lambda i: blocks[i].lower)
    rank = {i: r for r, i in enumerate(order)}
    together = _together(blocks, by_start)
    below: list[list[int]] = [[] for _ in blocks]
    under: list[set[int]] = [set() for _ in blocks]
    for i in order:
        lower = sorted((k for k in together[i] if rank[k] < rank[i]), key=lambda k: -rank[k])
        for k in lower:
            if k not in under[i]:
                below[i].append(k)
                under[i] |= under[k]
                under[i].add(k)
        below[i].sort()
    return below


def _together(blocks: Sequence[Block], by_start: Sequence[int]) -> list[list[int]]:
    together: list[list[int]] = [[] for _ in blocks]
    live: list[int] = []
    for i in by_start:
        live = [k for k in live if blocks[k].upper > blocks[i].lower]
        for k in live:
            together[i].append(k)
            together[k].append(i)
        live.append(i)
    return together


def _report(
    lowered: Lowered,
    arena: Arena,
    binding: Mapping[str, int],
    height: Size,
    dynamic: bool,
    io: str,
    least: Size,
    known: int,
) -> dict[str, Any]:
    peak = at(height, binding)
    packing_bound = max_live(arena.blocks, arena.alignment)
    order_bound = min(max(at(least, binding), known), packing_bound)  # more is known at one size than at all
    naive: Size = 0
    external: Size = 0
    tensors = 0
    for tensor in lowered.tensors:
        if tensor.shown is not None or tensor.kind == "dynamic":
            continue
        if tensor.kind == "arena":
            naive = naive + nbytes(tensor.type)
            tensors += 1
        else:
            external = external + nbytes(tensor.type)
    adopted = _most_adopted(lowered)
    beside = (step.workspace for step in lowered.steps if step.scratch is None)
    workspace = max((size for size in beside if isinstance(size, int)), default=0)

    def shown(size: Size, value: int) -> Any:
        return {"expr": str(size), "at": value} if binding else value

    return {
        "tensors": tensors,
        "naive_bytes": shown(naive, at(naive, binding)),
        "peak_bytes": shown(height, peak),
        "packing_bound_bytes": shown(_most_live(arena) if dynamic else packing_bound, packing_bound),
        "order_bound_bytes": shown(least if dynamic else order_bound, order_bound),
        "packing_status": "optimal" if peak == packing_bound else "bounded",
        "order_status": "optimal" if peak == order_bound else "bounded",
        "packing_gap": round(peak / packing_bound - 1, 6) if packing_bound else 0.0,
        "order_gap": round(peak / order_bound - 1, 6) if order_bound else 0.0,
        "io": io,
        "alignment": arena.alignment,
        "workspace_bytes": shown(workspace, workspace),
        "adopted_bytes": shown(adopted, at(adopted, binding)),
        "external_bytes": shown(external, at(external, binding)),
        "binding": dict(sorted(binding.items())),
        "without_kernel": without_kernel(lowered.steps),
    }


def _top(arena: Arena, offsets: Sequence[int]) -> int:
    sizes = (round_up(block.size, arena.alignment) for block in arena.blocks)
    return max((offset + size for offset, size in zip(offsets, sizes, strict=True)), default=0)


def _height(arena: Arena, below: list[list[int]]) -> Size:
    """Return the height of the arena as one expression over dimensions."""
    ends: dict[int, Size] = {}
    height: Size = 0
    for i in _bottom_up(below):
        ends[i] = _largest(ends[k] for k in below[i]) + arena.rounded(i)
        height = larger(height, ends[i])
    return height


def _bottom_up(below: list[list[int]]) -> list[int]:
    waiting = [len(some) for some in below]
    above: list[list[int]] = [[] for _ in below]
    for i, some in enumerate(below):
        for k in some:
            above[k].append(i)
    ready = [i for i, count in enumerate(waiting) if not count]
    for i in ready:
        for k in above[i]:
            waiting[k] -= 1
            if not waiting[k]:
                ready.append(k)
    return ready


def _order_bound(plain: Lowered, arena: Arena, binding: Mapping[str, int], known: int | None) -> Size:
    """Return the bytes known to be needed, or what one step reads and writes, less what it may overwrite."""
    if known is not None:
        return known
    whole = Arena(plain, binding, arena.alignment)
    return _largest(dict.fromkeys(total(whole.rounded(i) for i in some) for some in _touched(plain, whole)))


def _touched(lowered: Lowered, arena: Arena) -> Iterator[list[int]]:
    """Yield, for each step, the roots that are alive while it runs in every order; none that may lie in another."""
    inside = {lowered.root(index) for i in lowered.cuts for index in lowered.steps[i].outputs}
    inside |= {
        lowered.root(index) for step in lowered.steps if step.joins for index in step.inputs if index is not None
    }
    for i, step in enumerate(lowered.steps):
        roots = {lowered.root(index) for index in (*step.inputs, *step.outputs, step.scratch) if index is not None}
        if i in lowered.could_overwrite and lowered.tensors[step.outputs[0]].root is None:
            roots.discard(step.outputs[0])
        yield sorted(arena.number[root] for root in (roots & arena.number.keys()) - inside)


def _most_live(arena: Arena) -> Size:
    """Return the largest sum of sizes alive at one step, as one expression over dimensions."""
    return _most_at_once([(block.lower, block.upper, arena.rounded(i)) for i, block in enumerate(arena.blocks)])


def _most_adopted(lowered: Lowered) -> Size:
    """Return the bytes of arrays sized at run that live at once, at the most; those a caller gets are the caller's."""
    roots = [root for root in sorted(lowered.born) if lowered.tensors[root].kind == "dynamic"]
    return _most_at_once(
        [(lowered.born[root], lowered.dies[root] + 1, nbytes(lowered.tensors[root].type)) for root in roots]
    )


def _most_at_once(lives: Sequence[tuple[int, int, Size]]) -> Size:
    """Return the largest sum of sizes that live from one moment to another."""
    events: dict[int, list[tuple[int, int]]] = {}
    for i, (lower, upper, _) in enumerate(lives):
        events.setdefault(lower, []).append((1, i))
        events.setdefault(upper, []).append((0, i))
    live: Size = 0
    sums: dict[Size, None] = {}
    for moment in sorted(events):
        for starts, i in sorted(events[moment]):
            live = live + lives[i][2] if starts else live - lives[i][2]
        sums[live] = None
    return _largest(sums)


def _largest(sizes: Iterable[Size]) -> Size:
    most: Size = 0
    for size in sizes:
        most = larger(most, size)
    return most


def total(sizes: Iterable[Size]) -> Size:
    """Add dimensions."""
    added: Size = 0
    for size in sizes:
        added = added + size
    return added


def dimensions(lowered: Lowered) -> tuple[str, ...]:
    """Return the names of the dimensions that a lowered graph, or its data, leaves open, sorted."""
    found: set[str] = set()
    for tensor in lowered.tensors:
        for size in tensor.type.shape:
            found.update(names(size))
    return tuple(sorted(found))
