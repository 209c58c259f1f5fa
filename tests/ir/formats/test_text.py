import ast

import pytest
from hypothesis import given
from tests.ir.operators import LONG, UNARY, add, biased, chain, concat, diamonds, halves, mul, relu, scaled, sub, tanh
from tests.laws.graphs import graphs

from nnvm.ir import DTYPES, Graph, TensorData, bf16, constant, dim, f32, i64, named_input, string, tensor_data

X = named_input("x", f32[4, "n"])


def test_a_graph_prints_as_a_python_function() -> None:
    first, second = halves(X, axis=0, name="h")
    moved = scaled(first, by=(1, 2.5, "same"), name="a/b:0", after=(second.node,))
    total = add(moved, biased(second, first), name="sum")
    weight = constant(data=tensor_data([1, 2], i64[2]), name="w")
    graph = Graph([total, concat(weight, weight)], [X], output_names=["y", "two"])
    assert str(graph) == (
        "def main(x: f32[4, 'n']):\n"
        "    h_0, h_1 = halves(x, name='h')\n"
        "    a_b_0 = scaled(h_0, by=(1, 2.5, 'same'), name='a/b:0', after=(h_0,))\n"
        "    biased_1 = biased(h_1, h_0)\n"
        "    sum = add(a_b_0, biased_1)\n"
        "    w = constant(data=i64[2]([1, 2]))\n"
        "    concat_1 = concat(w, w)\n"
        "    return {'y': sum, 'two': concat_1}"
    )


def test_nested_graphs_are_nested_functions() -> None:
    u = named_input("u", f32[2])
    inner = Graph([relu(u, name="relu")], [u], name="ignored")
    x = named_input("x", f32[2])
    text = str(Graph([scaled(x, by=inner, name="s")], [x], output_names=["y"]))
    assert text == (
        "def main(x: f32[2]):\n"
        "    def s_by(u: f32[2]):\n"
        "        'ignored'\n"
        "        relu_1 = relu(u, name='relu')\n"
        "        return {'relu': relu_1}\n"
        "    s = scaled(x, by=s_by)\n"
        "    return {'y': s}"
    )


def test_a_nested_function_is_called_what_it_is_defined_as() -> None:
    u = named_input("s_by", f32[2])
    inner = Graph([relu(u, name="s_by")], [u])
    text = str(Graph([scaled(named_input("x", f32[2]), by=inner, name="s")]))
    functions = [node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert functions == ["main", "s_by"]
    assert "by=s_by)" in text


@pytest.mark.parametrize("name", ["if", "relu", "7", "", "²", "a b", "été", "main", "None", "-"])
def test_names_are_names_in_python_too(name: str) -> None:
    x = named_input(name, f32[2])
    text = str(Graph([relu(x, name=f"{name}!")], [x], output_names=["y"]))
    ast.parse(text)
    assert repr(f"{name}!") in text


@pytest.mark.parametrize(
    "data",
    [
        tensor_data(1.5, bf16[2]),
        TensorData(DTYPES["complex64"][1], bytes(8)),
        TensorData(DTYPES["float8_e4m3fn"][2], b"12"),
        TensorData(DTYPES["int4"][3], b"12"),
        TensorData(string[1], (b"x",)),
        tensor_data(1, f32[1000]),
    ],
)
def test_constants_of_any_type_print(data: TensorData) -> None:
    text = str(Graph([constant(data=data)]))
    assert repr(data.tensor) in text
    ast.parse(text)


def test_symbolic_dimensions_and_params() -> None:
    n = dim("n")
    text = str(Graph([scaled(named_input("x", f32[n * 2 + 1, None]), by=(n, f32))]))
    assert "x: f32['2*n + 1', None]" in text
    assert "by=(dim('n'), f32)" in text


def test_an_input_without_a_type() -> None:
    assert str(Graph([relu(named_input("u"))])).startswith("def main(u):\n")


@given(graphs(UNARY, (add, mul, sub)))
def test_text_is_python_that_assigns_each_name_once(graph: Graph) -> None:
    text = str(graph)
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    targets = [line.targets[0].id for line in function.body if isinstance(line, ast.Assign)]  # type: ignore[attr-defined]
    arguments = [argument.arg for argument in function.args.args]
    assert len({*targets, *arguments}) == len(targets) + len(arguments)
    assert len(targets) == sum(bool(node.inputs) for node in graph.nodes)
    assert text == str(graph.replace())


def test_long_graphs() -> None:
    lines = str(chain()).split("\n")
    assert len(lines) == LONG + 2
    assert lines[-2] == f"    relu_{LONG // 2} = relu(tanh_{LONG // 2})"
    assert len(str(diamonds()).split("\n")) == 3 * (LONG // 2) + 2
    value = named_input("x", f32[1])
    for _ in range(LONG):
        value = tanh(value, name="layer")
    assert f"layer_{LONG - 1} = tanh(layer_{LONG - 2}, name='layer')" in str(Graph([value]))
