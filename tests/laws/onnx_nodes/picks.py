"""Nodes that pick or place elements by index, or by what they hold."""

import numpy as np
from tests.laws.onnx_nodes.drawing import Array, Case, Draw, draws, kind_of

I64 = np.int64


def indices(draw: Draw, dtype: object, shape: tuple[int, ...], size: int, negative: bool) -> Array:
    low = -size if negative else 0
    return draw.rng.integers(low, size, shape).astype(dtype) if size else np.zeros([0 for _ in shape], dtype)


@draws("Gather")
def gather(draw: Draw) -> Case:
    x = draw.array(draw.port(0), draw.shape(1, 4, False), -9, 9)
    axis = draw.axis(x.ndim, draw.version >= 11)
    at = indices(draw, draw.port(1), draw.shape(0, 2), x.shape[axis], draw.version >= 11)
    return Case([x, at], {"axis": axis if axis or draw.flag() else None})


@draws("GatherElements")
def gather_elements(draw: Draw) -> Case:
    x = draw.array(draw.port(0), draw.shape(1, 4, False), -9, 9)
    axis = draw.axis(x.ndim)
    shape = tuple(draw.size() if i == axis % x.ndim else draw.int(1, size) for i, size in enumerate(x.shape))
    return Case([x, indices(draw, draw.port(1), shape, x.shape[axis], True)], {"axis": axis if axis else None})


def tuples(draw: Draw, shape: tuple[int, ...], lead: tuple[int, ...], depth: int, unique: bool = False) -> Array:
    """Return tuples of indices into the first axes of a shape, no two alike where they must not be."""
    cells, count = int(np.prod(shape[:depth])), int(np.prod(lead))
    flat = draw.rng.permutation(cells)[:count] if unique else draw.rng.integers(0, cells, count)
    found = np.stack(np.unravel_index(flat, shape[:depth]), -1).reshape(*lead, depth)
    negative = draw.rng.random(found.shape) < (0.3 if draw.flag() else 0)
    return np.where(negative, found - np.array(shape[:depth], I64), found).astype(I64)


@draws("GatherND")
def gather_nd(draw: Draw) -> Case:
    dims = draw.shape(1, 4, False)
    batch = draw.int(0, len(dims) - 1) if draw.has("batch_dims") and draw.flag() else 0
    depth = draw.int(1, len(dims) - batch)
    lead = (*dims[:batch], *draw.shape(0, 2))
    at = tuples(draw, dims[batch:], lead, depth)
    x = draw.array(draw.port(0), dims, -9, 9)
    return Case([x, at], {"batch_dims": batch if batch else None})


def reductions(draw: Draw, dtype: object) -> list[str | None]:
    if not draw.has("reduction") or kind_of(dtype) == "bool":
        return [None]
    return [None, "none", "add", "mul", *(("max", "min") if draw.version >= 18 else ())]


@draws("ScatterND")
def scatter_nd(draw: Draw) -> Case:
    dims, dtype = draw.shape(1, 4, False), draw.port(0)
    depth, how = draw.int(1, len(dims)), draw.pick(*reductions(draw, dtype))
    unique = how in (None, "none")
    cells = int(np.prod(dims[:depth]))
    lead = (draw.int(0, min(cells, 4) if unique else 4),)
    at = tuples(draw, dims, lead, depth, unique)
    updates = draw.array(dtype, (*lead, *dims[depth:]), -2, 2)
    return Case([draw.array(dtype, dims, -9, 9), at, updates], {"reduction": how}, loose=2)


@draws("ScatterElements", "Scatter")
def scatter_elements(draw: Draw) -> Case:
    dims, dtype = draw.shape(1, 4, False), draw.port(0)
    axis = draw.axis(len(dims), draw.version >= 11)
    how = draw.pick(*reductions(draw, dtype))
    shape = [draw.int(0 if draw.flag(8) else 1, size) for size in dims]
    at = np.empty(shape, draw.port(1))
    moved = np.moveaxis(at, axis, 0)
    for cell in np.ndindex(moved.shape[1:]):
        own = draw.rng.permutation(dims[axis])[: moved.shape[0]]
        moved[(slice(None), *cell)] = own if how in (None, "none") else draw.rng.integers(0, dims[axis], len(own))
    if draw.version >= 11 and draw.flag():
        at = at - dims[axis]
    return Case(
        [draw.array(dtype, dims, -9, 9), at, draw.array(dtype, shape, -2, 2)],
        {"axis": axis if axis else None, "reduction": how},
        loose=2,
    )


@draws("OneHot")
def one_hot(draw: Draw) -> Case:
    depth = draw.int(1, 4)
    at = draw.array(draw.port(0), draw.shape(1, 3), -depth if draw.version >= 11 else 0, depth)
    at = np.floor(at.astype(np.float64)).astype(at.dtype)
    values = draw.array(draw.dtype("T3"), (2,), 0, 5)
    many = np.array(depth, draw.port(1)).reshape(draw.pick((), (1,)))
    axis = draw.maybe(draw.int(-at.ndim - 1, at.ndim))
    return Case([at, many, values], {"axis": axis}, fixed=(1,) if draw.flag() else ())


@draws("NonZero")
def nonzero(draw: Draw) -> Case:
    return Case([draw.array(draw.port(0), draw.shape(1), -1, 1)])


@draws("Compress")
def compress(draw: Draw) -> Case:
    x = draw.array(draw.port(0), draw.shape(1, 4, False), -9, 9)
    axis = draw.maybe(draw.axis(x.ndim, draw.version >= 11))
    length = x.size if axis is None else x.shape[axis]
    return Case([x, draw.rng.random(draw.int(1, length)) < 0.5], {"axis": axis})


@draws("TopK")
def top_k(draw: Draw) -> Case:
    dims, dtype = draw.shape(1, 3, False), draw.port(0)
    axis = draw.axis(len(dims))
    k = draw.int(0 if draw.version >= 10 and draw.flag(6) else 1, dims[axis])
    x = draw.array(dtype, dims, -9, 9)
    given = {"axis": axis if axis != -1 else None}
    if draw.version < 10:
        return Case([x], given | {"k": k}, 2)
    if draw.version >= 11:
        given |= {"largest": draw.maybe(draw.int(0, 1)), "sorted": draw.maybe(1)}
    return Case([x, np.array([k], I64)], given, 2, fixed=(1,) if draw.flag() else ())


@draws("Unique")
def unique(draw: Draw) -> Case:
    x = draw.array(draw.port(0), draw.shape(1, 3, False), -2, 2)
    x = np.round(x.astype(np.float64)).astype(x.dtype)
    given = {"axis": draw.maybe(draw.axis(x.ndim)), "sorted": draw.maybe(draw.int(0, 1))}
    return Case([x], given, draw.int(1, 4))


@draws("NonMaxSuppression")
def suppression(draw: Draw) -> Case:
    batch, boxes, classes = draw.int(1, 2), draw.int(1, 5), draw.int(1, 2)
    center = draw.maybe(draw.int(0, 1))
    corners = draw.rng.uniform(0, 4, (batch, boxes, 4)).astype(np.float32)
    scores = draw.rng.uniform(0, 1, (batch, classes, boxes)).astype(np.float32)
    rest = [
        draw.maybe(np.array([draw.int(0, 3)], I64)),
        draw.maybe(np.array([draw.real(0, 1)], np.float32)),
        draw.maybe(np.array([draw.real(0, 1)], np.float32)),
    ]
    while rest and rest[-1] is None:
        rest.pop()
    return Case([corners, scores, *rest], {"center_point_box": center})


@draws("TensorScatter")
def cache(draw: Draw) -> Case:
    dims = list(draw.shape(3, 4, False))
    axis = draw.pick(*range(1, len(dims)), *range(1 - len(dims), 0))
    update = list(dims)
    update[axis] = draw.int(1, dims[axis])
    mode = draw.maybe(draw.pick("linear", "circular"))
    room = dims[axis] if mode == "circular" else dims[axis] - update[axis] + 1
    at = draw.maybe(draw.rng.integers(0, max(room, 1), dims[0]).astype(I64))
    dtype = draw.port(0)
    inputs = [draw.array(dtype, dims, -9, 9), draw.array(dtype, update, -9, 9), *([] if at is None else [at])]
    return Case(inputs, {"axis": axis if axis != -2 else None, "mode": mode})
