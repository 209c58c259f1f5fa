"""Types forward, back to weights, and no further than is known."""

import pytest

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import UNKNOWN, Graph, TensorType, Value, dim, f16, f32, foreign, i64, named_input, trace, variable, verify
from nnvm.passes import infer_types
from nnvm.passes.infer_types import sharper


def typed(graph: Graph) -> dict[str, object]:
    return {str(node.name): node.types[0] for node in verify(infer_types(graph)).nodes if node.name}


def retyped(graph: Graph, **types: TensorType) -> Graph:
    """Return a graph whose inputs have types while its other nodes still have none."""
    given = {value: named_input(value.name, types.get(value.name)) for value in graph.inputs}
    now: dict[Value, Value] = dict(given)
    for node in graph.nodes:
        if node.inputs:
            inputs = tuple(now.get(value, value) for value in node.inputs)
            now.update(zip(node.outputs, node.replace(inputs=inputs).outputs, strict=True))
    return Graph([now[value] for value in graph.outputs], given.values(), output_names=graph.output_names)


def test_forward() -> None:
    graph = retyped(trace(lambda x: ops.concat(ops.tanh(x), x, axis=0)), x=f32["n", 3])
    assert str(infer_types(graph).outputs[0].shape) == "('2*n', 3)"


def test_back_to_weights() -> None:
    def net(x, w, gamma, beta, mean, var):
        y = ops.conv(x, w, kernel=(3, 3), pads=(1, 1, 1, 1), name="conv")
        return ops.batch_norm(y, gamma, beta, mean, var, name="bn")

    graph = retyped(trace(net), x=f32["n", 3, 8, 8], w=f32[16, None, 3, 3])
    found = typed(graph)
    assert found["w"] is f32[16, 3, 3, 3]
    assert found["gamma"] is found["var"] is f32[16]
    assert found["bn"] is f32["n", 16, 8, 8]


def test_uses_before_the_one_that_tells_learn_too() -> None:
    def net(x, w):
        return ops.tanh(w, name="early"), ops.conv(x, w, kernel=(1, 1), name="conv")

    graph = retyped(trace(net), x=f32[1, 3, 8, 8], w=f32[5, None, None, None])
    assert typed(graph)["early"] is f32[5, 3, 1, 1]
    assert [value.type for value in infer_types(graph).inputs] == [f32[1, 3, 8, 8], f32[5, 3, 1, 1]]


def test_variables_are_typed_as_inputs_are() -> None:
    x = named_input("x", f32[1, 3, 4, 4])
    graph = Graph([ops.conv(x, variable(name="w", type=f32[2, None, 3, 3]))], [x])
    assert typed(graph)["w"] is f32[2, 3, 3, 3]


def test_what_is_known_stays_the_same_graph() -> None:
    graph = trace(lambda x: ops.exp(ops.reshape(x, (-1,))), x=f32["n", 3])
    assert infer_types(graph) is graph


def test_without_types_nothing_is_found_out() -> None:
    graph = trace(lambda x: ops.exp(x + x))
    assert infer_types(graph) is graph


def test_unknown_operators_keep_their_types_and_what_follows_is_typed() -> None:
    x = named_input("x", f32[2])
    carried = foreign("mystery", "tests")(x).node.replace(types=(f16["k"],)).outputs[0]
    after = ops.exp(carried).node.replace(types=(None,)).outputs[0]
    assert infer_types(Graph([after], [x])).outputs[0].type is f16["k"]


def test_a_shape_that_became_constant_names_its_dimensions() -> None:
    x = named_input("x", f32["n", 3])
    before = ops.reshape(x, named_input("shape", i64[2]), name="r")
    assert str(before.shape) == "('r.0', 'r.1')"
    constant_shape = ops.reshape(x, (0, -1)).node.inputs[1]
    graph = Graph([before.node.replace(inputs=(x, constant_shape)).outputs[0]], [x])
    assert infer_types(graph).outputs[0].type is f32["n", 3]


def test_types_that_do_not_fit_name_the_operator() -> None:
    graph = retyped(trace(lambda x, y: ops.add(x, y, name="sum")), x=f32[2], y=f32[3])
    with pytest.raises(Error, match="sum"):
        infer_types(graph)


N, BORN = dim("n"), dim("y.0")


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (None, f32[2], f32[2]),
        (f32[2], None, f32[2]),
        (f32[...], f32[2], f32[2]),
        (f32[2], f32[...], f32[2]),
        (f32[UNKNOWN, 3], f32[2, UNKNOWN], f32[2, 3]),
        (f32["n"], f32[4], f32[4]),
        (f32[4], f32["n"], f32[4]),
        (f32["n"], f32["m"], f32["n"]),
        (f32[BORN], f32["n"], f32["n"]),
        (f32[BORN], f32[UNKNOWN], f32[BORN]),
        (f32[2], f16[3], f32[2]),
        (f32[2], f32[2, 2], f32[2]),
        (f32[2], f32[3], f32[2]),
    ],
)
def test_sharper(first: TensorType | None, second: TensorType | None, wanted: TensorType) -> None:
    assert sharper(first, second, "y") is wanted


def test_a_long_chain() -> None:
    def chain(x):
        for _ in range(20_000):
            x = ops.tanh(x)
        return x

    assert infer_types(retyped(trace(chain), x=f32["n"])).outputs[0].type is f32["n"]


def test_a_long_row_of_weights() -> None:
    x = named_input("x", f32[1, 4, 2, 2])
    y, weights = x, []
    for i in range(2_000):
        weights.append(named_input(f"w{i}", f32[4, None, 1, 1]))
        y = ops.conv(y, weights[-1])
    made = infer_types(Graph([y], [x, *weights]))
    assert {value.type for value in made.inputs[1:]} == {f32[4, 4, 1, 1]}
