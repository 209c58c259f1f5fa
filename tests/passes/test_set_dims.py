"""Numbers for names."""

import pytest

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import f32, i64, named_input, trace, verify
from nnvm.passes import set_dims


def test_names_are_replaced_in_every_type() -> None:
    graph = trace(lambda x, y: ops.concat(ops.exp(x), y, axis=0), x=f32["n", "m"], y=f32[2, "m"])
    made = verify(set_dims(graph, {"n": 3}))
    assert [value.type for value in made.inputs] == [f32[3, "m"], f32[2, "m"]]
    assert made.outputs[0].type is f32[5, "m"]
    assert [value.name for value in made.inputs] == ["x", "y"]
    assert made.inputs[0].node.params["type"] is f32[3, "m"]


def test_inputs_that_nobody_reads_are_bound_as_well() -> None:
    made = set_dims(trace(lambda x, y: ops.exp(x), x=f32[2], y=f32["n"]), {"n": 4})
    assert made.inputs[1].type is f32[4]


def test_nothing_is_inferred() -> None:
    x = named_input("x", f32["n"])
    odd = ops.reshape(x, named_input("s", i64[1]), name="r").node.replace(types=(f32["k"],)).outputs[0]
    made = set_dims(trace(lambda: odd), {"n": 3})
    assert made.outputs[0].type is f32["k"]


def test_control_edges_names_and_hints_stay() -> None:
    def build(x):
        first = ops.exp(x, name="first")
        return ops.tanh(x, name="second", after=(first.node,), hints={"line": 1})

    made = set_dims(trace(build, x=f32["n"]), {"n": 3}).outputs[0].node
    assert (made.name, dict(made.hints), [(node.name, node.types) for node in made.after]) == (
        "second",
        {"line": 1},
        [("first", (f32[3],))],
    )


def test_no_names_no_change() -> None:
    graph = trace(lambda x: ops.exp(x), x=f32["n"])
    assert set_dims(graph, {}) is graph


def test_a_name_that_is_not_there_lists_those_that_are() -> None:
    graph = trace(lambda x: ops.exp(x), x=f32["width", "batch"])
    with pytest.raises(Error, match=r"no dimension is called height; the graph has batch, width"):
        set_dims(graph, {"height": 3})
    with pytest.raises(Error, match="no named dimension"):
        set_dims(trace(lambda x: ops.exp(x), x=f32[2]), {"height": 3})


def test_a_negative_dimension_is_refused() -> None:
    with pytest.raises(Error, match="n=-1"):
        set_dims(trace(lambda x: ops.exp(x), x=f32["n"]), {"n": -1})


def test_a_long_chain() -> None:
    def chain(x):
        for _ in range(20_000):
            x = ops.tanh(x)
        return x

    assert set_dims(trace(chain, x=f32["n"]), {"n": 2}).outputs[0].type is f32[2]
