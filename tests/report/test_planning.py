"""What is said of a plan."""

import json

import pytest
from tests.report.net import graph_of_net

from nnvm import ops, report
from nnvm.errors import Error
from nnvm.ir import f32, trace


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


def test_buffers_that_share_a_name_are_told_apart() -> None:
    graph = trace(lambda x: ops.relu(ops.relu(ops.tanh(x)) + x), x=f32[4])
    rows = report.plan(graph, backend="numpy", io="arena", alignment=64, buffers=True, save=None)["buffers"]
    names = [row["name"] for row in rows]
    assert [name.partition("#")[0] for name in names].count("relu") == 2
    assert len(set(names)) == len(names)
    assert {row["alias_of"] for row in rows} <= {*names, None}
