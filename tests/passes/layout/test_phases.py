"""Every other pixel from each corner of a block, joined, is one operator."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

from tests.laws.agree import assert_agree
from tests.passes.rewrites import BINDING, assert_keeps, assert_rewrites, operators, optimized

from nnvm import ops
from nnvm.ir import Value, f32, i64, tensor_data, trace
from nnvm.passes import cancel_layout

ROWS = ((0, 0), (0, 1), (1, 0), (1, 1))
COLUMNS = ((0, 0), (1, 0), (0, 1), (1, 1))


def focus(x: Value, order: tuple[tuple[int, int], ...], end: int = 1 << 40, axis: int = 1) -> Value:
    return ops.concat(*(ops.slice(x, at, (end, end), (2, 3), (2, 2)) for at in order), axis=axis)


def test_row_by_row_is_space_to_depth() -> None:
    def before(x: f32["n", 3, 4, 6]) -> Value:
        return focus(x, ROWS)

    def after(x: f32["n", 3, 4, 6]) -> Value:
        return ops.space_to_depth(x, block=2)

    assert_rewrites(cancel_layout, before, after)


def test_another_order_moves_into_the_convolution() -> None:
    weight = tensor_data([0.1 * i for i in range(5 * 12 * 4)], f32[5, 12, 2, 2])

    def net(x: f32["n", 3, 4, 6]) -> Value:
        return ops.conv(focus(x, COLUMNS, axis=-3), weight, pads=(1, 0, 1, 0))

    graph = trace(net)
    made = optimized(graph)
    assert operators(made) == ["space_to_depth", "conv"]
    assert_agree(graph, made, BINDING)


def test_a_convolution_in_groups_keeps_the_order() -> None:
    weight = tensor_data([0.1 * i for i in range(12 * 6)], f32[12, 6, 1, 1])
    graph = trace(lambda x: ops.conv(focus(x, COLUMNS), weight, groups=2), x=f32["n", 3, 4, 6])
    made = optimized(graph)
    assert operators(made) == ["space_to_depth", "gather", "conv"]
    assert_agree(graph, made, BINDING)


def test_what_is_not_all_of_the_image_stays() -> None:
    def short(x: f32["n", 3, 4, 6]) -> Value:
        return focus(x, ROWS, end=4)

    def odd(x: f32["n", 3, 3, 3]) -> Value:
        return ops.concat(*(ops.slice(x, (0, 0), (9, 9), (2, 3), (2, 2)) for _ in range(4)), axis=1)

    def open_size(x: f32["n", 3, "m", 4]) -> Value:
        return ops.concat(*(ops.slice(x, (0, i), (9, 9), (2, 3), (2, 2)) for i in (0, 1, 0, 1)), axis=1)

    def along_rows(x: f32["n", 3, 4, 6]) -> Value:
        return focus(x, ROWS, axis=2)

    def read_twice(x: f32["n", 3, 4, 6]) -> dict[str, Value]:
        y = ops.slice(x, (0, 0), (9, 9), (2, 3), (2, 2))
        rest = [ops.slice(x, at, (9, 9), (2, 3), (2, 2)) for at in ROWS[1:]]
        return {"y": ops.concat(y, *rest, axis=1), "z": ops.relu(y)}

    for program in (short, odd, open_size, along_rows, read_twice):
        assert_keeps(cancel_layout, program)


def test_a_join_along_a_fifth_axis_stays() -> None:
    def program(x: f32["n", 2, 2, 2, 3]) -> Value:
        return ops.concat(x, x, x, ops.exp(x), axis=4)

    assert_keeps(cancel_layout, program)


def test_one_row_of_channels_before_a_convolution_stays() -> None:
    def program(x: f32[4, 2, 3, 5]) -> Value:
        return ops.conv(ops.gather(x, tensor_data(0, i64[()]), axis=-4), tensor_data(0.5, f32[2, 3, 1]))

    assert_keeps(cancel_layout, program)
