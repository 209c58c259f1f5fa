"""Products that take their matrices transposed, and those that do not."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites

from nnvm import ops
from nnvm.ir import Value, f32, i32
from nnvm.passes import cancel_layout

TAKEN = {
    "the first": (lambda a, b: ops.transpose(a) @ b, lambda a, b: ops.gemm(a, b, transpose_a=True)),
    "the second": (lambda a, b: a @ ops.transpose(b, perm=(1, 0)), lambda a, b: ops.gemm(a, b, transpose_b=True)),
    "one that is taken so already": (
        lambda a, b: ops.gemm(ops.transpose(a), ops.exp(b), a, transpose_a=True, alpha=0.5, beta=2.0),
        lambda a, b: ops.gemm(a, ops.exp(b), a, alpha=0.5, beta=2.0),
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_product_takes_it_transposed(name: str) -> None:
    left, right = TAKEN[name]

    def before(a: f32[3, 3], b: f32[3, 3]) -> Value:
        return ops.relu(left(a, b))

    def after(a: f32[3, 3], b: f32[3, 3]) -> Value:
        return ops.relu(right(a, b))

    assert_rewrites(cancel_layout, before, after)


def test_what_others_read_stays_transposed() -> None:
    def program(a: f32["n", 4], b: f32["n", 3]) -> tuple[Value, ...]:
        turned = ops.transpose(a)
        return turned @ b, ops.softmax_from(turned)

    assert_keeps(cancel_layout, program)


def test_batches_and_whole_numbers_stay() -> None:
    def program(a: f32[2, "n", 4], b: f32[2, "n", 3], c: i32[3, 4]) -> tuple[Value, ...]:
        return ops.transpose(a, perm=(0, 2, 1)) @ b, ops.transpose(c) @ c

    assert_keeps(cancel_layout, program)
