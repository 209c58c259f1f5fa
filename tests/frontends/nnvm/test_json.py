import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.command import nnvm as command
from tests.frontends.nnvm.test_files import mine, net
from tests.frontends.onnx.models import model, node

import nnvm
from nnvm import f32, ops, plugins
from nnvm.errors import Error
from nnvm.frontends.nnvm.json import from_json, load, save, to_json
from nnvm.ir import Graph, Node, named_input, params, tensor_data, variable
from nnvm.ir.formats.text import keyed_data
from nnvm.ir.provenance import SOURCE, recording


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in os.listdir(folder)}


def test_a_graph_comes_back_with_its_weights(tmp_path: Path) -> None:
    graph = net()
    nnvm.save(graph, tmp_path / "m.json")
    found = nnvm.load(tmp_path / "m.json")
    assert nnvm.same(graph, found, names=True) is True
    first = files(tmp_path)
    assert sorted(first) == ["m.json", "m.json.safetensors"]
    assert json.loads(first["m.json"])["format"] == "nnvm-graph"
    nnvm.save(found, tmp_path / "m.json")
    assert files(tmp_path) == first
    nnvm.save(graph, tmp_path / "m.other", format="json")
    assert nnvm.same(nnvm.load(tmp_path / "m.other", format="json"), graph, names=True) is True


def test_text_and_json_name_the_same_constants(tmp_path: Path) -> None:
    for count in (256, 257):
        graph = nnvm.trace(lambda x, n=count: x + tensor_data([i / 7 for i in range(n)], f32[n]), x=f32[count])
        nnvm.save(graph, tmp_path / f"{count}.json")
        nnvm.save(graph, tmp_path / f"{count}.nnvm")
    assert sorted(os.listdir(tmp_path)) == [
        "256.json", "256.nnvm", "257.json", "257.json.safetensors", "257.nnvm", "257.nnvm.safetensors"
    ]  # fmt: skip
    assert files(tmp_path)["257.json.safetensors"] == files(tmp_path)["257.nnvm.safetensors"]


def test_an_error_names_the_file_and_the_place(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    nnvm.save(net(), path)
    text = path.read_text()
    path.write_text(text.replace('"relu"', '"rely"', 1))
    with pytest.raises(Error, match=r"m\.json, line \d+: node \d+ \('rely'\), op: no operator is called 'rely'"):
        nnvm.load(path)
    path.write_text(text[:-10])
    with pytest.raises(Error, match=r"m\.json, line \d+, column \d+: .*\n"):
        nnvm.load(path)
    path.write_text(text)
    (tmp_path / "m.json.safetensors").unlink()
    with pytest.raises(Error, match=r"(?s)there is no data under.*there is no data file .*m\.json\.safetensors"):
        nnvm.load(path)
    path.write_bytes(b'{"\xff')
    with pytest.raises(Error, match="byte 2 is not UTF-8"):
        nnvm.load(path)
    with pytest.raises(Error, match=r"cannot read .*none\.json: No such file"):
        nnvm.load(tmp_path / "none.json")


def test_a_symbol_of_mxnet_is_told_apart(tmp_path: Path) -> None:
    symbol = {
        "nodes": [{"op": "null", "name": "data", "inputs": []}],
        "arg_nodes": [0],
        "heads": [[0, 0, 0]],
        "attrs": {"mxnet_version": ["int", 10900]},
    }
    (tmp_path / "net-symbol.json").write_text(json.dumps(symbol, indent=2))
    with pytest.raises(Error, match=r"net-symbol\.json, line 2, column 12: this is no graph of ours, .*MXNet's"):
        nnvm.load(tmp_path / "net-symbol.json")


def test_what_no_json_says_is_not_saved(tmp_path: Path) -> None:
    x = named_input("x", f32[2])
    opaque = Node(nnvm.ir.foreign("F", "m"), (x,), params({"what": object()}), (None,), "here").outputs[0]
    with pytest.raises(Error, match="F in node 'here', param 'what': a object is no literal"):
        nnvm.save(Graph([opaque], [x]), tmp_path / "m.json")
    with pytest.raises(Error, match=r"has no JSON that could be read back.*\n.*no operator is called 'mine'"):
        nnvm.save(Graph([mine(x)], [x]), tmp_path / "m.json")
    torn = Node(ops.relu, (x,), params({}), (f32[2], f32[2])).outputs[1]
    with pytest.raises(Error, match="relu yields 1 outputs there, not 2"):
        nnvm.save(Graph([torn], [x]), tmp_path / "m.json")
    assert os.listdir(tmp_path) == []
    save(Graph([mine(x)], [x]), tmp_path / "m.json", operators={"mine": mine})
    assert load(tmp_path / "m.json", operators={"mine": mine}).outputs[0].node.op is mine


def test_operators_of_plugins_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    offers = SimpleNamespace(
        names=lambda group: ["mine", "other"],
        find=lambda group, name: asked.append(name) or mine,
    )
    monkeypatch.setattr(nnvm.frontends.nnvm.json, "plugins", offers)
    x = named_input("x", f32[2])
    text = to_json(Graph([mine(x, name="other")], [x]))
    assert from_json(text).outputs[0].node.op is mine
    assert asked == ["mine"]
    assert plugins is not offers


def test_versions_are_written_and_resolved() -> None:
    """NNVM's own example: the write carries the version that it makes, and so does a read after it."""
    x = variable(type=f32[2], name="x")
    y = ops.relu(x, name="y")
    first = ops.add(y, x, name="a1")
    now = ops.assign(x, y, name="z")
    graph = Graph([first, ops.add(y, now, name="t")], [])
    text = to_json(graph)
    assert '"name":"z","inputs":[[0,0,1],[1,0,0]]' in text
    assert '"name":"t","inputs":[[1,0,0],[0,0,1]]' in text
    assert nnvm.same(from_json(text), graph, names=True) is True
    ordered = nnvm.passes.order_mutations(graph)
    assert '"name":"z","inputs":[[0,0,1],[1,0,0]],"control_deps":[1,2]' in to_json(ordered)
    assert nnvm.same(from_json(to_json(ordered)), ordered, names=True) is True


def test_carried_nodes_are_spelt_in_full(tmp_path: Path) -> None:
    body = model([node("Gelu2", ["x"], ["y"], domain="com.acme")], [("x", [2])], [("y", [2])])
    body.opset_import.add(domain="com.acme", version=1)
    (tmp_path / "m.onnx").write_bytes(body.SerializeToString())
    graph = nnvm.load(tmp_path / "m.onnx")
    nnvm.save(graph, tmp_path / "m.json")
    found = nnvm.load(tmp_path / "m.json")
    assert nnvm.same(graph, found, names=True) is True
    nnvm.save(found, tmp_path / "again.onnx")
    assert nnvm.load(tmp_path / "again.onnx").outputs[0].node.op is graph.outputs[0].node.op
    text = (tmp_path / "m.json").read_text()
    with pytest.raises(Error, match="this is no Carried"):
        from_json(text.replace('"call":"Carried","args":[', '"call":"Carried","args":[1,2,3,4,5,'))


def test_the_command_shows_and_optimises_json(tmp_path: Path) -> None:
    source = model([node("Relu", ["x"], ["h"]), node("Relu", ["h"], ["y"])], [("x", [2])], [("y", [2])])
    (tmp_path / "m.onnx").write_bytes(source.SerializeToString())
    code, out, err = command("opt", tmp_path / "m.onnx", "-o", tmp_path / "m.json", "--json")
    assert code == 0, err
    assert out["equivalent"] is True
    assert command("show", tmp_path / "m.json", "--json")[1]["operators"] == {"relu": 1}
    code, _, err = command("show", tmp_path / "m.json.safetensors")
    assert code == 1
    assert ".json" in err


def test_inline_bytes_move_the_line_between_inline_and_beside() -> None:
    graph = net(20)
    assert '"key"' in to_json(graph)
    assert '"key"' not in to_json(graph, inline_bytes=1024)
    assert nnvm.same(from_json(to_json(graph), keyed_data(graph)), graph, names=True) is True


def test_provenance_knows_the_file(tmp_path: Path) -> None:
    for name, place in (("m.json", "node 1 'y'"), ("m.nnvm", "line 2")):
        nnvm.save(nnvm.trace(lambda x: ops.relu(x, name="y"), x=f32[2]), tmp_path / name)
        with recording():
            found = nnvm.load(tmp_path / name)
        assert found.outputs[0].node.hints[SOURCE] == f"{tmp_path / name}, {place}"
