from math import inf, nan

from nnvm import ops
from nnvm.analyses.index_limits import index_limits
from nnvm.ir import f32, i32, i64, tensor_data, trace


def limits(net, **types):
    return {
        name: [(str(size), more) for size, more in found] for name, found in index_limits(trace(net, **types)).items()
    }


def test_an_embedding_limits_its_input_through_what_moves_elements():
    def net(ids, table, other):
        whole = ops.reshape(ops.cast(ids, to=i64), tensor_data((-1,), i64[1]))
        return ops.gather(table, whole), ops.gather(other, ops.gather(whole, tensor_data((0,), i64[1])))

    assert limits(net, ids=i32["n", 5], table=f32[7, 3], other=f32[4, 3]) == {"ids": [("7", 0), ("4", 0)]}


def test_what_is_added_counts():
    def net(ids, table):
        return ops.gather(table, ops.add(tensor_data((0, 4), i64[2]), ops.add(ids, tensor_data(-1, i64[()]))))

    assert limits(net, ids=i64["n", 2], table=f32[9, 3]) == {"ids": [("9", 4)]}


def test_other_arithmetic_says_nothing():
    def net(ids, table, x):
        return ops.gather(table, ids * 2), x + 1

    assert limits(net, ids=i64["n"], table=f32[9, 3], x=f32[3]) == {}


def test_what_is_added_may_be_huge_and_need_not_be_whole():
    def net(ids, table):
        rough = ops.add(ops.cast(ids, to=f32), tensor_data((inf, -inf, nan, 2.5), f32[4]))
        return ops.gather(table, ops.add(ops.cast(rough, to=i64), tensor_data(3, i64[2**40, 4])))

    assert limits(net, ids=i64[4], table=f32[9, 3]) == {"ids": [("9", 5)]}


def test_places_in_what_is_open_and_in_several_axes():
    def net(x, edges, points, marks, updates):
        return (
            ops.gather(x, edges),
            ops.gather_nd(x, points),
            ops.scatter_elements(x, marks, updates, axis=1),
            ops.gather_elements(x, marks, axis=-1),
        )

    assert limits(net, x=f32["n", 4], edges=i64["m"], points=i64["m", 2], marks=i64["m", 4], updates=f32["m", 4]) == {
        "edges": [("n", 0)],
        "points": [("n", 0), ("4", 0)],
        "marks": [("4", 0)],
    }


def test_lengths_of_sequences_may_be_whole():
    def net(x, lengths, own):
        layer = ops.rnn(x, tensor_data(1.0, f32[1, 2, 3]), tensor_data(1.0, f32[1, 2, 2]), None, lengths)
        return layer[0], ops.reverse_sequence(x, own, time_axis=0, batch_axis=1)

    assert limits(net, x=f32["t", "b", 3], lengths=i32["b"], own=i64["b"]) == {
        "lengths": [("t + 1", 0)],
        "own": [("t + 1", 0)],
    }


def test_a_long_chain_is_no_recursion():
    def net(ids, table):
        for _ in range(20_000):
            ids = ops.identity(ids)
        return ops.gather(table, ids)

    assert limits(net, ids=i64["n"], table=f32[7, 3]) == {"ids": [("7", 0)]}
