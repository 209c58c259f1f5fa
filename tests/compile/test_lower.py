"""Graphs as steps over tensors: what shares bytes, what is copied, how long each lives, what cannot run."""

import pytest
from tests.compile.nets import weights

from nnvm import ops
from nnvm.analyses.schedule import depth_first
from nnvm.compile import Call
from nnvm.compile.lower import Lowered, lower
from nnvm.errors import Error
from nnvm.ir import (
    ABSENT,
    Graph,
    constant,
    f16,
    f32,
    i64,
    named_input,
    tensor_data,
    trace,
    variable,
)  # fmt: skip
from nnvm.pipeline import backend

NUMPY = backend("numpy")


def lowered(function, share=True, io="external", **types) -> Lowered:
    graph = function if isinstance(function, Graph) else trace(function, **types)
    return lower(graph, depth_first(graph), NUMPY, io=io, share=share)


def kernels(found: Lowered) -> list[str]:
    return [step.kernel.removeprefix("numpy:").removesuffix("/1") for step in found.steps]


def roots(found: Lowered) -> list[int]:
    """Return, for each step, the tensor whose bytes its first output is."""
    firsts = [step.outputs[0] for step in found.steps]
    return [index if found.tensors[index].root is None else found.tensors[index].root for index in firsts]


def kinds(found: Lowered) -> list[str]:
    return [found.tensors[step.outputs[0]].kind for step in found.steps]


def test_the_last_reader_writes_over_what_it_reads():
    found = lowered(lambda x: ops.reduce_sum(ops.exp(ops.relu(ops.tanh(x)))), x=f32[5])
    assert kernels(found) == ["tanh", "relu", "exp", "reduce_sum"]
    assert len(set(roots(found)[:3])) == 1
    assert found.could_overwrite == {1, 2}
    assert len(set(roots(lowered(found.graph, share=False))[:3])) == 3


def test_what_is_read_later_is_kept():
    def net(x):
        y = ops.tanh(x)
        return ops.reduce_sum(ops.exp(y) + y)

    found = lowered(net, x=f32[5])
    assert kernels(found) == ["tanh", "exp", "add", "reduce_sum"]
    tanh, exp, add, _ = roots(found)
    assert tanh != exp
    assert add in (tanh, exp)
    assert 1 in found.could_overwrite  # another order might


def test_one_value_read_twice_by_one_step_is_read_once():
    found = lowered(lambda x: ops.reduce_sum(ops.mul(y := ops.tanh(x), y)), x=f32[5])
    assert roots(found)[0] == roots(found)[1]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.reduce_sum(ops.relu(x)),  # the caller's array
        lambda x: ops.reduce_sum(ops.relu(weights(5)) + x),  # a constant is not written over; relu of it may be
        lambda x: ops.reduce_sum(ops.cast(ops.tanh(x), to=f16)),  # another type
        lambda x: ops.reduce_sum(ops.tanh(ops.reduce_sum(x)) + ops.tanh(x)),  # a broadcast one is smaller
        lambda x: ops.reduce_sum(ops.hardmax(ops.tanh(x))),  # the kernel does not allow it
    ],
)
def test_what_is_never_written_over(function):
    found = lowered(function, x=f32[5])
    for step in found.steps:
        for written in step.outputs:
            root = found.tensors[written].root
            assert root is None or found.tensors[root].kind == "arena"
            assert root is None or found.tensors[root].type is found.tensors[written].type
    assert all(found.tensors[i].kind == "constant" for i in found.constants)
    if "hardmax" in kernels(found):
        assert roots(found)[0] != roots(found)[1]


def test_a_wanted_value_is_written_where_the_caller_wants_it_and_not_over_anything():
    found = lowered(lambda x: {"a": (y := ops.tanh(x)), "b": ops.exp(y)}, x=f32[5])
    assert kernels(found) == ["tanh", "exp"]
    assert kinds(found) == ["output", "output"]
    assert [found.tensors[i].name for i in found.outputs] == ["a", "b"]
    assert not found.born


def test_views_show_the_bytes_of_their_source_and_take_no_step():
    found = lowered(lambda x: ops.relu(ops.reshape(ops.identity(ops.unsqueeze(ops.tanh(x), (0,))), (-1,))), x=f32[2, 3])
    assert kernels(found) == ["tanh", "relu"]
    shown = [tensor for tensor in found.tensors if tensor.shown is not None]
    assert [tensor.type.shape for tensor in shown] == [(1, 2, 3), (1, 2, 3), (6,)]
    assert {tensor.root for tensor in shown} == {roots(found)[0]}
    assert (found.born, found.dies) == ({roots(found)[0]: 0}, {roots(found)[0]: 1})


def test_a_view_of_an_input_lies_in_the_input():
    found = lowered(lambda x: ops.relu(ops.reshape(x, (6,))), x=f32[2, 3])
    (view,) = [tensor for tensor in found.tensors if tensor.shown is not None]
    assert (view.kind, view.root) == ("input", found.inputs[0])


def test_nothing_is_written_over_while_a_view_of_it_is_to_be_read():
    def net(x):
        y = ops.tanh(x)
        flat = ops.reshape(y, (-1,))
        return {"a": ops.reduce_sum(ops.exp(y)), "b": ops.reduce_sum(flat)}

    found = lowered(net, x=f32[2, 3])
    assert kernels(found) == ["tanh", "exp", "reduce_sum", "reduce_sum"]
    assert roots(found)[0] != roots(found)[1]


def test_the_last_reader_of_a_view_writes_over_what_it_shows():
    found = lowered(lambda x: ops.reduce_sum(ops.exp(ops.reshape(ops.tanh(x), (-1,)))), x=f32[2, 3])
    assert kernels(found) == ["tanh", "exp", "reduce_sum"]
    assert roots(found)[0] == roots(found)[1]


def test_a_wanted_view_is_copied_out():
    found = lowered(lambda x: {"a": ops.reduce_sum(y := ops.tanh(x)), "b": ops.reshape(y, (6,))}, x=f32[2, 3])
    assert kinds(found).count("output") == 2
    assert kernels(found) == ["tanh", "reduce_sum", "reshape"]


def test_each_output_has_its_own_memory():
    value = constant(data=tensor_data([1.0, 2.0], f32[2]))
    found = lowered(lambda x: {"in": x, "y": (y := ops.relu(x)), "twin": y, "c": value}, x=f32[2])
    assert len(set(found.outputs)) == 4
    assert {found.tensors[i].kind for i in found.outputs} == {"output"}
    assert kernels(found) == ["relu", "copy", "copy", "copy"]
    assert [step.name for step in found.steps[1:]] == ["in (out)", "twin (out)", "c (out)"]


def test_the_arena_takes_inputs_in_and_gives_outputs_out():
    found = lowered(lambda x, y: ops.relu(x) + y, io="arena", x=f32[5], y=f32[5])
    assert kernels(found) == ["copy", "copy", "relu", "add", "copy"]
    assert [step.name for step in found.steps[:2]] == ["x (in)", "y (in)"]
    assert kinds(found) == ["arena"] * 4 + ["output"]
    assert roots(found)[2] == roots(found)[3] == roots(found)[0]  # inputs die at their last use
    assert found.dies == {roots(found)[0]: 4, roots(found)[1]: 3}


def test_lifetimes_span_every_touch_of_a_root():
    def net(x):
        a = ops.tanh(x)
        b = ops.exp(ops.transpose(a))
        return ops.matmul(a, b)

    found = lowered(net, x=f32[4, 4])
    assert kernels(found) == ["tanh", "transpose", "exp", "matmul"]
    tanh, transpose, exp, _ = roots(found)
    assert exp == transpose
    assert found.born == {tanh: 0, transpose: 1}
    assert found.dies == {tanh: 3, transpose: 3}


def test_a_constant_is_one_buffer_however_often_it_is_read():
    weight = weights(5)
    found = lowered(lambda x: (x + weight) * weight, x=f32[5])
    assert len(found.constants) == 1
    assert found.constants.popitem()[1] is weight.node.params["data"]


def test_an_absent_input_is_none():
    found = lowered(lambda x: ops.clip(x, ABSENT, 1.0), x=f32[5])
    assert found.steps[0].inputs[1] is None


def test_every_output_of_a_step_has_a_buffer():
    found = lowered(lambda x: ops.split(x, axis=0, parts=3)[1], x=f32[7])
    (step,) = found.steps[:1]
    assert [found.tensors[i].type.shape for i in step.outputs] == [(3,), (3,), (1,)]
    assert [found.tensors[i].kind for i in step.outputs] == ["arena", "output", "arena"]


def test_types_must_be_known():
    with pytest.raises(Error, match=r"the type of .* is not known; give the inputs' types"):
        lowered(lambda x: ops.relu(x))
    with pytest.raises(Error, match="known only at run; name the node"):
        lowered(lambda x: ops.cast(ops.nonzero(x), to=f32), x=f32[3])


def test_sizes_that_data_decides_lie_outside_the_arena():
    def net(x):
        where = ops.nonzero(x, name="where")
        return ops.reduce_sum(ops.relu(ops.cast(ops.squeeze(where, (0,)), to=f32)))

    found = lowered(net, x=f32["n"])
    assert kernels(found) == ["nonzero", "cast", "relu", "reduce_sum"]
    assert kinds(found) == ["dynamic", "dynamic", "dynamic", "output"]
    assert [step.allocates for step in found.steps] == [True, False, False, False]
    (view,) = [tensor for tensor in found.tensors if tensor.shown is not None]
    assert view.kind == "dynamic"
    assert found.told == {"n"}
    assert not found.could_overwrite


def test_a_backend_without_a_kernel_that_measures_is_told():
    class Plain:
        name = "numpy"
        run = staticmethod(NUMPY.run)

        @staticmethod
        def call(node):
            made = NUMPY.call(node)
            return Call(made.kernel, made.inputs, made.params)

    graph = trace(lambda x, s: ops.reshape(x, s, name="r"), x=f32[4], s=i64[2])
    with pytest.raises(Error, match=r"dimension r\.0, r\.1 of .* known only at run.*--set-dim"):
        lower(graph, depth_first(graph), Plain())


def test_variables_and_strangers_are_refused():
    with pytest.raises(Error, match=r"variable .* cannot run yet"):
        lowered(Graph([ops.relu(variable(type=f32[3], name="v"))]))


def test_io_is_one_of_two():
    with pytest.raises(Error, match="'external' or 'arena'"):
        lowered(lambda x: ops.relu(x), io="both", x=f32[3])


def test_shape_values_are_computed_like_others():
    found = lowered(lambda x: ops.shape(x), x=f32["n", 3])
    assert kernels(found) == ["shape"]
    assert found.tensors[found.outputs[0]].type is i64[2]


def test_inputs_in_the_arena_cannot_be_given_away_too():
    graph = trace(lambda x: ops.relu(x), x=f32[3])
    with pytest.raises(Error, match=r"x cannot be given away with io='arena': .* leave out `donate`"):
        lower(graph, depth_first(graph), NUMPY, io="arena", donate=("x",))
    with pytest.raises(Error, match="there is no input z to give away"):
        lower(graph, depth_first(graph), NUMPY, io="arena", donate=("z",))


def test_a_long_chain_is_lowered_in_place():
    value = x = named_input("x", f32[4])
    for _ in range(20_000):
        value = ops.relu(value)
    found = lowered(Graph([ops.reduce_sum(value)], [x]))
    assert len(found.born) == 1
