"""What operators mean, said once more in plain NumPy, for laws; floats are computed in 64 bits, whatever their type."""

import itertools
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import ml_dtypes
import numpy as np

from nnvm import ops
from nnvm.ir import ABSENT, DType, Graph, Node, Op, TensorData, TensorType, Value, bf16, constant, f16, input, product
from nnvm.ir.dims import substitute

Array = Any
Meaning = Callable[..., Any]

MEANINGS: dict[Op[..., Any], Meaning] = {constant: lambda data: array(data)}
"""From an operator to a function of arrays (None for an absent input) and params."""


def held(dtype: DType) -> Any:
    """Return the NumPy type that holds an element type here."""
    return np.dtype(np.float64 if dtype.is_float else dtype.name)


def array(data: TensorData) -> Array:
    """Return constant data as an array."""
    plain = ml_dtypes.bfloat16 if data.dtype is bf16 else data.dtype.name
    return np.frombuffer(data.read(), plain).reshape(data.shape).astype(held(data.dtype))


def data(value: Array, type: TensorType) -> TensorData:
    """Return an array as constant data of a type."""
    plain = ml_dtypes.bfloat16 if type.dtype is bf16 else type.dtype.name
    return TensorData(type.dtype[value.shape], np.ascontiguousarray(value).astype(plain).tobytes())


def compute(node: Node, given: list[Array | None]) -> tuple[Array, ...]:
    """Return the outputs of one node."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = MEANINGS[node.op](*given, **node.params)
    found = found if isinstance(found, tuple) else (found,)
    return tuple(
        np.asarray(each, held(value.dtype) if isinstance(value.type, TensorType) else None)
        for each, value in zip(found, node.outputs, strict=True)
    )


def evaluate(node: Node) -> list[TensorData] | None:
    """Compute a node of constants, as `fold_constants` asks for it."""
    if node.op not in MEANINGS:
        return None
    given = [None if value is ABSENT else array(value.node.params["data"]) for value in node.inputs]
    found = compute(node, given)
    return [data(each, value.tensor) for each, value in zip(found, node.outputs, strict=True)]


def interpret(graph: Graph, feeds: Mapping[str, Array], binding: Mapping[str, int] | None = None) -> list[Array]:
    """Run a graph on arrays by input name; with a binding of dimensions, check that every type tells the truth."""
    now: dict[Value, Array | None] = {ABSENT: None}
    for node in graph.nodes:
        found = (feeds[str(node.name)],) if node.op is input else compute(node, [now[value] for value in node.inputs])
        for value, each in zip(node.outputs, found, strict=True):
            now[value] = each
            if binding is not None:
                assert_true(value, each, binding)
    return [now[value] for value in graph.outputs]


def assert_true(value: Value, found: Array, binding: Mapping[str, int]) -> None:
    """Fail where a value's type does not describe its array."""
    if not isinstance(value.type, TensorType):
        return
    assert held(value.dtype) == found.dtype, value
    if value.type.shape_or_none is not None:
        sizes = [substitute(size, binding) for size in value.shape]
        assert len(sizes) == found.ndim, (value, found.shape)
        assert all(p == q for p, q in zip(sizes, found.shape, strict=True) if isinstance(p, int)), (value, found.shape)


def means(*operators: Op[..., Any]) -> Callable[[Meaning], Meaning]:
    """Decorate the meaning of operators."""

    def fill(meaning: Meaning) -> Meaning:
        for operator in operators:
            MEANINGS[operator] = meaning
        return meaning

    return fill


def _trunc_divide(x: Array, y: Array) -> Array:
    if x.dtype.kind == "f":
        return x / y
    if not np.all(y):
        raise ValueError("a whole number is divided by zero")
    return np.trunc(x.astype(np.float64) / y).astype(x.dtype)


def _clip(x: Array, low: Array | None = None, high: Array | None = None) -> Array:
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _cast(x: Array, to: DType, saturate: bool, round_mode: str) -> Array:
    if to.is_float:
        narrow = {f16: np.float16, bf16: ml_dtypes.bfloat16}.get(to, np.float64)
        return x.astype(narrow).astype(np.float64)
    if x.dtype.kind == "f" and not np.all(np.isfinite(x) & (np.abs(x) < 100) & ((x >= 0) | (to.kind != "uint"))):
        raise ValueError("what becomes of numbers out of range is not defined")
    return (x != 0) if to.kind == "bool" else x.astype(to.name)


MEANINGS |= {
    ops.add: np.add,
    ops.sub: np.subtract,
    ops.mul: np.multiply,
    ops.div: _trunc_divide,
    ops.neg: np.negative,
    ops.abs: np.abs,
    ops.pow: lambda x, y: np.power(x, y).astype(x.dtype),
    ops.reciprocal: lambda x: 1 / x,
    ops.sqrt: np.sqrt,
    ops.exp: np.exp,
    ops.log: np.log,
    ops.floor: np.floor,
    ops.ceil: np.ceil,
    ops.round: np.round,
    ops.sign: np.sign,
    ops.identity: lambda x: x,
    ops.equal: np.equal,
    ops.less: np.less,
    ops.greater: np.greater,
    ops.less_equal: np.less_equal,
    ops.greater_equal: np.greater_equal,
    ops.logical_and: np.logical_and,
    ops.logical_or: np.logical_or,
    ops.logical_xor: np.logical_xor,
    ops.logical_not: np.logical_not,
    ops.minimum: lambda *xs: _many(np.minimum, xs),
    ops.maximum: lambda *xs: _many(np.maximum, xs),
    ops.where: np.where,
    ops.add_n: lambda *xs: _many(np.add, xs),
    ops.mean_n: lambda *xs: _many(np.add, xs) / len(xs),
    ops.clip: _clip,
    ops.cast: _cast,
    ops.relu: lambda x: np.maximum(x, 0),
    ops.sigmoid: lambda x: 1 / (1 + np.exp(-x)),
    ops.tanh: np.tanh,
    ops.hard_sigmoid: lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
    ops.leaky_relu: lambda x, alpha: np.where(x < 0, alpha * x, x),
    ops.prelu: lambda x, slope: np.where(x < 0, slope * x, x),
    ops.shape: lambda x, start, end: np.array(x.shape[start:end], np.int64),
    ops.size: lambda x: np.array(x.size, np.int64),
    ops.flatten: lambda x, axis: x.reshape(int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:]))),
    ops.squeeze: lambda x, axes=None: np.squeeze(x, None if axes is None else tuple(int(a) for a in axes)),
    ops.unsqueeze: lambda x, axes: np.expand_dims(x, tuple(int(a) for a in axes)),
    ops.transpose: lambda x, perm: np.transpose(x, perm or None),
    ops.concat: lambda *xs, axis: np.concatenate(xs, axis),
    ops.expand: lambda x, shape: x * np.ones(shape, x.dtype) if x.dtype != bool else x & np.ones(shape, bool),
    ops.tile: lambda x, repeats: np.tile(x, repeats),
    ops.gather: lambda x, indices, axis: np.take(x, indices, axis),
    ops.fill: lambda shape, value: np.full(shape, array(value).reshape(())),
    ops.matmul: np.matmul,
    ops.dropout: lambda x, ratio=None, training=None, seed=None: (x, np.ones(x.shape, bool)),
    ops.global_average_pool: lambda x: mean(x, tuple(range(2, x.ndim))),
    ops.global_max_pool: lambda x: x.max(tuple(range(2, x.ndim)), keepdims=True),
    ops.arange: lambda start, limit, delta: np.arange(start, limit, delta),
    ops.depth_to_space: lambda x, block, mode: x if block == 1 else NotImplemented,
    ops.space_to_depth: lambda x, block, mode="DCR": blocks(x, block),
    ops.erf: lambda x: np.vectorize(math.erf, otypes=[np.float64])(x) if x.size else x,
}


def _many(combine: Meaning, xs: tuple[Array, ...]) -> Array:
    found = xs[0]
    for x in xs[1:]:
        found = combine(found, x)
    return found


def mean(x: Array, axis: tuple[int, ...] | None, *, keepdims: bool = True) -> Array:
    """Return the mean over axes, all for None; of nothing it is not a number, which whole numbers have not."""
    total = x.sum(axis, keepdims=keepdims)
    count = math.prod(x.shape if axis is None else (x.shape[each] for each in axis))
    if not count and x.dtype.kind in "iu":
        raise ValueError("the mean of no whole numbers is not defined")
    return np.divide(total, count)


def _reducer(reduce: Meaning) -> Meaning:
    def meaning(x: Array, axes: Array | None = None, *, keepdims: bool, noop_with_empty_axes: bool) -> Array:
        given = () if axes is None else tuple(int(a) for a in axes)
        if not given and noop_with_empty_axes:
            return x
        return reduce(x, axis=given or None, keepdims=keepdims)

    return meaning


MEANINGS |= {
    operator: _reducer(reduce)
    for operator, reduce in (
        (ops.reduce_sum, np.sum),
        (ops.reduce_mean, mean),
        (ops.reduce_max, np.max),
        (ops.reduce_l2, lambda x, **options: np.sqrt(np.sum(x * x, **options))),
        (ops.reduce_min, np.min),
        (ops.reduce_prod, np.prod),
    )
}


@means(ops.reshape)
def _(x: Array, shape: Array, allowzero: bool) -> Array:
    return x.reshape([x.shape[i] if size == 0 and not allowzero else int(size) for i, size in enumerate(shape)])


@means(ops.split)
def _(x: Array, sizes: Array | None = None, *, axis: int, parts: int) -> tuple[Array, ...]:
    chunk = -(-x.shape[axis] // parts)
    cuts = np.cumsum(sizes)[:-1] if sizes is not None else [chunk * (i + 1) for i in range(parts - 1)]
    return tuple(np.split(x, cuts, axis))


@means(ops.slice)
def _(x: Array, starts: Array, ends: Array, axes: Array | None = None, steps: Array | None = None) -> Array:
    taken = [slice(None)] * x.ndim
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis = i if axes is None else int(axes[i])
        step = 1 if steps is None else int(steps[i])
        length = x.shape[axis]
        first, last = (int(at) + (length if at < 0 else 0) for at in (start, end))
        first = min(max(first, 0), length if step > 0 else length - 1)
        last = min(max(last, 0 if step > 0 else -1), length if step > 0 else length - 1)
        taken[axis] = slice(first, last if last >= 0 else None, step)
        if (last - first) * step <= 0:
            taken[axis] = slice(0, 0)
    return x[tuple(taken)]


@means(ops.pad)
def _(x: Array, pads: Array, value: Array | None = None, axes: Array | None = None, *, mode: str) -> Array:
    places = range(x.ndim) if axes is None else [int(a) % x.ndim for a in axes]
    widths = [(0, 0)] * x.ndim
    for i, axis in enumerate(places):
        widths[axis] = (int(pads[i]), int(pads[i + len(places)]))
    if any(p + size + q < 0 for (p, q), size in zip(widths, x.shape, strict=True)):
        raise ValueError("a pad takes away more than there is")
    left = [size + min(p, 0) + min(q, 0) for (p, q), size in zip(widths, x.shape, strict=True)]
    if mode != "constant" and min(left, default=1) <= 0:
        raise ValueError("what is left has no edge")
    grown = [(max(p, 0), max(q, 0)) for p, q in widths]
    options = {"constant_values": 0 if value is None else value} if mode == "constant" else {}
    padded = np.pad(x, grown, mode=mode, **options)
    return padded[
        tuple(slice(max(-p, 0), size - max(-q, 0)) for (p, q), size in zip(widths, padded.shape, strict=True))
    ]


@means(ops.gemm)
def _(
    a: Array, b: Array, c: Array | None = None, *, alpha: float, beta: float, transpose_a: bool, transpose_b: bool
) -> Array:
    found = alpha * ((a.T if transpose_a else a) @ (b.T if transpose_b else b))
    return found if c is None else found + beta * c


def blocks(x: Array, block: int) -> Array:
    """Gather the pixels of every block, corner by corner, into channels."""
    return np.concatenate([x[:, :, i::block, j::block] for i in range(block) for j in range(block)], axis=1)


@means(ops.gelu)
def _(x: Array, *, approximate: str) -> Array:
    exact = MEANINGS[ops.erf](x / math.sqrt(2))
    about = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return x / 2 * (1 + (exact if approximate == "none" else about))


@means(ops.layer_norm)
def _(x: Array, scale: Array, bias: Array | None = None, *, axis: int, epsilon: float) -> Array:
    axes = tuple(range(axis % x.ndim, x.ndim))
    centred = x - mean(x, axes)
    found = centred / np.sqrt(mean(centred**2, axes) + epsilon) * scale
    return found if bias is None else found + bias


@means(ops.rms_norm)
def _(x: Array, scale: Array, *, axis: int, epsilon: float) -> Array:
    axes = tuple(range(axis % x.ndim, x.ndim))
    return x / np.sqrt(mean(x * x, axes) + epsilon) * scale


@means(ops.batch_norm)
def _(x: Array, scale: Array, bias: Array, mean: Array, var: Array, *, epsilon: float, momentum: float) -> Array:
    scale, bias, mean, var = (each.reshape(-1, *[1] * (x.ndim - 2)) for each in (scale, bias, mean, var))
    return (x - mean) / np.sqrt(var + epsilon) * scale + bias


@means(ops.softmax)
def _(x: Array, axis: int) -> Array:
    raised = np.exp(x - x.max(axis, keepdims=True))
    return raised / raised.sum(axis, keepdims=True)


def _full(values: tuple[int, ...], count: int, default: int) -> tuple[int, ...]:
    return values or (default,) * count


def _windows(x: Array, kernel: tuple[int, ...], filling: float, params: Mapping[str, Any]) -> tuple[Array, Array]:
    """Return every window, the places in it last but one flattened, and which of its places lie inside the image."""
    rank = len(kernel)
    if params["auto_pad"] not in ("NOTSET", "VALID"):
        raise NotImplementedError
    strides, dilations = _full(params["strides"], rank, 1), _full(params["dilations"], rank, 1)
    pads = _full(params["pads"] if params["auto_pad"] == "NOTSET" else (), 2 * rank, 0)
    widths = [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)]
    padded, inside = np.pad(x, widths, constant_values=filling), np.pad(np.ones(x.shape, bool), widths)
    found: tuple[list[Array], list[Array]] = [], []
    for place in itertools.product(*map(range, kernel)):
        cut = [slice(None), slice(None)]
        for i, at in enumerate(place):
            last = (padded.shape[2 + i] - dilations[i] * (kernel[i] - 1) - 1) // strides[i]
            if last < 0:
                raise ValueError("the window is larger than the image")
            cut.append(slice(at * dilations[i], at * dilations[i] + last * strides[i] + 1, strides[i]))
        found[0].append(padded[tuple(cut)])
        found[1].append(inside[tuple(cut)])
    return np.stack(found[0]), np.stack(found[1])


@means(ops.conv)
def _(x: Array, weight: Array, bias: Array | None = None, *, groups: int, **params: Any) -> Array:
    kernel = weight.shape[2:]
    windows, _ = _windows(x, kernel, 0.0, params)
    outs = []
    for g in range(groups):
        part = np.split(windows, groups, axis=2)[g]
        own = np.split(weight, groups, axis=0)[g].reshape(weight.shape[0] // groups, weight.shape[1], -1)
        outs.append(np.einsum("knc...,ock->no...", part, own))
    found = np.concatenate(outs, 1)
    return found if bias is None else found + bias.reshape(-1, *[1] * len(kernel))


@means(ops.conv_transpose)
def _(x: Array, weight: Array, bias: Array | None = None, *, groups: int, **params: Any) -> Array:
    """Only without pads, strides and dilations: a convolution of the padded image by the turned weight."""
    if any(params[name] for name in ("strides", "pads", "dilations", "output_padding", "output_shape")):
        raise NotImplementedError
    kernel = weight.shape[2:]
    outs = []
    for g in range(groups):
        own = np.split(weight, groups, axis=0)[g].swapaxes(0, 1)[(..., *[slice(None, None, -1)] * len(kernel))]
        part = np.pad(np.split(x, groups, axis=1)[g], [(0, 0), (0, 0), *[(k - 1, k - 1) for k in kernel]])
        plain = {"auto_pad": "NOTSET", "strides": (), "dilations": (), "pads": ()}
        outs.append(MEANINGS[ops.conv](part, own, groups=1, **plain))
    found = np.concatenate(outs, 1)
    return found if bias is None else found + bias.reshape(-1, *[1] * len(kernel))


@means(ops.max_pool)
def _(x: Array, *, kernel: tuple[int, ...], ceil_mode: bool, **params: Any) -> Array:
    if ceil_mode:
        raise NotImplementedError
    return _windows(x, kernel, -np.inf, params)[0].max(0)


@means(ops.max_pool_with_indices)
def _(x: Array, *, kernel: tuple[int, ...], ceil_mode: bool, storage_order: int, **params: Any) -> tuple[Array, Array]:
    found = MEANINGS[ops.max_pool](x, kernel=kernel, ceil_mode=ceil_mode, **params)
    numbers = np.arange(x.size, dtype=np.float64).reshape(x.shape)
    windows, places = (_windows(each, kernel, -np.inf, params)[0] for each in (x, numbers))
    return found, np.take_along_axis(places, windows.argmax(0)[None], 0)[0].astype(np.int64)


@means(ops.average_pool)
def _(x: Array, *, kernel: tuple[int, ...], ceil_mode: bool, count_include_pad: bool, **params: Any) -> Array:
    if ceil_mode:
        raise NotImplementedError
    windows, inside = _windows(x, kernel, 0.0, params | {"dilations": ()})
    return windows.sum(0) / (float(product(kernel)) if count_include_pad else inside.sum(0))


@means(ops.log_softmax)
def _(x: Array, axis: int) -> Array:
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


@means(ops.softmax_from)
def _(x: Array, axis: int) -> Array:
    rows = x.reshape(math.prod(x.shape[:axis]), -1)
    grown = np.exp(rows - rows.max(1, keepdims=True))
    return (grown / grown.sum(1, keepdims=True)).reshape(x.shape)


@means(ops.hardmax)
def _(x: Array, axis: int) -> Array:
    return (np.cumsum(x == x.max(axis, keepdims=True), axis) * (x == x.max(axis, keepdims=True)) == 1).astype(x.dtype)


@means(ops.argmax)
def _(x: Array, axis: int, keepdims: bool, select_last_index: bool) -> Array:
    return _place(x, np.argmax, axis, keepdims, select_last_index)


@means(ops.argmin)
def _(x: Array, axis: int, keepdims: bool, select_last_index: bool) -> Array:
    return _place(x, np.argmin, axis, keepdims, select_last_index)


def _place(x: Array, find: Meaning, axis: int, keepdims: bool, last: bool) -> Array:
    found = find(np.flip(x, axis) if last else x, axis)
    found = x.shape[axis] - 1 - found if last else found
    return np.asarray(np.expand_dims(found, axis) if keepdims else found, np.int64)


@means(ops.cumsum)
def _(x: Array, axis: Array, exclusive: bool, reverse: bool) -> Array:
    y = np.flip(x, int(axis)) if reverse else x
    total = np.cumsum(y, int(axis)) - (y if exclusive else 0)
    return np.flip(total, int(axis)) if reverse else total


@means(ops.quantize_linear)
def _(x: Array, scale: Array, zero: Array | None = None, *, axis: int, output_dtype: DType, **params: Any) -> Array:
    across = scale if scale.ndim == 0 else np.expand_dims(scale, [i for i in range(x.ndim) if i != axis % x.ndim])
    low, high = -1 << output_dtype.bits - 1, (1 << output_dtype.bits - 1) - 1
    return np.clip(np.rint(x / across) + (0 if zero is None else zero), low, high).astype(held(output_dtype))


__all__ = ["MEANINGS", "array", "compute", "data", "evaluate", "held", "interpret"]
