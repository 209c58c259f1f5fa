"""When two graphs count as the same, and at which sizes they are compared."""

from typing import Any

import numpy as np
import pytest

from nnvm import ops
from nnvm.equivalence import Reference, compare
from nnvm.errors import Error
from nnvm.ir import (
    Graph,
    f16,
    f32,
    f64,
    i64,
    tensor_data,
    trace,
)


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


def test_the_last_of_several_seeds_holds_zeros():
    graph = trace(lambda x: ops.relu(x), x=f32[1000])
    drawn = [arrays["x"] for arrays in Reference(graph).inputs({})]
    assert [bool((array == 0).any()) for array in drawn] == [False, False, True]
    assert not any((arrays["x"] == 0).any() for arrays in Reference(graph, seeds=1).inputs({}))


def test_a_difference_at_exact_zeros_alone_is_seen():
    original = trace(lambda x: x * 1.0, x=f32[100])
    changed = trace(lambda x: ops.where(ops.equal(x, tensor_data(0.0, f32[()])), x + 1.0, x), x=f32[100])
    assert compare(original, changed).equivalent is False
