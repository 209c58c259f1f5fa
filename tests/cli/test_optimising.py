"""opt and reduce: figures, files, failures that are kept and replayed."""

import os
import re

import numpy as np
import onnx
import pytest
from onnx import helper
from tests.command import nnvm, save_model, small_model

from nnvm.passes import PASSES

PIPELINE = "infer_types,fold_constants{limit=8},simplify,cse"


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


def test_a_pipeline_with_options(tmp_path):
    code, result, err = nnvm("opt", small_model(tmp_path / "m.onnx"), "-p", PIPELINE, "--json")
    assert (code, err) == (0, "")
    assert [row["name"] for row in result["passes"]] == ["infer_types", "fold_constants", "simplify", "cse"]
    assert [row["options"] for row in result["passes"]] == [{}, {"limit": 8}, {}, {}]
    assert [row["changed"] for row in result["passes"]] == [False, False, True, False]


@pytest.mark.parametrize(
    ("pipeline", "told", "place"),
    [("cse,shrink", "no pass 'shrink'", 4), ("cse{limit=8}", "cse has no option limit; it has none", 4)],
)
def test_a_wrong_pipeline_is_shown_with_a_caret(tmp_path, pipeline, told, place):
    code, out, err = nnvm("opt", small_model(tmp_path / "m.onnx"), "-p", pipeline)
    assert (code, out) == (1, "")
    first, *rest = err.splitlines()
    assert first.startswith("error: ")
    assert told in first
    assert rest == [f"  {pipeline}", " " * (2 + place) + "^"]


def test_passes_are_timed_printed_dumped_and_cut_short(tmp_path):
    model = small_model(tmp_path / "m.onnx")
    code, result, err = nnvm("opt", model, "-p", PIPELINE, "--time-passes", "--json")
    assert code == 0
    assert all(word in err for word in ("in passes", "fold_constants", "share"))
    code, result, err = nnvm("opt", model, "-p", PIPELINE, "--stop-after", "2", "--print-after-all", "--json")
    assert [row["name"] for row in result["passes"]] == ["infer_types", "fold_constants"]
    assert [line for line in err.splitlines() if line.startswith("#")] == [
        "# 1 infer_types: unchanged", "# 2 fold_constants{limit=8}: unchanged",
    ]  # fmt: skip
    code, _, err = nnvm("opt", model, "-p", PIPELINE, "--print-after", "cse", "--print-after-change", "--json")
    assert [line for line in err.splitlines() if line.startswith("#")] == [
        "# 3 simplify: 2 nodes",
        "# 4 cse: unchanged",
    ]
    assert nnvm("opt", model, "--print-after", "shrink")[0] == 1
    assert nnvm("opt", model, "-p", PIPELINE, "--dump-dir", tmp_path / "d")[0] == 0
    assert sorted(os.listdir(tmp_path / "d")) == ["000-start.nnvm", "003-simplify.nnvm"]


def test_a_failure_is_written_down_and_replayed(tmp_path, monkeypatch):
    from nnvm import ops, passes

    def spoil(graph, *, how=ops.tanh.name):
        """Turn relu into something else."""
        other = {"tanh": ops.tanh, "relu": ops.relu}[how]
        return graph.rewrite(lambda node: other(node.inputs[0]) if node.op is ops.relu else None)

    monkeypatch.setitem(passes.PASSES, "spoil", spoil)
    model, folder = small_model(tmp_path / "m.onnx"), tmp_path / "d"
    pipeline = "simplify,spoil{how='tanh'}"
    code, out, err = nnvm("opt", model, "-p", pipeline, "--verify-each", "--seed", "3", "--dump-dir", folder)
    repro = folder / "002-spoil.repro.json"
    assert (code, out) == (1, "")
    assert "after spoil: output 'y/out' is not equivalent" in err
    assert err.endswith(f"replay it: nnvm opt --repro {repro}\n")
    code, out, again = nnvm("opt", "--repro", repro)
    assert (code, out) == (1, "")
    note, error = again.splitlines()
    assert note.startswith("note: it failed with: after spoil: output 'y/out' is not equivalent")
    assert error in err
    monkeypatch.setitem(passes.PASSES, "spoil", lambda graph, *, how: graph)
    code, result, err = nnvm("opt", "--repro", repro, "--json")
    assert code == 0
    assert result["equivalent"] is True
    content = repro.read_text().replace('"nnvm": "', '"nnvm": "0.0.')
    repro.write_text(content)
    assert "note: nnvm was 0.0." in nnvm("opt", "--repro", repro)[2]


def test_a_crash_in_a_pass_is_written_down_and_replayed(tmp_path, monkeypatch):
    from nnvm import passes

    def crash(graph):
        raise IndexError("out of bounds")

    monkeypatch.setitem(passes.PASSES, "crash", crash)
    code, _, err = nnvm("opt", small_model(tmp_path / "m.onnx"), "-p", "crash", "--dump-dir", tmp_path)
    assert code == 1
    assert err.startswith("error: in crash: IndexError: out of bounds; replay it: ")
    code, _, err = nnvm("opt", "--repro", tmp_path / "001-crash.repro.json")
    assert err.splitlines()[-1] == "error: in crash: IndexError: out of bounds"


def test_what_verification_could_not_compare_is_noted(tmp_path):
    nodes = [helper.make_node("Neg", ["x"], ["a"]), helper.make_node("Neg", ["a"], ["b"])]
    nodes.append(helper.make_node("Odd", ["b"], ["y"], domain="here"))
    model = save_model(tmp_path / "m.onnx", nodes, {"x": [3]}, {"y": [3]})
    code, result, err = nnvm("opt", model, "-p", "simplify", "--verify-each", "--no-check", "--json")
    assert code == 0
    assert "Odd" in result["passes"][0]["unchecked"]
    assert err.startswith("note: what simplify computes was not compared: ")
    assert result["after"]["nodes"] == 1


@pytest.mark.parametrize("arguments", [(), ("m.onnx", "--repro", "x.repro.json"), ("m.onnx", "--stop-after", "-1")])
def test_wrong_usage_of_opt(arguments):
    code, out, err = nnvm("opt", *arguments)
    assert (code, out) == (2, "")
    assert "Error" in err


def test_a_file_keeps_where_its_nodes_come_from(tmp_path):
    model = small_model(tmp_path / "m.onnx")
    code, result, _ = nnvm("opt", model, "-o", tmp_path / "out.onnx", "--provenance", "--json")
    assert (code, result["equivalent"]) == (0, True)
    made = onnx.load(tmp_path / "out.onnx")
    onnx.checker.check_model(made, full_check=True)
    kept = {item.key for node in made.graph.node for item in node.metadata_props}
    kept |= {item.key for item in made.metadata_props}
    assert kept <= {"nnvm.sources", "nnvm.made_by", "nnvm.vanished"}
    gone = {item.key: item.value for item in made.metadata_props}["nnvm.vanished"]
    first = onnx.load(model)
    names = [node.output[0] for node in first.graph.node]
    answers = {}
    for name in names:
        code, told, _ = nnvm("show", tmp_path / "out.onnx", "--provenance", name, "--json")
        assert code == 0
        answers[name] = told
    lost = {name for name in names if f'"{name} (' in gone}
    assert lost == {"b", "d", "y/out"}
    assert all(answers[name].get("vanished") or answers[name]["operator"] for name in lost)
    assert lost | {name for name in names if answers[name]["operator"] or answers[name]["part_of"]} == set(names)
    assert any("m.onnx, node" in source for told in answers.values() for source in told.get("sources", ()))
    code, out, _ = nnvm("show", tmp_path / "out.onnx", "--provenance", "b")
    assert "b is no more" in out
    nnvm("opt", tmp_path / "out.onnx", "-o", tmp_path / "again.onnx", "-O", "0")
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "out.onnx").read_bytes()


def test_without_provenance_nothing_is_noted(tmp_path):
    nnvm("opt", small_model(tmp_path / "m.onnx"), "-o", tmp_path / "out.onnx")
    made = onnx.load(tmp_path / "out.onnx")
    assert not made.metadata_props
    assert not [item for node in made.graph.node for item in node.metadata_props]


def test_why_a_rule_does_not_apply_is_told(tmp_path):
    model = small_model(tmp_path / "m.onnx")
    code, result, _ = nnvm("opt", model, "--why-not", "negate_twice:b", "--json")
    assert code == 0
    assert "negate_twice" in result["why_not"]
    code, _, told = nnvm("opt", model, "--why-not", "negate_twice:nobody")
    assert code == 1
    assert "nobody" in told
    assert nnvm("opt", model, "--why-not", "negate_twice")[0] == 2


def test_how_often_each_rule_fired_is_told(tmp_path):
    x = (
        helper.make_node("Neg", ["x"], ["a"]),
        helper.make_node("Neg", ["a"], ["b"]),
        helper.make_node("Tanh", ["b"], ["y"]),
    )
    model = save_model(tmp_path / "m.onnx", list(x), {"x": [3]}, {"y": [3]})
    code, result, err = nnvm("opt", model, "--rules", "--verify-each", "--json")
    assert code == 0
    assert result["rules"] == {"negate_twice": 1}
    assert "negate_twice" in err


def test_a_failure_is_kept_though_nobody_said_where(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fails(graph):
        raise ValueError("on purpose")

    monkeypatch.setitem(PASSES, "fails", fails)
    code, _, err = nnvm("opt", small_model(tmp_path / "m.onnx"), "-p", "fails")
    assert code == 1
    kept = re.search(r"nnvm opt --repro (\S+)", err)
    assert kept is not None
    code, _, err = nnvm("opt", "--repro", kept[1])
    assert code == 1
    assert "on purpose" in err
