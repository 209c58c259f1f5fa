import pytest
from tests.ir.operators import halves, relu, scaled

from nnvm.ir import ABSENT, DType, TensorType, Value, f32, foreign, op, variable
from nnvm.ir.formats.json_rows import Rows
from nnvm.ir.formats.json_values import Fault, ValueReader
from nnvm.ir.provenance import SOURCE, recording

INPUT = {"op": "x", "foreign": "m", "types": ["f32[2]"]}


@op
def checked(x: Value, *, to: DType, times: int = 1) -> TensorType:
    """Take params of certain kinds."""
    return x.tensor


OPERATORS = {each.name: each for each in (checked, halves, relu, scaled, variable)}


def rows(*found: dict) -> Rows:
    made = Rows(OPERATORS, ValueReader({}, {}), None, "m.json, ")
    for each in (INPUT, *found):
        made.add(each)
    return made


def test_rows_are_nodes_over_those_above() -> None:
    made = rows(
        {"op": "halves", "params": {"axis": 0}, "inputs": [[0, 0, 0]], "types": ["f32[1]", None], "name": "h"},
        {"op": "F", "foreign": "m", "inputs": [None, [1, 1, 0], [0, 0]], "control_deps": [1], "types": [None]},
    ).made
    (x,), (first, second), (last,) = made
    assert (first.type, second.type, second.node.name) == (f32[1], None, "h")
    assert last.node.op is foreign("F", "m")
    assert last.node.inputs == (ABSENT, second, x)
    assert last.node.after == (first.node,)


def test_params_are_bound_and_checked() -> None:
    good = {"op": "checked", "params": {"to": {"dtype": "float32"}}, "inputs": [[0, 0, 0]], "types": ["f32[2]"]}
    assert dict(rows(good).made[1][0].node.params) == {"to": f32, "times": 1}
    assert list(rows({**good, "params": {"times": 2, **good["params"]}}).made[1][0].node.params) == ["to", "times"]
    for given, said in (
        ({"to": "f32"}, "param 'to' is .*and 'f32' is not"),
        ({"to": good["params"]["to"], "times": 1.5}, "'times'"),
    ):
        with pytest.raises(Fault, match=said) as caught:
            rows({**good, "params": given})
        assert caught.value.field == "params"


def test_a_row_is_called_by_number_operator_and_name() -> None:
    made = rows()
    assert made.called({"op": "relu", "name": "a" * 1000}).startswith("node 1 ('relu' 'aaa")
    assert len(made.called({"op": "relu", "name": "a" * 1000})) < 100
    assert made.called([]) == "node 1"


def test_a_row_that_fails_makes_no_node() -> None:
    made = rows()
    with pytest.raises(Fault):
        made.add({"op": "relu", "inputs": [[3, 0, 0]], "types": [None]})
    assert len(made.made) == 1


def test_provenance_knows_the_row() -> None:
    row = {"op": "relu", "name": "r", "inputs": [[0, 0, 0]], "types": ["f32[2]"], "hints": {"device": "gpu"}}
    assert SOURCE not in rows(row).made[1][0].node.hints
    with recording():
        node = rows(row).made[1][0].node
    assert dict(node.hints) == {SOURCE: "m.json, node 1 'r'", "device": "gpu"}
