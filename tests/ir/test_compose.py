"""Composition: inputs and variables become values, the graph stays, and what lies inside is found by name."""

from copy import deepcopy

import pytest
from tests.ir.operators import LONG, add, chain, diamonds, halves, mul, relu, scaled, tanh

from nnvm.errors import Error
from nnvm.ir import (
    Graph,
    TensorType,
    Value,
    compose,
    data_of,
    f32,
    hints,
    internals,
    named_input,
    op,
    prefix,
    tensor_data,
    trace,
    unique_names,
    variable,
    verify,
)


@op(outputs=3, visible=1)
def normalised(x: Value) -> tuple[TensorType, TensorType, TensorType]:
    """Return what is normalised, and the mean and the variance that were used, which are hidden."""
    return x.tensor, x.tensor[()], x.tensor[()]


def net() -> Graph:
    x, w = named_input("x", f32["n", 4]), variable(type=f32[()], name="w")
    hidden = relu(add(x, w, name="sum"), name="act")
    return Graph([hidden], [x], output_names=["y"], name="net")


def test_a_graph_is_called_like_an_operator() -> None:
    graph = net()
    a = tanh(named_input("a", f32[2, 4]), name="t")
    y = graph(a)
    assert isinstance(y, Value)
    assert y.type is f32[2, 4]
    assert (y.node.name, y.node.inputs[0].node.inputs[0]) == ("act", a)
    assert y.node.inputs[0].node.inputs[1] is graph["w"]
    assert graph(x=a).node.op is relu  # type: ignore[union-attr]
    assert [value.name for value in graph.inputs] == ["x"]
    assert graph() is graph.outputs[0]
    two = Graph([graph["sum"], graph["act"]], output_names=["a", "b"])(a)
    assert isinstance(two, tuple)
    assert [value.type for value in two] == [f32[2, 4]] * 2


def test_numbers_and_data_become_constants() -> None:
    y = net()(w=2)
    weight = y.node.inputs[0].node.inputs[1]  # type: ignore[union-attr]
    assert (weight.type, data_of(weight).item()) == (f32[()], 2)  # type: ignore[union-attr]
    z = net()(x=tensor_data([1.0, 2.0, 3.0, 4.0], f32[1, 4]))
    assert data_of(z.node.inputs[0].node.inputs[0]).values() == (1, 2, 3, 4)  # type: ignore[union-attr]
    with pytest.raises(Error, match=r"x: f32\['n', 4\] cannot become constant: f32\[\(\)\]: the types differ"):
        net()(x=2)


def test_compose_returns_a_graph_over_the_inputs_that_are_left() -> None:
    graph, a, b = net(), named_input("a", f32[2, 4]), named_input("b", f32[()])
    made = compose(graph, {"w": relu(b)}, x=a)
    assert ([value.name for value in made.inputs], made.output_names, made.name) == (["a", "b"], ("y",), "net")
    assert verify(made).outputs[0].type is f32[2, 4]
    assert [value.name for value in compose(graph, w=relu(b)).inputs] == ["x", "b"]
    assert compose(graph) is graph
    assert compose(Graph([a, b], [a, b]), b=relu(named_input("c", f32[()]))).outputs[0] is a
    other = compose(graph, x=graph["act"])
    assert [node.name for node in other.nodes] == ["x", "w", "sum", "act", "sum", "act"]
    assert verify(unique_names(other))


def test_scopes_apply_to_what_is_built_anew() -> None:
    graph, a = net(), named_input("a", f32[2, 4])
    with prefix("left/"), hints(device="gpu0"):
        left = graph(a)
    with prefix("right/"):
        right = graph(a)
    both = Graph([left, right])  # type: ignore[list-item]
    assert verify(both)
    assert [node.name for node in both.nodes] == ["a", "w", "left/sum", "left/act", "right/sum", "right/act"]
    assert both["left/act"].node.hints == {"device": "gpu0"}


def test_what_does_not_fit_is_named() -> None:
    graph, a = net(), named_input("a", f32[2, 4])
    with pytest.raises(Error, match=r"graph net has no input or variable called 'v'; its names are x, w"):
        graph(v=a)
    with pytest.raises(Error, match=r"called 'weight1'; is it weight2\?"):
        compose(Graph([relu(named_input("weight2"))]), weight1=a)
    with pytest.raises(Error, match=r"graph net has 1 inputs, and 2 values are given"):
        graph(a, a)
    with pytest.raises(Error, match=r"graph net is given x twice"):
        graph(a, x=a)
    with pytest.raises(Error, match=r"graph net: w: f32\[\(\)\] cannot become y: f32\[5\]: the types differ"):
        graph(w=named_input("y", f32[5]))
    with pytest.raises(Error, match=r"w: f32\[\(\)\] becomes a value, a number or an array"):
        graph(w=object())
    with pytest.raises(Error, match=r"add\(x: f32\[7, 4\], y: f32\[5\]\) in node 'sum'"):
        Graph([add(named_input("x"), named_input("w", f32[5]), name="sum")])(x=named_input("y", f32[7, 4]))
    twins = Graph([add(variable(type=f32[4], name="v"), variable(type=f32[4], name="v"))])
    with pytest.raises(Error, match=r"v: f32\[4\] and another variable share a name"):
        twins(v=a)
    with pytest.raises(Error, match="are both called 'x'"):
        compose(graph, w=named_input("x", f32[()]))


def test_control_edges_follow() -> None:
    x = named_input("x", f32[4])
    first = relu(x, name="first")
    second = tanh(named_input("z", f32[4]), after=(first.node, x.node), name="second")
    graph = Graph([second, first])
    a = relu(named_input("a", f32[4]))
    later, earlier = graph(x=a)  # type: ignore[misc]
    assert later.node.after == (earlier.node, a.node)


@pytest.mark.parametrize("make", [chain, diamonds])
def test_long_graphs(make: object) -> None:
    graph: Graph = make()  # type: ignore[operator]
    made = compose(graph, x=tanh(named_input("z", f32[4])))
    assert len(made.nodes) == len(graph.nodes) + 1
    assert len(chain().nodes) == LONG + 1


def test_internals_are_found_by_name() -> None:
    graph = net()
    assert (graph["act"], graph["y"], graph["x"]) == (graph.outputs[0], graph.outputs[0], graph.inputs[0])
    assert list(internals(graph)) == ["x", "w", "sum", "act", "y"]
    part = Graph([graph["sum"]])
    assert [node.name for node in part.nodes] == ["x", "w", "sum"]
    with pytest.raises(Error, match=r"graph net has nothing called 'som'; is it sum\?"):
        graph["som"]
    with pytest.raises(Error, match=r"nothing called 'q'; its names are x, w, sum, act, y"):
        graph["q"]
    with pytest.raises(TypeError, match="not iterable"):
        iter(graph)  # type: ignore[call-overload]


def test_outputs_of_one_node_have_numbers() -> None:
    first, second = halves(named_input("x", f32[4]), name="h")
    graph = Graph([mul(first, second, name="m")])
    assert (graph["h.0"], graph["h.1"]) == (first, second)
    with pytest.raises(Error, match=r"'h' in graph main has 2 outputs: h\.0, h\.1; name one of them"):
        graph["h"]


def test_hidden_outputs_are_found_by_number() -> None:
    y = normalised(named_input("x", f32[4]), name="bn")
    graph = Graph([relu(y, name="r")])
    assert (graph["bn"], graph["bn.0"], graph["bn.1"]) == (y, y, y.node.outputs[1])


def test_an_ambiguous_name_is_refused() -> None:
    x = named_input("x", f32[4])
    graph = Graph([add(relu(x, name="a"), tanh(x, name="a"))])
    with pytest.raises(Error, match=r"'a' in graph main is ambiguous: a = relu\(x\) and a = tanh\(x\)"):
        graph["a"]
    with pytest.raises(Error, match="'a' in graph main is ambiguous"):
        Graph([relu(x, name="a"), tanh(x)], output_names=["b", "a"])["a"]


def test_a_copy_is_the_graph_itself() -> None:
    graph = Graph([scaled(net().outputs[0], by=2)])
    assert deepcopy(graph) is graph
    assert deepcopy({"g": [graph]})["g"][0] is graph
    assert deepcopy(graph.outputs[0]) is graph.outputs[0]


def test_a_graph_is_traced_into_another() -> None:
    inner = net()
    outer = trace(lambda a: {"z": tanh(inner(a))}, a=f32[3, 4])
    assert (outer.outputs[0].type, outer["w"]) == (f32[3, 4], inner["w"])


def test_inputs_may_be_called_anything() -> None:
    place = named_input("self", f32[4])
    a = tanh(named_input("a", f32[4]))
    assert Graph([relu(place)])(self=a).node.inputs == (a,)  # type: ignore[union-attr]
    assert compose(Graph([relu(place)]), {"self": a}).outputs[0].node.inputs == (a,)
    assert Graph([relu(named_input("no name", f32[4]))])(**{"no name": a}).node.inputs == (a,)  # type: ignore[union-attr]
