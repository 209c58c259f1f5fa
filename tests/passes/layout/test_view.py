"""Views of views, and the numbers that say their shapes."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites

from nnvm import ops
from nnvm.ir import Value, dim, f32, i32, i64, tensor_data
from nnvm.passes import cancel_layout
from nnvm.passes.layout.view import written_shape

N, M = dim("n"), dim("m")


@pytest.mark.parametrize(
    ("source", "wanted", "numbers"),
    [
        ((2, 3), (3, 2), (3, 2)),
        ((N, 3), (N, 1, 3), (0, 1, 3)),
        ((N, 200, 1, 1), (N, 200), (0, 200)),
        ((N, M), (N, M, 1), (0, 0, 1)),
        ((N, M), (1, N, M), None),
        ((3, N), (N, 3), (-1, 3)),
        ((N, 3), (N * 3,), (-1,)),
        ((N, M, 2), (N, M * 2), (0, -1)),
        ((0, 2), (0, 5), (0, 5)),
        ((2, 0), (0, 5), None),
        ((N, 0), (0, N), None),
        ((), (1,), (1,)),
    ],
)
def test_written_shape(source: tuple, wanted: tuple, numbers: tuple | None) -> None:
    assert written_shape(source, wanted) == numbers


JOINED = {
    "reshape of reshape": (lambda x: ops.reshape(ops.reshape(x, (6,)), (3, 2)), lambda x: ops.reshape(x, (3, 2))),
    "flatten of unsqueeze": (lambda x: ops.flatten(ops.unsqueeze(x, (0,))), lambda x: ops.reshape(x, (1, 6))),
    "squeeze of unsqueeze": (lambda x: ops.squeeze(ops.unsqueeze(x, (1,)), (1,)), lambda x: x),
    "there and back": (lambda x: ops.reshape(ops.flatten(x, axis=0), (2, 3)), lambda x: x),
    "three in a row": (
        lambda x: ops.unsqueeze(ops.flatten(ops.reshape(x, (6,)), axis=0), (0,)),
        lambda x: ops.reshape(x, (1, 1, 6)),
    ),
}


@pytest.mark.parametrize("name", JOINED)
def test_views_join(name: str) -> None:
    left, right = JOINED[name]

    def before(x: f32[2, 3]) -> Value:
        return ops.tanh(left(x))

    def after(x: f32[2, 3]) -> Value:
        return ops.tanh(right(x))

    assert_rewrites(cancel_layout, before, after)


def test_a_computed_shape_becomes_a_constant_and_its_chain_goes() -> None:
    def before(x: f32["n", 4, 1, 1]) -> Value:
        sizes = ops.cast(ops.cast(ops.shape(x), to=i32), to=i64)
        first = ops.slice(sizes, (0,), (1,))
        return ops.reshape(x, ops.concat(first, tensor_data([4], i64[1]), axis=0))

    def after(x: f32["n", 4, 1, 1]) -> Value:
        return ops.reshape(x, (0, 4))

    assert_rewrites(cancel_layout, before, after)


def test_two_dimensions_that_only_the_run_knows_stay() -> None:
    def program(x: f32["n", "m"]) -> Value:
        return ops.reshape(x, ops.concat(ops.shape(x, start=1), ops.shape(x, end=1), axis=0))

    assert_keeps(cancel_layout, program)


@pytest.mark.parametrize(
    "build", [lambda x: ops.flatten(x, axis=0), lambda x: ops.reshape(x, (3, 2)), lambda x: ops.unsqueeze(x, (0,))]
)
def test_a_view_alone_stays_what_it_is(build) -> None:
    def program(x: f32[2, 3]) -> Value:
        return build(x)

    assert_keeps(cancel_layout, program)


def test_a_shape_that_is_an_input_stays() -> None:
    def program(x: f32[2, 3], shape: i64[2]) -> Value:
        return ops.reshape(x, shape)

    assert_keeps(cancel_layout, program)
