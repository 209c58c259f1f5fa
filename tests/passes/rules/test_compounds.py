"""Each way to spell out an operator is found, and nothing like it."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import math

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites

from nnvm import ops
from nnvm.ir import Value, f16, f32, tensor_data
from nnvm.passes import recognize, simplify

ROOT = math.sqrt(2)
AXIS = (-1,)
GELUS = {
    "divided": lambda x: x * (ops.erf(x / ROOT) + 1) * 0.5,
    "multiplied": lambda x: x * (ops.erf(x * (1 / ROOT)) + 1) * 0.5,
    "half first": lambda x: (0.5 * x) * (1 + ops.erf(x / ROOT)),
    "half of the gate": lambda x: x * (0.5 * (1 + ops.erf(x / ROOT))),
}


@pytest.mark.parametrize("name", GELUS)
def test_gelu(name: str) -> None:
    def before(x: f32["n", 4]) -> Value:
        return GELUS[name](x)

    def after(x: f32["n", 4]) -> Value:
        return ops.gelu(x)

    assert_rewrites(recognize, before, after)


TANHS = {
    "pow": lambda x: 0.5 * x * (1 + ops.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "products": lambda x: x * (1 + ops.tanh((x + 0.044715 * (x * x * x)) * 0.7978845608)) * 0.5,
}


@pytest.mark.parametrize("name", TANHS)
def test_gelu_by_tanh(name: str) -> None:
    def before(x: f32["n", 4]) -> Value:
        return TANHS[name](x)

    def after(x: f32["n", 4]) -> Value:
        return ops.gelu(x, approximate="tanh")

    assert_rewrites(recognize, before, after)


def layer(x: Value, *, power: bool = False, axes: tuple[int, ...] = AXIS, sizes: tuple[int, ...] = (4,)) -> Value:
    scale, bias = (tensor_data([k + 0.5 * i for i in range(math.prod(sizes))], f32[sizes]) for k in (1.0, 2.0))
    centred = x - ops.reduce_mean(x, axes)
    square = centred**2 if power else centred * centred
    return centred / ops.sqrt(ops.reduce_mean(square, axes) + 2**-10) * scale + bias


@pytest.mark.parametrize("power", [False, True])
@pytest.mark.parametrize(("axes", "sizes"), [((-1,), (4,)), ((2,), (4,)), ((1, 2), (3, 4)), ((-1, -2), (3, 4))])
def test_layer_norm(power: bool, axes: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    def before(x: f32["n", 3, 4]) -> Value:
        return layer(x, power=power, axes=axes, sizes=sizes)

    def after(x: f32["n", 3, 4]) -> Value:
        scale, bias = (tensor_data([k + 0.5 * i for i in range(math.prod(sizes))], f32[sizes]) for k in (1.0, 2.0))
        return ops.layer_norm(x, scale, bias, axis=-len(sizes), epsilon=2**-10)

    assert_rewrites(recognize, before, after)


def test_rms_norm() -> None:
    scale = tensor_data([1.0, 2.0, 3.0, 4.0], f32[4])

    def before(x: f32["n", 4]) -> Value:
        return scale * (x / ops.sqrt(ops.reduce_mean(x * x, AXIS) + 2**-10))

    def after(x: f32["n", 4]) -> Value:
        return ops.rms_norm(x, scale, epsilon=2**-10)

    assert_rewrites(recognize, before, after)


def test_what_only_looks_alike_stays() -> None:
    def other_root(x: f32["n", 4]) -> Value:
        return x * (ops.erf(x / 1.5) + 1) * 0.5

    def half(x: f16["n", 4]) -> Value:
        return x * (ops.erf(x / ROOT) + 1) * 0.5

    def first_axis(x: f32[4, 4]) -> Value:
        return layer(x, axes=(0,))

    def two_axes(x: f32[4, 4]) -> Value:
        centred = x - ops.reduce_mean(x, (1,))
        return centred / ops.sqrt(ops.reduce_mean(centred * centred, (0,)) + 2**-10) * tensor_data(
            2.0, f32[4]
        ) + tensor_data(1.0, f32[4])

    for program in (other_root, half, first_axis, two_axes):
        assert_keeps(recognize, program)


@pytest.mark.parametrize("inverse", [ops.reciprocal, lambda y: 1 / y])
def test_multiply_by_inverse(inverse: object) -> None:
    def before(x: f32["n", 4], y: f32[4]) -> Value:
        return x * inverse(y)  # type: ignore[operator]

    def after(x: f32["n", 4], y: f32[4]) -> Value:
        return x / y

    assert_rewrites(simplify, before, after)
