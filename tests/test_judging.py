"""When two results count as the same, and what their last bits may explain."""

import re
from typing import Any

import numpy as np
import pytest

from nnvm import ops
from nnvm.equivalence import compare
from nnvm.errors import Error
from nnvm.ir import (
    Graph,
    Node,
    TensorData,
    constant,
    f32,
    foreign,
    i64,
    named_input,
    params,
    trace,
)
from nnvm.judging import Doubt, _rounded, agree, explained, numpy_run
from nnvm.trial_inputs import random_inputs
from tests.rounding import stepped

NAN, INF = float("nan"), float("inf")


def floats(*values: float, dtype: Any = np.float32) -> Any:
    return np.array(values, dtype)


def both(first: Any, second: Any, **types: Any) -> tuple[Graph, Graph]:
    return trace(first, **types), trace(second, **types)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (floats(1, NAN), floats(1, NAN), True),
        (floats(NAN, 1), floats(1, NAN), False),
        (floats(1, 1), floats(1, NAN), False),
        (floats(1, INF), floats(1, INF), True),
        (floats(1, -INF), floats(1, INF), False),
        (floats(1, 3e38), floats(1, INF), False),
        (floats(1, NAN), floats(1, INF), False),
        (floats(NAN, NAN), floats(NAN, NAN), True),
        (floats(INF), floats(INF), True),
    ],
)
def test_what_is_not_finite_must_be_the_same(a, b, expected):
    assert agree(a, b)[0] is expected
    assert agree(a, b)[1] == (0.0 if expected else INF)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64, np.bool_])
def test_integers_are_exact(dtype):
    a = np.array([0, 1, 1], dtype)
    assert agree(a, a.copy()) == (True, 0.0)
    assert agree(a, np.array([0, 1, 0], dtype)) == (False, INF)


def test_large_integers_are_not_compared_as_floats():
    a = np.array([2**62], np.int64)
    assert not agree(a, a + 1)[0]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float32)),
        (np.zeros(1, np.float32), np.zeros((), np.float32)),
        (np.zeros(2, np.float32), np.zeros(2, np.float64)),
        (np.zeros(2, np.int32), np.zeros(2, np.int64)),
    ],
)
def test_shapes_and_dtypes_must_be_the_same(a, b):
    assert agree(a, b) == (False, INF)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-4), (np.float16, 1e-2)])
def test_the_edges_of_the_tolerance(dtype, tolerance):
    expected = np.array([8, 0, -4], dtype)
    for i in range(3):
        limit = tolerance * 8 + tolerance * abs(float(expected[i]))
        inside, outside = expected.copy(), expected.copy()
        inside[i] += dtype(limit * 0.9)
        outside[i] += dtype(limit * 1.2)
        assert agree(inside, expected)[0]
        same, error = agree(outside, expected)
        assert not same
        assert error == pytest.approx(limit * 1.2, rel=0.2)


def test_a_tolerance_given_replaces_the_usual_one():
    a, b = floats(1.0), floats(1.01)
    assert not agree(a, b)[0]
    assert agree(a, b, 0.01)[0]
    assert not agree(b, b + np.float32(1e-6), 0.0)[0]


def test_the_tolerance_does_not_grow_with_an_infinity():
    assert not agree(floats(1.1, INF), floats(1.0, INF))[0]


def test_half_precision_does_not_overflow_in_the_comparison():
    assert agree(floats(-60000, dtype=np.float16), floats(60000, dtype=np.float16)) == (False, 120000.0)


def test_complex_numbers_and_empty_arrays():
    assert agree(np.array([1 + 2j], np.complex64), np.array([1 + 2j], np.complex64))[0]
    assert not agree(np.array([1 + 2j], np.complex64), np.array([1 - 2j], np.complex64))[0]
    assert agree(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)) == (True, 0.0)


def ill_conditioned(better):
    """A difference of nearly equal sums, in which float32 loses most digits; exactly or at once."""

    def graph(x):
        total = ops.reduce_sum(x, (0,))
        if better:
            return {"y": total if better == "exact" else total + 100.0}
        return {"y": ops.reduce_sum(x + 1e6, (0,)) - ops.reduce_sum(x * 0.0 + 1e6, (0,))}

    return trace(graph, x=f32[64, 3])


def test_where_float64_is_nearer_to_the_result_it_is_equivalent_and_says_so():
    found = compare(ill_conditioned(None), ill_conditioned("exact"))
    assert found.differs == "y"
    assert found.equivalent is True
    assert "float64 is nearer to the result" in found.judged


def test_where_float64_is_nearer_to_the_original_it_is_not_equivalent():
    found = compare(ill_conditioned("exact"), ill_conditioned(None))
    assert (found.equivalent, found.judged) == (False, None)
    found = compare(ill_conditioned(None), ill_conditioned("wrong"))
    assert (found.equivalent, found.judged) == (False, None)


def test_a_step_that_the_last_bit_of_a_weight_takes_is_no_difference():
    found = compare(stepped(True), stepped(False), seeds=10)
    assert found.max_abs_error > 0.1
    assert found.equivalent is True
    assert found.judged is not None
    assert found.judged.startswith("with other last bits in its weights the original changes by ")


def test_a_difference_larger_than_steps_remains_one():
    right = stepped(True)
    wrong = right.replace(outputs=[right.outputs[0] * 1.01])
    assert compare(right, wrong).equivalent is False


@pytest.mark.parametrize("wrong", [1.0, 2.0, 4.0])
def test_what_is_wrong_by_less_than_a_step_is_found_where_it_is_wrong_everywhere(wrong):
    right, other = stepped(True), stepped(False)
    assert compare(right, other, seeds=10).equivalent is True
    assert compare(right, other.replace(outputs=[other.outputs[0] + wrong]), seeds=10).equivalent is False


def test_only_an_output_that_is_made_of_what_was_rounded_may_differ():
    def smooth(graph, shift):
        x = graph.inputs[0]
        return graph.replace(outputs=[graph.outputs[0], ops.reduce_mean(x, (1,)) + shift], output_names=["y", "z"])

    found = compare(smooth(stepped(True), 0.0), smooth(stepped(False), 0.0), seeds=10)
    assert (found.equivalent, found.differs) == (True, "y")
    assert "it rounds to steps" in found.judged
    found = compare(smooth(stepped(True), 0.0), smooth(stepped(False), 1e-3), seeds=10)
    assert (found.equivalent, found.judged) == (False, None)


def test_last_bits_excuse_nothing_where_nothing_is_rounded():
    weight = constant(data=TensorData(f32[64, 64], np.eye(64, dtype="f").tobytes()))

    def net(x, shift):  # a difference of large numbers changes much with the last bits of its weights
        return (ops.matmul(x + 1e5, weight) - (x + 1e5)) * 1e3 + shift

    original, changed = (trace(lambda x, s=s: net(x, s), x=f32[8, 64]) for s in (0.0, 1.0))
    found = compare(original, changed)
    assert (found.equivalent, found.judged) == (False, None)


def test_integers_that_differ_are_never_excused():
    original, changed = (
        graph.replace(outputs=[ops.cast(graph.outputs[0] * 1e3, to=i64)]) for graph in (stepped(True), stepped(False))
    )
    found = compare(original, changed, seeds=10)
    assert (found.equivalent, found.judged) == (False, None)


def test_every_input_on_which_results_differ_is_judged():
    right, other = stepped(True), stepped(False)
    runs = numpy_run(right), numpy_run(other)
    doubts = []
    for seed in range(10):
        arrays = random_inputs(right, {}, seed)
        doubts.append(Doubt(arrays, *(run(arrays) for run in reversed(runs))))
    assert explained(right, other, None, doubts) is not None
    last = doubts[-1]
    doubts[-1] = Doubt(last.arrays, [last.given[0] + 5], last.wanted)
    assert explained(right, other, None, doubts) is None


def test_the_least_change_of_last_bits_that_explains_it_is_told_and_float64_bears_it_out():
    found = compare(stepped(True), stepped(False), seeds=10)
    assert re.search(r"here by .* \([124] units? in the last place; it rounds to steps\), (and|as) ", found.judged)


def test_carried_operators_round_as_their_names_say():
    rounding = ["com.microsoft::DynamicQuantizeLSTM", "com.microsoft::QLinearAdd", "com.acme::QGemm", "FakeQuantize"]
    smooth = ["com.microsoft::QuickGelu", "com.microsoft::BiasGelu", "Quantum::Add", "If"]

    def rounds(name, nodes):
        x = named_input("x", f32[3])
        made = Node(foreign(name, "onnx"), (x,), params(nodes), (f32[3],)).outputs[0]
        return _rounded(Graph([made, x], [x])) == [True, False]

    assert all(rounds(name, {}) for name in rounding)
    assert not any(rounds(name, {}) for name in smooth)


def test_numpy_run_refuses_what_it_has_no_kernel_for():
    x = named_input("x", f32[3])
    graph = Graph(Node(foreign("Odd", "onnx"), (x,), params({}), (f32[3],)).outputs, [x])
    with pytest.raises(Error, match="numpy has no kernel for Odd, so nothing was run"):
        numpy_run(graph)
