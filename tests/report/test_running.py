"""What is said of a run."""

import json
import sys

import numpy as np
import pytest
from tests.command import small_model
from tests.report.net import graph_of_net

from nnvm import ops, report
from nnvm.errors import Error
from nnvm.frontends import load
from nnvm.ir import boolean, constant, f32, tensor_data, trace, u8
from nnvm.passes.infer_types import infer_types
from nnvm.pipeline import compile


def ran(loaded, files=None, save=None, **options):
    usual = {"backend": "numpy", "runs": 1, "compare": None, "seed": 0, "limits": None, "binding": {"n": 5}}
    return report.run(loaded, "no.onnx", files or {}, save, **{**usual, **options})


def test_run_says_what_came_out():
    result = ran(graph_of_net())
    assert result["outputs"][0] == {"name": "y", "dtype": "float32", "shape": [5, 4]}
    assert [row["shape"] for row in result["outputs"]] == [[5, 4], [2]]
    assert (result["runs"], result["backend"], result["workers"], result["fallbacks"]) == (1, "numpy", 1, {})
    assert result["transient_bytes"] < 64 * 1024
    assert result["planned_bytes"] >= 0
    json.dumps(report.plain(result))


def test_run_names_the_top_answer_of_a_vector():
    weight = constant(data=tensor_data([1.0, 5.0, 3.0], f32[3]))
    (row,) = ran(trace(lambda x: x * 0.0 + weight, x=f32[1, 3]))["outputs"]
    assert row["top"] == {"index": 1, "value": 5.0}
    assert "top answer 1 (5.0000)" in report.top_text(row)
    assert report.top_text({"name": "y"}) == ""
    (row,) = ran(trace(lambda x: x, x=boolean[3]))["outputs"]
    assert "top" not in row


def test_run_takes_values_from_files_and_sizes_from_them(tmp_path):
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.save(tmp_path / "x.npy", x)
    graph = trace(lambda x, y: {"a/b": x + y}, x=f32["n", 3], y=f32["n", 3])
    result = ran(graph, {"x": str(tmp_path / "x.npy")}, tmp_path / "new" / "out", binding={})
    saved = np.load(tmp_path / "new" / "out" / "a_b.npy")
    assert result["outputs"][0]["shape"] == list(saved.shape) == [4, 3]
    np.save(tmp_path / "y.npy", x)
    files = {name: str(tmp_path / f"{name}.npy") for name in ("x", "y")}
    ran(graph, files, tmp_path, binding={})
    np.testing.assert_array_equal(np.load(tmp_path / "a_b.npy"), 2 * x)


def test_run_draws_by_seed_and_within_limits(tmp_path):
    graph = trace(lambda x: {"y": x}, x=u8[200])
    drawn = []
    for seed in (0, 0, 1):
        ran(graph, save=tmp_path, seed=seed, limits=(3.0, 5.0))
        drawn.append(np.load(tmp_path / "y.npy"))
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
    assert set(drawn[0].tolist()) == {3, 4, 5}


def test_run_of_a_saved_program_is_that_of_its_graph(tmp_path):
    graph = graph_of_net()
    compile(graph).program.save(tmp_path / "m.nnp")
    ran(graph, save=tmp_path / "a")
    ran(report.load_program(str(tmp_path / "m.nnp")), save=tmp_path / "b")
    np.testing.assert_array_equal(np.load(tmp_path / "a" / "y.npy"), np.load(tmp_path / "b" / "y.npy"))


@pytest.mark.parametrize(
    ("files", "told"),
    [({"z": "z.npy"}, "no input z; the inputs are x"), ({"x": "missing.npy"}, "missing.npy cannot be read")],
)
def test_inputs_that_are_wrong_are_named(files, told):
    with pytest.raises(Error, match=told):
        ran(graph_of_net(), files)


def test_a_file_that_is_no_array_is_named(tmp_path):
    (tmp_path / "x.npy").write_bytes(b"nothing of the kind")
    with pytest.raises(Error, match="cannot be read as the values of x"):
        ran(graph_of_net(), {"x": str(tmp_path / "x.npy")})


def test_an_engine_to_compare_with_is_known_and_installed(monkeypatch):
    with pytest.raises(Error, match="no engine 'abacus' to compare with; there is: onnxruntime"):
        ran(graph_of_net(), compare="abacus")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Error, match="onnxruntime is not installed; run: pip install onnxruntime"):
        ran(graph_of_net(), compare="onnxruntime")


def test_comparison_with_an_engine_tells_right_from_wrong(tmp_path):
    pytest.importorskip("onnxruntime")
    model = small_model(tmp_path / "m.onnx")
    graph = infer_types(load(model))
    options = {"backend": "numpy", "runs": 1, "seed": 0, "limits": None, "binding": {"batch": 2}}
    told = report.run(graph, str(model), {}, None, compare="onnxruntime", **options)["compared"]
    assert (told["engine"], told["equivalent"]) == ("onnxruntime", True)
    wrong = graph.rewrite(lambda node: ops.tanh(node.inputs[0]) if node.op is ops.relu else None)
    told = report.run(wrong, str(model), {}, None, compare="onnxruntime", **options)["compared"]
    assert told["equivalent"] is False
    assert told["max_abs_error"] > 0.1
    with pytest.raises(Error, match=r"onnxruntime cannot run .*missing.onnx"):
        report.run(graph, str(tmp_path / "missing.onnx"), {}, None, compare="onnxruntime", **options)


def test_arrays_that_cannot_be_saved_are_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Error, match="file cannot be written"):
        ran(graph_of_net(), save=tmp_path / "file")
