"""One number goes back to the weights that lead to it, and to none that somebody else sees."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.laws.agree import assert_agree
from tests.passes.rewrites import BINDING, assert_keeps, folding, operators

from nnvm import ops
from nnvm.ir import TensorData, Value, f32, f64, tensor_data, trace
from nnvm.passes import fold_normalization


def weight(*shape: int) -> TensorData:
    count = 1
    for size in shape:
        count *= size
    return tensor_data([0.5 + 0.1 * i for i in range(count)], f32[shape])


def heads(x: Value, *, turned: bool = False) -> Value:
    return ops.transpose(ops.reshape(x @ weight(4, 6), (0, -1, 2, 3)), perm=(0, 2, 3, 1) if turned else (0, 2, 1, 3))


SUNK = {
    "product of two": lambda x: (heads(x) @ heads(x, turned=True)) / 1.75,
    "a bias on the way": lambda x: ops.transpose(x @ weight(4, 6) + weight(6), perm=(0, 2, 1)) * 0.5,
    "a difference on the way": lambda x: ops.neg(weight(6) - x @ weight(4, 6)) * 0.5,
    "elementwise product": lambda x: (ops.tanh(x) * ops.neg(x @ weight(4, 4))) * 2,
    "a product with a constant": lambda x: ops.neg(ops.tanh(x) * weight(4)) * 3,
}


@pytest.mark.parametrize("name", SUNK)
def test_the_scale_goes_into_weights(name: str) -> None:
    def before(x: f32["n", "m", 4]) -> Value:
        return SUNK[name](x)

    graph = trace(before)
    made = folding(fold_normalization(graph))
    assert len(operators(made)) == len(operators(graph)) - 1
    assert_agree(graph, made, BINDING)


def test_what_somebody_else_reads_is_not_scaled() -> None:
    def read_twice(x: f32["n", 4]) -> dict[str, Value]:
        y = ops.neg(x @ weight(4, 4))
        return {"y": y * 2, "z": ops.tanh(y)}

    def nonlinear(x: f32["n", 4]) -> Value:
        return ops.tanh(x @ weight(4, 4)) * 2

    def sum_of_two(x: f32["n", 4], y: f32["n", 4]) -> Value:
        return (ops.neg(x @ weight(4, 4)) + y) * 2

    def by_zero(x: f64["n", 4]) -> Value:
        return ops.neg(ops.neg(x)) * 0

    for program in (read_twice, nonlinear, sum_of_two, by_zero):
        assert_keeps(fold_normalization, program)
