"""The command: its JSON keys, its exit codes, one line for every error."""

import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.command import nnvm, save_model, small_model


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


def test_opt_makes_smaller_proves_and_saves(tmp_path):
    code, result, _ = nnvm("opt", small_model(tmp_path / "m.onnx"), "-o", tmp_path / "out.onnx", "--json")
    assert code == 0
    assert (result["before"]["nodes"], result["after"]["nodes"]) == (5, 2)
    assert result["equivalent"] is True
    assert result["insensitive"] == []
    assert {"batch": 1} in result["bindings"]
    assert len(result["bindings"]) == 3
    assert {row["name"] for row in result["passes"]} >= {"fold_constants", "simplify", "cse"}
    assert result["seconds"] > 0
    assert result["check_seconds"] > 0
    onnx.checker.check_model(str(tmp_path / "out.onnx"), full_check=True)
    code, after, _ = nnvm("show", tmp_path / "out.onnx", "--json")
    assert after["nodes"] == 2


def test_opt_in_place_and_without_check(tmp_path):
    model = small_model(tmp_path / "m.onnx")
    code, result, _ = nnvm("opt", model, "-o", model, "--no-check", "--json")
    assert code == 0
    assert result["equivalent"] is None
    assert nnvm("show", model, "--json")[1]["nodes"] == 2
    assert os.listdir(tmp_path) == ["m.onnx"]


def test_opt_of_what_is_not_equivalent_saves_nothing_and_exits_3(tmp_path, monkeypatch):
    from nnvm import ops, passes

    def spoil(graph):
        """Turn relu into tanh."""
        return graph.rewrite(lambda node: ops.tanh(node.inputs[0]) if node.op is ops.relu else None)

    monkeypatch.setitem(passes.PASSES, "spoil", spoil)
    code, result, err = nnvm(
        "opt", small_model(tmp_path / "m.onnx"), "-o", tmp_path / "out.onnx", "-p", "spoil", "--json"
    )
    assert code == 3
    assert result["equivalent"] is False
    assert "y/out" in err
    assert not (tmp_path / "out.onnx").exists()


def test_an_output_that_no_input_changes_is_insensitive(tmp_path):
    nodes = [helper.make_node("Mul", ["x", "zero"], ["y"])]
    model = save_model(tmp_path / "m.onnx", nodes, {"x": [3]}, {"y": [3]}, {"zero": np.zeros(3, np.float32)})
    code, result, _ = nnvm("opt", model, "-o", tmp_path / "out.onnx", "--json")
    assert (code, result["equivalent"], result["insensitive"]) == (0, None, ["y"])


@pytest.mark.parametrize("arguments", [(), ("-p", "nothing_such"), ("-O", "0")])
def test_opt_pipelines(tmp_path, arguments):
    code, result, err = nnvm("opt", small_model(tmp_path / "m.onnx"), "--json", *arguments)
    if "nothing_such" in arguments:
        assert code == 1
        assert "nothing_such" in err
        assert "simplify" in err
    else:
        assert code == 0
        assert result["after"]["nodes"] == (5 if arguments else 2)


def test_plan_without_and_with_dimensions(tmp_path):
    model = small_model(tmp_path / "m.onnx")
    code, result, _ = nnvm("plan", model, "--json")
    assert code == 0
    for key in ("naive_bytes", "peak_bytes", "packing_bound_bytes", "order_bound_bytes", "external_bytes"):
        assert set(result[key]) == {"expr", "at"}
    assert "batch" in result["peak_bytes"]["expr"]
    code, result, _ = nnvm("plan", model, "--set-dim", "batch=10", "--buffers", "--json")
    assert (result["peak_bytes"], result["naive_bytes"]) == (192, 640)
    assert result["packing_status"] == "optimal"
    assert result["packing_bound_bytes"] == 192
    assert {"name", "offset", "size", "first", "last", "alias_of"} == set(result["buffers"][0])
    keys = {"tensors", "order_status", "io", "alignment", "backend", "workspace_bytes", "adopted_bytes", "seconds"}
    assert keys <= set(result)


def test_run_compares_and_saves(tmp_path):
    pytest.importorskip("onnxruntime")
    model = small_model(tmp_path / "m.onnx")
    x = np.ones((2, 3), np.float32)
    np.save(tmp_path / "x.npy", x)
    arguments = ("--input", f"x={tmp_path / 'x.npy'}", "--save", tmp_path / "out", "--compare", "onnxruntime", "--json")
    code, result, _ = nnvm("run", model, *arguments)
    assert code == 0
    assert result["outputs"][0]["shape"] == [2, 4]
    assert result["compared"]["equivalent"] is True
    assert result["compared"]["engine"] == "onnxruntime"
    expected = np.maximum(x @ (np.arange(12, dtype=np.float32).reshape(3, 4) - 5), 0)
    np.testing.assert_allclose(np.load(tmp_path / "out" / "y_out.npy"), expected)
    keys = {
        "runs",
        "seconds_median",
        "backend",
        "workers",
        "fallbacks",
        "planned_bytes",
        "adopted_bytes",
        "transient_bytes",
    }
    assert keys <= set(result)


def test_a_saved_program_runs_like_its_model(tmp_path):
    model = small_model(tmp_path / "m.onnx")
    assert nnvm("plan", model, "-o", tmp_path / "m.nnp")[0] == 0
    code, _, err = nnvm("run", tmp_path / "m.nnp", "--set-dim", "batch=4", "--save", tmp_path / "a")
    assert (code, err) == (0, "")
    assert nnvm("run", model, "--set-dim", "batch=4", "--save", tmp_path / "b")[0] == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a" / "y_out.npy"), np.load(tmp_path / "b" / "y_out.npy"))


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("show", "no_such.onnx"), 1, "no_such.onnx"),
        (("show", "model.xyz"), 1, "xyz"),
        (("show",), 2, ""),
        (("nonsense",), 2, ""),
        (("plan", "{m}", "--set-dim", "batch"), 2, "set-dim"),
        (("plan", "{m}", "--set-dim", "nobody=3"), 1, "batch"),
        (("plan", "{m}", "--io", "sideways"), 1, "external"),
        (("plan", "{m}", "--backend", "abacus"), 1, "numpy"),
        (("run", "{m}", "--input", "z=x.npy"), 1, "x"),
        (("run", "{m}", "--input", "x=missing.npy"), 1, "missing.npy"),
        (("run", "{m}", "--input", "x"), 2, "input"),
        (("run", "{m}", "--compare", "abacus"), 1, "onnxruntime"),
        (("run", "{m}", "--range", "a,b"), 2, "range"),
        (("opt", "{m}", "-o", "no/such/folder/out.onnx"), 1, "folder"),
    ],
)
def test_errors_are_one_line(tmp_path, arguments, code, told):
    model = str(small_model(tmp_path / "m.onnx"))
    found, _, err = nnvm(*[model if part == "{m}" else part for part in arguments])
    assert found == code
    assert told in err
    if code == 1:
        assert err.startswith("error: ")
        assert err.count("\n") == 1


def test_traceback_on_demand(tmp_path):
    from nnvm import Error

    with pytest.raises(Error):
        nnvm("show", tmp_path / "no.onnx", "--traceback")


def test_passes_and_ops_are_listed():
    code, rows, _ = nnvm("passes", "--json")
    assert code == 0
    assert all(rows.values())
    assert "cancel_layout" in rows
    code, rows, _ = nnvm("ops", "--json")
    assert "ONNX Conv" in rows["conv"]


def test_the_command_as_a_process(tmp_path):
    model = small_model(tmp_path / "m.onnx")
    done = subprocess.run(
        [sys.executable, "-m", "nnvm.cli", "show", str(model), "--json"], capture_output=True, text=True, check=True
    )
    assert '"nodes": 5' in done.stdout
    assert done.stderr == ""
    done = subprocess.run(
        [sys.executable, "-m", "nnvm.cli", "show", str(tmp_path / "no.onnx")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
