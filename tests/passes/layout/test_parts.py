"""Cuts and joins of the same parts that undo each other, and those that do not."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites, operators, optimized

from nnvm import ops
from nnvm.ir import Value, f32, i64, tensor_data, trace
from nnvm.passes import cancel_layout

END = 1 << 40


def ints(*elements: int) -> Value:
    return tensor_data(elements, i64[len(elements)])


def cut(x: Value, start: int, end: int, axis: int = 1, step: int = 1) -> Value:
    return ops.slice(x, ints(start), ints(end), ints(axis), ints(step))


def halves(x: Value) -> tuple[Value, ...]:
    return tuple(ops.split(x, axis=1, parts=2))


def thirds(x: Value) -> tuple[Value, ...]:
    return tuple(ops.split(x, ints(1, 2, 3), axis=1, parts=3))


def join(*values: Value, axis: int = 1) -> Value:
    return ops.concat(*values, axis=axis)


MEET = {
    "all parts joined": (lambda x, y: join(*thirds(x)), lambda x, y: x),
    "all parts joined from behind": (lambda x, y: join(*halves(x), axis=-1), lambda x, y: x),
    "slices joined": (lambda x, y: join(cut(x, 0, 2), cut(x, 2, END)), lambda x, y: x),
    "a run of slices among others": (
        lambda x, y: join(y, cut(x, 1, 2), cut(x, 2, 5), y),
        lambda x, y: ops.concat(y, ops.slice(x, ints(1), ints(5), ints(1)), y, axis=1),
    ),
    "some parts and nothing else": (
        lambda x, y: join(*thirds(x)[1:]),
        lambda x, y: ops.slice(x, ints(1), ints(6), ints(1)),
    ),
    "a join of nothing": (lambda x, y: join(cut(x, 3, 3), y), lambda x, y: y),
    "a slice of one of two": (lambda x, y: cut(join(x, y), 7, 9), lambda x, y: cut(y, 1, 3)),
    "a slice that is one of two": (lambda x, y: cut(join(x, y), 6, END), lambda x, y: y),
    "a slice back through one of two": (
        lambda x, y: cut(join(x, y), -1, -6, step=-2),
        lambda x, y: cut(y, 5, 0, step=-2),
    ),
    "a slice back to the begin": (
        lambda x, y: cut(join(x, y), 5, -END, step=-1),
        lambda x, y: cut(x, 5, -7, step=-1),
    ),
    "a slice along two axes": (
        lambda x, y: ops.slice(join(x, y), ints(0, 1), ints(1, 4), ints(0, 1)),
        lambda x, y: ops.slice(x, ints(0, 1), ints(1, 4), ints(0, 1), ints(1, 1)),
    ),
    "a join cut where it was joined": (lambda x, y: halves(join(x, y))[1], lambda x, y: y),
    "a join of four cut into two": (
        lambda x, y: halves(join(x, y, y, x))[0],
        lambda x, y: join(x, y),
    ),
}


@pytest.mark.parametrize("name", MEET)
def test_parts_meet(name: str) -> None:
    left, right = MEET[name]

    def before(x: f32["n", 6], y: f32["n", 6]) -> Value:
        return ops.relu(left(ops.exp(x), y))

    def after(x: f32["n", 6], y: f32["n", 6]) -> Value:
        return ops.relu(right(ops.exp(x), y))

    assert_rewrites(cancel_layout, before, after)


APART = {
    "in another order": lambda x, y: join(*halves(x)[::-1]),
    "along another axis": lambda x, y: join(*halves(x), axis=0),
    "of two values": lambda x, y: join(halves(x)[0], halves(y)[1]),
    "with a gap": lambda x, y: join(cut(x, 0, 2), cut(x, 3, 6)),
    "twice": lambda x, y: join(cut(x, 0, 3), cut(x, 0, 3)),
    "every other": lambda x, y: join(cut(x, 0, 6, step=2), cut(x, 1, 6, step=2)),
    "a slice over the seam": lambda x, y: cut(join(x, y), 5, 7),
    "a slice of nothing": lambda x, y: cut(join(x, y), 4, 4),
    "a slice along the other axis": lambda x, y: cut(join(x, y), 0, 1, axis=0),
    "a split over the seam": lambda x, y: ops.split(join(x, y), ints(5, 7), axis=1, parts=2)[0],
    "a split along the other axis": lambda x, y: ops.split(join(x, y), axis=0, parts=2)[0],
    "overlapping slices": lambda x, y: cut(x, 0, 4) * cut(x, 2, 6),
    "slices of two values": lambda x, y: cut(x, 0, 3) * cut(y, 3, 6),
    "slices that leave some": lambda x, y: cut(x, 0, 2) * cut(x, 2, 4),
}


@pytest.mark.parametrize("name", APART)
def test_parts_that_stay(name: str) -> None:
    def program(x: f32["n", 6], y: f32["n", 6]) -> Value:
        return APART[name](x, y)

    assert_keeps(cancel_layout, program)


def test_slices_that_are_all_of_a_value_are_one_split() -> None:
    def before(x: f32["n", 6]) -> tuple[Value, ...]:
        return ops.neg(cut(x, 2, END)), ops.exp(cut(x, 0, 1)), cut(x, -5, 2) * cut(x, 0, 1)

    def after(x: f32["n", 6]) -> tuple[Value, ...]:
        a, b, c = ops.split(x, ints(1, 1, 4), axis=1, parts=3)
        return ops.neg(c), ops.exp(a), b * a

    assert_rewrites(cancel_layout, before, after)


def test_slices_of_slices_are_joined_first() -> None:
    def before(x: f32["n", 6, 9]) -> Value:
        return cut(cut(x, 0, 3), 1, END, axis=2) * cut(cut(x, 3, 6), 1, END, axis=2)

    assert operators(cancel_layout(trace(before))) == ["slice", "slice", "mul"]


def test_slices_of_an_open_dimension_stay() -> None:
    def program(x: f32["n", 6]) -> tuple[Value, ...]:
        return cut(x, 0, 2, axis=0), cut(x, 2, END, axis=0)

    assert_keeps(cancel_layout, program)


def test_a_join_that_others_read_is_cut_all_the_same() -> None:
    def program(x: f32["n", 6], y: f32["n", 6]) -> tuple[Value, ...]:
        joined = join(x, y)
        a, b = halves(joined)
        return a + b, joined

    assert operators(cancel_layout(trace(program))) == ["add", "concat"]


def test_a_join_that_others_read_is_not_joined_again_and_again() -> None:
    def program(x: f32["n", 6], y: f32["n", 6]) -> tuple[Value, ...]:
        joined = join(x, y, y, x)
        a, b = halves(joined)
        return a + b, joined

    assert_keeps(cancel_layout, program)


def test_a_part_that_others_read_is_cut_once_more_nowhere() -> None:
    def program(x: f32["n", 6], y: f32["n", 6]) -> tuple[Value, ...]:
        a, b = cut(x, 0, 2), cut(x, 2, 4)
        return join(y, a, b), a, b

    assert_keeps(cancel_layout, program)


def test_the_two_halves_of_a_rotation_are_one_split() -> None:
    def program(x: f32["n", 8], c: f32["n", 8], s: f32["n", 8]) -> Value:
        return x * c + join(-cut(x, 4, END), cut(x, 0, 4)) * s

    assert operators(optimized(trace(program))) == ["mul", "split", "neg", "concat", "mul", "add"]


def test_slices_of_thousands_that_are_joined_stay() -> None:
    def program(x: f32["n", 1]) -> tuple[Value, ...]:
        joined = join(*[x] * 2000)
        return tuple(ops.exp(cut(joined, i, i + 1)) for i in range(0, 2000, 2))

    assert_keeps(cancel_layout, program)


def test_ten_thousand_parts_end_soon() -> None:
    def program(x: f32["n", 10_000]) -> Value:
        return join(*ops.split(x, axis=1, parts=10_000))

    assert operators(cancel_layout(trace(program))) == []
