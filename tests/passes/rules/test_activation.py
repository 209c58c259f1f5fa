"""Clips that meet, and the hard sigmoids that they spell out."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites, folding, operators

from nnvm import ops
from nnvm.ir import ABSENT, Value, f16, f32, f64, i64, tensor_data
from nnvm.passes import simplify


def clip(x: Value, low: float | None, high: float | None) -> Value:
    limits = [ABSENT if limit is None else tensor_data(limit, x.dtype[()]) for limit in (low, high)]
    return ops.clip(x, *limits)


MEETING = {
    "relu relu": (lambda x: ops.relu(ops.relu(x)), ops.relu),
    "clip clip": (lambda x: clip(clip(x, 0, 6), 1, 7), lambda x: clip(x, 1, 6)),
    "open clips": (lambda x: clip(clip(x, -1, None), None, 2), lambda x: clip(x, -1, 2)),
    "relu clip": (lambda x: ops.relu(clip(x, -1, 6)), lambda x: clip(x, 0, 6)),
    "clip relu": (lambda x: clip(ops.relu(x), -1, 6), lambda x: clip(x, 0, 6)),
    "clip relu at infinity": (lambda x: clip(ops.relu(x), -1, float("inf")), ops.relu),
    "clip from zero": (lambda x: clip(x, 0, None), ops.relu),
    "clip from zero to infinity": (lambda x: clip(x, 0, float("inf")), ops.relu),
    "clip without limits": (lambda x: clip(x, None, None), lambda x: x),
    "clip to infinities": (lambda x: clip(x, float("-inf"), float("inf")), lambda x: x),
}


@pytest.mark.parametrize("name", MEETING)
def test_clips_meet(name: str) -> None:
    left, right = MEETING[name]

    def before(x: f32[2, "n"]) -> Value:
        return ops.tanh(left(x))

    def after(x: f32[2, "n"]) -> Value:
        return ops.tanh(right(x))

    assert_rewrites(simplify, before, after)


APART = {
    "apart": lambda x: clip(clip(x, 0, 1), 2, 3),
    "relu of a negative limit": lambda x: ops.relu(clip(x, -3, -1)),
    "one limit": lambda x: clip(x, 1, None),
    "not a number": lambda x: clip(x, float("nan"), None),
    "computed limit": lambda x: ops.relu(ops.clip(x, ops.reduce_sum(x, keepdims=False))),
}


@pytest.mark.parametrize("name", APART)
def test_clips_that_stay(name: str) -> None:
    def program(x: f32[2, 3]) -> Value:
        return APART[name](x)

    assert_keeps(simplify, program)


def test_whole_numbers_have_no_relu() -> None:
    def program(x: i64[3]) -> Value:
        return clip(x, 0, None)

    assert_keeps(simplify, program)


GATES = {
    "x * gate / 6": lambda x, y: x * clip(x + 3, 0, 6) / 6,
    "gate * x / 6": lambda x, y: clip(3 + x, 0, 6) * x / 6,
    "x * (gate / 6)": lambda x, y: x * (clip(x + 3, 0, 6) / 6),
    "x * gate * (1 / 6)": lambda x, y: x * clip(x + 3, 0, 6) * (1 / 6),
    "(1 / 6) * (gate * x)": lambda x, y: (1 / 6) * (clip(x + 3, 0, 6) * x),
}


@pytest.mark.parametrize("name", GATES)
def test_hard_swish_is_two_nodes(name: str) -> None:
    def before(x: f32["n", 3], y: f32["n", 3]) -> Value:
        return GATES[name](x, y)

    def after(x: f32["n", 3], y: f32["n", 3]) -> Value:
        return x * ops.hard_sigmoid(x, alpha=1 / 6, beta=0.5)

    assert_rewrites(simplify, before, after)


def test_any_height_and_shift() -> None:
    def before(x: f32[4], y: f32[4]) -> Value:
        return y * clip(x + 1, 0, 4) / 4

    def after(x: f32[4], y: f32[4]) -> Value:
        return y * ops.hard_sigmoid(x, alpha=0.25, beta=0.25)

    assert_rewrites(simplify, before, after)


NO_GATES = {
    "another divisor": lambda x: clip(x + 3, 0, 6) / 5,
    "another floor": lambda x: clip(x + 3, 1, 6) / 6,
    "another factor": lambda x: clip(x + 3, 0, 6) * 0.17,
    "a vector": lambda x: clip(x + tensor_data([1.0, 2.0, 3.0], f32[3]), 0, 6) / 6,
    "no limit": lambda x: clip(x + 3, 0, float("inf")) / float("inf"),
    "turned": lambda x: 6 / clip(x + 3, 0, 6),
}


@pytest.mark.parametrize("name", NO_GATES)
def test_what_is_no_gate_stays(name: str) -> None:
    def program(x: f32[2, 3]) -> Value:
        return NO_GATES[name](x)

    before, after = [operators(graph) for graph in _both(program)]
    assert "hard_sigmoid" not in after
    assert len(before) == len(after)


def _both(program):
    from nnvm.ir import trace

    graph = folding(trace(program))
    return graph, simplify(graph)


def test_half_precision_gates_too() -> None:
    def before(x: f16[4]) -> Value:
        return clip(x + 3, 0, 6) / 6

    def after(x: f16[4]) -> Value:
        return ops.hard_sigmoid(x, alpha=1 / 6, beta=0.5)

    assert_rewrites(simplify, before, after)


def test_double_precision_does_not_for_onnx_runtime_lacks_the_kernel() -> None:
    def program(x: f64[4]) -> Value:
        return clip(x + 3, 0, 6) / 6

    assert_keeps(simplify, program)
