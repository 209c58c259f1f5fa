"""What is said of an optimisation, and what it leaves on disk."""

import json
from contextlib import nullcontext

import pytest

from nnvm import ops, report
from nnvm.errors import Error
from nnvm.frontends import load
from nnvm.ir import f32, trace


def optimised(graph, output=None, **options):
    usual = {"passes": None, "check": True, "verify_each": False, "seed": 0, "limits": None}
    return report.optimise(lambda: graph, output, working=lambda what: nullcontext(), **{**usual, **options})


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
