import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from tests.ops.uses import check_claims, seeds

from nnvm import ops
from nnvm.frontends.onnx import to_bytes
from nnvm.ir import (
    DTYPES,
    Graph,
    Value,
    boolean,
    constant,
    contents,
    dim,
    f32,
    i8,
    i32,
    i64,
    named_input,
    tensor_data,
    u8,
)
from nnvm.ir.dims import substitute

N, M = dim("n"), dim("m")


def number(value: int, dtype: Any = i64) -> Value:
    return constant(data=tensor_data(value, dtype[()]))


def vector(*items: int) -> Value:
    return constant(data=tensor_data(list(items), i64[len(items)]))


def length(value: Value) -> int:
    size = value.shape[0]
    assert isinstance(size, int)
    return size


@st.composite
def steps(draw: st.DrawFn, known: list[Value]) -> Value | None:
    """Draw one more step of a program on vectors and scalars of int64, given those so far."""
    x = draw(st.sampled_from(known))
    y = draw(st.sampled_from(known) | st.integers(-3, 5).map(number))
    if x.shape == () and draw(st.booleans()):
        return ops.unsqueeze(x, (0,)) if draw(st.booleans()) else ops.reshape(x, (1,))
    kind = draw(st.sampled_from(sorted(MOVES)))
    return MOVES[kind](draw, x, y)


def together(x: Value, y: Value) -> bool:
    return x.shape == y.shape or () in (x.shape, y.shape) or 1 in (x.shape[0], y.shape[0])


def arithmetic(draw: Any, x: Value, y: Value) -> Value | None:
    if not together(x, y):
        return None
    build = draw(st.sampled_from([ops.add, ops.sub, ops.mul, ops.minimum, ops.maximum]))
    return build(x, y)


def division(draw: Any, x: Value, y: Value) -> Value:
    build = draw(st.sampled_from([ops.div, ops.mod, lambda a, b: ops.mod(a, b, fmod=True)]))
    return build(x, number(draw(st.sampled_from([1, 2, 3, 4, -2]))))


def comparison(draw: Any, x: Value, y: Value) -> Value | None:
    if not together(x, y):
        return None
    test = draw(st.sampled_from([ops.equal, ops.less, ops.less_equal, ops.greater, ops.greater_equal]))
    return ops.cast(test(x, y), to=i64) if draw(st.booleans()) else ops.where(test(x, y), x, y)


def picking(draw: Any, x: Value, y: Value) -> Value | None:
    if x.shape == () or not length(x):
        return None
    count = length(x)
    if draw(st.booleans()):
        return ops.gather(x, number(draw(st.integers(-count, count - 1))))
    chosen = draw(st.lists(st.integers(-count, count - 1), min_size=1, max_size=3))
    return ops.gather(x, vector(*chosen))


def slicing(draw: Any, x: Value, y: Value) -> Value | None:
    if x.shape == ():
        return None
    edge = st.integers(-5, 5) | st.sampled_from([2**31 - 1, 2**63 - 1, -(2**31)])
    step = draw(st.sampled_from([1, 1, 2, -1, -2]))
    end = draw(st.integers(-5, 5) | st.just(-(2**31))) if step < 0 else draw(edge)
    # A start before the first element of a backward slice is where the reference leaves ONNX's definition.
    start = draw(st.integers(-length(x) if step < 0 else -5, 5))
    return ops.slice(x, (start,), (end,), (draw(st.sampled_from([0, -1])),), (step,))


def joining(draw: Any, x: Value, y: Value) -> Value:
    parts = [part if part.shape != () else ops.unsqueeze(part, (0,)) for part in (x, y)]
    return ops.concat(*parts, axis=draw(st.sampled_from([0, -1])))


def shaping(draw: Any, x: Value, y: Value) -> Value | None:
    if x.shape == ():
        return ops.expand(x, vector(draw(st.integers(0, 3))))
    if length(x) == 1:
        choices = [ops.squeeze(x, (0,)), ops.squeeze(x), ops.reshape(x, ()), ops.expand(x, vector(3))]
        return draw(st.sampled_from(choices))
    return ops.reshape(ops.unsqueeze(x, (draw(st.sampled_from([0, 1])),)), (-1,)) if length(x) else None


def planes(draw: Any, x: Value, y: Value) -> Value | None:
    """Go through two axes and back to a vector."""
    if x.shape == () or not length(x):
        return None
    count = length(x)
    rows = draw(st.sampled_from([size for size in range(1, count + 1) if count % size == 0]))
    made = ops.reshape(x, (rows, count // rows))
    match draw(st.integers(0, 5)):
        case 0:
            made = ops.transpose(made, perm=draw(st.sampled_from([(), (1, 0), (0, 1)])))
        case 1:
            made = ops.slice(made, (0, -1), (9, -9), (draw(st.sampled_from([0, -2])), 1), (1, -1))
        case 2:
            made = ops.slice(made, (-1,), (-9,), (0,), (-1,))
        case 3:
            made = ops.gather(made, constant(data=tensor_data([0, -1], i64[1, 2])), axis=draw(st.integers(-2, 1)))
        case 4:
            made = ops.concat(made, made, axis=draw(st.integers(-2, 1)))
        case _:
            made = ops.tile(made, (draw(st.integers(1, 2)), 2))
    return ops.reshape(made, (-1,))


def reducing(draw: Any, x: Value, y: Value) -> Value | None:
    if x.shape == ():
        return None
    build = draw(st.sampled_from([ops.reduce_prod, ops.reduce_sum, ops.reduce_max, ops.reduce_min]))
    return build(x, (0,), keepdims=draw(st.booleans()))


def casting(draw: Any, x: Value, y: Value) -> Value:
    return ops.cast(ops.cast(x, to=draw(st.sampled_from([i32, i8, u8, i64]))), to=i64)


def counting(draw: Any, x: Value, y: Value) -> Value:
    start, step = draw(st.integers(-2, 2)), draw(st.sampled_from([1, 2, -1]))
    return ops.arange(number(start), number(start + draw(st.integers(-4, 4))), number(step))


def filling(draw: Any, x: Value, y: Value) -> Value:
    return ops.fill(vector(draw(st.integers(0, 3))), value=tensor_data(draw(st.integers(-1, 3)), i64[()]))


MOVES: dict[str, Callable[[Any, Value, Value], Value | None]] = {
    each.__name__: each
    for each in (
        *(
            arithmetic,
            division,
            comparison,
            picking,
            slicing,
            joining,
            shaping,
            planes,
            reducing,
            casting,
            counting,
            filling,
        ),
    )
}


@given(st.data(), st.tuples(*[st.integers(1, 6)] * 2), seeds)
@settings(max_examples=120)
def test_what_is_followed_is_what_runs(data: st.DataObject, sizes: tuple[int, int], seed: int) -> None:
    """Open shapes go through random programs; what is claimed of them holds at any binding."""
    image, other = named_input("image", f32["n", 3, "m"]), named_input("other", f32["m", "n"])
    values = [ops.shape(image), ops.shape(other, start=data.draw(st.integers(-2, 1))), ops.size(image)]
    for _ in range(data.draw(st.integers(1, 8))):
        made = data.draw(steps(values))
        if made is not None and isinstance(made.type.shape[0] if made.type.shape else 0, int):  # type: ignore[union-attr]
            values.append(made)
    graph = Graph(values, [image, other], output_names=[f"v{i}" for i in range(len(values))])
    binding = {"n": sizes[0], "m": sizes[1]}
    feeds = {"image": np.zeros((sizes[0], 3, sizes[1]), np.float32), "other": np.zeros(sizes[::-1], np.float32)}
    with np.errstate(all="ignore"):
        arrays = ReferenceEvaluator(onnx.load_from_string(to_bytes(graph))).run(None, feeds)
    check_claims(values, binding, tuple(map(np.asarray, arrays)), values)
    for value, array in zip(values, arrays, strict=True):
        known = contents(value)
        if known is not None:
            assert [substitute(size, binding) for size in known] == np.asarray(array).ravel().tolist(), (
                value.node,
                known,
                binding,
            )


def test_shapes_are_followed_to_reshape() -> None:
    """The idiom of exported networks: keep the batch, flatten the rest."""
    x = named_input("x", f32["n", 4, "h", 7])
    batch = ops.unsqueeze(ops.gather(ops.shape(x), number(0)), (0,))
    flat = ops.reshape(x, ops.concat(batch, vector(-1), axis=0))
    assert flat.type is f32["n", 28 * dim("h")]


def test_an_expansion_that_keeps_what_is_minus_one() -> None:
    """What torch writes for expand(-1, 3)."""
    wanted = ops.concat(ops.shape(named_input("x", f32["n"])), vector(3), axis=0)
    kept = ops.where(ops.equal(wanted, vector(-1, -1)), vector(1, 1), wanted)
    assert contents(kept) == (N, 3)
    assert ops.expand(named_input("y", f32["n", 1]), kept).type is f32["n", 3]


def test_dimensions_compute() -> None:
    whole = ops.shape(named_input("x", f32["n", "m"]))
    assert contents(ops.div(ops.add(whole, 1), 2)) == ((N + 1) // 2, (M + 1) // 2)
    assert contents(ops.mul(whole, whole)) == (N * N, M * M)
    assert contents(ops.neg(whole)) == (0 - N, 0 - M)
    assert contents(ops.slice(whole, (-1,), (-9,), (0,), (-1,))) == (M, N)
    assert contents(ops.size(named_input("x", f32["n", 2]))) == (2 * N,)


@pytest.mark.parametrize(
    "lost",
    [
        lambda x: ops.div(ops.sub(x, 5), 2),  # truncates toward zero where n < 5
        lambda x: ops.mod(x, 2),
        lambda x: ops.mod(vector(5), vector(3), fmod=True),
        lambda x: ops.cast(x, to=i8),
        lambda x: ops.cast(ops.sub(x, 1), to=u8),
        lambda x: ops.cast(vector(300), to=u8),
        lambda x: ops.cast(vector(-1), to=u8),
        lambda x: ops.cast(vector(128), to=i8),
        lambda x: ops.gather(vector(1, 2), number(2)),
        lambda x: ops.div(vector(1), vector(0)),
        lambda x: ops.slice(ops.unsqueeze(x, (0,)), (0,), x, (1,)),
        lambda x: ops.reduce_sum(ops.reshape(ops.concat(x, x, x, x, axis=0), (2, 2)), (0,)),
        lambda x: ops.equal(x, 3),
    ],
)
def test_what_is_not_followed(lost: Callable[[Value], Value]) -> None:
    assert contents(lost(ops.shape(named_input("x", f32["n"])))) is None


def test_limits_of_casts() -> None:
    assert contents(ops.cast(vector(-128, 127), to=i8)) == (-128, 127)
    assert contents(ops.cast(vector(0, 255), to=u8)) == (0, 255)
    assert contents(ops.cast(ops.shape(named_input("x", f32["n"])), to=i32)) == (N,)


def test_a_slice_of_nothing_keeps_all() -> None:
    x = vector(4, 5, 6)
    assert contents(ops.slice(x, vector(), vector())) == (4, 5, 6)


def test_large_tensors_are_not_followed() -> None:
    assert contents(constant(data=tensor_data(list(range(65)), i64[65]))) is None
    assert contents(constant(data=tensor_data(list(range(64)), i64[64]))) == tuple(range(64))
    assert contents(constant(data=tensor_data([1.0], f32[1]))) is None
    assert contents(named_input("x", i64[2])) is None
    assert contents(constant(data=tensor_data([True], boolean[1]))) == (1,)
    assert math.prod(contents(vector(2, 3)) or ()) == 6  # type: ignore[arg-type]
    assert DTYPES["int64"] is i64
