"""What every Program keeps: it computes what its graph means, inside one arena, in any order, whatever lay there."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from tests.laws.agree import feeds
from tests.laws.interpret import interpret
from tests.laws.networks import BINDING, networks

from nnvm import ops
from nnvm.analyses.schedule import depth_first
from nnvm.backends.numpy.device import dtype_of
from nnvm.errors import Error
from nnvm.ir import Graph, Node
from nnvm.judging import agree
from nnvm.pipeline import compile
from nnvm.runtime.executor import Executable
from nnvm.runtime.verify import verify

EXAMPLES = int(os.environ.get("NNVM_EXAMPLES", "60"))


JUMPS = (
    *(ops.floor, ops.ceil, ops.round, ops.sign, ops.mod, ops.cast, ops.argmax, ops.argmin),
    *(ops.equal, ops.less, ops.less_equal, ops.greater, ops.greater_equal),
)
"""Operators that tell apart what rounding makes equal: of floats they prove nothing about a kernel."""


POOLS = (ops.max_pool, ops.max_pool_with_indices)
NANS = (ops.pow, ops.log, ops.sqrt, ops.div, ops.mod, ops.reciprocal, ops.asin, ops.acos, ops.acosh, ops.atanh)
"""ONNX does not say what the maximum over a window is that holds a nan."""


def jumps(node: Node) -> bool:
    to_float = node.op is ops.cast and node.outputs[0].dtype.is_float
    return node.op in JUMPS and node.inputs[0].dtype.is_float and not to_float


def shuffled(graph: Graph, data: st.DataObject) -> Sequence[Node]:
    """Draw an order in which every node runs after what it needs."""
    left = list(depth_first(graph))
    order: list[Node] = []
    while left:
        done = set(order)
        waiting = set(left)
        ready = [node for node in left if waiting.isdisjoint(value.node for value in node.inputs) and node not in done]
        order.append(data.draw(st.sampled_from(ready)))
        left.remove(order[-1])
    return order


def planned(graph: Graph, **options: Any) -> Executable:
    """Compile a graph; one whose sizes its data decides, or fit no sample, is not for these laws."""
    try:
        return compile(graph, **options)
    except Error as error:
        told = str(error)
        assume("known only at run" not in told and "no sizes were found" not in told)
        raise


def given_and_meant(graph: Graph) -> tuple[dict[str, Any], list[Any]]:
    """Return arrays for the inputs, and what the graph means for them; the arithmetic of the meaning is wider."""
    wide = feeds(graph, BINDING, 0)
    arrays = {value.name: wide[value.name].astype(dtype_of(value.dtype.name)) for value in graph.inputs}
    try:
        with np.errstate(all="ignore"):
            return arrays, interpret(graph, {name: array.astype(wide[name].dtype) for name, array in arrays.items()})
    except ValueError:  # it divides whole numbers by zero, say
        reject()


@pytest.mark.parametrize("io", ["external", "arena"])
@given(graph=networks(), data=st.data())
@settings(max_examples=EXAMPLES)
def test_a_program_computes_what_its_graph_means(io: str, graph: Graph, data: st.DataObject) -> None:
    used = {node.op for node in graph.nodes}
    assume(not any(map(jumps, graph.nodes)) and (used.isdisjoint(POOLS) or used.isdisjoint(NANS)))
    run = planned(graph, io=io, order=shuffled(graph, data), share=data.draw(st.booleans()))
    arrays, meant = given_and_meant(graph)
    try:
        runs = run.run(arrays, poison=True), run(arrays)
    except (
        Error
    ) as error:  # an array has no elements: an index lies outside, or an open 0 met a 1 (ops.typing.broadcast)
        assume("outside" not in str(error) and "broadcast" not in str(error))
        raise
    narrow = any(value.dtype.is_float and value.dtype.bits < 32 for node in graph.nodes for value in node.outputs)
    for found in runs:
        for name, a, b in zip(graph.output_names, found, meant, strict=True):
            assert agree(a, b.astype(a.dtype), 1e-2 if narrow else 1e-4)[0], name
    verify(run.program, run.program.bind({name: array.shape for name, array in arrays.items()}))


@given(graph=networks())
@settings(max_examples=EXAMPLES)
def test_no_plan_is_below_its_bounds_or_above_none_at_all(graph: Graph) -> None:
    plan = planned(graph).program.meta["plan"]
    figures = {
        name: size["at"] if isinstance(size, dict) else size for name, size in plan.items() if name.endswith("_bytes")
    }
    assert figures["order_bound_bytes"] <= figures["packing_bound_bytes"] <= figures["peak_bytes"]
    assert figures["peak_bytes"] <= figures["naive_bytes"] + 64 * plan["tensors"]
    assert (plan["packing_status"] == "optimal") == (figures["peak_bytes"] == figures["packing_bound_bytes"])
