"""Programs compiled from graphs: they run inside their arena, whatever its bytes were, at every binding."""

import numpy as np
import pytest
from tests.compile.nets import branchy_graph, image

from nnvm import ops
from nnvm.analyses.schedule import depth_first
from nnvm.backends.numpy import run as numpy_run
from nnvm.compile import compile_graph, sample_binding
from nnvm.compile.lower import lower
from nnvm.errors import Error
from nnvm.ir import Graph, constant, f32, i64, tensor_data, trace
from nnvm.pipeline import backend, compile
from nnvm.runtime.program import Buffer, Program, load
from nnvm.runtime.verify import verify

NUMPY = backend("numpy")


def reference(x: np.ndarray) -> dict[str, np.ndarray]:
    """Compute `branchy` without an arena: every kernel's outputs are arrays of their own."""
    run = compile(branchy_graph(), share=False, pack=lambda blocks, alignment: _apart(blocks, alignment))
    return dict(zip(run.program.output_names, run(x=x), strict=True))


def _apart(blocks, alignment):
    offsets, top = [], 0
    for block in blocks:
        offsets.append(top)
        top += -(-block.size // alignment) * alignment
    return offsets


@pytest.mark.parametrize("io", ["external", "arena"])
@pytest.mark.parametrize("shape", [(2, 3, 20, 30), (1, 3, 17, 9), (5, 3, 64, 64)])
def test_poison_changes_nothing(io, shape):
    x = image(*shape)
    run = compile(branchy_graph(), io=io)
    expected = reference(x)
    for outputs in (run(x=x), run.run({"x": x}, poison=True), run(x=x)):
        for name, array in zip(run.program.output_names, outputs, strict=True):
            np.testing.assert_array_equal(array, expected[name])


def test_one_program_serves_every_binding_and_verifies_there():
    program = compile_graph(branchy_graph(), NUMPY)
    for n, h, w in [(1, 9, 9), (3, 31, 8), (2, 224, 224), (7, 13, 101)]:
        verify(program, {"n": n, "h": h, "w": w})


def _moved(program: Program, index: int, offset: int) -> Program:
    buffers = list(program.buffers)
    old = buffers[index]
    buffers[index] = Buffer(old.kind, old.dtype, old.shape, offset, old.alias_of, old.view_of, old.name)
    return Program(
        program.backend, buffers, program.steps, program.inputs, program.outputs, output_names=program.output_names,
        constants=program.constants, peak=program.peak, alignment=program.alignment, meta=program.meta,
    )  # fmt: skip


def test_a_broken_offset_computes_wrong_numbers_and_the_verifier_refuses_it():
    def net(x: f32[4, 64]):
        a = ops.tanh(x)
        b = ops.exp(x)
        return {
            "out": ops.matmul(a, ops.transpose(b)),
            "a": ops.reduce_sum(a, keepdims=True),
            "b": ops.reduce_sum(b, keepdims=True),
        }

    run = compile(trace(net))
    program, x = run.program, image(4, 64)
    arena = [
        i
        for i, buffer in enumerate(program.buffers)
        if buffer.kind == "arena" and buffer.alias_of is None and buffer.nbytes({}) > 64
    ]
    broken = next(
        _moved(program, i, program.buffers[arena[0]].offset)
        for i in arena[1:]
        if program.buffers[i].offset != program.buffers[arena[0]].offset
    )
    with pytest.raises(Error, match=r"arena|overlap|share"):
        verify(broken, {})
    wrong = NUMPY.run(broken)(x=x)
    assert any(not np.allclose(p, q) for p, q in zip(wrong, run(x=x), strict=True))


def test_the_better_of_two_orders_is_kept():
    def net(x: f32[64, 64]):
        wide = [ops.concat(x * float(i + 2), x, x, x, axis=0) for i in range(4)]
        narrow = [ops.reduce_sum(each, keepdims=False) for each in wide]
        return {"out": ops.add_n(*narrow)}

    graph = trace(net)
    order = sorted((n for n in graph.nodes if n.inputs), key=lambda n: {"mul": 0, "concat": 1}.get(n.op.name, 2))
    late = compile_graph(graph, NUMPY, order=order).meta["plan"]
    best = compile_graph(graph, NUMPY).meta["plan"]
    assert best["peak_bytes"] < late["peak_bytes"]
    assert late["order_status"] == "bounded"


def test_in_place_chains_need_one_buffer():
    def net(x: f32[1000]):
        return {"out": ops.reduce_sum(ops.relu(ops.tanh(x * 3.0) + 1.0))}

    plan = compile_graph(trace(net), NUMPY).meta["plan"]
    assert plan["peak_bytes"] == plan["packing_bound_bytes"] == 4032
    assert plan["packing_status"] == plan["order_status"] == "optimal"
    assert compile_graph(trace(net), NUMPY, share=False).meta["plan"]["peak_bytes"] == 2 * 4032


def test_a_value_that_is_read_again_is_not_overwritten():
    def net(x: f32[8]):
        y = ops.tanh(x)
        return {"out": ops.exp(y) + y}

    x = image(8)
    (out,) = compile(trace(net)).run({"x": x}, poison=True)
    np.testing.assert_allclose(out, np.exp(np.tanh(x)) + np.tanh(x), rtol=1e-6)


def test_outputs_belong_to_the_caller():
    run = compile(branchy_graph())
    x = image(1, 3, 16, 16)
    first = run(x=x)
    kept = [array.copy() for array in first]
    first[3][...] = -1
    run(x=image(1, 3, 16, 16, seed=1))
    for array, copy in zip(first[:3], kept[:3], strict=True):
        np.testing.assert_array_equal(array, copy)
    assert not np.shares_memory(first[3], x)


def test_outputs_that_are_inputs_constants_and_twins():
    def net(x: f32[3]):
        y = ops.relu(x)
        return {
            "a": x,
            "b": y,
            "c": y,
            "d": constant(data=tensor_data([1.0, 2.0], f32[2])),
            "e": ops.reshape(y, (3, 1)),
        }

    x = np.array([-1, 0, 2], np.float32)
    outputs = compile(trace(net))(x=x)
    for array, wanted in zip(outputs, (x, x.clip(0), x.clip(0), [1, 2], x.clip(0)[:, None]), strict=True):
        np.testing.assert_array_equal(array, wanted)
    assert not np.shares_memory(outputs[1], outputs[2])


def test_what_cannot_run_is_listed_at_once():
    def net(x: f32[3], y):
        return {"a": ops.nonzero(x), "b": ops.relu(y)}

    with pytest.raises(Error) as caught:
        compile(trace(net))
    assert "relu" in str(caught.value)
    assert "name the node" in str(caught.value)


def test_what_hangs_on_data_runs_and_is_counted(tmp_path):
    def net(x):
        found = ops.gather_nd(x, ops.transpose(ops.nonzero(x, name="where"), name="t"), name="g")
        return {"y": ops.exp(ops.unsqueeze(found, (0,)), name="y"), "sum": ops.reduce_sum(ops.relu(ops.relu(x)))}

    run = compile(trace(net, x=f32["n", 3]), io="arena")
    plan = run.program.meta["plan"]
    assert plan["adopted_bytes"]["expr"]
    assert "where.1" in plan["binding"]
    assert "where.1" not in str(plan["peak_bytes"]["expr"])
    run.program.save(tmp_path / "p")
    for again in (run, numpy_run(load(tmp_path / "p"))):
        for x in (np.array([[0, 1, 2]], np.float32), np.zeros((2, 3), np.float32), np.ones((0, 3), np.float32)):
            y, total = again.run({"x": x}, poison=True)
            np.testing.assert_allclose(y, np.exp(x[np.nonzero(x)])[None])
            assert total == x.sum()
            assert (again.stats.adopted_bytes > 0) == bool(np.count_nonzero(x))


def test_a_dimension_of_no_name_runs_where_a_kernel_measures_it():
    run = compile(trace(lambda x, s: {"y": ops.tanh(ops.reshape(x, s, name="r"))}, x=f32["n"], s=i64[2]))
    np.testing.assert_allclose(run(x=image(6), s=np.array([3, -1]))[0], np.tanh(image(6).reshape(3, 2)), rtol=1e-6)
    assert [step.allocates for step in run.program.steps] == [True, False]


def test_a_wrong_order_is_refused():
    graph = branchy_graph()
    nodes = [node for node in graph.nodes if node.inputs]
    with pytest.raises(Error, match="before"):
        compile_graph(graph, NUMPY, order=nodes[::-1])
    with pytest.raises(Error, match="leaves out"):
        compile_graph(graph, NUMPY, order=nodes[:-1])
    with pytest.raises(Error, match="twice"):
        compile_graph(graph, NUMPY, order=[*nodes, nodes[0]])


def test_an_unknown_io_is_refused():
    with pytest.raises(Error, match="external"):
        compile_graph(branchy_graph(), NUMPY, io="elsewhere")


def test_a_sample_binding_makes_every_shape_sensible():
    graph = branchy_graph()
    lowered = lower(graph, depth_first(graph), NUMPY)
    assert sample_binding(lowered, {"h": 5}) == {"h": 5, "n": 1, "w": 224}


def test_symbolic_figures_agree_with_static_ones():
    from nnvm.passes.set_dims import set_dims

    graph = branchy_graph()
    binding = {"n": 2, "h": 40, "w": 24}
    dynamic = compile_graph(graph, NUMPY, binding=binding).meta["plan"]
    static = compile_graph(set_dims(graph, binding), NUMPY).meta["plan"]
    for key in ("naive_bytes", "external_bytes", "packing_bound_bytes", "order_bound_bytes"):
        assert dynamic[key]["at"] == static[key]
    assert static["peak_bytes"] <= dynamic["peak_bytes"]["at"]


def test_a_long_chain_compiles_and_runs():
    x = trace(lambda x: x, x=f32[4])
    value = x.inputs[0]
    for _ in range(20_000):
        value = ops.relu(value)
    run = compile(Graph([value], x.inputs))
    assert run.program.meta["plan"]["peak_bytes"] == 64
    np.testing.assert_array_equal(run(x=np.ones(4, np.float32))[0], np.ones(4))


def test_the_same_graph_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        compile_graph(branchy_graph(), NUMPY).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_sizes_that_only_might_agree_are_checked_when_it_runs():
    run = compile(trace(lambda x: {"y": ops.tanh(ops.reshape(x, (2, -1)))}, x=f32["n"]))
    np.testing.assert_allclose(run(x=image(6))[0], np.tanh(image(6).reshape(2, 3)), rtol=1e-6)
    with pytest.raises(Error, match="3 elements do not fit"):
        run(x=image(3))


def test_a_long_chain_over_what_data_decides():
    x = trace(lambda x: x, x=f32["n"])
    value = ops.nonzero(x.inputs[0], name="where")
    for _ in range(20_000):
        value = ops.neg(value)
    run = compile(Graph([value], x.inputs))
    np.testing.assert_array_equal(run(x=np.array([0, 1, 1], np.float32))[0], [[1, 2]])
    assert run.stats.adopted_bytes == 2 * 16


@pytest.mark.parametrize("alignment", [0, -64, 3, 2**21, 64.0, True])
def test_an_alignment_is_a_power_of_two(alignment):
    with pytest.raises(Error, match="a power of two"):
        compile_graph(branchy_graph(), NUMPY, alignment=alignment)


@pytest.mark.parametrize("size", [-1, "3", 2.0])
def test_a_dimension_is_measured_at_a_number(size):
    with pytest.raises(Error, match="give an integer from 0 up"):
        compile_graph(branchy_graph(), NUMPY, binding={"n": size})


def test_one_name_may_be_given_away_without_a_tuple():
    assert compile(branchy_graph(), donate="x").program.donated == (0,)
