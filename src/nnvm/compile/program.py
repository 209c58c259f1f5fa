"""How a graph becomes a Program: choose an order, lower, plan, verify."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final

from nnvm.analyses.schedule import check_order, depth_first, file_order
from nnvm.compile.backend import Backend
from nnvm.compile.choice import Choice
from nnvm.compile.lower import Lowered
from nnvm.compile.ordering import EFFORT
from nnvm.compile.plan import Pack, dimensions
from nnvm.errors import Error
from nnvm.ir import Graph, Node, TensorType, collection_paused
from nnvm.ir.dims import Size, substitute
from nnvm.runtime.hazards import with_dependencies
from nnvm.runtime.memory import pack as greedy
from nnvm.runtime.program import Program
from nnvm.runtime.verify import verify

LARGEST_ALIGNMENT: Final = 2**20

BATCHES: Final = (1, 2, 12, 60)
"""Sizes that an input's open first axis is measured at."""

GUESSES: Final = (224, 64, 320, 48, 32, 128, 512, 16, 8, 4, 2, 1)
"""Sizes that an open dimension is measured at, the first at which every shape makes sense."""


def compile_graph(
    graph: Graph,
    backend: Backend,
    *,
    order: Sequence[Node] | None = None,
    io: str = "external",
    alignment: int = 64,
    share: bool = True,
    accumulate: bool = True,
    donate: Sequence[str] = (),
    effort: int = EFFORT,
    pack: Pack = greedy,
    binding: Mapping[str, int] | None = None,
) -> Program:
    """Return a verified Program of the graph for a backend.

    `order` runs the nodes in that order, else the best of the file's, depth first and a planned one, for which
    `effort` transitions are spent. `io="arena"` puts inputs and outputs into the arena. Without `share` every result
    has bytes of its own; without `accumulate` no sum is computed by the kernel of a term. `donate` names inputs that a
    call may write over. `binding` is where open dimensions are measured. What the backend has no kernel for, carried
    operators too, has its place in the plan and refuses to run: `Program.without_kernel` counts it. Raises one Error
    that lists what has no type or no fixed size.
    """
    if type(alignment) is not int or not 0 < alignment <= LARGEST_ALIGNMENT or alignment & (alignment - 1):
        raise Error(f"the alignment is {alignment!r}; it must be a power of two up to 2**20")
    with collection_paused():
        choosing = Choice(
            graph,
            backend,
            lambda lowered: sample_binding(lowered, binding or {}),
            io=io,
            alignment=alignment,
            share=share,
            accumulate=accumulate,
            donate=(donate,) if isinstance(donate, str) else donate,
        )
        if order is not None:
            choosing.try_order(check_order(graph, tuple(order)))
        else:
            choosing.try_order(file_order(graph))
            choosing.try_order(depth_first(graph))
            choosing.try_planned(effort)
        program = choosing.plan(pack)
        program = with_dependencies(program, None if dimensions(choosing.best.lowered) else {})
        verify(program, choosing.binding)
    return program


def sample_binding(lowered: Lowered, given: Mapping[str, int]) -> dict[str, int]:
    """Return a number for every open dimension at which no shape is negative; an input's first axis is a batch."""
    open_dims = dimensions(lowered)
    unknown = sorted(set(given) - set(open_dims))
    if unknown:
        raise Error(f"there is no open dimension {', '.join(unknown)}; there is: {', '.join(open_dims) or 'none'}")
    for name, size in given.items():
        if type(size) is not int or size < 0:
            raise Error(f"the dimension {name!r} is to be measured at {size!r:.60}; give an integer from 0 up")
    types = list(dict.fromkeys(tensor.type for tensor in lowered.tensors))
    batches = {str(lowered.tensors[i].type.shape[0]) for i in lowered.inputs if lowered.tensors[i].type.shape}
    for batch, guess in product(BATCHES, GUESSES):
        binding = {name: given.get(name, batch if name in batches else guess) for name in open_dims}
        if all(_fits(type, binding) for type in types):
            return binding
    raise Error(
        "no sizes were found at which every shape is positive; "
        f"give the dimensions {', '.join(open_dims)}: --set-dim NAME=INT"
    )


def _fits(type: TensorType, binding: Mapping[str, Size]) -> bool:
    try:
        sizes = [substitute(size, binding) for size in type.shape]
    except ZeroDivisionError:
        return False
    return all(isinstance(size, int) and size >= 0 for size in sizes)
