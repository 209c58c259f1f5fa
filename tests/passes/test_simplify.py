"""What `simplify` does beyond its equations: biases, dropouts, and chains of everything."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites, operators

from nnvm import ops
from nnvm.ir import Graph, Node, TensorData, Value, boolean, f32, foreign, i32, named_input, tensor_data, trace
from nnvm.passes import simplify
from nnvm.passes.simplify import RULES


def weight(*shape: int) -> TensorData:
    return tensor_data(0.5, f32[shape])


BIASED = {
    "a vector": lambda x, b: ops.matmul(x, weight(3, 4)) + b,
    "a vector first": lambda x, b: b + ops.matmul(x, weight(3, 4)),
    "gemm without c": lambda x, b: ops.gemm(x, weight(3, 4)) + b,
}


@pytest.mark.parametrize("name", BIASED)
def test_a_product_takes_its_bias(name: str) -> None:
    def before(x: f32["n", 3], b: f32[4]) -> Value:
        return BIASED[name](x, b)

    def after(x: f32["n", 3], b: f32[4]) -> Value:
        return ops.gemm(x, weight(3, 4), b)

    assert_rewrites(simplify, before, after)


def test_a_row_is_a_bias_too() -> None:
    def before(x: f32["n", 3]) -> Value:
        return ops.gemm(x, weight(4, 3), alpha=0.5, beta=7.0, transpose_b=True) + weight(1, 4)

    def after(x: f32["n", 3]) -> Value:
        return ops.gemm(x, weight(4, 3), weight(1, 4), alpha=0.5, transpose_b=True)

    assert_rewrites(simplify, before, after)


UNBIASED = {
    "a column": (f32[2, 3], lambda x: ops.matmul(x, weight(3, 4)) + weight(2, 1)),
    "a matrix": (f32[2, 3], lambda x: ops.matmul(x, weight(3, 4)) + weight(2, 4)),
    "of higher rank": (f32[2, 3], lambda x: ops.matmul(x, weight(3, 4)) + weight(1, 1, 4)),
    "three dimensions": (f32[2, 2, 3], lambda x: ops.matmul(x, weight(3, 4)) + weight(4)),
    "with c": (f32[2, 3], lambda x: ops.gemm(x, weight(3, 4), weight(4)) + weight(4)),
    "a computed weight": (f32[3, 3], lambda x: ops.matmul(x, x) + weight(3)),
    "whole numbers": (i32[2, 3], lambda x: ops.matmul(x, tensor_data(1, i32[3, 4])) + tensor_data(1, i32[4])),
    "of unknown rank": (f32[...], lambda x: ops.matmul(x, weight(3, 4)) + weight(4)),
}


@pytest.mark.parametrize("name", UNBIASED)
def test_what_is_no_bias_stays(name: str) -> None:
    type, build = UNBIASED[name]
    graph = trace(build, x=type)
    assert simplify(graph) is graph


def test_a_product_that_others_read_stays() -> None:
    def program(x: f32[2, 3]) -> tuple[Value, ...]:
        product = ops.matmul(x, weight(3, 4))
        return product + weight(4), product

    assert_keeps(simplify, program)


def test_a_product_that_is_read_through_an_identity_stays() -> None:
    graph = trace(lambda x: _twice(ops.matmul(x, weight(3, 4))), x=f32[2, 3])
    assert operators(simplify(graph)).count("gemm") == 0


def _twice(product: Value) -> tuple[Value, ...]:
    return ops.dropout(product)[0] + weight(4), ops.exp(product)


def test_dropout_goes_at_inference() -> None:
    def before(x: f32["n", 3]) -> Value:
        kept, _ = ops.dropout(x, tensor_data(0.5, f32[()]), tensor_data(False, boolean[()]))
        return ops.tanh(ops.dropout(kept)[0])

    def after(x: f32["n", 3]) -> Value:
        return ops.tanh(x)

    assert_rewrites(simplify, before, after)


def test_a_mask_that_is_wanted_is_all_true() -> None:
    def before(x: f32[2, 3]) -> tuple[Value, ...]:
        kept, mask = ops.dropout(x)
        return ops.tanh(kept), ops.logical_not(mask)

    def after(x: f32[2, 3]) -> tuple[Value, ...]:
        return ops.tanh(x), ops.logical_not(tensor_data(True, boolean[2, 3]))

    assert_rewrites(simplify, before, after)


def test_a_mask_of_unknown_shape_and_a_dropout_in_training_stay() -> None:
    def program(x: f32["n", 3]) -> tuple[Value, ...]:
        training = ops.dropout(x, tensor_data(0.5, f32[()]), tensor_data(True, boolean[()]))[0]
        return ops.dropout(x)[1], training

    assert_keeps(simplify, program)


def test_names_of_outputs_stay() -> None:
    made = simplify(trace(lambda x: {"y": ops.identity(x), "z": ops.exp(x + 0)}, x=f32[2]))
    assert made.output_names == ("y", "z")
    assert made.outputs[0] is made.inputs[0]


def test_every_equation_has_a_sentence_and_a_name_of_its_own() -> None:
    assert [each.name for each in RULES if not each.doc] == []
    assert len({each.name for each in RULES}) == len(RULES)


def test_a_long_chain_of_everything() -> None:
    def chain(x):
        for _ in range(4_000):
            x = ops.relu(ops.relu(ops.identity(-(-(x * 1 + 0)))))  # noqa: B002
        return x

    assert operators(simplify(trace(chain, x=f32["n"]))) == ["relu"]


def test_a_long_chain_that_stays() -> None:
    def chain(x):
        for _ in range(20_000):
            x = ops.tanh(x)
        return x

    graph = trace(chain, x=f32[2])
    assert simplify(graph) is graph


def test_what_stands_behind_an_unknown_operator_is_simplified_too() -> None:
    x = named_input("x", f32[3])
    (odd,) = Node(foreign("Magic", "com.acme"), (x,)).outputs
    graph = simplify(Graph([ops.relu(ops.relu(ops.identity(ops.neg(ops.neg(odd)))))]))
    assert [node.op.name for node in graph.nodes] == ["input", "Magic", "relu"]
    kept = simplify(Graph([odd * 1.0 + 0.0]))
    assert [node.op.name for node in kept.nodes if node.inputs] == ["Magic", "mul", "add"]
