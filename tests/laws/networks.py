"""Random networks for laws: typed graphs that run, full of what passes look for."""

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tests.laws.agree import feeds
from tests.laws.interpret import compute

from nnvm import ops
from nnvm.attrs import elementwise
from nnvm.errors import Error
from nnvm.ir import (
    ABSENT,
    DType,
    Graph,
    TensorType,
    UnknownRank,
    Value,
    boolean,
    constant,
    f16,
    f32,
    i32,
    i64,
    named_input,
    tensor_data,
)
from nnvm.ir.dims import substitute

BINDING = {"n": 2, "m": 3}
SIZES = ("n", "m", 1, 2, 3, 4)
REFUSALS = (
    Error,
    UnknownRank,
    ValueError,
    IndexError,
    NotImplementedError,
    TypeError,
    OverflowError,
    ZeroDivisionError,
)
"""What building or running a step may raise where it does not fit; such a step is left out."""

Pick = Callable[..., Any]


class Drawer:
    """Draws what a step needs: a value made before, a constant that goes with it, an axis, a permutation."""

    def __init__(self, random: Random, values: list[Value]) -> None:
        self.random, self.values = random, values

    def one_of(self, *options: Any) -> Any:
        return self.random.choice(options)

    def number(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def value(self, *dtypes: DType, rank: int | None = None) -> Value:
        found = [
            value
            for value in self.values
            if (not dtypes or value.dtype in dtypes) and (rank is None or len(value.shape) == rank)
        ]
        if not found:
            raise Error("nothing of the kind")
        return self.random.choice(found[-2:] if self.number(0, 1) else found)

    def image(self) -> Value:
        """Return a value of four dimensions whose channels are a number."""
        found = [
            value
            for value in self.values
            if len(value.shape) == 4 and value.dtype is f32 and isinstance(value.shape[1], int)
        ]
        if not found:
            raise Error("no image")
        return self.random.choice(found)

    def constant(self, type: TensorType) -> Value:
        """Return a constant of a type: all of one telling number, or random ones."""
        if self.number(0, 2) == 0:
            return constant(data=tensor_data(self.one_of(0, 1, 2) if type.dtype is not boolean else True, type))
        rng = np.random.default_rng(self.number(0, 5))
        count = int(np.prod(type.shape))
        drawn = rng.uniform(0.5, 1.5, count) if type.dtype.is_float else rng.integers(0, 4, count)
        return constant(data=tensor_data([each.item() for each in drawn], type))

    def beside(self, x: Value) -> Value:
        """Return a constant that broadcasts to x."""
        sizes = [size if isinstance(size, int) and self.number(0, 1) else 1 for size in x.shape]
        return self.constant(x.dtype[tuple(sizes[self.number(0, len(sizes)) :])])

    def axis(self, x: Value) -> int:
        return self.number(-len(x.shape), len(x.shape) - 1)

    def perm(self, x: Value) -> tuple[int, ...]:
        return tuple(self.random.sample(range(len(x.shape)), len(x.shape)))


def ints(*elements: int) -> Value:
    return constant(data=tensor_data(elements, i64[len(elements)]))


def _unary(d: Drawer) -> Value:
    build = d.one_of(
        ops.relu,
        ops.neg,
        ops.abs,
        ops.sigmoid,
        ops.tanh,
        ops.identity,
        ops.floor,
        ops.round,
        ops.ceil,
        ops.sign,
        ops.hard_sigmoid,
        ops.exp,
    )
    return build(d.value(f32, f16))


def _binary(d: Drawer) -> Value:
    build = d.one_of(ops.add, ops.sub, ops.mul, ops.div, ops.minimum, ops.maximum, ops.pow)
    x = d.value(f32, f32, i64, i32)
    y = d.beside(x) if d.number(0, 1) else d.value(x.dtype)
    return build(x, y) if d.number(0, 2) else build(y, x)


def _twice(d: Drawer) -> Value:
    """Apply what may undo or repeat itself."""
    near = (ops.relu, ops.neg, ops.abs, ops.floor, ops.round, ops.ceil, ops.sign)
    x = d.one_of(*near)(d.value(f32))
    return d.one_of(lambda: d.one_of(*near)(x), lambda: d.value(f32) - x, lambda: x + d.value(f32))()


def _constants(d: Drawer) -> Value:
    """Compute with two constants in a row."""
    x = d.value(f32, f32, i64)
    for build in d.one_of((ops.add, ops.sub), (ops.mul, ops.div)), d.one_of((ops.add, ops.sub), (ops.mul, ops.div)):
        x = d.one_of(*build)(x, d.beside(x))
    return x


def _casts(d: Drawer) -> Value:
    return ops.cast(_cast(d), to=d.one_of(f32, f16, i32, i64))


def _logic(d: Drawer) -> Value:
    if d.number(0, 1):
        return d.one_of(ops.less, ops.greater_equal, ops.equal)(d.value(f32), d.value(f32))
    x = d.value(boolean)
    return ops.logical_not(x) if d.number(0, 1) else d.one_of(ops.logical_and, ops.logical_or)(x, d.beside(x))


def _variadic(d: Drawer) -> Value:
    build = d.one_of(ops.add_n, ops.maximum, ops.minimum, ops.mean_n)
    x = d.value(f32)
    return build(*[x if d.number(0, 2) else d.beside(x) for _ in range(d.number(1, 3))])


def _where(d: Drawer) -> Value:
    x = d.value(f32)
    condition = d.value(boolean) if d.number(0, 1) else d.constant(boolean[()])
    return ops.where(condition, x, d.value(f32) if d.number(0, 1) else x)


def _clip(d: Drawer) -> Value:
    x = d.value(f32)
    low, high = (
        ABSENT if d.number(0, 2) == 0 else constant(data=tensor_data(d.one_of(*of), f32[()]))
        for of in ((0, -1, 0.5), (6, 1, 0.25))
    )
    return ops.clip(x, low, high)


def _hard_swish(d: Drawer) -> Value:
    x, h = d.value(f32), d.one_of(6.0, 2.0)
    gate = ops.clip(x + d.one_of(3.0, 1.0), *(constant(data=tensor_data(each, f32[()])) for each in (0.0, h)))
    return d.one_of(
        lambda: x * gate / h, lambda: gate / h, lambda: gate * (1 / h), lambda: (d.value(f32) * gate) * (1 / h)
    )()


def _cast(d: Drawer) -> Value:
    return ops.cast(d.value(f32, f16, i32, i64, boolean), to=d.one_of(f32, f16, i32, i64))


def _dropout(d: Drawer) -> Value:
    x, mask = ops.dropout(d.value(f32))
    return mask if d.number(0, 3) == 0 else x


def _transpose(d: Drawer) -> Value:
    x = d.value()
    return ops.transpose(x, perm=d.perm(x) if d.number(0, 3) else ())


def _layout_around(d: Drawer) -> Value:
    x = d.value(f32)
    perm = d.perm(x)
    inner = ops.transpose(x, perm=perm)
    inner = d.one_of(
        lambda: ops.relu(inner), lambda: inner + d.beside(inner), lambda: inner * ops.transpose(x, perm=perm)
    )()
    return ops.transpose(inner, perm=tuple(sorted(range(len(perm)), key=perm.__getitem__))) if d.number(0, 2) else inner


def _axes_around(d: Drawer) -> Value:
    """Work along axes between two transposes, of which the second may undo the first."""
    x = d.value(f32)
    perm = d.perm(x)
    axis = d.axis(x)
    inner = ops.transpose(x, perm=perm)
    for _ in range(d.number(1, 2)):
        inner = _along(d, x, inner, perm, axis)
        axis %= len(inner.shape)
    same = len(inner.shape) == len(perm)
    back = tuple(sorted(range(len(perm)), key=perm.__getitem__)) if same and d.number(0, 2) else d.perm(inner)
    return ops.transpose(inner, perm=back) if d.number(0, 3) else inner


def _along(d: Drawer, x: Value, inner: Value, perm: tuple[int, ...], axis: int) -> Value:
    """Work along an axis of what is permuted, or on all of it."""
    return d.one_of(
        lambda: ops.softmax(inner, axis=axis),
        lambda: ops.reduce_sum(inner, ints(axis)),
        lambda: ops.reduce_max(inner, ints(axis), keepdims=False),
        lambda: ops.concat(inner, ops.transpose(x, perm=perm), axis=axis),
        lambda: ops.slice(inner, ints(d.number(0, 1)), ints(9), ints(axis)),
        lambda: ops.pad(inner, ints(*[d.number(0, 1) for _ in range(2 * len(x.shape))])),
        lambda: ops.split(inner, axis=axis, parts=2)[d.number(0, 1)],
        lambda: ops.gather(inner, ints(0, 0), axis=axis),
        lambda: ops.unsqueeze(inner, ints(d.number(0, 1))),
        lambda: ops.tile(inner, ints(*[d.number(1, 2) for _ in x.shape])),
        lambda: ops.relu(inner) * 2.0,
        lambda: ops.matmul(inner, ops.transpose(ops.relu(x), perm=d.perm(x))),
    )()


def _parts(d: Drawer) -> Value:
    """Cut along an axis, and join some of the parts, in order or not."""
    x = d.value(f32)
    axis = d.axis(x)
    length = x.shape[axis]
    if not isinstance(length, int) or d.number(0, 2) == 0:
        parts = [*ops.split(x, axis=axis, parts=2)]
    else:
        ends = [0, *sorted(d.number(0, length) for _ in range(2)), length]
        cut = d.one_of(
            lambda a, b: ops.slice(x, ints(a), ints(b), ints(axis)),
            lambda a, b: ops.slice(x, ints(a), ints(b), ints(axis), ints(1)),
        )
        parts = [cut(a, b) for a, b in pairwise(ends)]
    if d.number(0, 3) == 0:
        d.random.shuffle(parts)
    if d.number(0, 2) == 0:
        parts = [*parts, ops.relu(x)]
    joined = ops.concat(*parts[d.number(0, 1) :], axis=axis)
    return d.one_of(
        lambda: joined,
        lambda: ops.split(joined, axis=axis, parts=2)[0],
        lambda: ops.slice(joined, ints(d.number(0, 2)), ints(d.number(1, 4)), ints(axis)),
        lambda: ops.slice(joined, ints(-1), ints(-(1 << 40)), ints(axis), ints(-1)),
    )()


def _reduced_twice(d: Drawer) -> Value:
    x = d.value(f32, i64)
    build = d.one_of(ops.reduce_sum, ops.reduce_mean, ops.reduce_max, ops.reduce_prod)
    keep = bool(d.number(0, 1))
    inner = build(x, ints(d.axis(x)), keepdims=keep)
    return build(inner, ints(d.axis(inner)), keepdims=keep if d.number(0, 3) else not keep)


def _spread(d: Drawer) -> Value:
    """Repeat what an operator would repeat by itself."""
    x = d.value(f32)
    y = ops.reduce_max(x, ints(d.axis(x)))
    wide = ops.expand(y, ops.shape(x)) if d.number(0, 1) else ops.tile(y, ints(*[d.number(1, 2) for _ in y.shape]))
    return d.one_of(ops.add, ops.mul, ops.sub)(x, wide)


def _view(d: Drawer) -> Value:
    x = d.value()
    if d.number(0, 2) == 0:
        return ops.flatten(x, axis=d.number(0, len(x.shape)))
    if d.number(0, 2) == 0:
        return ops.unsqueeze(x, ints(d.number(0, len(x.shape))))
    if d.number(0, 1):
        ones = [i for i, size in enumerate(x.shape) if size == 1]
        return ops.squeeze(x, ints(d.one_of(*ones)))
    return ops.reshape(x, ints(*d.one_of((-1,), (0, -1), (1, -1), (-1, 2), (2, -1), (0, 0, -1), (-1, 1, 1, 2))))


def _shape_chain(d: Drawer) -> Value:
    x = d.value(f32)
    sizes = ops.cast(ops.cast(ops.shape(x), to=i32), to=i64)
    return ops.reshape(x, ops.concat(ops.slice(sizes, ints(0), ints(1)), ints(-1), axis=0))


def _expand(d: Drawer) -> Value:
    x = d.value(f32)
    return (
        ops.expand(x, ops.shape(d.value(f32)))
        if d.number(0, 1)
        else ops.tile(x, ints(*[d.number(1, 2) for _ in x.shape]))
    )


def _join(d: Drawer) -> Value:
    x = d.value(f32)
    axis = d.axis(x)
    return ops.concat(*[x if d.number(0, 1) else d.value(f32) for _ in range(d.number(1, 3))], axis=axis)


def _joins(d: Drawer) -> Value:
    x, y = d.value(f32), d.value(f32)
    axis = d.axis(x)
    return ops.concat(y, ops.concat(x, y, axis=axis), x, axis=axis % len(x.shape))


def _focus(d: Drawer) -> Value:
    """Join every other pixel from each corner of a block, in any order."""
    x = d.image()
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    d.random.shuffle(corners)
    parts = [ops.slice(x, ints(*at), ints(1 << 40, 1 << 40), ints(2, 3), ints(2, 2)) for at in corners]
    joined = ops.concat(*parts, axis=1)
    return ops.conv(joined, d.constant(f32[2, joined.shape[1], 1, 1])) if d.number(0, 1) else joined


def _gelu(d: Drawer) -> Value:
    """Spell out a gelu, or nearly one."""
    x, root = d.value(f32), d.one_of(1.4142135, 1.4142135, 1.5)
    gate = ops.erf(x / root) + 1
    cube = d.one_of(lambda: x**3, lambda: x * (x * x))()
    tanh = ops.tanh((x + cube * 0.044715) * 0.7978845608) + 1
    gate = d.one_of(gate, tanh)
    return d.one_of(lambda: x * gate * 0.5, lambda: 0.5 * x * gate, lambda: x * (gate * 0.5), lambda: ops.gelu(x))()


def _norm(d: Drawer) -> Value:
    """Spell out a layer norm or an RMS norm along an axis."""
    x = d.value(f32)
    axis = d.axis(x)
    scale, bias = d.constant(f32[x.shape[-1]]), d.constant(f32[x.shape[-1]])
    if d.number(0, 3) == 0:
        return d.one_of(lambda: ops.layer_norm(x, scale, bias), lambda: ops.rms_norm(x, scale))()
    centred = x - ops.reduce_mean(x, ints(axis)) if d.number(0, 1) else x
    root = ops.sqrt(ops.reduce_mean(centred * centred, ints(axis)) + d.one_of(1e-5, 0.5))
    normal = d.one_of(lambda: centred / root, lambda: centred * ops.reciprocal(root), lambda: centred * (1 / root))()
    return d.one_of(lambda: normal * scale + bias, lambda: scale * normal)()


def _scaled_later(d: Drawer) -> Value:
    """Scale by one number what a product leads to."""
    x = d.value(f32)
    y = ops.matmul(x, d.constant(f32[x.shape[-1], d.number(1, 3)]))
    for _ in range(d.number(1, 3)):
        y = d.one_of(
            lambda y=y: ops.transpose(y, perm=d.perm(y)),
            lambda y=y: ops.neg(y),
            lambda y=y: y + d.beside(y),
            lambda y=y: d.beside(y) - y,
            lambda y=y: ops.unsqueeze(y, ints(0)),
            lambda y=y: y * ops.tanh(y) if d.number(0, 1) else y * d.beside(y),
            lambda y=y: ops.matmul(y, ops.transpose(ops.relu(x), perm=d.perm(x))),
        )()
    return d.one_of(ops.mul, ops.div)(y, constant(data=tensor_data(d.one_of(2.0, 0.3, 0.0), f32[d.one_of((), (1,))])))


def _taken(d: Drawer) -> Value:
    x = d.value(f32, i64)
    axis = d.number(0, len(x.shape) - 1)
    return ops.unsqueeze(ops.gather(x, d.constant(i64[()]), axis=axis), ints(d.one_of(axis, axis, 0)))


def _split(d: Drawer) -> Value:
    x = d.value(f32)
    parts = ops.split(x, axis=d.axis(x), parts=d.number(1, 2))
    return d.one_of(*parts)


def _slice(d: Drawer) -> Value:
    x = d.value()
    step = d.one_of(1, 1, 1, 2, -1, -2)
    start, end = d.one_of(0, 1, -1, -2, 5), d.one_of(1, 2, -1, 1 << 40, -(1 << 40))
    return ops.slice(x, ints(start), ints(end), ints(d.axis(x)), ints(step))


def _pad(d: Drawer) -> Value:
    x = d.value(f32)
    rank, low = len(x.shape), d.one_of(0, 0, -1)
    amounts = [d.number(low, 2) if i % rank > 1 or rank < 4 else 0 for i in range(2 * rank)]
    value = ABSENT if d.number(0, 1) else constant(data=tensor_data(d.one_of(0.0, 1.0), f32[()]))
    return ops.pad(x, ints(*amounts), value, mode=d.one_of("constant", "constant", "edge"))


def _conv(d: Drawer) -> Value:
    x = d.image()
    channels = int(x.shape[1])  # type: ignore[call-overload]
    groups = d.one_of(1, 1, channels)
    out, kernel = groups * d.number(1, 2), d.one_of((1, 1), (2, 2))
    bias = d.constant(f32[out]) if d.number(0, 1) else ABSENT
    if d.number(0, 3) == 0:
        return ops.conv_transpose(x, d.constant(f32[channels, out // groups, *kernel]), bias, groups=groups)
    options = {
        "pads": d.one_of((), (1, 0, 1, 1)),
        "strides": d.one_of((), (2, 1)),
        "auto_pad": d.one_of("NOTSET", "NOTSET", "VALID"),
    }
    return ops.conv(x, d.constant(f32[out, channels // groups, *kernel]), bias, groups=groups, **options)


def _normalise(d: Drawer) -> Value:
    x = d.image()
    vector = f32[x.shape[1]]
    statistics = [d.constant(vector) for _ in range(3)]
    return ops.batch_norm(x, *statistics, constant(data=tensor_data(1.5, vector)))


def _scale(d: Drawer) -> Value:
    x = d.image()
    c = d.constant(f32[d.one_of((x.shape[1], 1, 1), (1, x.shape[1], 1, 1), (), (1,))])
    return d.one_of(ops.add, ops.mul, ops.sub, ops.div)(x, c)


def _computed_bias(d: Drawer) -> Value:
    x = d.image()
    row = ops.reduce_sum(x, ints(0, 2, 3), keepdims=False)
    bias = ops.reshape(row, ints(1, -1, 1, 1))
    channels = int(x.shape[1])  # type: ignore[call-overload]
    return ops.conv(x, d.constant(f32[channels, channels, 1, 1])) + bias


def _pool(d: Drawer) -> Value:
    x = d.image()
    build = d.one_of(ops.average_pool, ops.max_pool, ops.max_pool_with_indices, ops.global_average_pool)
    if build is ops.global_average_pool:
        return build(x)
    options = {"count_include_pad": bool(d.number(0, 1))} if build is ops.average_pool else {}
    found = build(x, kernel=(2, 2), pads=d.one_of((), (1, 1, 0, 1)), **options)
    return found if build is not ops.max_pool_with_indices else found[d.one_of(0, 0, 1)]


def _product(d: Drawer) -> Value:
    x = d.value(f32)
    columns = d.number(1, 3)
    product = ops.matmul(x, d.constant(f32[x.shape[-1], columns]))
    if d.number(0, 1) and len(x.shape) == 2:
        product = ops.gemm(x, d.constant(f32[columns, x.shape[-1]]), transpose_b=True, alpha=d.one_of(1.0, 0.5))
    return d.one_of(ops.add, ops.add, ops.mul)(product, d.beside(product)) if d.number(0, 3) else product


def _reduce(d: Drawer) -> Value:
    x = d.value(f32)
    build = d.one_of(ops.reduce_sum, ops.reduce_mean, ops.reduce_max)
    axes = [] if d.number(0, 2) == 0 else [d.axis(x)]
    return build(x, ints(*axes), keepdims=bool(d.number(0, 2)), noop_with_empty_axes=bool(d.number(0, 1)))


def _gather(d: Drawer) -> Value:
    x = d.value(f32, i64)
    return ops.gather(x, ints(0) if d.number(0, 1) else d.constant(i64[()]), axis=d.axis(x))


def _shape(d: Drawer) -> Value:
    x = d.value()
    return ops.size(x) if d.number(0, 2) == 0 else ops.shape(x, start=d.number(0, 1))


def _fill(d: Drawer) -> Value:
    return ops.fill(
        ops.shape(d.value()) if d.number(0, 1) else ints(2, 3), value=tensor_data([d.one_of(0.0, 1.0)], f32[1])
    )


def _again(d: Drawer) -> Value:
    """Build a node once more."""
    node = d.value().node
    return node.replace(name=None).outputs[0] if node.inputs else d.value()


STEPS = (
    _unary,
    _binary,
    _binary,
    _logic,
    _variadic,
    _where,
    _clip,
    _hard_swish,
    _cast,
    _dropout,
    _transpose,
    _layout_around,
    _view,
    _view,
    _shape_chain,
    _expand,
    _join,
    _joins,
    _split,
    _slice,
    _slice,
    _pad,
    _conv,
    _conv,
    _normalise,
    _scale,
    _scale,
    _computed_bias,
    _pool,
    _product,
    _product,
    _reduce,
    _gather,
    _shape,
    _fill,
    _again,
    _again,
    _twice,
    _twice,
    _constants,
    _constants,
    _casts,
    _focus,
    _focus,
    _gelu,
    _norm,
    _norm,
    _scaled_later,
    _scaled_later,
    _taken,
    _axes_around,
    _axes_around,
    _parts,
    _parts,
    _reduced_twice,
    _spread,
)


class _Growing:
    """A graph in the making, with an array for every value, so that only steps that run are kept."""

    def __init__(self, inputs: list[Value]) -> None:
        self.values = list(inputs)
        given = feeds(Graph(inputs, inputs), BINDING, 0)
        self.arrays: dict[Value, Any] = {ABSENT: None} | {value: given[str(value.node.name)] for value in inputs}

    def add(self, value: Value) -> None:
        """Run what is new, and keep it; raises where it does not run."""
        if value in self.arrays:
            return
        made: dict[Value, Any] = {}
        stack = [value.node]
        while stack:
            node = stack[-1]
            missing = [each.node for each in node.inputs if each not in self.arrays and each not in made]
            if missing:
                stack += missing
                continue
            stack.pop()
            given = [self.arrays[each] if each in self.arrays else made[each] for each in node.inputs]
            found = compute(node, given)
            if any(each.size > 4096 or not np.all(np.abs(np.nan_to_num(each)) < 1e6) for each in found):
                raise ValueError("too much")
            if node.op in elementwise and any(map(_is_untold, node.outputs, found)):
                raise ValueError("a dimension of 0 met one of 1, and types say that what they give is the larger")
            made.update(zip(node.outputs, found, strict=True))
        self.arrays |= made
        self.values.append(value)


def _is_untold(value: Value, found: Any) -> bool:
    """Say whether an array is empty though its type, true unless 0 met 1, says otherwise."""
    return found.size == 0 and found.shape != tuple(substitute(size, BINDING) for size in value.shape)


@st.composite
def networks(draw: st.DrawFn, most: int = 24) -> Graph:
    """Draw a graph over the dimensions of BINDING; some inputs are unused, outputs are inputs or wanted twice.

    The steps come from one seed, so that they vary widely; a counterexample shrinks by leaving out the last ones.
    """
    random = Random(draw(st.integers(0, 1 << 32)))
    inputs = [named_input(f"x{i}", _input_type(random)) for i in range(random.randint(1, 3))]
    growing = _Growing(inputs)
    drawer = Drawer(random, growing.values)
    for i in range(draw(st.integers(1, most))):
        for _ in range(4):
            try:
                growing.add(_named(random.choice(STEPS)(drawer), i, random, growing))
                break
            except REFUSALS:
                continue
    outputs = random.choices(growing.values[-5:], k=random.randint(1, 4))
    outputs += random.choices(growing.values, k=random.randint(0, 1))
    return Graph(outputs, inputs, output_names=[f"y{i}" for i in range(len(outputs))])


def _input_type(random: Random) -> TensorType:
    if random.randrange(3):
        return f32[random.choice(("n", 1, 2)), random.randint(1, 3), 4, random.choice(("m", 4))]
    dtype = random.choice((f32, f32, f32, f16, i64, boolean))
    return dtype[tuple(random.choices(SIZES, k=random.randint(0, 4)))]


def _named(value: Value, i: int, random: Random, growing: _Growing) -> Value:
    """Give half of the new nodes a name, and a few another device."""
    if value in growing.arrays or random.randrange(2):
        return value
    hints = {} if random.randrange(10) else {"device": "b"}
    return value.node.replace(name=f"v{i}", hints=hints).outputs[value.index]
