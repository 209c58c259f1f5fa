from tests.ir import operators
from tests.ir.operators import relu, shape_constant

from nnvm.ir import TensorType, Value, constant, contents, f32, follow, i8, i64, named_input, op, tensor_data


def test_contents_follow_long_chains_and_diamonds() -> None:
    @op
    def doubled(x: Value, y: Value) -> TensorType:
        return x.tensor

    follow[doubled] = lambda node, given: tuple(a - b + 1 for a, b in zip(*given, strict=True))
    value = shape_constant(3, 4)
    for _ in range(operators.LONG):
        value = doubled(value, value)
    assert contents(value) == (1, 1)
    assert contents(relu(shape_constant(1))) is None
    assert contents(named_input("s", i64[2])) is None
    assert contents(constant(data=tensor_data(1, i64[100]))) is None
    assert contents(constant(data=tensor_data([1.0], f32[1]))) is None


def test_a_number_that_leaves_its_type_is_not_followed() -> None:
    @op
    def raised(x: Value) -> TensorType:
        return x.tensor

    follow[raised] = lambda node, given: tuple(element + 100 for element in given[0])
    assert contents(raised(constant(data=tensor_data([27], i8[1])))) == (127,)
    assert contents(raised(constant(data=tensor_data([28], i8[1])))) is None
