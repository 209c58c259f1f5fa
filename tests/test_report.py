"""The figures that the command prints, as the objects it prints them from."""

import json
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from nnvm import ops, report
from nnvm.errors import Error
from nnvm.frontends import load
from nnvm.ir import (
    Graph,
    TensorData,
    boolean,
    constant,
    container_type,
    dim,
    f32,
    i64,
    named_input,
    string,
    tensor_data,
    tensor_type,
    trace,
    u8,
    variable,
)  # fmt: skip
from nnvm.passes.infer_types import infer_types
from nnvm.pipeline import compile
from tests.command import small_model


def net(x):
    weight = constant(data=tensor_data([0.5] * 12, f32[3, 4]))
    return {"y": ops.relu(ops.matmul(x, weight)), "n": ops.shape(x)}


def graph_of_net() -> Graph:
    return trace(net, x=f32["n", 3])


def ran(loaded, files=None, save=None, **options):
    usual = {"backend": "numpy", "runs": 1, "compare": None, "seed": 0, "limits": None, "binding": {"n": 5}}
    return report.run(loaded, "no.onnx", files or {}, save, **{**usual, **options})


def optimised(graph, output=None, **options):
    usual = {"passes": None, "check": True, "verify_each": False, "seed": 0, "limits": None}
    return report.optimise(lambda: graph, output, working=lambda what: nullcontext(), **{**usual, **options})


def test_show_counts_what_is_there():
    shown = report.show(graph_of_net())
    assert shown["nodes"] == 3
    assert shown["operators"] == {"matmul": 1, "relu": 1, "shape": 1}
    assert shown["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["n", 3]}]
    assert shown["outputs"] == [
        {"name": "y", "dtype": "float32", "shape": ["n", 4]},
        {"name": "n", "dtype": "int64", "shape": [2]},
    ]
    assert (shown["parameters"], shown["parameter_bytes"], shown["macs"]) == (12, 48, "12*n")
    assert json.loads(json.dumps(report.plain(shown))) == shown


def test_show_adds_work_up_as_a_number_where_sizes_are_known():
    assert report.show(trace(net, x=f32[5, 3]))["macs"] == 60
    assert report.show(trace(lambda x: x, x=f32[5]))["macs"] == 0


def test_show_says_nothing_of_types_that_are_not_known():
    inputs = [named_input("u"), named_input("r", tensor_type(f32, None))]
    inputs.append(named_input("s", container_type("sequence", f32[2])))
    shown = report.show(Graph([ops.relu(inputs[0])], inputs))
    assert [row["shape"] for row in shown["inputs"]] == [None, None, None]
    assert [row["dtype"] is None for row in shown["inputs"]] == [True, False, False]
    assert shown["outputs"][0]["dtype"] is None
    assert shown["macs"] == 0


def test_parameters_count_strings_but_not_their_bytes():
    words = constant(data=TensorData(string[2], (b"a", b"bc")))
    shown = report.show(Graph([ops.identity(words)]))
    assert (shown["parameters"], shown["parameter_bytes"]) == (2, 0)


def test_plain_makes_what_json_holds():
    thing = {"a": (dim("n") + 1, [Path("x/y"), None, True]), 3: {"b": 1.5}, "c": f32[2]}
    assert report.plain(thing) == {"a": ["n + 1", ["x/y", None, True]], "3": {"b": 1.5}, "c": "f32[2]"}


def test_optimise_reports_before_after_and_proof(tmp_path):
    graph = trace(lambda x: {"y": ops.relu(x * 1.0)}, x=f32["n"])
    result = optimised(graph, tmp_path / "out.onnx", verify_each=True)
    assert (result["before"]["nodes"], result["after"]["nodes"]) == (2, 1)
    assert (result["equivalent"], result["differs"], result["max_abs_error"]) == (True, None, 0.0)
    assert len(result["bindings"]) == 3
    assert {row["name"] for row in result["passes"]} >= {"simplify", "cse", "dce"}
    assert result["seconds"] > 0 < result["check_seconds"]
    assert report.show(load(tmp_path / "out.onnx"))["nodes"] == 1
    json.dumps(report.plain(result))


def test_optimise_tells_watchers_of_every_run_and_dumps(tmp_path):
    seen = []
    graph = trace(lambda x: {"y": ops.relu(x * 1.0)}, x=f32["n"])
    result = optimised(graph, passes="simplify,cse", watchers=[seen.append], dump=tmp_path, verify_each=True)
    assert [run.name for run in seen] == ["simplify", "cse"]
    assert [(row["name"], row["changed"], row["unchecked"]) for row in result["passes"]] == [
        ("simplify", True, None), ("cse", False, None),
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000-start.nnvm", "001-simplify.nnvm"]
    assert optimised(graph, passes="simplify,cse", stop_after=0)["passes"] == []
    json.dumps(report.plain(result))


def test_optimise_says_how_to_replay_what_failed(tmp_path, monkeypatch):
    def spoil(graph):
        return graph.rewrite(lambda node: ops.tanh(node.inputs[0]) if node.op is ops.relu else None)

    graph = trace(lambda x: {"y": ops.relu(x)}, x=f32[3])
    with pytest.raises(Error, match=r"after spoil: .*; replay it: nnvm opt --repro .*001-spoil.repro.json"):
        optimised(graph, passes=[spoil], verify_each=True, dump=tmp_path)
    with pytest.raises(Error, match=r"after spoil: .*\)$"):
        optimised(graph, passes=[spoil], verify_each=True, replay=True)
    monkeypatch.setattr("nnvm.dumps.SCRATCH_BYTES", -1)
    with pytest.raises(Error, match=r"give --dump-dir DIR$"):
        optimised(graph, passes=[spoil], verify_each=True)


def test_passes_are_listed_with_options_and_where_they_run():
    rows = report.passes()
    assert rows["fold_constants"]["options"] == {"limit": {"type": "int", "default": 65536}}
    assert rows["fold_constants"]["doc"].endswith(".")
    assert rows["cse"] == {"doc": rows["cse"]["doc"], "options": {}, "in_default": True}
    assert not all(row["in_default"] for row in rows.values())
    json.dumps(report.plain(rows))


def test_optimise_without_the_check_saves_and_claims_nothing(tmp_path):
    result = optimised(trace(lambda x: ops.relu(x), x=f32[3]), tmp_path / "out.onnx", check=False, passes=[])
    assert (result["equivalent"], result["rtol"], result["max_abs_error"], result["bindings"]) == (None, None, None, [])
    assert (result["passes"], result["check_seconds"]) == ([], 0.0)
    assert (tmp_path / "out.onnx").exists()
    checked = optimised(trace(lambda x: ops.relu(x), x=f32[3]))
    assert checked.keys() == result.keys()


def test_optimise_does_not_save_what_differs(tmp_path):
    def spoil(graph):
        return graph.rewrite(lambda node: ops.tanh(node.inputs[0]) if node.op is ops.relu else None)

    graph = trace(lambda x: {"y": ops.relu(x)}, x=f32[3])
    result = optimised(graph, tmp_path / "out.onnx", passes=[spoil])
    assert (result["equivalent"], result["differs"]) == (False, "y")
    assert not (tmp_path / "out.onnx").exists()


def test_what_cannot_be_checked_says_how_to_save_it_anyway():
    graph = trace(lambda x: ops.relu(x))
    with pytest.raises(Error, match=r"could not be checked: .*--no-check"):
        optimised(graph)


def test_plan_lists_buffers_where_they_lie(tmp_path):
    graph = trace(lambda x: ops.reduce_sum(ops.exp(ops.reshape(ops.tanh(x), (-1,)))), x=f32[10, 10])
    result = report.plan(graph, backend="numpy", io="external", alignment=64, buffers=True, save=tmp_path / "p.nnp")
    assert (result["peak_bytes"], result["backend"], result["packing_status"]) == (448, "numpy", "optimal")
    tanh, view, exp = result["buffers"]
    assert (tanh["offset"], tanh["size"], tanh["first"], tanh["last"], tanh["alias_of"]) == (0, 400, 0, 1, None)
    assert (view["offset"], view["size"], view["first"], view["last"], view["alias_of"]) == (0, 400, 1, 1, tanh["name"])
    assert (exp["first"], exp["last"], exp["alias_of"]) == (1, 2, tanh["name"])
    assert report.load_program(str(tmp_path / "p.nnp")).peak == 448
    without = report.plan(graph, backend="numpy", io="external", alignment=64, buffers=False, save=None)
    assert "buffers" not in without


def test_plan_places_buffers_at_the_printed_binding():
    result = report.plan(graph_of_net(), backend="numpy", io="arena", alignment=64, buffers=True, save=None)
    ends = [row["offset"] + row["size"] for row in result["buffers"]]
    assert result["binding"] == {"n": 1}
    assert max(ends) <= result["peak_bytes"]["at"]
    json.dumps(report.plain(result))


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


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (3 << 20, "3.0 MiB"), (5 << 29, "2.5 GiB")],
)
def test_sizes_as_people_write_them(size, text):
    assert report.size_text(size) == text


def test_shapes_as_people_write_them():
    assert [report.shape_text(shape) for shape in ([1, "n"], [], None)] == ["[1, n]", "[]", "of unknown rank"]


def test_variables_are_no_parameters_and_inputs_no_work():
    state = variable(type=i64[4], name="v")
    assert report.show(Graph([ops.neg(state)], [state]))["parameters"] == 0


def test_plan_explains_and_draws(tmp_path):
    graph = trace(lambda x: ops.reduce_sum(ops.exp(ops.transpose(ops.tanh(x)))), x=f32[10, 10])
    paths = {"html": tmp_path / "plan.html", "png": tmp_path / "plan.png"}
    result = report.plan(
        graph, backend="numpy", io="external", alignment=64, buffers=False, save=None, explain=True, pictures=paths
    )
    assert result["explain"]["live_bytes"] == result["peak_bytes"] == 896
    assert "896 bytes are alive at step 1" in result["explain"]["text"]
    assert paths["html"].read_text().startswith("<!DOCTYPE html>")
    assert paths["png"].read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(Error, match="cannot be written"):
        report.plan(
            graph, backend="numpy", io="external", alignment=64, buffers=False, save=None,
            pictures={"png": tmp_path / "none" / "plan.png"},
        )  # fmt: skip
