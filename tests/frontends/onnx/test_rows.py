import pytest

from nnvm import ops
from nnvm.errors import Error
from nnvm.frontends.onnx.families import BY_OP, BY_TYPE, ROWS
from nnvm.frontends.onnx.rows import (
    REQUIRED,
    Use,
    columns_of,
    constant_ints,
    named,
    read_params,
    row,
    too_old,
    write_params,
)
from nnvm.ir import ABSENT, constant, f32, i64, named_input, tensor_data

X = named_input("x", f32[2])
COLUMNS = columns_of({"alpha": 0.1, "flag": named("on", False), "many": (), "size": REQUIRED, "axis": None})


def use(**attributes: object) -> Use:
    return Use("Thing", 17, "t", (X,), dict(attributes), ("t",), {"t.taken"})


def test_attributes_become_params_and_back() -> None:
    params = read_params(COLUMNS, use(size=3, flag=1, many=(1, 2)))
    assert params == {"alpha": 0.10000000149011612, "on": True, "many": (1, 2), "size": 3, "axis": None}
    assert params["on"] is True
    assert write_params(COLUMNS, params) == {"flag": 1, "many": (1, 2), "size": 3}
    assert write_params(COLUMNS, params | {"alpha": 0.1, "on": False, "many": (), "axis": 2}) == {"size": 3, "axis": 2}


def test_required_and_unknown_attributes() -> None:
    with pytest.raises(Error, match="Thing 't' lacks its attribute 'size', which has no default"):
        read_params(COLUMNS, use())
    assert read_params(COLUMNS, use(size=1, other=2)) is None


def test_a_row_reads_and_writes() -> None:
    made = row("Thing", ops.leaky_relu, {"alpha": 0.01})
    op, inputs, params = made.read(use(alpha=0.5)) or (None, (), {})
    assert op is ops.leaky_relu
    written = made.write(op(*inputs, **params).node, 17)
    assert (written.type, written.inputs, written.attributes) == ("Thing", (X,), {"alpha": 0.5})
    assert row("Thing", ops.relu).read(use(alpha=1.0)) is None


def test_constants_of_attributes() -> None:
    value = use(axes=(1, 2)).ints("axes")
    assert value.node.name == "t.axes"
    assert use(taken=(1,)).ints("taken").node.name is None
    assert use().ints("axes") is ABSENT
    assert use().input(1) is ABSENT


def test_constant_inputs_as_attributes() -> None:
    axes = constant(data=tensor_data((0,), i64[1]))
    node = ops.unsqueeze(X, axes).node
    assert constant_ints(node, 1, "Unsqueeze", 9, 13) == (0,)
    assert constant_ints(node, 2, "Unsqueeze", 9, 13) is None
    computed = ops.squeeze(X, named_input("a", i64[1])).node
    with pytest.raises(
        Error, match=r"squeeze.* cannot be written at opset 9: its input 'a' is computed.*opset=13 or newer"
    ):
        constant_ints(computed, 1, "Squeeze", 9, 13)


def test_too_old_says_the_cure() -> None:
    node = ops.relu(X, name="r").node
    assert (
        str(too_old(node, "T", 9, 13, "why"))
        == "r = relu(x) cannot be written at opset 9: why; save with opset=13 or newer"
    )
    assert str(too_old(node, "T", 13, 12, "why")).endswith("save with opset=12")
    assert "rewrite the node; no opset" in str(too_old(node, "T", 9, None, "why"))


def test_tables_have_no_doubles() -> None:
    assert len(BY_TYPE) == len(ROWS)
    assert len(BY_OP) == sum(len(item.ops) for item in ROWS)


def test_every_operator_of_ours_has_a_row() -> None:
    ours = {getattr(ops, name) for name in ops.__all__}
    assert {op.name for op in ours - set(BY_OP)} == {"assign", "copy"}  # ONNX has neither states nor devices
