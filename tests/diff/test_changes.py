"""What a diff tells: nodes, params, contents, wires, types, ends and new names; and the command's exit codes."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from tests.command import nnvm, small_model
from tests.laws.networks import networks

from nnvm import ops
from nnvm.diff import diff
from nnvm.diff.changes import largest_difference
from nnvm.frontends import load, save
from nnvm.ir import (
    DTYPES,
    Graph,
    TensorData,
    Value,
    constant,
    f32,
    i64,
    named_input,
    operators,
    tensor_data,
    trace,
    u8,
    variable,
)
from nnvm.pipeline import optimize
from nnvm.reduce.cutting import all_nodes, revise


def net(x: Value) -> Any:
    h = ops.relu(ops.matmul(x, constant(data=tensor_data([float(i) for i in range(9)], f32[3, 3]))))
    return {"y": ops.transpose(h, perm=(1, 0)), "z": h + 1.0}


def graph_of_net() -> Graph:
    return trace(net, x=f32["n", 3])


def told(before: Graph, after: Graph) -> dict[str, Any]:
    """Return what a report says beside the counts."""
    report = diff(before, after).report()
    empty = {"added": [], "removed": [], "reordered": False}
    return {
        key: row
        for key, row in report.items()
        if key not in ("same", "nodes", "operators") and row not in ([], {}, 0, empty)
    }


def renamed(graph: Graph) -> Graph:
    fields = {node: {"name": f"other{i}", "hints": {"source": f"line {i}"}} for i, node in enumerate(all_nodes(graph))}
    return revise(graph, fields=fields).replace(output_names=[f"out{i}" for i in range(len(graph.outputs))], name="g")


def test_a_graph_is_the_same_as_itself_and_as_its_copy():
    found = diff(graph_of_net(), graph_of_net())
    assert found.same
    assert not found
    assert told(graph_of_net(), graph_of_net()) == {}


def test_other_names_are_told_and_make_no_difference():
    found = diff(graph_of_net(), renamed(graph_of_net()))
    assert found.same
    assert found.renamed == {"inputs": {"x": "other0"}, "outputs": {"y": "out0", "z": "out1"}}


@settings(max_examples=40)
@given(networks())
def test_whatever_is_renamed_is_the_same_and_what_loses_a_node_is_not(graph):
    found = diff(graph, renamed(graph))
    assert found.same, found.report()
    assert diff(renamed(graph), graph).same
    last = next((node for node in reversed(operators(graph)) if len(node.outputs) == 1), None)
    if last is None:
        return
    other = named_input("new", last.types[0])
    assert not diff(graph, revise(graph, {last.outputs[0]: other})).same


def test_a_dimension_of_another_name_is_no_other_type():
    found = diff(trace(net, x=f32["n", 3]), trace(net, x=f32["batch", 3]))
    assert found.same
    assert found.renamed == {"dims": {"n": "batch"}}
    mixed = diff(trace(lambda x, y: x + y, x=f32["n"], y=f32["m"]), trace(lambda x, y: x + y, x=f32["k"], y=f32["k"]))
    assert not mixed.same


def test_a_param_that_changed_is_told_with_what_it_was():
    def after(x):
        h = ops.relu(ops.matmul(x, constant(data=tensor_data([float(i) for i in range(9)], f32[3, 3]))))
        return {"y": ops.transpose(h, perm=(0, 1)), "z": h + 1.0}

    found = told(graph_of_net(), trace(after, x=f32["n", 3]))
    (row,) = found.pop("changed")
    assert row == {
        "name": "transpose_1", "op": "transpose", "param": "perm", "from": "(1, 0)", "to": "(0, 1)",
        "max_abs_error": None,
    }  # fmt: skip
    assert found == {"types": [{"name": "transpose_1", "op": "transpose", "from": ["f32[3, 'n']"],
                                "to": ["f32['n', 3]"]}]}  # fmt: skip


def test_a_constant_that_changed_is_told_with_who_reads_it_and_by_how_much():
    def after(x):
        h = ops.relu(ops.matmul(x, constant(data=tensor_data([float(i) for i in range(8)] + [8.5], f32[3, 3]))))
        return {"y": ops.transpose(h, perm=(1, 0)), "z": h + 1.0}

    found = told(graph_of_net(), trace(after, x=f32["n", 3]))
    (row,) = found.pop("changed")
    assert (row["user"], row["param"], row["max_abs_error"]) == ("y of matmul_1", "data", 0.5)
    assert found == {}


def test_a_node_put_in_between_is_one_added_and_one_wire():
    def after(x):
        h = ops.relu(ops.matmul(x, constant(data=tensor_data([float(i) for i in range(9)], f32[3, 3]))))
        return {"y": ops.transpose(h, perm=(1, 0)), "z": ops.tanh(h) + 1.0}

    found = told(graph_of_net(), trace(after, x=f32["n", 3]))
    assert found == {
        "added": [{"name": "tanh_1", "op": "tanh", "inputs": ["relu_1"], "types": ["f32['n', 3]"], "params": {}}],
        "moved": [{"name": "add_1", "op": "add", "place": "x", "from": "relu_1", "to": "tanh_1"}],
    }
    back = told(trace(after, x=f32["n", 3]), graph_of_net())
    assert [row["name"] for row in back["removed"]] == ["tanh_1"]


def test_swapped_operands_are_two_wires():
    found = told(
        trace(lambda x, y: {"z": x - y}, x=f32[3], y=f32[3]), trace(lambda x, y: {"z": y - x}, x=f32[3], y=f32[3])
    )
    assert [(row["place"], row["from"], row["to"]) for row in found.pop("moved")] == [("x", "x", "y"), ("y", "y", "x")]
    assert found == {}


def test_optional_inputs_and_control_edges_are_wires():
    x = named_input("x", f32[3])
    limit = constant(data=tensor_data(0.0, f32[()]))
    found = told(Graph([ops.clip(x, limit)], [x]), Graph([ops.clip(x, None, limit)], [x]))
    assert [(row["place"], row["from"], row["to"]) for row in found["moved"]] == [
        ("low", "constant_1", None), ("high", None, "constant_1"),
    ]  # fmt: skip
    first, late = ops.exp(x), {"after": (ops.exp(x).node,)}
    waiting = Graph([ops.neg(x, after=(first.node,)), first], [x])
    assert [row["place"] for row in told(Graph([ops.neg(x), first], [x]), waiting)["moved"]] == ["after"]
    assert [row["from"] for row in told(waiting, Graph([ops.neg(x), first], [x]))["moved"]] == ["exp_1"]
    assert diff(Graph([ops.neg(x, **late)], [x]), Graph([ops.neg(x, **late)], [x])).same


def test_other_types_are_told_where_they_begin():
    found = told(trace(net, x=f32[2, 3]), trace(net, x=f32[4, 3]))
    assert found == {
        "types": [{"name": "x", "op": "input", "from": ["f32[2, 3]"], "to": ["f32[4, 3]"]}],
        "types_below": 4,
    }


def test_ends_come_go_and_change_places():
    x, y = named_input("x", f32[3]), named_input("y", i64[2])
    a, b = ops.exp(x), ops.neg(x)
    before = Graph([a, b], [x], output_names=["a", "b"])
    assert told(before, Graph([b, a], [x], output_names=["b", "a"])) == {
        "outputs": {"added": [], "removed": [], "reordered": True}
    }
    assert told(before, Graph([a, b], [x, y], output_names=["a", "b"])) == {
        "inputs": {"added": ["y"], "removed": [], "reordered": False}
    }
    lost = told(before, Graph([a], [x], output_names=["a"]))
    assert lost["outputs"]["removed"] == ["b"]
    assert [row["op"] for row in lost["removed"]] == ["neg"]
    swapped = told(before, Graph([b, a], [x], output_names=["a", "b"]))
    assert [row["place"] for row in swapped["moved"]] == ["output a", "output b"]


def test_variables_are_compared_by_what_they_start_as():
    def state(amount: float) -> Graph:
        return Graph([ops.neg(variable(init=tensor_data(amount, f32[2]), name="s"))])

    (row,) = told(state(1.0), state(3.0))["changed"]
    assert (row["name"], row["param"], row["max_abs_error"]) == ("s", "init", 2.0)


def test_graphs_among_params_say_where_they_part():
    from nnvm.ir import Node, foreign, params

    def loop(body: Any) -> Graph:
        x = named_input("x", f32[3])
        node = Node(foreign("Loop", "onnx"), (x,), params({"body": trace(body, x=f32[3])}), (f32[3],), "loop")
        return Graph(node.outputs, [x])

    (row,) = told(loop(ops.exp), loop(ops.tanh))["changed"]
    assert (row["name"], row["param"]) == ("loop", "body")
    assert "exp" in row["to"]
    assert diff(loop(ops.exp), loop(ops.exp)).same


def test_provenance_says_who_made_what_was_added():
    before = trace(lambda x: {"y": ops.tanh(x @ constant(data=tensor_data(0.5, f32[3, 2])) + constant(
        data=tensor_data([1.0, 2.0], f32[2])))}, x=f32[4, 3])  # fmt: skip
    after = optimize(before, "simplify", provenance=True)
    (row,) = [row for row in diff(before, after).report()["added"] if row["op"] == "gemm"]
    assert row["made_by"][0].startswith("simplify")
    assert any("matmul" in source for source in row["sources"])


def data(*elements: float, dtype: str = "float32") -> TensorData:
    return tensor_data(list(elements), DTYPES[dtype][len(elements)])


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        (data(1, 2), data(1, 2.5), 0.5),
        (data(NAN, 1), data(NAN, 1), 0.0),
        (data(NAN), data(1), INF),
        (data(INF), data(INF), 0.0),
        (data(INF), data(-INF), INF),
        (data(0, 255, dtype="uint8"), data(255, 0, dtype="uint8"), 255.0),
        (data(-(2**63), dtype="int64"), data(-(2**63) + 1, dtype="int64"), 1.0),
        (data(1, dtype="bfloat16"), data(3, dtype="bfloat16"), 2.0),
        (data(1), data(1, 2), None),
        (TensorData(DTYPES["int4"][2], b"\x21"), TensorData(DTYPES["int4"][2], b"\x23"), 2.0),
        (TensorData(DTYPES["string"][1], (b"a",)), TensorData(DTYPES["string"][1], (b"b",)), None),
        (tensor_data(3, u8[0]), tensor_data(4, u8[0]), 0.0),
    ],
)
def test_the_largest_difference_of_two_constants(p, q, expected):
    assert largest_difference(p, q) == expected


def test_the_command_tells_and_exits_by_what_it_found(tmp_path):
    model = small_model(tmp_path / "m.onnx")
    save(load(model), tmp_path / "same.nnvm")
    code, result, err = nnvm("diff", model, tmp_path / "same.nnvm", "--json")
    assert (code, result["same"], err) == (0, True, "")
    save(optimize(load(model)), tmp_path / "less.onnx")
    code, result, err = nnvm("diff", model, tmp_path / "less.onnx", "--json")
    assert (code, result["same"], err) == (3, False, "")
    assert set(result) == {
        "same", "added", "removed", "changed", "moved", "types", "types_below", "inputs", "outputs", "renamed", "nodes",
        "operators",
    }  # fmt: skip
    assert result["nodes"] == {"before": 5, "after": 2}
    code, out, _ = nnvm("diff", model, tmp_path / "less.onnx")
    assert code == 3
    assert "  - d: f32['batch', 4] = mul(c, " in out
    assert out.endswith("different: 5 nodes before, 2 after\n")
    assert nnvm("diff", model, tmp_path / "none.onnx")[0] == 1
    assert nnvm("diff", model)[0] == 2


def test_names_count_on_demand(tmp_path):
    save(graph_of_net(), tmp_path / "a.nnvm")
    save(renamed(graph_of_net()), tmp_path / "b.nnvm")
    assert nnvm("diff", tmp_path / "a.nnvm", tmp_path / "b.nnvm")[0] == 0
    assert nnvm("diff", tmp_path / "a.nnvm", tmp_path / "b.nnvm", "--names")[0] == 3
    code, out, _ = nnvm("diff", tmp_path / "a.nnvm", tmp_path / "b.nnvm", "--set-dim", "n=4")
    assert code == 0
    assert "= inputs: x -> other0" in out
