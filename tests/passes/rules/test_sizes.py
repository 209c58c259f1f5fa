"""Sizes that are known to be the same, wherever they are read, and those that are not."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

from tests.passes.rewrites import assert_keeps, assert_rewrites, operators, optimized

from nnvm import ops
from nnvm.ir import Value, constant, f32, i32, i64, tensor_data, trace
from nnvm.passes import cse


def size(x: Value, axis: int) -> Value:
    return ops.gather(ops.shape(x), tensor_data(axis, i64[()]))


def test_a_dimension_is_read_once() -> None:
    def before(x: f32["n", 4, "m"], y: f32["m", "n"]) -> tuple[Value, ...]:
        return ops.abs(size(x, 0)), ops.neg(size(y, 1)), size(y, 0) * 2, size(x, 2) + size(ops.exp(y), 0)

    def after(x: f32["n", 4, "m"], y: f32["m", "n"]) -> tuple[Value, ...]:
        zero = constant(data=tensor_data(0, i64[()]))
        n, m = (ops.gather(ops.shape(value), zero) for value in (x, y))
        twice = m * 2
        return ops.abs(n), ops.neg(n), twice, twice

    assert_rewrites(lambda graph: cse(graph), before, after)


def test_a_whole_shape_is_read_once() -> None:
    def program(x: f32["n", 4], y: f32["n", 4]) -> tuple[Value, ...]:
        z = ops.exp(ops.concat(x, y, axis=0))
        rows = ops.concat(ops.shape(x, end=1), tensor_data([2, 2], i64[2]), axis=0)
        more = ops.concat(ops.shape(ops.tanh(y), end=1), tensor_data([2, 2], i64[2]), axis=0)
        return ops.reshape(x, rows), ops.reshape(y, more), ops.expand(ops.reduce_sum(z, (0,)), ops.shape(z))

    assert operators(optimized(trace(program))).count("shape") <= 1


def test_sizes_that_differ_in_name_type_or_shape_stay() -> None:
    def program(x: f32["n", "m"]) -> tuple[Value, ...]:
        n = ops.shape(x, end=1)
        return n, ops.shape(x, start=1), ops.cast(n, to=i32), ops.reshape(n, ())

    assert_keeps(cse, program)


def test_sizes_that_are_numbers_are_left_to_folding() -> None:
    def program(x: f32[2, 3], y: f32[2, 3]) -> tuple[Value, ...]:
        return ops.shape(x), ops.shape(y)

    assert_keeps(cse, program)
