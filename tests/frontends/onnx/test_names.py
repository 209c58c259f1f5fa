from nnvm import ops
from nnvm.frontends.onnx.names import Names
from nnvm.ir import Graph, f32, named_input


def test_fresh_names() -> None:
    names = Names(Graph([ops.relu(named_input("x", f32[2]))], output_names=["y"]), {"inner"})
    assert [names.fresh(wanted) for wanted in ("x", "x", "a", "a", "inner", "relu_0", "relu_0", "y")] == [
        "x_1", "x_2", "a", "a_1", "inner_1", "relu_0", "relu_1", "y_1",
    ]  # fmt: skip


def test_many_equal_names_are_not_quadratic() -> None:
    names = Names(Graph(()), ())
    assert [names.fresh("n") for _ in range(20_000)][-1] == "n_19999"


def test_outputs_of_many() -> None:
    x = named_input("x", f32[4])
    parts = ops.split(x, parts=2, name="s")
    graph = Graph(parts, output_names=["a", "b"])
    names = Names(graph, ())
    assert [names.of[value] for value in parts] == ["a", "b"]
    names = Names(Graph([ops.relu(parts[1])]), ())
    names.add(parts[0].node)
    assert [names.of[value] for value in parts] == ["s", "s.1"]
