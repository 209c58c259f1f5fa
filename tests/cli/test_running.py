"""plan, run and pack: figures, files, exit codes."""

import numpy as np
import pytest
from onnx import helper
from tests.command import nnvm, save_model, small_model


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
    code, _, err = nnvm("run", tmp_path / "m.nnp", "--set-dim", "nobody=4")
    assert (code, err) == (1, f"error: {tmp_path / 'm.nnp'}: no dimension is called nobody; it has batch\n")


def test_pack_gives_figures_and_writes_offsets(tmp_path):
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_text("id,lower,upper,size\na,0,3,100\nb,1,4,200\n")
    code, result, _ = nnvm("pack", path, "-o", out, "--alignment", 64, "--effort", 1000, "--json")
    assert code == 0
    assert {"buffers", "height", "lower_bound", "status", "seconds"} <= set(result)
    assert (result["buffers"], result["height"], result["lower_bound"], result["status"]) == (2, 384, 384, "optimal")
    assert out.read_text().startswith("id,lower,upper,size,offset\na,0,3,100,")
    code, text, _ = nnvm("pack", path)
    assert code == 0
    assert "2 buffers in 300 bytes; bound 300" in text


def test_pack_over_the_capacity_is_exit_code_4(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,lower,upper,size\na,0,3,100\nb,1,4,200\n")
    code, result, error = nnvm("pack", path, "--capacity", 299, "--effort", 1000, "--json")
    assert code == 4
    assert result["fits"] is False
    assert "no packing of at most 299 bytes was found, the lowest takes 300" in error
    path.write_text("id,lower\n")
    code, _, error = nnvm("pack", path)
    assert code == 1
    assert "has no column 'upper'" in error


def test_plan_explains_and_draws_what_it_planned(tmp_path):
    model, page, still = small_model(tmp_path / "m.onnx"), tmp_path / "plan.html", tmp_path / "plan.png"
    options = ("--set-dim", "batch=10", "--explain", "--html", str(page), "--png", str(still), "--no-accumulate")
    code, result, _ = nnvm("plan", model, *options, "--json")
    assert code == 0
    assert result["explain"]["live_bytes"] == result["packing_bound_bytes"]
    assert page.stat().st_size > 10_000
    assert still.read_bytes()[:4] == b"\x89PNG"


def test_what_has_no_kernel_is_planned_and_not_run(tmp_path):
    nodes = [helper.make_node("Magic", ["x"], ["y"], domain="com.acme"), helper.make_node("Relu", ["y"], ["z"])]
    model = save_model(tmp_path / "m.onnx", nodes, {"x": [3]}, {"y": [3], "z": [3]})
    saved = tmp_path / "m.nnp"
    code, result, _ = nnvm("plan", model, "-o", saved, "--explain", "--json")
    assert (code, result["without_kernel"]) == (0, {"com.acme::Magic": 1})
    assert result["explain"]["without_kernel"] == {"com.acme::Magic": 1}
    code, text, _ = nnvm("plan", model)
    assert (code, text.splitlines()[-1]) == (0, "planned, but without a kernel to run: com.acme::Magic (1)")
    for path in (model, saved):
        code, text, said = nnvm("run", path)
        assert (code, text) == (1, "")
        assert said.startswith("error: numpy has no kernel for com.acme::Magic, so nothing was run; register kernels ")


def test_inputs_in_the_arena_cannot_be_given_away(tmp_path):
    code, _, said = nnvm("plan", small_model(tmp_path / "m.onnx"), "--io", "arena", "--donate", "x")
    assert (code, "x cannot be given away with io='arena'" in said) == (1, True)
