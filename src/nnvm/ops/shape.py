"""What arranges elements anew without computing: shapes, views, joins and cuts."""

from collections.abc import Mapping
from typing import Any

from nnvm.attrs import view
from nnvm.ir import UNKNOWN, TensorType, Value, born, contents, equal, i64, larger, op, product, smaller
from nnvm.ir.dims import Size, at_least
from nnvm.ir.types import Shape, UnknownRank
from nnvm.ops.typing import axes_of, axis_of, broadcast, one_dtype, rank_or_none, require

FAR = (1 << 31) - 1
"""A slice's limit from here on means "to the end"."""


@op
def shape(x: Value, *, start: int = 0, end: int | None = None) -> TensorType:
    """Return the dimensions of x from `start` up to `end` as a vector of int64 (ONNX Shape)."""
    return i64[len(x.shape[start:end])]


@op
def size(x: Value) -> TensorType:
    """Return how many elements x has, as int64 (ONNX Size)."""
    return i64[()]


def sizes_in(value: Value) -> Shape:
    """Return the dimensions that a vector holds, unknown ones born of its data; raise UnknownRank without a length."""
    known = contents(value)
    if known is not None:
        return known
    require(len(value.shape) == 1, f"a shape is a vector, not {value.type}")
    count = value.shape[0]
    if not isinstance(count, int):
        raise UnknownRank
    return tuple(born(i) for i in range(count))


@op
def reshape(x: Value, shape: Value, *, allowzero: bool = False) -> TensorType:
    """Give x's elements another shape: -1 takes what is left, 0 keeps a dimension unless `allowzero` (ONNX Reshape)."""
    known = contents(shape)
    if known is None:
        return x.tensor[sizes_in(shape)]
    sizes: list[Size] = []
    for i, wanted in enumerate(known):
        if isinstance(wanted, int) and wanted == 0 and not allowzero:
            require(i < len(x.shape), f"dimension {i} is to be kept and x has {len(x.shape)}")
            sizes.append(x.shape[i])
        else:
            sizes.append(wanted)
    free = [i for i, wanted in enumerate(known) if wanted is not UNKNOWN and isinstance(wanted, int) and wanted == -1]
    require(len(free) < 2, f"{list(known)} leaves two dimensions open")
    total = UNKNOWN if rank_or_none(x) is None else product(x.shape)
    if free:
        rest = product(wanted for i, wanted in enumerate(sizes) if i != free[0])
        if isinstance(total, int) and isinstance(rest, int):
            require(rest and total % rest == 0, f"{total} elements do not divide into {list(known)}")
        sizes[free[0]] = total // rest
    else:
        require(equal(total, product(sizes)) is not False, f"{total} elements do not fit {sizes}")
    return x.tensor[tuple(sizes)]


@op
def flatten(x: Value, *, axis: int = 1) -> TensorType:
    """Make a matrix: the dimensions before `axis` are its rows, the others its columns (ONNX Flatten)."""
    at = len(x.shape) if axis == len(x.shape) else axis_of(axis, len(x.shape))
    return x.tensor[product(x.shape[:at]), product(x.shape[at:])]


def static_axes(axes: Value) -> tuple[int, ...]:
    """Return the axes that a vector holds; raise UnknownRank where they are not known."""
    known = contents(axes)
    if known is None or not all(isinstance(axis, int) for axis in known):
        raise UnknownRank
    return known  # type: ignore[return-value]


@op
def squeeze(x: Value, axes: Value | None = None) -> TensorType:
    """Drop dimensions of 1: those of `axes`, or all (ONNX Squeeze)."""
    if axes is None:
        if not all(isinstance(size, int) for size in x.shape):
            raise UnknownRank
        return x.tensor[tuple(size for size in x.shape if size != 1)]
    dropped = axes_of(static_axes(axes), len(x.shape))
    for axis in dropped:
        require(equal(x.shape[axis], 1) is not False, f"dimension {axis} is {x.shape[axis]}, not 1")
    return x.tensor[tuple(size for i, size in enumerate(x.shape) if i not in dropped)]


@op
def unsqueeze(x: Value, axes: Value) -> TensorType:
    """Insert dimensions of 1 at `axes` of the result (ONNX Unsqueeze)."""
    given = static_axes(axes)
    rank = len(x.shape) + len(given)
    places = axes_of(given, rank)
    rest = iter(x.shape)
    return x.tensor[tuple(1 if i in places else next(rest) for i in range(rank))]


@op
def transpose(x: Value, *, perm: tuple[int, ...] = ()) -> TensorType:
    """Permute the dimensions; without `perm` reverse them (ONNX Transpose)."""
    order = perm or tuple(range(len(x.shape)))[::-1]
    require(sorted(order) == list(range(len(x.shape))), f"{list(order)} is no permutation of {len(x.shape)} axes")
    return x.tensor[tuple(x.shape[i] for i in order)]


@op
def concat(*xs: Value, axis: int) -> TensorType:
    """Join along `axis` (ONNX Concat)."""
    require(xs, "there must be at least one input")
    dtype = one_dtype(xs)
    first = xs[0].shape
    at = axis_of(axis, len(first))
    joined: Size = 0
    for x in xs:
        require(len(x.shape) == len(first), f"ranks {len(first)} and {len(x.shape)} do not join")
        fits = all(i == at or equal(p, q) is not False for i, (p, q) in enumerate(zip(first, x.shape, strict=True)))
        require(fits, f"shapes {list(first)} and {list(x.shape)} do not join along axis {axis}")
        joined = joined + x.shape[at]
    return dtype[(*first[:at], joined, *first[at + 1 :])]


def _split_count(inputs: tuple[Value, ...], params: Mapping[str, Any]) -> int:
    return int(params["parts"])


@op(outputs=_split_count)
def split(x: Value, sizes: Value | None = None, *, axis: int = 0, parts: int) -> tuple[TensorType, ...]:
    """Cut x along `axis` into `parts` of given or equal sizes, the last one smaller where it must be (ONNX Split)."""
    at = axis_of(axis, len(x.shape))
    whole = x.shape[at]
    if sizes is not None:
        cuts = sizes_in(sizes)
        require(len(cuts) == parts, f"{len(cuts)} sizes for {parts} parts")
        total: Size = 0
        for cut in cuts:
            total = total + cut
        require(equal(total, whole) is not False, f"sizes {list(cuts)} do not add up to {whole}")
    else:
        cuts = _even(whole, parts)
    return tuple(x.tensor[(*x.shape[:at], cut, *x.shape[at + 1 :])] for cut in cuts)


def _even(whole: Size, parts: int) -> tuple[Size, ...]:
    """Return the sizes of parts as equal as they can be; there may be more of them than there is to cut."""
    if isinstance(whole, int):
        most = -(-whole // parts)
        return tuple([max(0, min(most, whole - most * i)) for i in range(parts)])
    each, chunk = whole // parts, (whole + parts - 1) // parts
    if equal(each * parts, whole):
        return (each,) * parts
    if parts == 2:
        return chunk, whole - chunk
    return (chunk, *[smaller(chunk, larger(whole - chunk * i, 0)) for i in range(1, parts)])


@op
def slice(x: Value, starts: Value, ends: Value, axes: Value | None = None, steps: Value | None = None) -> TensorType:
    """Take [start:end:step] along each of `axes`, nearly as Python slices do (ONNX Slice)."""
    begins, limits = contents(starts), contents(ends)
    count = starts.shape[0]
    if axes is None and not isinstance(count, int):
        raise UnknownRank
    places = axes_of_slice(axes, int(count) if isinstance(count, int) else 0, len(x.shape))
    strides = (1,) * len(places) if steps is None else contents(steps)
    sizes = list(x.shape)
    for i, axis in enumerate(places):
        known = None not in (begins, limits, strides)
        size = sliced(sizes[axis], begins[i], limits[i], strides[i]) if known else UNKNOWN  # type: ignore[index]
        sizes[axis] = born(axis) if size is UNKNOWN else size
    return x.tensor[tuple(sizes)]


def axes_of_slice(axes: Value | None, count: int, rank: int) -> tuple[int, ...]:
    """Return the axes that a slice cuts, in the order of its starts."""
    given = tuple(range(count)) if axes is None else static_axes(axes)
    axes_of(given, rank)
    return tuple(axis_of(axis, rank) for axis in given)


def sliced(length: Size, start: Size, end: Size, step: Size) -> Size:
    """Return how many elements [start:end:step] takes of `length`; UNKNOWN where a sign is not known."""
    if not isinstance(step, int):
        return UNKNOWN
    require(step != 0, "a slice's step is zero")
    begin = first_of_slice(length, start, step)
    limit = _clamp(end, length, 0, length) if step > 0 else _clamp(end, length, -1, length - 1)
    span = limit - begin if step > 0 else begin - limit
    stride = step if step > 0 else -step
    return larger((span + stride - 1) // stride, 0)


def first_of_slice(length: Size, start: Size, step: int) -> Size:
    """Return where a slice begins; backwards inside even where `start` lies before the first element, as ONNX says."""
    return _clamp(start, length, 0, length if step > 0 else length - 1)


def _clamp(index: Size, length: Size, low: Size, high: Size) -> Size:
    if isinstance(index, int) and index >= FAR:
        return high
    if isinstance(index, int) and index <= -FAR:
        return smaller(low, high)
    signed = at_least(index, 0)
    if signed is None:
        return UNKNOWN
    return smaller(larger(index if signed else length + index, low), high)


@op
def pad(
    x: Value, pads: Value, value: Value | None = None, axes: Value | None = None, *, mode: str = "constant"
) -> TensorType:
    """Add (or, where negative, drop) elements at both ends of `axes`; `pads` are begins, then ends (ONNX Pad).

    `mode` is "constant" (with `value`, else zero), "reflect", "edge" or "wrap".
    """
    require(mode in ("constant", "reflect", "edge", "wrap"), f"mode {mode!r} is none of constant, reflect, edge, wrap")
    amounts = contents(pads)
    rank = len(x.shape)
    places = tuple(range(rank)) if axes is None else tuple(axis_of(axis, rank) for axis in static_axes(axes))
    sizes = list(x.shape)
    require(amounts is None or len(amounts) == 2 * len(places), f"{len(amounts or ())} pads for {len(places)} axes")
    for i, axis in enumerate(places):
        sizes[axis] = born(axis) if amounts is None else sizes[axis] + amounts[i] + amounts[len(places) + i]
    return x.tensor[tuple(sizes)]


@op
def expand(x: Value, shape: Value) -> TensorType:
    """Broadcast x and `shape` against each other (ONNX Expand)."""
    wanted = sizes_in(shape)
    if contents(shape) is not None:
        return x.tensor[broadcast(x.shape, wanted)]
    lead = max(len(wanted) - len(x.shape), 0)
    own = (1,) * lead + x.shape
    return x.tensor[tuple(size if isinstance(size, int) and size > 1 else born(i) for i, size in enumerate(own))]


@op
def tile(x: Value, repeats: Value) -> TensorType:
    """Repeat x along each axis (ONNX Tile)."""
    known = contents(repeats)
    if known is None:
        return x.tensor[tuple(born(i) for i in range(len(x.shape)))]
    require(len(known) == len(x.shape), f"{len(known)} repeats for {len(x.shape)} axes")
    return x.tensor[tuple(size * times for size, times in zip(x.shape, known, strict=True))]


@op
def depth_to_space(x: Value, *, block: int, mode: str = "DCR") -> TensorType:
    """Move blocks of channels into space; `mode` is "DCR" or "CRD" (ONNX DepthToSpace)."""
    require(len(x.shape) == 4, "an image is [batch, channels, height, width]")
    require(mode in ("DCR", "CRD"), f"mode {mode!r} is none of DCR, CRD")
    require(block > 0, f"blocks of {block} x {block}")
    batch, channels, height, width = x.shape
    divides = not isinstance(channels, int) or channels % (block * block) == 0
    require(divides, f"{channels} channels do not divide into blocks of {block} x {block}")
    return x.tensor[batch, channels // (block * block), height * block, width * block]


@op
def space_to_depth(x: Value, *, block: int, mode: str = "DCR") -> TensorType:
    """Move blocks of space into channels; `mode` is "DCR" or "CRD" (ONNX SpaceToDepth)."""
    require(len(x.shape) == 4, "an image is [batch, channels, height, width]")
    require(mode in ("DCR", "CRD"), f"mode {mode!r} is none of DCR, CRD")
    require(block > 0, f"blocks of {block} x {block}")
    batch, channels, height, width = x.shape
    divides = all(not isinstance(size, int) or size % block == 0 for size in (height, width))
    require(divides, f"{height} x {width} does not divide into blocks of {block} x {block}")
    return x.tensor[batch, channels * block * block, height // block, width // block]


@op
def trilu(x: Value, k: Value | None = None, *, upper: bool = True) -> TensorType:
    """Keep the upper or lower triangle from the k-th diagonal (ONNX Trilu)."""
    require(rank_or_none(x) is None or len(x.shape) >= 2, "a triangle needs a matrix")
    return x.tensor


view(reshape, flatten, squeeze, unsqueeze)(True)
