import gc

from hypothesis import given
from tests.ir import operators as own
from tests.ir.formats.test_json_write import mutates, put
from tests.ir.operators import LONG, UNARY, add, biased, chain, halves, mul, relu, scaled, split, sub
from tests.laws.graphs import graphs

from nnvm.ir import ABSENT, Graph, Node, Op, f32, foreign, input, named_input, params, same, tensor_data, variable
from nnvm.ir.formats.json import FORMAT, VERSION, from_json, json_chunks, to_json

OPERATORS = {each.name: each for each in (*vars(own).values(), put) if isinstance(each, Op)}
X = named_input("x", f32[4, "n"])


def back(graph: Graph, **options) -> Graph:
    """Read what is written, and hold it to be the same in names and in bytes."""
    text = to_json(graph, **options)
    found = from_json(text, OPERATORS, mutates=options.get("mutates"))
    assert same(graph, found, names=True) is True, text
    assert to_json(found, **options) == text
    assert found.name == graph.name
    return found


@given(graphs(UNARY, (add, mul, sub)))
def test_any_graph_comes_back(graph: Graph) -> None:
    back(graph)


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
        retyped, *forgotten, relu(X, name=""), relu(X, name="h_0, h_1"), relu(X, name="\ud800"), relu(X, name="if"),
    ]  # fmt: skip
    back(Graph(ends, [X, state, odd, untyped, named_input("dead:0")], name='a graph: "quoted"'))
    back(Graph([X], [X], output_names=["\n\t"]))
    back(Graph([], []))


def test_inputs_that_are_more_than_a_name_and_a_type() -> None:
    first = relu(X, name="first")
    late = Node(input, (), params({"type": None}), (f32[2],), "late", (first.node,)).outputs[0]
    unnamed = Node(input, (), params({"type": None}), (None,)).outputs[0]
    untyped = Node(input, (), params({"type": f32[3]}), (None,), "untyped").outputs[0]
    unlisted = named_input("unlisted", f32[3])
    back(Graph([add(late, late), relu(unnamed), untyped, unlisted], [late, unnamed, untyped, X], output_names="abcd"))
    back(Graph([X], [X, late], output_names=["y"]))


def test_versions_are_resolved() -> None:
    x, y = variable(type=f32[2], name="x"), variable(type=f32[2], name="y")
    one = put(x, y)
    two = put(one, x)
    late = put(x, two)
    graph = Graph([add(x, one), add(two, one), put(y, late), put(late, y)], [])
    found = back(graph, mutates=mutates)
    assert to_json(found) == to_json(graph)


def test_nested_graphs_are_shared() -> None:
    inner = Graph([relu(X)], [X], name="inner")
    graph = Graph([scaled(X, by=(inner, Graph([scaled(X, by=inner)], [X]))), scaled(X, by={"a": [inner]})], [X])
    found = back(graph)
    assert to_json(graph).count('"name":"inner"') == 1
    one, two = (node.params["by"] for node in found.nodes if node.op is scaled)
    assert one[0] is two["a"][0] is one[1].outputs[0].node.params["by"]


def test_a_long_chain_comes_back_in_bounded_space() -> None:
    found = back(chain(LONG))
    assert len(found.nodes) > LONG
    assert gc.isenabled()


def test_layout_does_not_matter() -> None:
    import json

    graph = Graph([scaled(relu(X), by=Graph([relu(X)], [X]))], [X])
    for indent in (None, 0, 2, "\t"):
        spread = json.dumps(json.loads(to_json(graph)), indent=indent, sort_keys=True)
        assert same(from_json(f" \r\n{spread}\n", OPERATORS), graph, names=True) is True
    assert (FORMAT, VERSION) == ("nnvm-graph", 1)
    assert "".join(json_chunks(graph)) == to_json(graph)
