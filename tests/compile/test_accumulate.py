"""Sums that the kernel of a term computes: where it may, which term, and what stays as it was."""

import numpy as np
import pytest
from tests.compile.nets import image, weights

from nnvm import ops
from nnvm.analyses.schedule import depth_first
from nnvm.compile.accumulate import accumulated
from nnvm.compile.calls import calls_of
from nnvm.ir import Graph, f32, hints, trace
from nnvm.pipeline import backend, compile

NUMPY = backend("numpy")
SHAPE = f32[1, 8, 6, 6]


def conv(x, seed=0):
    return ops.conv(x, weights(8, 8, 1, 1, seed=seed))


def terms(graph: Graph) -> list[str]:
    order = depth_first(graph)
    calls = calls_of(graph, order, NUMPY)
    rest, changed, found = accumulated(graph, order, calls)
    assert len(rest) + len(found) == len(order)
    assert all(changed[total].kernel.endswith("_add/1") for total in found.values())
    return [node.op.name for node in found]


def test_a_term_that_only_its_sum_reads_is_computed_by_the_sum():
    assert terms(trace(lambda x: ops.tanh(conv(x) + ops.relu(x)), x=SHAPE)) == ["conv"]
    assert terms(trace(lambda x: ops.tanh(ops.relu(x) + conv(x)), x=SHAPE)) == ["conv"]
    assert terms(trace(lambda x, w: ops.tanh(x + ops.matmul(x, w)), x=f32[4, 4], w=f32[4, 4])) == ["matmul"]
    assert terms(trace(lambda x, w: ops.tanh(x + ops.gemm(x, w, alpha=2.0)), x=f32[4, 4], w=f32[4, 4])) == ["gemm"]


def test_of_two_terms_the_later_one_is_computed_by_the_sum():
    assert terms(trace(lambda x: ops.tanh(conv(ops.relu(x)) + conv(x, 1)), x=SHAPE)) == ["conv"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.tanh((y := conv(x)) + ops.relu(x)) * y,  # somebody else reads it
        lambda x: (y := conv(x)) + y,
        lambda x: conv(x) + ops.reduce_mean(x, (2, 3)),  # of another type
        lambda x: conv(x) - x,
        lambda x: ops.conv(x, weights(8, 1, 3, 3), groups=8, pads=(1, 1, 1, 1)) + x,  # no kernel adds it
        lambda x: {"y": (y := conv(x)) + x, "z": y},  # the caller reads it
    ],
)
def test_other_sums_stay(function):
    assert terms(trace(function, x=SHAPE)) == []


def test_a_term_on_another_device_stays():
    def net(x):
        with hints(device="left"):
            y = conv(x)
        with hints(device="right"):
            return ops.tanh(y + x)

    assert terms(trace(net, x=SHAPE)) == []


def test_accumulating_saves_the_terms_bytes_and_computes_the_same():
    graph = trace(lambda x: ops.tanh(conv(z := ops.tanh(conv(x)), 1) + z), x=SHAPE)
    plain, full = compile(graph, accumulate=False), compile(graph)
    size = 8 * 6 * 6 * 4
    assert plain.program.meta["plan"]["peak_bytes"] == 2 * size
    assert full.program.meta["plan"]["peak_bytes"] <= 2 * size
    x = image(1, 8, 6, 6)
    np.testing.assert_allclose(plain(x=x)[0], full(x=x)[0], rtol=1e-5, atol=1e-6)


def test_the_residual_block_needs_two_tensors():
    def net(x):
        y = ops.relu(conv(x))
        z = ops.relu(ops.conv(y, weights(8, 8, 3, 3), pads=(1, 1, 1, 1)))
        y = ops.relu(ops.conv(z, weights(8, 8, 3, 3, seed=1), pads=(1, 1, 1, 1)) + y)
        return ops.reduce_sum(y, (2, 3))

    graph = trace(net, x=SHAPE)
    sizes = [compile(graph, accumulate=each).program.meta["plan"]["peak_bytes"] for each in (False, True)]
    assert sizes == [3 * 1152, 2 * 1152]
