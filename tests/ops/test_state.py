"""What writes to a state, and what gives a value memory of its own."""

from typing import Any

import pytest
from tests.ops.uses import refusal

from nnvm import ops
from nnvm.attrs import infer_inputs, mutates
from nnvm.ir import (  # fmt: skip
    UNKNOWN,
    Graph,
    TensorType,
    container_type,
    f32,
    f64,
    i64,
    input,
    make,
    named_input,
    params,
    tensor_data,
    variable,
    verify,
)
from nnvm.passes import cse, fold_constants, infer_types


@pytest.mark.parametrize(
    ("state", "given", "expected"),
    [
        (f32[2, 3], f32[2, 3], f32[2, 3]),
        (f32["n", 3], f32["n", 3], f32["n", 3]),
        (f32["n", 3], f32[2, 3], f32["n", 3]),
        (f32[UNKNOWN, 3], f32["m", UNKNOWN], f32["m", 3]),
        (f32[...], f32[2], f32[2]),
        (f32[2], f32[...], f32[2]),
        (f32[...], f32[...], f32[...]),
        (f32[2], None, None),
        (None, f32[2], None),
    ],
)
def test_a_new_state_is_of_the_old_ones_type(
    state: TensorType | None, given: TensorType | None, expected: TensorType | None
) -> None:
    made = ops.assign(variable(type=state), named_input("y", given))
    assert made.type is expected


def test_what_does_not_fit_a_state_is_refused() -> None:
    assert "element types differ" in refusal(ops.assign, f32[2], f64[2])
    assert "expand y" in refusal(ops.assign, f32[2, 3], f32[3])
    assert "expand y" in refusal(ops.assign, f32[2, 3], f32[()])
    assert "expand y" in refusal(ops.assign, f32["n"], tensor_data([1, 2], f32[1, 2]))


def test_an_assignment_writes_to_its_first_input() -> None:
    assert mutates[ops.assign] == (0,)
    assert ops.copy not in mutates


def test_types_flow_from_what_is_written_to_a_state() -> None:
    state = variable(name="s")
    made = infer_types(Graph([ops.assign(state, named_input("y", f32[2, 3]))]))
    assert made.outputs[0].type is f32[2, 3]
    assert made.outputs[0].node.inputs[0].type is f32[2, 3]
    assert infer_inputs[ops.assign](ops.assign(state, named_input("y", f32[2])).node) == (f32[2], None)


def test_types_flow_from_a_state_to_what_is_written() -> None:
    made = infer_types(Graph([ops.assign(variable(type=f32[2, 3]), named_input("y"))]))
    assert made.inputs[0].type is f32[2, 3]


def test_two_equal_writes_stay_two_and_are_not_computed_ahead() -> None:
    data = tensor_data([1, 2], f32[2])
    graph = Graph([ops.assign(variable(name=name, init=data), data) for name in "ab"], output_names="ab")
    assert len({value.node for value in cse(graph).outputs}) == 2

    def never(node: Any) -> Any:
        raise AssertionError(node)

    assert fold_constants(graph, never) is graph


@pytest.mark.parametrize("type", [f32["n", 3], i64[()], f32[...], None, container_type("sequence", f32[2])], ids=str)
def test_a_copy_is_of_the_same_type(type: Any) -> None:
    x = make(input, (), params({"type": type}), type, "x", (), {})
    made = ops.copy(x, device="gpu1")
    assert made.type is type
    assert dict(made.node.params) == {"device": "gpu1"}
    verify(Graph([made], [x]))


def test_copies_to_different_devices_stay_two() -> None:
    x = named_input("x", f32[2])
    copies = [ops.copy(x, device=device) for device in ("a", "b", "b", None)]
    made = cse(Graph(copies, [x], output_names="abcd")).outputs
    assert [made.index(value) for value in made] == [0, 1, 1, 3]
