"""Parts laid into wholes: what moves, what stays, and that no byte more is alive anywhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from tests.compile.nets import image, open_nets, weights

from nnvm import ops
from nnvm.analyses.schedule import depth_first
from nnvm.compile.coalesce import coalesce
from nnvm.compile.lower import Lowered, lower
from nnvm.compile.plan import Arena
from nnvm.errors import Error
from nnvm.ir import f32, trace
from nnvm.passes import set_dims
from nnvm.pipeline import backend, compile
from nnvm.runtime.memory import max_live

NUMPY = backend("numpy")
SIZE = 4 * 64 * 4


def lowered(function, **types) -> tuple[Lowered, Lowered]:
    graph = trace(function, **types)
    plain = lower(graph, depth_first(graph), NUMPY)
    return plain, coalesce(plain, {})


def live(found: Lowered, binding=None) -> int:
    return max_live(Arena(found, binding or {}, 64).blocks, 64)


def inside(found: Lowered) -> list[str]:
    return [
        found.tensors[step.outputs[0]].name or step.name
        for step in found.steps
        if found.tensors[step.outputs[0]].root is not None
    ]


def test_parts_are_written_where_they_are_joined():
    def net(x):
        joined = ops.concat(ops.transpose(ops.tanh(x)), ops.transpose(ops.exp(x)), axis=0)
        return ops.reduce_sum(ops.transpose(joined))

    plain, found = lowered(net, x=f32[64, 4])
    assert (live(plain), live(found)) == (4 * SIZE, 4 * SIZE)  # reduced, transposed: as high as before
    joins = [i for i, step in enumerate(found.steps) if step.joins]
    assert [found.tensors[read].root for i in joins for read in found.steps[i].inputs] == [
        found.steps[joins[0]].outputs[0]
    ] * 2
    assert compile(plain.graph).program.meta["plan"]["peak_bytes"] == live(found)

    _, found = lowered(lambda x: ops.reduce_sum(ops.relu(ops.concat(ops.tanh(x), ops.exp(x), axis=0))), x=f32[64, 4])
    assert live(found) == 2 * SIZE


def test_a_part_that_is_read_later_is_read_in_the_whole():
    def net(x):
        a, b = ops.transpose(x), ops.exp(ops.transpose(x))
        joined = ops.concat(a, b, axis=0)
        return ops.reduce_sum(ops.transpose(joined)) + ops.reduce_sum(ops.transpose(a))

    _, found = lowered(net, x=f32[64, 4])
    join = next(i for i, step in enumerate(found.steps) if step.joins)
    whole = found.steps[join].outputs[0]
    assert any(found.tensors[read].shown == whole for step in found.steps[join + 1 :] for read in step.inputs)
    run, x = compile(found.graph), image(64, 4)
    with np.errstate(all="ignore"):
        expected = x.sum() * 2 + np.exp(x).sum()
    np.testing.assert_allclose(run.run({"x": x}, poison=True)[0], expected, rtol=1e-4)


def test_a_part_that_is_written_over_later_stays_apart():
    def net(x):
        a = ops.transpose(x)
        joined = ops.concat(a, ops.transpose(ops.tanh(x)), axis=0)
        return ops.reduce_sum(ops.transpose(joined)) + ops.reduce_sum(ops.exp(a))

    _, found = lowered(net, x=f32[64, 4])
    assert any(not step.joins for step in found.steps)
    x = image(64, 4)
    expected = x.sum() + np.tanh(x).sum() + np.exp(x).sum()
    np.testing.assert_allclose(compile(found.graph).run({"x": x}, poison=True)[0], expected, rtol=1e-4)


def test_runs_stay_where_they_were_and_need_no_step():
    def net(x):
        a, b = ops.split(ops.transpose(x), axis=0, parts=2)
        return ops.reduce_sum(ops.tanh(a) * ops.sigmoid(b))

    plain, found = lowered(net, x=f32[64, 4])
    assert len(found.steps) == len(plain.steps) - 1
    assert live(found) == SIZE
    x = image(64, 4)
    run = compile(found.graph)
    assert run.program.meta["plan"]["peak_bytes"] == SIZE
    low, high = np.split(x.T, 2)
    expected = (np.tanh(low) / (1 + np.exp(-high))).sum()
    np.testing.assert_allclose(run.run({"x": x}, poison=True)[0], expected, rtol=1e-4)


def test_runs_of_inputs_and_weights_are_read_there():
    def net(x):
        w = ops.slice(weights(8, 4), (2,), (6,), (0,))
        return ops.reduce_sum(ops.matmul(ops.slice(x, (1,), (3,), (0,)), w))

    plain, found = lowered(net, x=f32[5, 4])
    assert len(plain.steps) - len(found.steps) == 2


def test_what_the_caller_gets_is_copied_out_of_a_run():
    def net(x):
        a, b = ops.split(ops.tanh(x), axis=0, parts=2)
        return {"a": a, "b": ops.reduce_sum(b)}

    graph = trace(net, x=f32[4, 3])
    x = image(4, 3)
    first, second = compile(graph)(x=x)
    np.testing.assert_allclose(first, np.tanh(x)[:2], rtol=1e-5)
    np.testing.assert_allclose(second, np.tanh(x)[2:].sum(), rtol=1e-4)


def test_joins_of_inner_axes_and_of_one_value_twice_stay():
    def net(x):
        y = ops.tanh(x)
        return ops.reduce_sum(ops.concat(y, y, axis=0)) + ops.reduce_sum(ops.concat(ops.exp(x), y, axis=1))

    plain, found = lowered(net, x=f32[4, 4])
    assert [step.kernel for step in plain.steps] == [step.kernel for step in found.steps]
    assert inside(plain) == inside(found)


@pytest.mark.parametrize("io", ["external", "arena"])
@given(open_nets())
@settings(max_examples=40, deadline=None)
def test_law_nothing_gets_higher(io, graph):
    plain = lower(graph, depth_first(graph), NUMPY, io=io)
    found = coalesce(plain, {"n": 4, "m": 6})
    assert live(found, {"n": 4, "m": 6}) <= live(plain, {"n": 4, "m": 6})
    run = compile(graph, io=io, binding={"n": 4, "m": 6} if _open(graph) else None)
    for n, m in ((4, 6), (2, 1), (8, 3)):
        x, y = image(n, m), image(8, m, seed=1)
        arrays = {"x": x, "y": y}
        with np.errstate(all="ignore"):
            for one, other in zip(run.run(arrays, poison=True), compile(graph, share=False)(arrays), strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def _open(graph):
    return {str(size) for value in graph.inputs for size in value.shape if not isinstance(size, int)} == {"n", "m"}


def test_a_chain_of_20_000_joins():
    def net(x):
        y = ops.tanh(x)
        for _ in range(2_000):
            y = ops.reduce_max(ops.concat(y, ops.exp(y), axis=0), (0,), keepdims=True)
        return ops.reduce_sum(y)

    plain, found = lowered(net, x=f32[1, 4])
    assert live(found) <= live(plain)


def test_parts_that_do_not_make_up_a_whole_stay_where_they_are():
    """A file may say that a part has one row whatever the batch; only the kernel can tell when it runs."""

    def net(x):
        fixed = ops.reshape(ops.exp(x), shape=[1, 32, 4])
        return ops.tanh(ops.concat(ops.tanh(fixed), ops.tanh(x), axis=1))

    graph = trace(net, x=f32["n", 32, 4])
    program = compile(set_dims(graph, {"n": 2})).program
    assert not [step for step in program.steps if step.joins and not step.inputs]
    with pytest.raises(Error, match="failed on"):
        compile(set_dims(graph, {"n": 2}))(x=np.zeros((2, 32, 4), np.float32))
