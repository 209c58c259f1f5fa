"""Commands that look: what they print, and how they leave."""

from tests.command import nnvm, small_model


def test_show_says_what_is_in_a_model(tmp_path):
    code, result, _ = nnvm("show", small_model(tmp_path / "m.onnx"), "--json")
    assert code == 0
    assert result["nodes"] == 5
    assert result["operators"] == {"add": 1, "identity": 1, "matmul": 1, "mul": 1, "relu": 1}
    assert result["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["batch", 3]}]
    assert result["outputs"] == [{"name": "y/out", "dtype": "float32", "shape": ["batch", 4]}]
    assert (result["parameters"], result["parameter_bytes"], result["macs"]) == (17, 68, "12*batch")


def test_show_writes_the_text(tmp_path):
    code, out, _ = nnvm("show", small_model(tmp_path / "m.onnx"), "-o", tmp_path / "m.nnvm")
    assert code == 0
    assert "operator" in out
    assert "relu(b" in (tmp_path / "m.nnvm").read_text()


def test_passes_and_ops_are_listed():
    code, rows, _ = nnvm("passes", "--json")
    assert code == 0
    assert list(rows)[:3] == ["infer_types", "fold_constants", "simplify"]
    assert all(row["doc"] for row in rows.values())
    assert rows["fold_constants"]["options"] == {"limit": {"type": "int", "default": 65536}}
    code, out, _ = nnvm("passes")
    assert "limit: int = 65536" in out
    code, rows, _ = nnvm("ops", "--json")
    assert "ONNX Conv" in rows["conv"]


def test_an_unknown_node_is_told_with_its_neighbours(tmp_path):
    code, _, told = nnvm("show", small_model(tmp_path / "m.onnx"), "--provenance", "y/oout")
    assert code == 1
    assert "no node 'y/oout', did you mean 'y/out'" in told


def test_show_writes_json_that_loads_again(tmp_path):
    assert nnvm("show", small_model(tmp_path / "m.onnx"), "-o", tmp_path / "m.json")[0] == 0
    code, out, _ = nnvm("diff", tmp_path / "m.onnx", tmp_path / "m.json")
    assert code == 0
    assert "same" in out
