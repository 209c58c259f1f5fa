"""What is cut out of a graph is well-formed: inputs for what is gone, ends as outputs, types inferred again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.networks import networks

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import (
    DTYPES,
    EMPTY,
    Graph,
    Node,
    TensorData,
    boolean,
    constant,
    f32,
    foreign,
    i64,
    named_input,
    operators,
    same,
    tensor_data,
    trace,
    variable,
    verify,
)  # fmt: skip
from nnvm.reduce.cutting import cropped, extract, filled, refilled, resized, revise


def graph_of_net() -> Graph:
    def net(x: Any, y: Any) -> Any:
        h = ops.relu(ops.matmul(x, y), name="h")
        return {"a": ops.neg(h, name="n"), "b": ops.tanh(h + 1.0, name="t")}

    return trace(net, x=f32[2, 3], y=f32[3, 3])


def kept(graph: Graph, *names: str, exposed: bool = False) -> Graph:
    return verify(extract(graph, {node for node in graph.nodes if node.op.name in names}, exposed=exposed))


def test_what_is_gone_becomes_an_input_and_what_is_left_unread_an_output():
    graph = kept(graph_of_net(), "add", "tanh")
    assert [value.name for value in graph.inputs] == ["x", "y", "h"]
    assert graph.inputs[2].type is f32[2, 3]
    assert graph.output_names == ("b",)
    graph = kept(graph_of_net(), "matmul", "relu")
    assert graph.output_names == ("h",)
    assert [node.op.name for node in operators(graph)] == ["matmul", "relu"]


def test_outputs_stay_under_their_names_and_what_others_read_is_given_on_demand():
    graph = kept(graph_of_net(), "matmul", "relu", "neg")
    assert graph.output_names == ("a",)
    assert kept(graph_of_net(), "matmul", "relu", "neg", exposed=True).output_names == ("a", "h")


def test_control_edges_to_what_is_gone_are_gone():
    x = named_input("x", f32[3])
    first = ops.exp(x)
    graph = Graph([ops.neg(x, after=(first.node,)), first], [x])
    assert [node.after for node in kept(graph, "neg").nodes] == [(), ()]
    late = kept(graph, "neg", "exp")
    assert len(late.outputs[0].node.after) == 1


def test_what_is_known_becomes_a_constant():
    graph = trace(lambda x: ops.reshape(x, ops.concat(ops.shape(x), (1,), axis=0)), x=f32[2, 3])
    left = kept(graph, "reshape")
    assert [value.name for value in left.inputs] == ["x"]
    assert left.outputs[0].node.inputs[1].node.params["data"].values() == (2, 3, 1)


def test_several_outputs_are_cut_one_by_one():
    graph = trace(lambda x: {"y": ops.add_n(*ops.split(x, parts=2))}, x=f32[4])
    left = kept(graph, "add_n")
    assert len({value.name for value in left.inputs}) == 3
    assert [value.type for value in left.inputs[1:]] == [f32[2], f32[2]]


def test_nothing_is_no_graph_and_an_untyped_value_no_input():
    with pytest.raises(Error, match="nothing is left"):
        extract(graph_of_net(), set())
    x = named_input("x", f32[3])
    odd = Node(foreign("Odd", "here"), (x,), EMPTY, (None,), "odd")
    with pytest.raises(Error, match="has no type"):
        kept(Graph([ops.neg(odd.outputs[0])], [x]), "neg")


@given(networks(most=12), st.data())
def test_any_part_of_any_graph_is_well_formed(graph, data):
    nodes = operators(graph)
    keep = set(data.draw(st.lists(st.sampled_from(nodes)))) if nodes else set()
    try:
        found = extract(graph, keep, exposed=data.draw(st.booleans()))
    except Error:
        assert not keep
        return
    verify(found)
    assert {node.op for node in operators(found)} == {node.op for node in keep}
    assert len(operators(found)) == len(keep)


def test_values_are_replaced_through_each_other():
    graph = graph_of_net()
    named = {node.name: node for node in graph.nodes}
    h, t = named["h"].outputs[0], named["t"].outputs[0]
    found = verify(revise(graph, {t: t.node.inputs[0], h: h.node.inputs[0]}))
    assert [node.op.name for node in operators(found)] == ["matmul", "neg", "add"]
    zero = filled(h.type, 0)
    assert zero is not None
    found = verify(revise(graph, {h: zero}))
    assert [node.op.name for node in operators(found)] == ["neg", "add", "tanh"]
    assert [value.name for value in found.inputs] == ["x", "y"]
    fresh = named_input("fresh", f32[2, 3])
    assert [value.name for value in verify(revise(graph, {h: fresh})).inputs] == ["x", "y", "fresh"]


def test_nothing_revised_is_the_same_graph():
    graph = graph_of_net()
    assert same(revise(graph), graph, names=True)
    assert revise(graph).nodes == graph.nodes


def test_types_are_inferred_again_or_refused():
    graph = graph_of_net()
    x = graph.inputs[0].node
    found = verify(revise(graph, fields={x: resized(x, (1, 3))}))
    assert [value.type for value in found.outputs] == [f32[1, 3], f32[1, 3]]
    with pytest.raises(Error, match="matmul"):
        revise(graph, fields={x: resized(x, (2, 2))})
    carried = Node(foreign("Odd", "here"), (graph.outputs[0],), EMPTY, (f32[2, 3],), "odd")
    with pytest.raises(Error, match="is carried"):
        revise(Graph(carried.outputs, graph.inputs), fields={x: resized(x, (1, 3))})


def test_constants_are_cropped():
    whole = tensor_data([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], f32[2, 3])
    assert cropped(whole, f32[2, 2]).values() == (1.0, 2.0, 4.0, 5.0)
    even = cropped(tensor_data(2.0, f32[100]), f32[3])
    assert (even.repeats, even.values()) == (True, (2.0, 2.0, 2.0))
    with pytest.raises(Error, match="cannot be cropped"):
        cropped(TensorData(DTYPES["int4"][2], b"\x21"), DTYPES["int4"][1])
    state = variable(init=whole, name="s").node
    assert resized(state, (1, 3))["params"]["init"].shape == (1, 3)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (tensor_data([8, 3], i64[2]), (2, 3)),
        (tensor_data(8, i64[()]), (2,)),
        (tensor_data([3, 3], i64[2]), None),
        (tensor_data([8.0], f32[1]), None),
        (tensor_data([8] * 17, i64[17]), None),
    ],
)
def test_sizes_in_small_constants_are_exchanged(data, expected):
    found = refilled(data, 8, 2)
    assert (found and found.values()) == expected


def test_values_of_numbers_have_stand_ins():
    assert constant(data=tensor_data(1.0, f32[2])).type is f32[2]
    for type in (f32[2], i64[()], boolean[3]):
        value = filled(type, 1)
        assert value is not None
        assert value.type is type
    assert [filled(type, 0) for type in (None, f32["n"], f32[...], DTYPES["string"][2])] == [None] * 4
