import re
from typing import Any

import onnx
import pytest

from nnvm import ops
from nnvm.attrs import elementwise
from nnvm.frontends.onnx import schemas
from nnvm.frontends.onnx.families import BY_OP
from nnvm.ir import Op, f32, named_input, tensor_data

SHIPPED = [getattr(ops, name) for name in ops.__all__]
OF_ONNX = [op for op in SHIPPED if op.module != "nnvm.ops.state"]  # ONNX has neither states nor devices
SCHEMAS = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
# Params that have no default, so that a use of unknown inputs can be built.
NEEDED: dict[str, Any] = {
    "to": f32, "axis": 0, "parts": 2, "block": 2, "kernel": (1,), "size": 1, "value": tensor_data(0.0, f32[()]),
    "device": "cpu", "equation": "a,b", "direction": "LEFT", "groups": 1, "q_heads": 1,
    "kv_heads": 1,
}  # fmt: skip


def test_all_is_sorted_and_complete() -> None:
    public = {name for name, each in vars(ops).items() if isinstance(each, Op) and not name.startswith("_")}
    assert list(ops.__all__) == sorted(public)
    assert [op.name for op in SHIPPED] == list(ops.__all__)


@pytest.mark.parametrize("op", OF_ONNX, ids=lambda op: op.name)
def test_a_docstring_names_the_operator_of_onnx(op: Op[..., Any]) -> None:
    first = op.doc.splitlines()[0]
    named = re.search(r"\(ONNX (\w+)[^()]*\)\.?(;.*)?", first)
    assert named is not None, first
    assert named.group(1) in SCHEMAS
    assert named.group(1) == BY_OP[op].type
    assert re.match(r"[A-Z]", first)
    assert op.doc.endswith(".") or '"' in op.doc or "`" in op.doc


@pytest.mark.parametrize("op", SHIPPED, ids=lambda op: op.name)
def test_inputs_without_types_give_outputs_without_types(op: Op[..., Any]) -> None:
    required = [name for name in op.inputs if name not in op.optional]
    given = {name: NEEDED[name] for name in op.param_names if name not in op.defaults}
    made = op(*[named_input(name) for name in required], **given)
    values = made if isinstance(made, tuple) else (made,)
    assert [value.type for value in values] == [None] * len(values)


@pytest.mark.parametrize("op", [op for op in SHIPPED if op in elementwise], ids=lambda op: op.name)
def test_an_elementwise_operator_has_one_output(op: Op[..., Any]) -> None:
    assert op.count == 1


def test_every_param_of_ours_is_known_to_the_tables() -> None:
    """What ONNX lets a node say and we do not: left out knowingly."""
    left_out = {
        "BatchNormalization": {"training_mode"},  # an operator of its own
        "LayerNormalization": {"stash_type"},  # ours always computes in 32 bits or more
        "GroupNormalization": {"stash_type"},
        "RMSNormalization": {"stash_type"},
        "LinearAttention": {"chunk_size"},  # it changes no answer
        "MaxPool": {"storage_order"},  # without indices it means nothing
    }
    for op in OF_ONNX:
        row = BY_OP[op]
        schema = onnx.defs.get_schema(row.type, max(21, schemas.first(row.type)))
        known = len(op.param_names)
        missing = set(schema.attributes) - left_out.get(row.type, set()) - {"num_outputs"}
        if row.type in ("ConstantOfShape", "Split"):
            continue
        assert known >= len(missing), (op.name, op.param_names, sorted(schema.attributes))
