"""Scales and shifts that move into weights, and those that must not."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import numpy as np
import pytest
from tests.laws.agree import assert_agree
from tests.passes.rewrites import BINDING, assert_keeps, folding, operators

from nnvm import ops
from nnvm.ir import ABSENT, DType, TensorData, Value, constant, f16, f32, f64, tensor_data, trace
from nnvm.passes import fold_normalization


def drawn(*shape: int, seed: int = 0, dtype: DType = f32) -> TensorData:
    numbers = np.random.default_rng(seed + sum(shape)).uniform(0.5, 1.5, shape).reshape(-1)
    return tensor_data([float(each) for each in numbers], dtype[shape])


def normal(x: Value, channels: int, dtype: DType = f32) -> Value:
    statistics = [drawn(channels, seed=seed, dtype=dtype) for seed in range(4)]
    return ops.batch_norm(x, *statistics, epsilon=1e-3)


def conv(x: Value, *, out: int = 4, bias: bool = False, **options: object) -> Value:
    return ops.conv(x, drawn(out, 4, 2, 2), drawn(out) if bias else ABSENT, **options)


FOLDED = {
    "conv": lambda x: normal(conv(x), 4),
    "conv with bias": lambda x: normal(conv(x, bias=True), 4),
    "conv in groups": lambda x: normal(ops.conv(x, drawn(8, 1, 3, 3), groups=4, pads=(1, 1, 1, 1)), 8),
    "conv_transpose": lambda x: normal(ops.conv_transpose(x, drawn(4, 3, 2, 2), drawn(3)), 3),
    "conv_transpose in groups": lambda x: normal(ops.conv_transpose(x, drawn(4, 3, 2, 2), groups=2), 6),
    "a number": lambda x: conv(x, bias=True) * 2,
    "a number first": lambda x: 2 * conv(x),
    "a quotient": lambda x: conv(x, bias=True) / drawn(4, 1, 1),
    "a sum without bias": lambda x: conv(x) + drawn(1, 4, 1, 1),
    "a sum with bias": lambda x: drawn(4, 1, 1) + conv(x, bias=True),
    "a number to be added": lambda x: conv(x) + 1.5,
    "a difference": lambda x: conv(x) - drawn(4, 1, 1),
    "one number throughout": lambda x: conv(x) * tensor_data(3.0, f32[4, 1, 1]),
    "all in a row": lambda x: normal((conv(x) + drawn(4, 1, 1)) * drawn(4, 1, 1) - 1.0, 4) / 2,
    "of channels in groups of a transposed one": lambda x: (
        ops.conv_transpose(x, drawn(4, 3, 2, 2), groups=2) * drawn(6, 1, 1)
    ),
}


@pytest.mark.parametrize("name", FOLDED)
def test_they_move_into_convolutions(name: str) -> None:
    graph = trace(FOLDED[name], x=f32["n", 4, 5, "c"])
    made = folding(fold_normalization(graph))
    assert [each for each in operators(made)] in (["conv"], ["conv_transpose"])
    assert_agree(graph, made, BINDING)


PRODUCTS = {
    "gemm": lambda x: ops.gemm(x, drawn(4, 3)) * drawn(3),
    "gemm with c": lambda x: ops.gemm(x, drawn(4, 3), drawn(3), alpha=0.5, beta=2.0) * drawn(1, 3),
    "gemm with a number": lambda x: ops.gemm(x, drawn(4, 3), tensor_data(1.0, f32[()])) * drawn(3) + drawn(3, seed=2),
    "gemm turned": lambda x: ops.gemm(x, drawn(3, 4), drawn(3), transpose_b=True, beta=0.5) / drawn(3) + 1.0,
    "gemm normalised": lambda x: normal(ops.gemm(x, drawn(4, 3), drawn(3)), 3),
    "matmul": lambda x: ops.matmul(x, drawn(4, 3)) * drawn(3),
    "matmul normalised": lambda x: normal(ops.matmul(x, drawn(4, 3)), 3),
    "matmul and a sum": lambda x: (ops.matmul(x, drawn(4, 3)) * 2.0) + drawn(3),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_they_move_into_products(name: str) -> None:
    graph = trace(PRODUCTS[name], x=f32["n", 4])
    made = folding(fold_normalization(graph))
    assert operators(made) in (["gemm"], ["matmul"])
    assert_agree(graph, made, BINDING)


def test_a_product_of_many_matrices_is_scaled_by_columns() -> None:
    graph = trace(lambda x: ops.matmul(x, drawn(4, 3)) * drawn(3), x=f32[2, "n", 4])
    made = folding(fold_normalization(graph))
    assert operators(made) == ["matmul"]
    assert_agree(graph, made, BINDING)


def test_a_computed_bias_that_is_viewed_becomes_the_bias() -> None:
    def build(x: Value) -> Value:
        row = ops.reduce_sum(x, (0, 2, 3), keepdims=False)
        return conv(x) + ops.reshape(row, (1, 4, 1, 1))

    graph = trace(build, x=f32["n", 4, 5, 5])
    made = fold_normalization(graph)
    assert operators(made) == ["reduce_sum", "conv"]
    assert_agree(graph, made, BINDING)


def shared(x: Value) -> tuple[Value, ...]:
    y = conv(x)
    return normal(y, 4), y


STAY = {
    "what is read elsewhere": shared,
    "a normalisation with nothing before it": lambda x: normal(x, 4),
    "a normalisation before": lambda x: conv(normal(x, 4)),
    "one factor for each column": lambda x: conv(x) * drawn(4),
    "one factor for each place": lambda x: conv(x) * drawn(4, 4, 4),
    "a computed factor": lambda x: conv(x) * ops.reduce_sum(x, keepdims=True),
    "a sum of two": lambda x: conv(x) + conv(x, bias=True),
    "a zero below": lambda x: conv(x) / tensor_data([1.0, 2.0, 0.0, 1.0], f32[4, 1, 1]),
    "an infinite factor": lambda x: conv(x) * float("inf"),
    "a square of itself": lambda x: (lambda y: y * y)(conv(x)),
    "taken from a number": lambda x: 1.0 - conv(x),
    "above": lambda x: 1.0 / conv(x),
    "of no variance": lambda x: ops.batch_norm(conv(x), *(tensor_data(0.0, f32[4]),) * 4, epsilon=0.0),
    "of statistics that are computed": lambda x: ops.batch_norm(
        conv(x), *(ops.reduce_sum(x, (0, 2, 3), keepdims=False),) * 4
    ),
}


@pytest.mark.parametrize("name", STAY)
def test_they_stay(name: str) -> None:
    def program(x: f32[1, 4, 5, 5]) -> Value | tuple[Value, ...]:
        return STAY[name](x)

    assert_keeps(fold_normalization, program)


def test_weights_that_are_inputs_stay() -> None:
    def program(x: f32[1, 4, 5, 5], weight: f32[4, 4, 2, 2]) -> Value:
        return normal(ops.conv(x, weight), 4)

    assert_keeps(fold_normalization, program)


def test_a_shift_needs_no_constant_weight() -> None:
    def build(x, weight):
        return ops.conv(x, weight) + drawn(4, 1, 1)

    graph = trace(build, x=f32[1, 4, 5, 5], weight=f32[4, 4, 2, 2])
    made = folding(fold_normalization(graph))
    assert operators(made) == ["conv"]
    assert_agree(graph, made, {})


def test_a_large_weight_that_others_read_is_not_held_twice() -> None:
    def build(x):
        weight = constant(data=tensor_data([0.5, 1.0] * 32768, f32[256, 256]))
        return ops.matmul(x, weight) * drawn(256), ops.matmul(ops.exp(x), weight)

    graph = trace(build, x=f32[2, 256])
    assert fold_normalization(graph) is graph


@pytest.mark.parametrize("dtype", [f16, f64])
def test_element_types_stay_what_they_are(dtype: DType) -> None:
    def build(x):
        return normal(ops.conv(x, drawn(4, 4, 2, 2, dtype=dtype)), 4, dtype)

    made = folding(fold_normalization(trace(build, x=dtype[1, 4, 5, 5])))
    assert operators(made) == ["conv"]
    assert {value.dtype for node in made.nodes for value in node.outputs} == {dtype}


def test_the_name_is_that_of_the_last() -> None:
    def build(x):
        y = ops.conv(x, drawn(4, 4, 2, 2), name="conv")
        return ops.batch_norm(y, *(drawn(4, seed=i) for i in range(4)), name="bn")

    assert folding(fold_normalization(trace(build, x=f32[1, 4, 5, 5]))).outputs[0].name == "bn"


def test_a_long_chain() -> None:
    def build(x):
        y = x
        for _ in range(5_000):
            y = ops.relu(ops.batch_norm(ops.conv(y, weight), *statistics))
        return y

    weight = constant(data=drawn(4, 4, 1, 1))
    statistics = [constant(data=drawn(4, seed=i)) for i in range(4)]
    made = folding(fold_normalization(trace(build, x=f32[1, 4, 2, 2])))
    assert operators(made).count("batch_norm") == 0


BEFORE = {
    "a number": lambda x: conv(x * 2.0, bias=True, pads=(1, 1, 1, 1)),
    "channels": lambda x: conv(drawn(4, 1, 1) * x, strides=(2, 1)),
    "a quotient": lambda x: conv(x / drawn(1, 4, 1, 1), bias=True),
    "a number before groups": lambda x: ops.conv(x / 4.0, drawn(8, 1, 3, 3), groups=4),
}


@pytest.mark.parametrize("name", BEFORE)
def test_a_scale_before_a_convolution_moves_into_it(name: str) -> None:
    graph = trace(BEFORE[name], x=f32["n", 4, 5, "c"])
    made = folding(fold_normalization(graph))
    assert operators(made) == ["conv"]
    assert_agree(graph, made, BINDING)


@pytest.mark.parametrize("turned", [False, True])
def test_a_scale_before_a_product_moves_into_it(turned: bool) -> None:
    def net(x: f32[2, 4]) -> Value:
        y = ops.gemm(x * drawn(4), drawn(3, 4) if turned else drawn(4, 3), drawn(3), transpose_b=turned, alpha=0.5)
        return ops.matmul(ops.relu(y) / 3.0, drawn(3, 2))

    graph = trace(net)
    made = folding(fold_normalization(graph))
    assert operators(made) == ["gemm", "relu", "matmul"]
    assert_agree(graph, made, BINDING)


NOT_BEFORE = {
    "of each pixel": lambda x: conv(x * drawn(5, 6)),
    "of channels in groups": lambda x: ops.conv(x * drawn(4, 1, 1), drawn(4, 2, 1, 1), groups=2),
    "a shift": lambda x: conv(x + 2.0),
    "the end of a gelu": lambda x: conv(x * (ops.erf(x / 1.5) + 1.0) * 0.5),
    "zero": lambda x: conv(x * 0.0),
    "that others read": lambda x: (lambda y: conv(y) + ops.slice(ops.exp(y), (0, 0), (4, 5), (2, 3)))(x * 2.0),
    "that broadcasts": lambda x: conv(ops.reduce_sum(x, (2, 3)) * tensor_data(2.0, f32[1, 1, 5, 6])),
    "a matrix that is turned": lambda x: ops.gemm(
        ops.reshape(x, (4, -1)) * drawn(1, 1), ops.reshape(ops.exp(x), (4, -1)), transpose_a=True
    ),
}


@pytest.mark.parametrize("name", NOT_BEFORE)
def test_a_scale_before_stays(name: str) -> None:
    assert_keeps(fold_normalization, trace_program(NOT_BEFORE[name]))


def trace_program(build: object) -> object:
    def program(x: f32[1, 4, 5, 6]) -> Value:
        return build(x)  # type: ignore[operator]

    return program


def test_a_normalisation_of_joined_convolutions_moves_into_each() -> None:
    def net(x: f32["n", 4, 5, 5]) -> Value:
        joined = ops.concat(conv(x, out=4), conv(x, out=3, bias=True), conv(x, out=2), axis=1)
        return ops.relu(normal(joined, 9) * 2.0 + drawn(9, 1, 1))

    graph = trace(net)
    made = folding(fold_normalization(graph))
    assert operators(made) == ["conv", "conv", "conv", "concat", "relu"]
    assert_agree(graph, made, BINDING)


def test_of_joined_convolutions_all_must_take_it() -> None:
    def beside(x: f32["n", 4, 5, 5]) -> Value:
        return normal(ops.concat(conv(x), ops.relu(conv(x)), axis=1), 8)

    def read(x: f32["n", 4, 5, 5]) -> tuple[Value, ...]:
        y = conv(x)
        return normal(ops.concat(conv(x), y, axis=1), 8), y

    def rows(x: f32["n", 4, 5, 5]) -> Value:
        return normal(ops.concat(conv(x), conv(x), axis=2), 4)

    assert_keeps(fold_normalization, beside)
    assert_keeps(fold_normalization, read)
    assert_keeps(fold_normalization, rows)


def test_a_product_of_vectors_has_no_channels() -> None:
    def program(x: f32[4]) -> Value:
        return ops.matmul(x, drawn(4)) * 2.0 + 1.0

    assert_keeps(fold_normalization, program)
