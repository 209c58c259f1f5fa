"""What is said of a graph."""

import json

from tests.report.net import graph_of_net, net

import nnvm
from nnvm import ops, report
from nnvm.ir import (
    Graph,
    TensorData,
    constant,
    container_type,
    f32,
    i64,
    named_input,
    string,
    tensor_data,
    tensor_type,
    trace,
    variable,
)


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


def test_variables_are_no_parameters_and_inputs_no_work():
    state = variable(type=i64[4], name="v")
    assert report.show(Graph([ops.neg(state)], [state]))["parameters"] == 0


def test_one_number_repeated_counts_alike_before_and_after_it_is_folded():
    shape = constant(data=tensor_data([4, 5], i64[2]))
    graph = trace(lambda x: x + ops.fill(shape, value=tensor_data([1.5], f32[1])), x=f32[4, 5])
    shown = [report.show(each) for each in (graph, nnvm.optimize(graph, "fold_constants"))]
    assert [(each["parameters"], each["parameter_bytes"]) for each in shown] == [(22, 96), (20, 80)]
