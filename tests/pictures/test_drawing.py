"""The still picture."""

from xml.etree import ElementTree

from tests.command import nnvm, small_model
from tests.pictures.graphs import HOSTILE, hostile, relu, residual, scattered, scoped

from nnvm import Graph, f32, pictures
from nnvm.ir import named_input
from nnvm.pictures import drawing
from nnvm.pictures.diagram import diagram

SVG = "{http://www.w3.org/2000/svg}"


def groups(text: str) -> list[ElementTree.Element]:
    return [each for each in ElementTree.fromstring(text.encode()).iter(f"{SVG}g") if each.get("id")]


def words(text: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(text.encode()).iter(f"{SVG}text")]


def test_every_box_is_there_once():
    graph = scattered(3, 80)
    drawn = diagram(graph)
    found = groups(pictures.svg(graph))
    assert [each.get("id") for each in found] == [f"n{i}" for i in range(len(drawn.boxes))]
    assert [each.get("class") for each in found] == [box.family for box in drawn.boxes]


def test_operators_names_params_weights_and_types_are_said():
    said = words(pictures.svg(residual()))
    assert {"x", "conv", "kernel 3×3", "weight w f32 4×4×3×3", "relu", "add", "y", "f32 1×4×8×8"} <= set(said)


def test_hostile_names_are_text():
    text = pictures.svg(hostile())
    root = ElementTree.fromstring(text.encode("utf-8"))
    tags = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert tags == {"svg", "title", "style", "rect", "g", "text", "path"}
    assert not any(name.startswith("on") for each in root.iter() for name in each.attrib)
    assert root.find(f"{SVG}title").text == HOSTILE[0]


def test_control_edges_are_dashed_and_devices_have_borders():
    x = named_input("x", f32[4])
    first = relu(x, hints={"device": "gpu0"})
    text = pictures.svg(Graph([relu(x, after=(first.node,), hints={"device": "cpu"})]))
    assert text.count('class="wire control"') == 1
    colours = drawing.device_colours(diagram(Graph([first])).boxes)
    assert list(colours) == ["gpu0"]
    assert text.count("stroke-width:3.5") == 2


def test_light_and_dark():
    text = pictures.svg(residual())
    assert text.count("prefers-color-scheme: dark") == 1
    assert drawing.device_colours([]) == {}


def test_the_same_graph_is_the_same_bytes():
    assert pictures.svg(scattered(5, 60)) == pictures.svg(scattered(5, 60))


def test_a_large_graph_says_what_it_leaves_out(monkeypatch):
    graph = scoped(4)
    assert pictures.left_out(graph) == []
    monkeypatch.setattr(drawing, "MOST_WORDS", 10)
    (note,) = pictures.left_out(graph)
    assert note.startswith("62 boxes")
    text = pictures.svg(graph)
    assert note in words(text)
    assert len(groups(text)) == 62
    assert "f32 4" not in words(text)


def test_wires_not_drawn_say_where_they_come_from():
    text = pictures.svg(scattered(1, 4000, window=4000))
    assert any("too long" in line for line in words(text))
    assert sum(line.startswith("↑ ") for line in words(text)) > 100


def test_paths_are_straight_down_or_curved():
    assert drawing.path([(1.0, 2.0), (1.0, 9.0)]) == "M1 2V9"
    assert drawing.path([(0.0, 0.0), (4.0, 8.0)]) == "M0 0C0 4 4 4 4 8"


def test_an_empty_graph_is_a_picture():
    assert groups(pictures.svg(Graph([]))) == []


def test_the_command(tmp_path):
    model = small_model(tmp_path / "m.onnx")
    code, result, err = nnvm("show", model, "--svg", tmp_path / "m.svg", "--html", tmp_path / "m.html", "--json")
    assert (code, result["nodes"], err) == (0, 5, "")
    assert len(groups((tmp_path / "m.svg").read_text(encoding="utf-8"))) == 7
    assert (tmp_path / "m.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.html", "m.onnx", "m.svg"]


def test_the_command_refuses_a_place_it_cannot_write(tmp_path):
    code, _, err = nnvm("show", small_model(tmp_path / "m.onnx"), "--svg", tmp_path / "no" / "m.svg")
    assert code == 1
    assert "cannot be written" in err
