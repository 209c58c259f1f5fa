import re
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backends.numpy.running import DEVICE, lend
from tests.ops import (
    test_activation,
    test_arithmetic,
    test_attention,
    test_bits,
    test_deform,
    test_einsum,
    test_image,
    test_index,
    test_linear,
    test_loss,
    test_nn,
    test_normalization,
    test_patches,
    test_quantize,
    test_recurrent,
    test_reduce,
    test_selection,
    test_shape,
    test_signal,
    test_streaming,
)
from tests.ops.uses import Numpy, Use, agree, apply, ours, seeds, symbolic

from nnvm import ops
from nnvm.attrs import elementwise
from nnvm.backends.numpy import run as execute
from nnvm.backends.numpy.kernels import ALLOCATING, KERNELS
from nnvm.backends.numpy.table import OVER_FIRST, RENAMED, call
from nnvm.compile import compile_graph
from nnvm.errors import Error
from nnvm.ir import (
    ABSENT,
    Graph,
    Node,
    Op,
    boolean,
    constant,
    data_of,
    dim,
    f32,
    foreign,
    i64,
    named_input,
    tensor_data,
)

FAMILIES = (
    test_arithmetic,
    test_activation,
    test_linear,
    test_reduce,
    test_shape,
    test_index,
    test_nn,
    test_normalization,
    test_recurrent,
    test_image,
    test_attention,
    test_bits,
    test_einsum,
    test_loss,
    test_patches,
    test_quantize,
    test_selection,
    test_signal,
    test_streaming,
    test_deform,
)
USES = {op: strategy for family in FAMILIES for op, strategy in family.USES.items()}
SHIPPED = [getattr(ops, name) for name in ops.__all__]


def node_of(use: Use) -> Node:
    return apply(use)[1][0].node


def memory_of(use: Use, node: Node, inputs: Any) -> list[Any]:
    """Return what a call reads: arrays that are fed, and constants."""
    fed = {f"x{i}": array for i, array in enumerate(use.arrays) if array is not None}
    found = []
    for value in inputs:
        data = None if value is ABSENT else data_of(value)
        if data is not None:
            found.append(DEVICE.constant(data.read(), data.dtype.name, data.shape).copy())
        else:
            found.append(None if value is ABSENT else np.array(fed[value.node.name]))
    return found


def run(use: Use, alias: int | None = None, shared: bool = False) -> list[Any]:
    """Run a use's kernel into memory of its own, or over an input; further inputs may be views of the first."""
    node = node_of(use)
    made = call(node)
    assert made is not None
    inputs = memory_of(use, node, made.inputs)
    if shared:
        inputs = [
            each if each is None or not alike(each, inputs[0]) else inputs[0].reshape(each.shape) for each in inputs
        ]
    outs = [DEVICE.empty(value.tensor.dtype.name, value.shape) for value in node.outputs]
    for out in outs:
        out.reshape(-1).view(np.uint8).fill(255)
    if alias is not None:
        outs[0] = inputs[alias]
    params = dict(made.params)
    DEVICE.kernel(made.kernel)(*outs, *inputs, **params, **lend(made.kernel, outs, inputs, params))
    return outs


def alike(a: Any, b: Any) -> bool:
    """Say whether one may be a view of the other."""
    return a.size == b.size and a.dtype == b.dtype


def overwritable(use: Use) -> list[int]:
    """Return the inputs that compile may let the output overwrite: those the table names, of the output's type."""
    node = node_of(use)
    made = call(node)
    assert made is not None
    return [i for i in made.inplace if made.inputs[i].type is node.outputs[0].type]


@pytest.mark.parametrize("op", [op for op in SHIPPED if op in elementwise or op in OVER_FIRST], ids=lambda op: op.name)
def test_a_kernel_may_write_over_what_the_table_says(op: Op[..., Any]) -> None:
    @given(USES[op])
    @settings(max_examples=20)
    def law(use: Use) -> None:
        for alias, shared in product(overwritable(use), (False, True)):
            wanted = run(use, shared=shared)
            found = run(use, alias, shared)
            assert [each.tobytes() for each in found] == [each.tobytes() for each in wanted], (use, alias, shared)

    law()


@given(
    st.sampled_from([ops.minimum, ops.maximum, ops.add_n, ops.mean_n, ops.where]),
    st.integers(3, 5),
    st.integers(1, 60_000),
    seeds,
)
@settings(max_examples=30)
def test_many_inputs_over_any_of_them(op: Op[..., Any], count: int, length: int, seed: int) -> None:
    """Long enough for several pieces of a workspace."""
    random = np.random.default_rng(seed)
    arrays = [random.standard_normal(length).astype(np.float32) for _ in range(count)]
    use = Use(op, [arrays[0] > 0, *arrays[1:3]] if op is ops.where else arrays)
    (wanted,) = run(use)
    assert overwritable(use)
    for alias in overwritable(use):
        assert np.array_equal(run(use, alias)[0], wanted)


def test_every_shipped_operator_has_a_kernel() -> None:
    def kernel(op: Op[..., Any]) -> str:
        return f"numpy:{RENAMED.get(op.name, op.name)}/1"

    views = {ops.flatten, ops.squeeze, ops.unsqueeze}
    shared = {ops.cast_like, ops.hann_window, ops.hamming_window, ops.blackman_window}
    lacking = [op.name for op in SHIPPED if op not in views | shared and kernel(op) not in KERNELS]
    assert lacking == ["assign"]


def test_every_shipped_operator_is_drawn() -> None:
    """No plan has states yet, and a copy is run below."""
    assert [op.name for op in SHIPPED if op not in USES] == ["assign", "copy"]


def test_what_allocates_says_so() -> None:
    found = call(ops.nonzero(named_input("x", f32[2, 3]), name="y").node)
    assert found is not None
    assert found.kernel in ALLOCATING
    assert found.allocates


@pytest.mark.parametrize("device", [None, "elsewhere"])
def test_a_copy_is_one_whatever_the_device(device: str | None) -> None:
    made = call(ops.copy(named_input("x", f32[2]), device=device).node)
    assert made is not None
    assert (made.kernel, made.params, made.inplace) == ("numpy:copy/1", {}, ())


@given(st.one_of(list(USES.values())))
@settings(max_examples=100)
def test_a_call_names_a_kernel_and_plain_params(use: Use) -> None:
    made = call(node_of(use))
    assert made is not None
    assert made.kernel in KERNELS
    assert all(kind in (int, float, bool, str, tuple, type(None)) for kind in map(type, made.params.values()))
    assert all(made.inputs[i] is not ABSENT for i in made.inplace)


def test_what_has_no_kernel() -> None:
    x = named_input("x", f32[2])
    node = Node(foreign("Strange", "nobody"), (x,), types=(f32[2],))
    assert call(node) is None
    named = Node(foreign("Relu", "nobody"), (x,), types=(f32[2],))
    assert call(named) is None


def test_a_view_is_a_copy_of_its_first_input_alone() -> None:
    x = named_input("x", f32[2, 3])
    made = call(ops.reshape(x, (3, 2)).node)
    assert made is not None
    assert (made.kernel, made.inputs) == ("numpy:reshape/1", (x,))


def test_axes_known_only_at_run_are_an_input_of_a_kernel_that_allocates() -> None:
    x, axes = named_input("x", f32[2, 3]), named_input("axes", i64[1])
    made = call(ops.reduce_sum(x, axes, name="y").node)
    assert made is not None
    assert (made.kernel, made.inputs, made.allocates) == ("numpy:sized_reduce/1", (x, axes), True)
    assert made.params == {"kernel": "reduce_sum", "keepdims": 1, "noop_with_empty_axes": 0}


def test_training_is_refused() -> None:
    x, training = named_input("x", f32[2]), named_input("t", boolean[()])
    with pytest.raises(Error, match="drops at random"):
        call(ops.dropout(x, None, training, name="y")[0].node)
    asleep = constant(data=tensor_data(False, boolean[()]))
    assert call(ops.dropout(x, None, asleep, name="y")[0].node) is not None


def test_pads_that_depend_on_a_dimension_are_refused() -> None:
    x = named_input("x", f32[1, 1, "n"])
    assert call(ops.max_pool(x, kernel=(3,), auto_pad="SAME_UPPER").node).params["pads"] == (1, 1)  # type: ignore[union-attr]
    with pytest.raises(Error, match=r"--set-dim n=\.\.\."):
        call(ops.max_pool(x, kernel=(3,), strides=(2,), auto_pad="SAME_UPPER").node)


def test_pads_of_the_same_size() -> None:
    x = named_input("x", f32[1, 1, 7, 6])
    upper = call(ops.max_pool(x, kernel=(3, 3), strides=(2, 2), auto_pad="SAME_UPPER").node)
    lower = call(ops.max_pool(x, kernel=(3, 3), strides=(2, 2), auto_pad="SAME_LOWER").node)
    assert upper is not None
    assert lower is not None
    assert (upper.params["pads"], lower.params["pads"]) == ((1, 0, 1, 1), (1, 1, 1, 0))


def test_symbolic_shapes_have_calls() -> None:
    x = named_input("x", f32["n", 3, "h", "w"])
    weight = named_input("w", f32[4, 3, 3, 3])
    made = call(ops.conv(x, weight, strides=(2, 2), pads=(1, 1, 1, 1)).node)
    assert made is not None
    assert made.params["strides"] == (2, 2)
    assert call(ops.reduce_mean(x, (2, 3)).node) is not None
    assert dim("h") in x.shape


REFUSED = r"--set-dim|is not known; give the inputs' types"
"""What a graph with open dimensions may be refused with: the cure is in it."""


@given(st.one_of(list(USES.values())), seeds)
@settings(max_examples=200)
def test_open_dimensions_change_nothing(use: Use, seed: int) -> None:
    """A program compiled once for all sizes gives what one compiled for these sizes gives."""
    types, _ = symbolic(use, seed)
    inputs, outputs = apply(use, types)
    graph = Graph(outputs, inputs, output_names=[f"y{i}" for i in range(len(outputs))])
    program, refusal = None, ""
    try:
        program = compile_graph(graph, Numpy())
    except Error as error:
        refusal = str(error)
    if program is None:
        assert re.search(REFUSED, refusal), refusal
    else:
        assert agree(tuple(execute(program)(**use.feeds)), ours(use))
