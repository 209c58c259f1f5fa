import math
import struct

import pytest
from hypothesis import given
from tests.ir import operators as own
from tests.ir.operators import LONG, UNARY, add, biased, chain, concat, filled, halves, mul, relu, scaled, split, sub
from tests.laws.graphs import graphs

from nnvm.errors import Error
from nnvm.ir import (
    ABSENT,
    DTYPES,
    UNKNOWN,
    Graph,
    Node,
    Op,
    TensorData,
    bf16,
    constant,
    container_type,
    dim,
    f32,
    foreign,
    i64,
    input,
    larger,
    named_input,
    params,
    same,
    smaller,
    string,
    tensor_data,
    variable,
)
from nnvm.ir.formats.parse import parse
from nnvm.ir.formats.text import keyed_data, print_graph

OPERATORS = {each.name: each for each in vars(own).values() if isinstance(each, Op)}
X = named_input("x", f32[4, "n"])
N = dim("n")


def back(graph: Graph, **options) -> Graph:
    """Read what is printed, and hold it to be the same in names and in bytes."""
    text = print_graph(graph, **options)
    found = parse(text, OPERATORS, keyed_data(graph, **options))
    assert same(graph, found, names=True) is True, text
    assert print_graph(found, **options) == text
    return found


@given(graphs(UNARY, (add, mul, sub)))
def test_any_graph_comes_back(graph: Graph) -> None:
    back(graph)


@pytest.mark.parametrize(
    "type",
    [
        None,
        f32[()],
        f32[...],
        f32[None, 0, 3],
        f32[2 * N + 1, N // 2, larger(N, 3), smaller(N * N, dim("m"))],
        f32[N - 3, (N + 1) // (dim("m") + 2), -N],
        f32[dim("a b"), 2 * dim("n+1") + N, dim("max"), dim("?"), dim("3d"), dim("dépôt"), dim("conv.0")],
        DTYPES["float8_e4m3fn"][2],
        container_type("sequence", container_type("optional", f32[2])),
        container_type("map", None),
    ],
)
def test_types(type) -> None:
    x = named_input("x", type)
    back(Graph([x], [x, named_input("dead", type)]))


@pytest.mark.parametrize(
    "data",
    [
        tensor_data([1.5, -0.0, math.inf, -math.inf], bf16[4]),
        tensor_data([math.nan, 0.1], f32[2]),
        TensorData(f32[1], b"\x01\0\xa0\x7f"),
        TensorData(DTYPES["bool"][2], b"\x02\x01"),
        tensor_data(True, DTYPES["bool"][()]),
        TensorData(DTYPES["complex64"][1], bytes(8)),
        TensorData(DTYPES["complex64"][100], bytes(8), repeats=True),
        TensorData(DTYPES["int4"][3], b"12"),
        TensorData(DTYPES["int4"][99], b"\x03", repeats=True),
        TensorData(string[2], (b"x", b"\xff'\"\n")),
        TensorData(string[40], (b"x",) * 40),
        tensor_data((), f32[0]),
        tensor_data(0.1, f32[1000, 1000]),
        tensor_data(-1, i64[17]),
        tensor_data([(1 << 63) - 1] * 40, i64[40]),
    ],
)
@pytest.mark.parametrize("options", [{}, {"inline_bytes": 1024}])
def test_constants(data: TensorData, options) -> None:
    back(Graph([constant(data=data)]), **options)


@pytest.mark.parametrize(
    "by",
    [
        None, True, 1, 1.0, -0.0, 0, -5, math.nan, -math.nan, -math.inf,
        struct.unpack(">d", b"\x7f\xf8" + bytes(5) + b"\1")[0], "",
        "é\n'\"\\", b"\0\xff", ..., 1j, complex(-0.0, math.inf), (), (1,), (1, ("a", (2.5, None))),
        {"k": [1, (2,)]}, N, 2 * N - 1,
        UNKNOWN, "n", f32, f32["n", 3], (f32[...], bf16), 10**30, tensor_data([1, 2], i64[2]),
        (tensor_data(1.0, f32[()]), "x"),
    ],
)  # fmt: skip
def test_params(by) -> None:
    back(Graph([scaled(X, by=by), scaled(X, by=1), scaled(X, by=True)], [X]))


def test_what_few_graphs_have() -> None:
    untyped, odd = named_input("u"), named_input("a/b:0", f32[2])
    first, second = halves(X, name="h")
    (alone,) = split(X, parts=1, name="alone")
    carried = Node(
        foreign("com.x::Fused", "mod"), (odd, ABSENT, untyped), params({"a": (1, "b")}), (f32[2], None), "ff"
    )
    state = variable(type=f32[2], init=tensor_data([1, 2], f32[2]), name="state")
    retyped = Node(relu, (X,), params({}), (f32[...],)).outputs[0]
    forgotten = Node(halves, (X,), params({"axis": 0}), (None, f32["q"])).outputs
    ends = [
        relu(first, name="relu_1", after=(carried,)), relu(relu(second)), relu(untyped), biased(odd, odd, ABSENT),
        Node(biased, (odd, odd, ABSENT), params({}), (f32[2],), "kept").outputs[0], alone, *carried.outputs, state,
        retyped, *forgotten, relu(X, name=""), relu(X, name="h_0, h_1"), relu(X, name="relu"), relu(X, name="if"),
    ]  # fmt: skip
    back(Graph(ends, [X, state, odd, untyped, named_input("dead:0")], name="a graph: 'quoted'"))
    back(Graph([relu(named_input("input", f32[2])), X], name="main"))
    back(Graph([], []))


def test_inputs_that_are_more_than_a_name_and_a_type() -> None:
    first = relu(X, name="first")
    late = Node(input, (), params({"type": None}), (f32[2],), "late", (first.node,)).outputs[0]
    unnamed = Node(input, (), params({"type": None}), (None,)).outputs[0]
    untyped = Node(input, (), params({"type": f32[3]}), (None,), "untyped").outputs[0]
    unlisted = named_input("unlisted", f32[3])
    back(Graph([add(late, late), relu(unnamed), untyped, unlisted], [late, unnamed, untyped, X], output_names="abcd"))
    assert same(back(Graph([X], [X, late], output_names=["y"])), Graph([X], [X, late], output_names=["y"])) is True


def test_nested_graphs() -> None:
    u = named_input("u", f32[2])
    inner = Graph([scaled(u, by=Graph([relu(u)], [u], name="deepest"), name="s")], [u])
    x = named_input("x", f32[2])
    found = back(Graph([scaled(x, by=inner), scaled(x, by=inner, name="s")], [x]))
    assert found.outputs[1].node.params["by"].outputs[0].node.params["by"].name == "deepest"


def test_an_ill_formed_graph_comes_back_as_ill_formed() -> None:
    wrong = Node(add, (X, named_input("z", f32[7])), params({}), (f32[9],)).outputs[0]
    back(Graph([wrong]))


def test_hints_on_demand() -> None:
    graph = Graph([relu(X, hints={"device": "gpu1", "rank": (1, 2), "opaque": object()})], [X])
    assert "hints" not in str(graph)
    text = print_graph(graph, hints=True)
    assert "relu_1 = relu(x, hints={'device': 'gpu1', 'rank': (1, 2)})" in text
    found = parse(text, OPERATORS)
    assert found.outputs[0].node.hints == {"device": "gpu1", "rank": (1, 2)}
    assert print_graph(found, hints=True) == text


def test_people_write_it_too() -> None:
    text = """
# a note
def net(
    x: f32[2, 'n'],  # the image
    w: f32[2, dim('n')],
):

    y = relu(x)  # squash
    both = concat(
        y,
        w,
        axis=1,
    )
    # the end
    return {
        "y": both,
    }
"""
    found = parse(text.replace("\n", "\r\n"), OPERATORS)
    assert [node.name for node in found.nodes] == ["x", "y", "w", "both"]
    assert found.outputs[0].type is f32[2, 2 * N]


def test_long_graphs() -> None:
    back(chain())
    x = value = named_input("x", f32[1])
    for _ in range(LONG):
        value = relu(value, name="layer")
    back(Graph([value], [x]))
    back(Graph([relu(x) for _ in range(LONG)], [x], output_names=map(str, range(LONG))))


def test_nesting_has_an_end() -> None:
    u = named_input("u", f32[2])
    graph = Graph([u], [u])
    for _ in range(59):
        graph = Graph([scaled(u, by=graph)], [u])
    back(graph)
    for _ in range(2000):
        graph = Graph([scaled(u, by=graph)], [u])
    with pytest.raises(Error, match="over 60 graphs deep"):
        str(graph)


HEAD = "def main(x: f32[2], u):\n    "
KEY = "00" * 16
MALFORMED: list[tuple[str, int, int, str]] = [
    ("", 1, 1, "no graph"),
    ("# only a note\n", 2, 1, "no graph"),
    ("x = relu(x)", 1, 1, "one function"),
    ("    x = 1", 1, 5, "indentation"),
    ("class A:\n    pass", 1, 1, "functions only"),
    ("@jit\ndef main():\n    return {}", 1, 2, "functions only"),
    ("def main(x: f32[2]", 1, 1, "ends with a colon"),
    ("def main(*x):\n    return {}", 1, 1, "names with types"),
    ("def main(x=1):\n    return {}", 1, 1, "names with types"),
    ("def main(x, x):\n    return {}", 1, 13, "twice"),
    ("def main(x: f33[2]):\n    return {}", 1, 13, "f33 is no element type"),
    ("def main(x: f32):\n    return {}", 1, 13, "no type"),
    ("def main(x: f32[2.5]):\n    return {}", 1, 17, "no dimension"),
    ("def main(x: f32[-1]):\n    return {}", 1, 17, "negative"),
    ("def main(x: f32['a b']):\n    return {}", 1, 17, "no expression over dimensions"),
    ("def main(x: f32['n//0']):\n    return {}", 1, 17, "no expression over dimensions"),
    ("def main(x: f32[open('f')]):\n    return {}", 1, 17, "no dimension"),
    (HEAD + "y = relu(x)", 1, 1, "no return"),
    (HEAD + "y = relu(x", 2, 13, "never closed"),
    (HEAD + "y = rely(x)", 2, 9, "is it relu"),
    (HEAD + "y = relu(xx)", 2, 14, "no line above assigns xx"),
    (HEAD + "y = relu(relu(x))", 2, 14, "one operator a line"),
    (HEAD + "y = x", 2, 9, "calls one operator"),
    (HEAD + "y = x + x", 2, 9, "calls one operator"),
    (HEAD + "y = relu(x, x)", 2, 17, "takes 1 inputs"),
    (HEAD + "y = add(x)", 2, 9, "lacks its input 'y'"),
    (HEAD + "y = split(x)", 2, 9, "lacks its param 'parts'"),
    (HEAD + "y = scaled(x, buy=1)", 2, 23, "is it by"),
    (HEAD + "y = scaled(x, by=1, by=2)", 2, 28, "twice"),
    (HEAD + "y = scaled(x, **{})", 2, 21, "written out"),
    (HEAD + "y = scaled(*x)", 2, 16, "name assigned above"),
    (HEAD + "y = scaled(x, by=__import__('os'))", 2, 22, "nothing is executed"),
    (HEAD + "y = scaled(x, by=lambda: 1)", 2, 22, "nothing is executed"),
    (HEAD + "y = scaled(x, by=f'{x}')", 2, 22, "nothing is executed"),
    (HEAD + "y = scaled(x, by=body)", 2, 22, "body is neither"),
    (HEAD + "y = scaled(x, by=-'a')", 2, 22, "sign"),
    (HEAD + "y = scaled(x, by={[]: 1})", 2, 22, "cannot be one"),
    (HEAD + "y = relu(x, name=3)", 2, 22, "a name is a string"),
    (HEAD + "y = relu(x, after=x)", 2, 23, "tuple of names"),
    (HEAD + "y = relu(x, after=(z,))", 2, 24, "no line above assigns z"),
    (HEAD + "y = relu(x, hints=3)", 2, 23, "mapping"),
    (HEAD + "x = relu(x)", 2, 5, "x is assigned twice"),
    (HEAD + "y, y = halves(x)", 2, 8, "y is assigned twice"),
    (HEAD + "y = z = relu(x)", 2, 9, "assigns once"),
    (HEAD + "y[0] = relu(x)", 2, 5, "assigns to one name"),
    (HEAD + "y, z = relu(x)", 2, 5, "1 outputs there, not 2"),
    (HEAD + "y += relu(x)", 2, 5, "assigns the outputs"),
    (HEAD + "import os", 2, 5, "assigns the outputs"),
    (HEAD + "for i in x:\n        pass", 2, 5, "assigns the outputs"),
    (HEAD + "y = halves(x, axis=9)\n    return {}", 2, 9, "halves"),
    (HEAD + "w = constant(data=f32[2]([1]))", 2, 30, "needs 8 bytes"),
    (HEAD + "w = constant(data=f32[2](['a', 'b']))", 2, 30, "could not convert"),
    (HEAD + f"w = constant(data=f32[2]('{KEY}'))", 2, 30, "no data under"),
    (HEAD + "w = constant(data=i64[1]([1.5]))", 2, 30, "would change"),
    (HEAD + "y: f32[2]\n    return {}", 2, 5, "no line below assigns"),
    (HEAD + "return x", 2, 5, "mapping from names"),
    (HEAD + "return {x: x}", 2, 13, "name of an output"),
    (HEAD + "return {'y': z}", 2, 18, "no line above assigns z"),
    (HEAD + "return {'y': x}\n    y = relu(x)", 3, 5, "nothing follows"),
    (HEAD + "return {'y': x}\ndef other():\n    return {}", 3, 1, "one text is one graph"),
    (HEAD + "y = relu(x)\n  z = relu(y)", 3, 3, "indentation"),
    (HEAD + "y = relu(x)\n      z = relu(y)", 3, 6, "indent"),
    (HEAD + "y = scaled(x, by=" + "(" * 5000 + ")" * 5000 + ")", 2, 81, "nested over 60 deep"),
    (HEAD + "y = scaled(x, by=" + "-" * 100_000 + "1)", 2, 1, "deep"),
    (HEAD + "y = scaled(x, by='\0')", 2, 1, "null"),
    (HEAD + "y = scaled(x, by=" + "9" * 10_000 + ")", 2, 1, "digits"),
    ("".join(f"{' ' * i}def f():\n" for i in range(100)), 61, 61, "nested over 60 deep"),
    (HEAD + "def body(v):\n        return {'v': x}\n    y = scaled(x, by=body)", 3, 22, "no line above assigns x"),
]


@pytest.mark.parametrize(("text", "line", "column", "said"), MALFORMED)
def test_malformed_texts_are_pointed_at(text: str, line: int, column: int, said: str) -> None:
    with pytest.raises(Error) as caught:
        parse(text, OPERATORS)
    first, shown, caret = str(caught.value).split("\n")[-3:]
    assert first.startswith(f"line {line}, column {column}: "), first
    assert said in first
    assert caret.strip() == "^"
    source = text.split("\n")[line - 1]
    assert source.replace("\t", " ")[max(0, column - 101) if len(source) > 160 else 0 :].startswith(shown[4:])
    assert len(caret) - 5 == (min(column - 1, 100) if len(source) > 160 else column - 1)


def test_data_of_another_type() -> None:
    key = "00" * 16
    with pytest.raises(Error, match=r"line 2, column 30: the data under this key is i64\[1\], not f32\[2\]"):
        parse(HEAD + f"w = constant(data=f32[2]('{key}'))", OPERATORS, {key: tensor_data([1], i64[1])})


def test_a_shape_that_data_decides() -> None:
    back(Graph([filled(constant(data=tensor_data([2, 3], i64[2])))]))
    back(Graph([own.found(X, name="f"), concat(own.found(X), own.found(X, name="g.h"))], [X]))


def test_two_outputs_or_inputs_of_one_name_are_pointed_at() -> None:
    with pytest.raises(Error, match=r"line 2, column 21: two outputs are called 'y'"):
        parse("def main(x: f32[2]):\n    return {'y': x, 'y': x}", {})
    renamed = "def main(a, b):\n    a = input(name='x')\n    b = input(name='x')\n    return {'y': a}"
    with pytest.raises(
        Error, match=r"line 1, column 1: graph main: input x: None and input x: None are both called 'x'"
    ):
        parse(renamed, {})
