import os
import stat
import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.frontends.onnx.models import model, node, run

from nnvm import ops
from nnvm.errors import Error
from nnvm.frontends.onnx import files, load, save, to_bytes
from nnvm.ir import FileSlice, Graph, TensorData, constant, f32, i8, named_input

WEIGHTS = {name: np.random.default_rng(i).normal(size=(40, 40)).astype(np.float32) for i, name in enumerate("abc")}


def made() -> onnx.ModelProto:
    nodes = [
        node("MatMul", ["x", "a"], ["p"]),
        node("MatMul", ["p", "b"], ["q"]),
        node("Add", ["q", "c"], ["r"]),
        node("Mul", ["r", "k"], ["y"]),
    ]
    return model(nodes, [("x", ["N", 40])], [("y", ["N", 40])], weights={**WEIGHTS, "k": np.float32(2)})


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a model whose weights are outside, in a place where more than 4 KiB of them go there."""
    monkeypatch.setattr(files, "_INSIDE", 4096)
    monkeypatch.setattr(files, "_INSIDE_AGAIN", 4096)
    path = tmp_path / "m.onnx"
    onnx.save(made(), path, save_as_external_data=True, location="w.bin", size_threshold=16)
    return path


def check(path: Path) -> onnx.ModelProto:
    onnx.checker.check_model(str(path), full_check=True)
    proto = onnx.load(path)
    feeds = {"x": np.ones((40, 40), np.float32)}
    np.testing.assert_array_equal(run(proto, feeds)[0], run(made(), feeds)[0])
    return proto


def test_external_weights_are_mapped_and_written_outside(outside: Path, tmp_path: Path) -> None:
    graph = load(outside)
    held = [item.params["data"] for item in graph.nodes if item.op is constant]
    assert sum(isinstance(data.source, FileSlice) for data in held) == 4
    assert all(data.source._map is None for data in held if isinstance(data.source, FileSlice))
    save(graph, tmp_path / "n.onnx")
    check(tmp_path / "n.onnx")
    proto = onnx.load(tmp_path / "n.onnx", load_external_data=False)
    entries = [
        {entry.key: entry.value for entry in item.external_data}
        for item in proto.graph.initializer
        if item.external_data
    ]
    assert [entry["offset"] for entry in entries] == ["0", "8192", "16384"]
    assert {entry["location"] for entry in entries} == {"n.onnx.data"}
    assert os.path.getsize(tmp_path / "n.onnx.data") == 16384 + 6400
    assert os.path.getsize(tmp_path / "n.onnx") < 2000
    assert all(data.source._map is None for data in held if isinstance(data.source, FileSlice))
    assert sorted(os.listdir(tmp_path)) == ["m.onnx", "n.onnx", "n.onnx.data", "w.bin"]


def test_small_models_come_home(outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_INSIDE_AGAIN", 1 << 20)
    save(load(outside), tmp_path / "n.onnx")
    assert not (tmp_path / "n.onnx.data").exists()
    assert check(tmp_path / "n.onnx").graph.initializer[0].HasField("raw_data")


def test_saving_over_what_was_read(outside: Path, tmp_path: Path) -> None:
    save(load(outside), outside)
    check(outside)
    for _ in range(2):
        save(load(outside), outside)
    check(outside)
    assert sorted(os.listdir(tmp_path)) == ["m.onnx", "m.onnx.data", "w.bin"]


def test_saving_inside_over_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(made().SerializeToString())
    save(load(path), path)
    assert path.read_bytes() == made().SerializeToString()


def test_same_files_every_time(outside: Path, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save(load(outside), tmp_path / name / "n.onnx")
        found.append([(tmp_path / name / file).read_bytes() for file in ("n.onnx", "n.onnx.data")])
    assert found[0] == found[1]


def test_a_constant_node_with_large_data_moves_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_INSIDE", 4096)
    tensor = onnx.numpy_helper.from_array(np.concatenate([WEIGHTS["a"], WEIGHTS["b"]]))
    proto = model(
        [node("Constant", [], ["w"], value=tensor), node("MatMul", ["w", "x"], ["y"])],
        [("x", [40, 2])],
        [("y", [80, 2])],
    )
    save(load(proto.SerializeToString()), tmp_path / "n.onnx")
    onnx.checker.check_model(str(tmp_path / "n.onnx"), full_check=True)
    assert os.path.getsize(tmp_path / "n.onnx.data") == 12800


def test_nothing_changes_when_a_save_fails(outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = load(outside)
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    os.truncate(tmp_path / "w.bin", 10)
    before["w.bin"] = (tmp_path / "w.bin").read_bytes()
    with pytest.raises(Error, match=r"w\.bin changed after it was loaded"):
        save(graph, outside)
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before


def test_nothing_changes_when_a_graph_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"precious")
    with pytest.raises(Error, match="there is no Mish yet"):
        save(Graph([ops.mish(named_input("x", f32[2]))]), path, opset=11)
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["m.onnx"]


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    graph = load(made().SerializeToString())
    with pytest.raises(Error, match="it is a folder"):
        save(graph, tmp_path)
    with pytest.raises(Error, match=r"cannot write .*none.m\.onnx: No such file or directory"):
        save(graph, tmp_path / "none" / "m.onnx")


def test_links_and_permissions_are_kept(tmp_path: Path) -> None:
    (tmp_path / "real.onnx").write_bytes(b"")
    os.chmod(tmp_path / "real.onnx", 0o640)
    os.symlink(tmp_path / "real.onnx", tmp_path / "link.onnx")
    save(load(made().SerializeToString()), tmp_path / "link.onnx")
    assert (tmp_path / "link.onnx").is_symlink()
    assert stat.S_IMODE(os.stat(tmp_path / "real.onnx").st_mode) == 0o640
    check(tmp_path / "real.onnx")


def test_more_than_2_gib_needs_a_path(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    with open(path, "wb") as file:
        os.truncate(file.fileno(), (1 << 31) + 8)
    weight = constant(data=TensorData(i8[(1 << 31) + 8], FileSlice(path, 0, (1 << 31) + 8)))
    with pytest.raises(Error, match=r"has over 2 GiB of weights.*save it to a path"):
        to_bytes(Graph([ops.identity(weight)], output_names=["y"]))


def test_weights_are_copied_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_INSIDE", 4096)
    size = 64 << 20
    with open(tmp_path / "w.bin", "wb") as file:
        os.truncate(file.fileno(), size)
    weight = constant(data=TensorData(i8[size], FileSlice(tmp_path / "w.bin", 0, size)))
    tracemalloc.start()
    save(Graph([ops.identity(weight)], output_names=["y"]), tmp_path / "m.onnx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert os.path.getsize(tmp_path / "m.onnx.data") == size
    assert peak < 16 << 20
