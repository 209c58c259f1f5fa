import pytest
from tests.ir.operators import LONG, add, chain, halves, relu, scaled

from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Node, TensorType, Value, f32, foreign, named_input, op, params, variable
from nnvm.ir.formats.json_write import json_chunks, to_json

X = named_input("x", f32[2])


@op
def put(state: Value, x: Value) -> TensorType:
    """Overwrite a state."""
    return state.tensor


def mutates(operator):
    return (0,) if operator is put else None


def test_a_row_for_each_node() -> None:
    first, second = halves(relu(X, name="r"), axis=0)
    carried = Node(foreign("F", "m"), (second, ABSENT), params({"k": 2.5}), (None,), None, (first.node,)).outputs[0]
    dead = named_input("dead")
    graph = Graph([carried, first], [dead, X], output_names=["y", "z"], name="net")
    assert to_json(graph) == (
        '{"format":"nnvm-graph","version":1,\n'
        '"name":"net",\n'
        '"nodes":[\n'
        '{"op":"input","name":"x","params":{"type":{"type":"f32[2]"}},"inputs":[],"types":["f32[2]"]},\n'
        '{"op":"relu","name":"r","inputs":[[0,0,0]],"types":["f32[2]"]},\n'
        '{"op":"halves","inputs":[[1,0,0]],"types":["f32[1]","f32[1]"]},\n'
        '{"op":"F","foreign":"m","params":{"k":2.5},"inputs":[[2,1,0],null],"control_deps":[2],"types":[null]},\n'
        '{"op":"input","name":"dead","inputs":[],"types":[null]}\n'
        "],\n"
        '"arg_nodes":[4,0],\n'
        '"heads":[[3,0,0],[2,0,0]],\n'
        '"head_names":["y","z"]}\n'
    )


def test_versions_are_those_of_nnvm() -> None:
    """The example of NNVM's own OrderMutation: y = conv(x); a1 = add(y, x); z = assign(x, y); t = add(y, x)."""
    x = variable(type=f32[2], name="x")
    y = relu(x, name="y")
    first = add(y, x, name="a1")
    now = put(x, y, name="z")
    last = add(y, now, name="t")
    text = to_json(Graph([first, last, now], []), mutates=mutates)
    rows = [line.partition('"inputs":')[2].partition(',"types"')[0] for line in text.splitlines() if '"inputs"' in line]
    assert rows == ["[]", "[[0,0,0]]", "[[1,0,0],[0,0,0]]", "[[0,0,1],[1,0,0]]", "[[1,0,0],[0,0,1]]"]
    assert '"heads":[[2,0,0],[4,0,0],[0,0,1]]' in text
    assert '"heads":[[2,0,0],[4,0,0],[3,0,0]]' in to_json(Graph([first, last, now], []))


def test_a_second_write_to_one_state_makes_no_version() -> None:
    x = variable(type=f32[2], name="x")
    one, two = put(x, X), put(x, x)
    three = put(one, two)
    text = to_json(Graph([put(one, three), relu(two), put(relu(X), X)], [X]), mutates=mutates)
    rows = [
        line.partition('"inputs":')[2].partition(',"types"')[0] for line in text.splitlines() if '"op":"put"' in line
    ]
    assert rows == [
        "[[0,0,1],[1,0,0]]", "[[0,0,0],[0,0,0]]", "[[0,0,2],[3,0,0]]", "[[2,0,0],[0,0,2]]", "[[7,0,0],[1,0,0]]"
    ]  # fmt: skip


def test_nested_graphs_stand_first_each_once() -> None:
    inner = Graph([relu(X)], [X], name="inner")
    middle = Graph([scaled(X, by=(inner, {"k": inner}))], [X], name="middle")
    text = to_json(Graph([scaled(X, by=middle), scaled(X, by=inner)], [X]))
    assert text.count('"name":"inner"') == text.count('"name":"middle"') == 1
    assert text.index('"name":"inner"') < text.index('"name":"middle"') < text.index('"name":"main"')
    assert '"params":{"by":[{"graph":0},{"map":[["k",{"graph":0}]]}]}' in text


def test_graphs_over_sixty_deep_are_refused() -> None:
    graph = Graph([relu(X)], [X])
    for _ in range(60):
        graph = Graph([scaled(X, by=graph)], [X])
    to_json(graph)
    with pytest.raises(Error, match="holds graphs over 60 deep"):
        to_json(Graph([scaled(X, by=graph)], [X]))


def test_chunks_are_pieces_of_the_whole() -> None:
    graph = chain(LONG)
    pieces = list(json_chunks(graph))
    assert "".join(pieces) == to_json(graph)
    assert max(map(len, pieces)) < 200_000
    assert to_json(graph).count("\n") > LONG
