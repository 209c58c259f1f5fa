"""When two graphs count as the same, and on what numbers they are compared."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm import ops
from nnvm.equivalence import Reference, agree, candidate_bindings, compare, open_dimensions, random_inputs
from nnvm.errors import Error
from nnvm.ir import (
    Graph,
    TensorData,
    boolean,
    constant,
    dim,
    f16,
    f32,
    f64,
    i32,
    i64,
    named_input,
    tensor_data,
    trace,
    u8,
)

NAN, INF = float("nan"), float("inf")


def floats(*values: float, dtype: Any = np.float32) -> Any:
    return np.array(values, dtype)


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


def halves(x: Any) -> Any:
    return ops.reshape(x, (2, -1))


def two(x: Any) -> Any:
    return {"s": ops.shape(x), "y": ops.relu(x)}


def both(first: Any, second: Any, **types: Any) -> tuple[Graph, Graph]:
    return trace(first, **types), trace(second, **types)


def test_equal_graphs_are_equivalent():
    found = compare(*both(lambda x: ops.relu(x) * 2.0, lambda x: ops.relu(x * 2.0), x=f32[3]))
    assert (found.equivalent, found.differs, found.insensitive) == (True, None, [])
    assert (found.bindings, found.refused) == ([{}], [])
    assert (found.rtol, found.atol) == (1e-4, 1e-4)


def test_the_first_output_that_differs_is_named_with_its_error():
    found = compare(
        *both(
            lambda x: {"a": ops.relu(x), "b": x + 1.0, "c": x},
            lambda x: {"a": ops.relu(x), "b": x + 1.5, "c": x + 9.0},
            x=f32[3],
        )
    )
    assert (found.equivalent, found.differs) == (False, "b")
    assert found.max_abs_error == pytest.approx(9.0, rel=1e-6)


def test_a_difference_at_one_size_alone_is_seen():
    found = compare(
        *both(lambda x: ops.reduce_sum(x) / ops.cast(ops.size(x), to=f32), lambda x: ops.reduce_sum(x), x=f32["n"])
    )
    assert found.equivalent is False
    found = compare(*both(lambda x: x / 1.0, lambda x: x, x=f32["n"]))
    assert found.equivalent is True


def test_an_output_that_no_input_changes_proves_nothing():
    found = compare(*both(lambda x: {"y": x * 0.0}, lambda x: {"y": x * 0.0}, x=f32[3]))
    assert (found.equivalent, found.insensitive) == (None, ["y"])
    found = compare(*both(lambda x: {"y": ops.shape(x)}, lambda x: {"y": ops.shape(x)}, x=f32["n", 3]))
    assert (found.equivalent, found.insensitive) == (None, ["y"])


def test_an_insensitive_output_beside_another_is_reported_and_still_compared():
    found = compare(*both(two, two, x=f32["n", 3]))
    assert (found.equivalent, found.insensitive) == (True, ["s"])
    found = compare(*both(two, lambda x: {"s": ops.shape(x) + 1, "y": ops.relu(x)}, x=f32["n", 3]))
    assert (found.equivalent, found.differs) == (False, "s")


def test_bindings_hold_a_one_and_a_prime():
    found = compare(*both(lambda x: ops.relu(x), lambda x: ops.relu(x), x=f32["n", "m"]))
    assert len(found.bindings) == 3
    assert {"n": 1, "m": 1} in found.bindings
    assert {"n": 7, "m": 11} in found.bindings
    assert not found.refused


def test_bindings_that_the_original_refuses_are_listed():
    found = compare(*both(halves, halves, x=f32["n"]))
    assert found.equivalent is True
    assert {"n": 7} in found.refused
    assert len(found.bindings) == 3
    assert {"n": 2} in found.bindings
    assert not [row for row in found.bindings if row in found.refused]


def odd(x: Any) -> Any:
    return ops.reshape(ops.concat(x, x, tensor_data([1.0], f32[1]), axis=0), (2, -1))


def test_an_original_that_never_runs_is_an_error():
    with pytest.raises(Error, match=r"none of the sizes tried.*--set-dim"):
        compare(*both(odd, odd, x=f32["n"]))


def test_bindings_and_seeds_may_be_given():
    found = compare(*both(lambda x: ops.relu(x), lambda x: ops.relu(x), x=f32["n"]), bindings=[{"n": 4}], seeds=5)
    assert found.bindings == [{"n": 4}]


@pytest.mark.parametrize(("type", "limit"), [(f64[3], 1e-9), (f32[3], 1e-4), (f16[3], 1e-2), (i64[3], 0.0)])
def test_the_tolerance_goes_with_the_outputs(type, limit):
    found = compare(*both(lambda x: ops.neg(x), lambda x: ops.neg(x), x=type))
    assert (found.rtol, found.atol) == (limit, limit)


def test_random_inputs_by_dtype():
    inputs = [named_input("f", f32["n", 500]), named_input("i", i32[1000]), named_input("b", boolean[1000])]
    arrays = random_inputs(Graph((), inputs), {"n": 2}, seed=1)
    assert {name: (array.dtype.name, array.shape) for name, array in arrays.items()} == {
        "f": ("float32", (2, 500)),
        "i": ("int32", (1000,)),
        "b": ("bool", (1000,)),
    }
    assert abs(arrays["f"].mean()) < 0.2 < arrays["f"].std()
    assert set(arrays["i"].tolist()) == set(range(10))
    assert 300 < arrays["b"].sum() < 700
    again = random_inputs(Graph((), inputs), {"n": 2}, seed=1)
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)
    assert not np.array_equal(arrays["f"], random_inputs(Graph((), inputs), {"n": 2}, seed=2)["f"])


@given(st.integers(-5, 5), st.integers(0, 5), st.integers(0, 99))
def test_random_inputs_within_limits(low, width, seed):
    inputs = [named_input("f", f64[50]), named_input("i", i64[50])]
    arrays = random_inputs(Graph((), inputs), {}, seed, (low, low + width))
    for array in arrays.values():
        assert low <= array.min() <= array.max() <= low + width


@pytest.mark.parametrize(("type", "told"), [(None, "--input x=FILE.npy"), (f32["n"], "--set-dim NAME=INT")])
def test_inputs_that_cannot_be_drawn_say_what_to_give(type, told):
    with pytest.raises(Error, match=told):
        random_inputs(Graph((), [named_input("x", type)]), {}, 0)


def test_dimensions_are_open_in_the_order_of_the_axes():
    inputs = [
        named_input("x", f32["z", 3, "a"]),
        named_input("y", u8["a", dim("k") + dim("z")]),
        named_input("q", None),
    ]
    assert open_dimensions(Graph((), inputs)) == ("z", "a", "k")


def test_candidates_are_many_and_none_twice():
    assert candidate_bindings(trace(lambda x: x, x=f32[3])) == [{}]
    rows = candidate_bindings(trace(lambda x: x, x=f32["n", 3, "h", "w"]))
    assert len({tuple(row.items()) for row in rows}) == len(rows) >= 5
    assert {"n": 1, "h": 224, "w": 224} in rows
    assert all(set(row) == {"n", "h", "w"} for row in rows)
    assert any(row["h"] != row["w"] for row in rows)


def test_a_reference_runs_once_for_many_comparisons():
    original = trace(lambda x: ops.relu(x), x=f32["n"])
    reference = Reference(original, seeds=2, seed=5)
    assert [binding for binding, _ in reference.rows] == [{"n": 1}, {"n": 7}, {"n": 2}]
    assert all(len(outputs) == 2 for _, outputs in reference.rows)
    expected = [np.maximum(arrays["x"], 0) for arrays in reference.inputs({"n": 7})]
    assert all(np.array_equal(a, b[0]) for a, b in zip(expected, reference.rows[1][1], strict=True))
    assert compare(reference, original).equivalent is True
    assert compare(reference, trace(lambda x: ops.tanh(x), x=f32["n"])).equivalent is False
    refused = Reference(trace(odd, x=f32["n"]))
    assert refused.rows == []
    assert refused.refused
    with pytest.raises(Error, match=r"none of the sizes tried"):
        compare(refused, trace(odd, x=f32["n"]))


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


def test_integers_are_drawn_from_all_that_they_pick_from():
    def net(ids, table, rest):
        return ops.gather(table, ids), rest

    graph = trace(net, ids=i64[400], table=f32[50, 2], rest=i64[400])
    drawn = random_inputs(graph, {}, 0)
    assert set(drawn["ids"]) == set(range(50))
    assert set(drawn["rest"]) == set(range(10))
    assert set(random_inputs(graph, {}, 0, most=2)["ids"]) == {0, 1}
    assert set(random_inputs(graph, {}, 0, (3, 4))["ids"]) == {3, 4}
    assert list(random_inputs(graph, {}, 0, given=("ids", "table"))) == ["rest"]


def stepped(divides: bool):
    """Return a network whose scale is found from its weights, and rounds what it multiplies to whole steps."""
    random = np.random.default_rng(0)
    weight = TensorData(f32[64, 64], random.standard_normal((64, 64)).astype("f").tobytes())
    gain = TensorData(f32[64], random.standard_normal(64).astype("f").tobytes())

    def net(x):
        scaled = x * constant(data=gain)
        root = ops.sqrt(ops.reduce_mean(scaled * scaled, tensor_data((1,), i64[1])))
        normal = scaled / root if divides else scaled * ops.reciprocal(root)
        return ops.matmul(ops.round(normal * 300.0), constant(data=weight))

    return trace(net, x=f32[512, 64])


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


def test_a_mask_holds_zeros_and_ones():
    mask, other = named_input("Attention_Mask", i64[400]), named_input("other", i64[400])
    drawn = random_inputs(Graph((), [mask, other]), {}, 0)
    assert set(drawn["Attention_Mask"]) == {0, 1}
    assert set(drawn["other"]) == set(range(10))


def test_an_open_or_empty_dimension_limits_as_far_as_it_is_known():
    graph = trace(lambda ids, table: ops.gather(table, ids), ids=i64[400], table=f32["n", 2])
    assert set(random_inputs(graph, {"n": 3}, 0)["ids"]) == {0, 1, 2}
    with pytest.raises(Error, match="open dimensions"):
        random_inputs(graph, {}, 0)
    empty = trace(lambda ids, table: ops.gather(table, ids), ids=i64[400], table=f32[0, 2])
    assert set(random_inputs(empty, {}, 0)["ids"]) == set(range(10))


def test_at_last_only_the_last_axes_are_longer_than_one():
    x, state = named_input("x", f32["b", "t"]), named_input("state", f32[2, "c", 8])
    assert {"b": 1, "t": 512, "c": 1} in candidate_bindings(Graph((), [x, state]))
