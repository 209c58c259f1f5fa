"""What is said of a graph."""

from tests.pictures.graphs import HOSTILE, add, hostile, relu, residual

from nnvm import ABSENT, Graph, Node, constant, f32, i64, ops, tensor_data
from nnvm.ir import foreign, named_input, params, variable
from nnvm.pictures.diagram import diagram, spell, type_label


def test_a_box_for_every_operator_and_end_and_none_for_weights():
    drawn = diagram(residual())
    assert [(box.kind, box.title) for box in drawn.boxes] == [
        ("input", "x"), ("node", "conv"), ("node", "relu"), ("node", "add"), ("output", "y"),
    ]  # fmt: skip
    assert [(wire.source, wire.output, wire.target, wire.port) for wire in drawn.wires] == [
        (0, 0, 1, "x"), (1, 0, 2, "x"), (2, 0, 3, "x"), (0, 0, 3, "y"), (3, 0, 4, ""),
    ]  # fmt: skip


def test_a_box_says_name_window_and_weights():
    conv = diagram(residual()).boxes[1]
    assert conv.lines == ("conv", "kernel 3×3", "pads [1, 1, 1, 1]", "weight w f32 4×4×3×3")
    assert conv.held == (("weight", "w f32 4×4×3×3"),)
    assert dict(conv.params)["kernel"] == "[3, 3]"
    assert conv.labels == ("f32 1×4×8×8",)


def test_small_constants_show_their_values():
    x = named_input("x", f32[4])
    graph = Graph([add(x, constant(data=tensor_data(2.5, f32[()])), "a")])
    assert diagram(graph).boxes[1].lines == ("a", "y 2.5")
    graph = Graph([add(x, constant(data=tensor_data([1, 2], i64[2])))])
    assert diagram(graph).boxes[1].lines == ("y [1, 2]",)


def test_a_constant_output_and_an_unused_input_are_there():
    x = named_input("x", f32[4])
    drawn = diagram(Graph([constant(data=tensor_data(1.0, f32[()]))], [x], output_names=["one"]))
    assert [(box.kind, box.title, box.lines) for box in drawn.boxes] == [("input", "x", ()), ("output", "one", ("1",))]
    assert drawn.wires == ()


def test_absent_inputs_control_edges_and_several_outputs():
    x = named_input("x", f32[4])
    first = relu(x, "first")
    node = Node(foreign("Two", "com.acme"), (ABSENT, x), types=(f32[2], None), name="two", after=(first.node,))
    drawn = diagram(Graph(node.outputs))
    two = next(i for i, box in enumerate(drawn.boxes) if box.title == "Two")
    assert drawn.boxes[two].lines == ("two", "→ f32 2", "→ ")
    into = [(drawn.boxes[wire.source].title, wire.output) for wire in drawn.wires if wire.target == two]
    assert into == [("x", 0), ("relu", None)]
    assert [wire.output for wire in drawn.wires if wire.source == two] == [0, 1]


def test_a_state_that_is_written_to_has_a_box():
    state = variable(type=f32[4], name="s")
    written = ops.assign(state, named_input("x", f32[4]))
    assert [box.title for box in diagram(Graph([written])).boxes] == ["x", "variable", "assign", "assign"]


def test_hints_and_the_device_are_kept():
    box = diagram(Graph([relu(named_input("x", f32[4]), "r", hints={"device": "gpu0", "source": "net.py:3"})])).boxes[1]
    assert box.device == "gpu0"
    assert ("source", "net.py:3") in box.hints


def test_hostile_names_are_cleaned_and_boxes_stay_small():
    drawn = diagram(hostile())
    assert max(box.width for box in drawn.boxes) <= 250
    text = repr(drawn)
    assert len(text) < 100_000
    assert not any(letter in text for letter in "\x00\x1b\u202e\ud800")
    assert any("alert" in box.title for box in drawn.boxes)
    assert HOSTILE[0] in drawn.title


def test_spelling():
    assert spell(0.1) == "0.1"
    assert spell((1, 2.0)) == "[1, 2]"
    assert spell({"a": 1}) == "a 1"
    assert spell(b"abc") == "3 elements"
    assert len(spell("x" * 10_000)) == 2001
    assert spell(params({"body": residual()})["body"]) == "graph of 5 nodes"
    assert type_label(f32[...]) == "f32 of any shape"
    assert type_label(f32["batch", "(a_long_name - 1)//2", 3]) == "f32 batch×…×3"
    assert type_label(f32[()]) == "f32 scalar"
    assert type_label(None) == ""
