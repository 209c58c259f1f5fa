"""What no input changes."""

from nnvm import ops
from nnvm.analyses import fixed, pure
from nnvm.ir import Graph, boolean, constant, f32, foreign, named_input, tensor_data, variable


def test_what_depends_on_constants_alone_is_fixed() -> None:
    x = named_input("x", f32[2])
    weight = constant(data=tensor_data(2.0, f32[2]))
    scaled = ops.exp(weight)
    made = x + scaled
    found = fixed(Graph([made]))
    assert found == {weight, scaled}


def test_absent_inputs_are_no_obstacle() -> None:
    limited = ops.clip(constant(data=tensor_data(2.0, f32[2])), None, tensor_data(1.0, f32[()]))
    assert limited in fixed(Graph([limited]))


def test_order_state_randomness_and_what_is_not_known_are_not_fixed() -> None:
    weight = constant(data=tensor_data(2.0, f32[2]))
    state = ops.exp(variable(name="v", type=f32[2]))
    drawn, _ = ops.dropout(weight, tensor_data(0.5, f32[()]), tensor_data(True, boolean[()]))
    carried = foreign("mystery", "tests")(weight)
    late = ops.exp(weight, after=(state.node,))
    found = fixed(Graph([state, drawn, carried, late]))
    assert found.isdisjoint({state, drawn, carried, late})
    assert [pure(value.node) for value in (state, drawn, carried, late)] == [True, False, False, True]
