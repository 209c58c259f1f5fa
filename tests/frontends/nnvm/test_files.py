import io
import os
from pathlib import Path

import pytest
from tests.command import nnvm as command
from tests.frontends.onnx.models import model, node

import nnvm
from nnvm import f32, ops
from nnvm.errors import Error
from nnvm.ir import Graph, Node, TensorType, Value, named_input, op, params, tensor_data


def net(rows: int = 600) -> Graph:
    weight = tensor_data([i / 7 for i in range(rows)], f32[rows])
    return nnvm.trace(lambda x: ops.relu(ops.relu(x * weight)) + 1.0, x=f32["n", rows])


def test_a_graph_comes_back_with_its_weights(tmp_path: Path) -> None:
    graph = net()
    nnvm.save(graph, tmp_path / "m.nnvm")
    found = nnvm.load(tmp_path / "m.nnvm")
    assert nnvm.same(graph, found, names=True) is True
    first = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    assert sorted(first) == ["m.nnvm", "m.nnvm.safetensors"]
    nnvm.save(found, tmp_path / "m.nnvm")
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == first


def test_an_error_names_the_file_and_the_place(tmp_path: Path) -> None:
    path = tmp_path / "m.nnvm"
    path.write_text("def main(x: f32[2]):\n    y = rely(x)\n")
    with pytest.raises(Error, match=r"m\.nnvm, line 2, column 9: no operator is called 'rely'; is it relu\?\n"):
        nnvm.load(path)
    nnvm.save(net(), path)
    (tmp_path / "m.nnvm.safetensors").unlink()
    with pytest.raises(Error, match=r"(?s)there is no data under.*there is no data file .*m\.nnvm\.safetensors"):
        nnvm.load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(Error, match="byte 0 is not UTF-8"):
        nnvm.load(path)
    with pytest.raises(Error, match=r"cannot read .*none\.nnvm: No such file"):
        nnvm.load(tmp_path / "none.nnvm")
    (tmp_path / "folder.nnvm").mkdir()
    with pytest.raises(Error, match=r"cannot write .*: it is a folder"):
        nnvm.save(net(), tmp_path / "folder.nnvm")


@op
def mine(x: Value) -> TensorType:
    """Be of this file alone."""
    return x.tensor


def test_what_has_no_text_is_not_saved(tmp_path: Path) -> None:
    x = named_input("x", f32[2])
    opaque = Node(nnvm.ir.foreign("F", "m"), (x,), params({"what": object()}), (None,)).outputs[0]
    for value in (mine(x), opaque):
        with pytest.raises(Error, match="has no text that could be read back"):
            nnvm.save(Graph([value], [x]), tmp_path / "m.nnvm")
    assert os.listdir(tmp_path) == []
    nnvm.frontends.nnvm.save(Graph([mine(x)], [x]), tmp_path / "m.nnvm", operators={"mine": mine})
    found = nnvm.frontends.nnvm.load(tmp_path / "m.nnvm", operators={"mine": mine})
    assert found.outputs[0].node.op is mine


def test_carried_nodes_are_spelt_in_full(tmp_path: Path) -> None:
    body = model([node("Gelu2", ["x"], ["y"], domain="com.acme")], [("x", [2])], [("y", [2])])
    body.opset_import.add(domain="com.acme", version=1)
    (tmp_path / "m.onnx").write_bytes(body.SerializeToString())
    graph = nnvm.load(tmp_path / "m.onnx")
    nnvm.save(graph, tmp_path / "m.nnvm")
    found = nnvm.load(tmp_path / "m.nnvm")
    assert nnvm.same(graph, found, names=True) is True
    nnvm.save(found, tmp_path / "again.onnx")
    assert nnvm.load(tmp_path / "again.onnx").outputs[0].node.op is graph.outputs[0].node.op
    (tmp_path / "m.nnvm").write_text((tmp_path / "m.nnvm").read_text().replace("=Carried(", "=Carried(1, 2, 3, 4, 5, "))
    with pytest.raises(Error, match="this is no Carried"):
        nnvm.load(tmp_path / "m.nnvm")


def test_the_command_writes_reads_and_optimises_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = model([node("Relu", ["x"], ["h"]), node("Relu", ["h"], ["y"])], [("x", [2])], [("y", [2])])
    (tmp_path / "m.onnx").write_bytes(source.SerializeToString())
    assert command("show", tmp_path / "m.onnx", "-o", tmp_path / "m.nnvm")[0] == 0
    code, out, err = command("opt", tmp_path / "m.nnvm", "-o", tmp_path / "m2.nnvm", "--json")
    assert code == 0, err
    assert out["equivalent"] is True
    text = (tmp_path / "m2.nnvm").read_text()
    assert len(nnvm.parse(text).nodes) == 2
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert command("show", "-", "--json")[1]["operators"] == {"relu": 1}
    monkeypatch.setattr("sys.stdin", io.StringIO("def main(x):\n    y = rely(x)\n"))
    code, _, err = command("show", "-")
    assert code == 1
    assert "line 2, column 9: no operator is called 'rely'" in err
