"""Which inputs a graph is tried on: sizes for its open dimensions, and seeded random arrays."""

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

import numpy as np

from nnvm.analyses.index_limits import Limit, index_limits
from nnvm.backends.numpy.device import dtype_of
from nnvm.errors import Error
from nnvm.ir import Graph, TensorType, Value
from nnvm.ir.dims import names, substitute

MOST: Final = 10
"""Below this drawn integers stay that pick from nothing."""
CAPS: Final = (1 << 15, MOST, 2)
"""Below these all drawn integers stay: the next where the graph runs with none below the last."""
ZEROS: Final = 8
"""One element in so many is exactly zero, where zeros are asked for."""
_PRIMES: Final = (7, 11, 13, 17, 19, 23, 29, 31)
_LARGE_PRIMES: Final = (97, 101, 103, 107, 109, 113, 127, 131)

Arrays = dict[str, Any]


def random_inputs(
    graph: Graph,
    binding: Mapping[str, int],
    seed: int,
    limits: tuple[float, float] | None = None,
    given: Container[str] = (),
    most: int = CAPS[0],
    zeros: bool = False,
) -> Arrays:
    """Return seeded arrays for every input that is not given: normal floats, integers, truth values.

    Integers lie below what they pick from, or else below 10, in a mask below 2, and below `most`; all but truth values
    lie within `limits` where those are given. With `zeros` about an eighth of the elements of each input of floats are
    exactly 0 where the limits allow it, others what they are without.
    """
    generator = np.random.default_rng(seed)
    below = {name: _below(found, binding, most) for name, found in index_limits(graph).items()}
    drawn = [value for value in graph.inputs if value.name not in given]
    rest = {value.name: 2 if "mask" in value.name.lower() else min(most, MOST) for value in drawn}
    arrays = {value.name: _random(value, binding, generator, limits, (rest | below)[value.name]) for value in drawn}
    if zeros and (limits is None or limits[0] <= 0 <= limits[1]):
        holes = np.random.default_rng((seed, ZEROS))  # of its own, so that the other elements stay
        for value in drawn:
            if value.dtype.is_float:
                arrays[value.name][holes.integers(0, ZEROS, arrays[value.name].shape) == 0] = 0
    return arrays


def _below(limits: Sequence[Limit], binding: Mapping[str, int], most: int) -> int:
    """Return below what drawn numbers stay that pick from dimensions; open or empty ones say nothing."""
    sizes = [(substitute(size, binding), more) for size, more in limits]
    rooms = [size - more for size, more in sizes if isinstance(size, int) and size > more]
    return min(most, *rooms) if rooms else min(most, MOST)


def _random(
    value: Value,
    binding: Mapping[str, int],
    generator: np.random.Generator,
    limits: tuple[float, float] | None,
    below: int,
) -> Any:
    type = value.type
    if not isinstance(type, TensorType) or type.shape_or_none is None:
        raise Error(f"input {value.name} has no known shape; give its values: --input {value.name}=FILE.npy")
    shape = tuple(substitute(size, binding) for size in type.shape)
    if not all(isinstance(size, int) for size in shape):
        raise Error(f"input {value.name} has the open dimensions {shape}; give them: --set-dim NAME=INT")
    if type.dtype.name == "string":
        return generator.integers(0, MOST, shape).astype(str).astype(object)  # type: ignore[arg-type]
    if type.dtype.kind == "bool":
        return generator.integers(0, 2, shape).astype(bool)  # type: ignore[arg-type]
    if type.dtype.is_integer:
        low, high = (0, below) if limits is None else (int(limits[0]), int(limits[1]) + 1)
        return generator.integers(low, high, shape).astype(dtype_of(type.dtype.name))  # type: ignore[arg-type]
    drawn = generator.standard_normal(shape) if limits is None else generator.uniform(*limits, shape)  # type: ignore[arg-type]
    return drawn.astype(dtype_of(type.dtype.name))


def draws_integers(graph: Graph) -> bool:
    """Say whether any input takes integers."""
    return any(isinstance(value.type, TensorType) and value.type.dtype.is_integer for value in graph.inputs)


def open_dimensions(graph: Graph) -> tuple[str, ...]:
    """Return the names of the dimensions that the inputs leave open, in the order of the inputs' axes."""
    found: dict[str, None] = {}
    for value in graph.inputs:
        if isinstance(value.type, TensorType) and value.type.shape_or_none is not None:
            for size in value.type.shape:
                found.update(dict.fromkeys(names(size)))
    return tuple(found)


def candidate_bindings(graph: Graph) -> list[dict[str, int]]:
    """Return bindings to try for the open dimensions: ones, primes, usual sizes with a small batch, small sizes.

    At last only the last axes, of samples or words, are longer than 1.
    """
    dims = open_dimensions(graph)
    if not dims:
        return [{}]
    batches = {dim for value in graph.inputs for dim in _names_at(value, 0)}
    rows: list[dict[str, int]] = [dict.fromkeys(dims, 1), {dim: _PRIMES[i % 8] for i, dim in enumerate(dims)}]
    rows.append({dim: 1 if dim in batches else _LARGE_PRIMES[i % 8] for i, dim in enumerate(dims)})
    rows += [
        {dim: batch if dim in batches else size for dim in dims}
        for batch, size in ((2, 64), (1, 224), (1, 48), (1, 320), (1, 32), (2, 8))
    ]
    rows.append({dim: _LARGE_PRIMES[i % 8] for i, dim in enumerate(dims)})
    rows += [dict.fromkeys(dims, size) for size in (4, 8, 16, 6, 12, 3, 5)]
    lines = {dim for value in graph.inputs for dim in _names_at(value, -1)} - batches
    rows += [{dim: size if dim in lines else 1 for dim in dims} for size in (64, 97, 512, 224, 160)]
    return [row for i, row in enumerate(rows) if row not in rows[:i]]


def _names_at(value: Value, axis: int) -> tuple[str, ...]:
    """Return the names in the dimension of an axis, counted from either end."""
    type = value.type
    if not isinstance(type, TensorType) or not type.shape_or_none:
        return ()
    return names(type.shape_or_none[axis])
