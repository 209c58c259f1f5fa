"""On what numbers graphs are compared, and at which sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import Graph, boolean, dim, f16, f32, f64, i32, i64, named_input, trace, u8
from nnvm.trial_inputs import candidate_bindings, open_dimensions, random_inputs


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


def test_zeros_are_an_eighth_of_the_floats_and_the_rest_stays():
    inputs = [named_input("f", f32[40, 100]), named_input("h", f16[4000]), named_input("i", i32[4000])]
    graph = Graph((), [*inputs, named_input("b", boolean[4000]), named_input("s", f32[()])])
    plain, holed = (random_inputs(graph, {}, 3, zeros=zeros) for zeros in (False, True))
    for name in ("f", "h"):
        assert not (plain[name] == 0).any()
        assert 0.1 < (holed[name] == 0).mean() < 0.15
        assert np.array_equal(plain[name][holed[name] != 0], holed[name][holed[name] != 0])
    assert all(np.array_equal(plain[name], holed[name]) for name in ("i", "b"))
    again = random_inputs(graph, {}, 3, zeros=True)
    assert all(np.array_equal(holed[name], again[name]) for name in again)


def test_there_are_no_zeros_outside_the_limits():
    graph = Graph((), [named_input("f", f32[1000])])
    assert (random_inputs(graph, {}, 0, (1, 2), zeros=True)["f"] >= 1).all()
    assert (random_inputs(graph, {}, 0, (-1, 2), zeros=True)["f"] == 0).any()
