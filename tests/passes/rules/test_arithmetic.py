"""Each equation of arithmetic: where it holds, and where it must not."""

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites, folding

from nnvm import ops
from nnvm.ir import DType, TensorData, Value, boolean, f16, f32, i32, i64, tensor_data
from nnvm.passes import simplify
from nnvm.passes.rules.arithmetic import ARITHMETIC

UNARY = {
    "x + 0": lambda x: x + 0,
    "0 + x": lambda x: 0 + x,
    "x - 0": lambda x: x - 0,
    "x * 1": lambda x: x * 1,
    "x / 1": lambda x: x / 1,
    "x ** 1": lambda x: x**1,
    "--x": lambda x: -(-x),  # noqa: B002
    "identity": ops.identity,
    "min of one": ops.minimum,
    "max of one": ops.maximum,
    "sum of one": ops.add_n,
    "mean of one": ops.mean_n,
    "min of equals": lambda x: ops.minimum(x, x),
    "where of equals": lambda x: ops.where(x > 0, x, x),
    "where true": lambda x: ops.where(tensor_data(True, boolean[()]), x, x * 2),
    "where false": lambda x: ops.where(tensor_data(False, boolean[1]), x * 2, x),
    "zeros of a shape": lambda x: x + tensor_data(0.0, f32[2, 1]),
}


@pytest.mark.parametrize("name", UNARY)
def test_what_changes_nothing_goes(name: str) -> None:
    def before(x: f32[2, 3]) -> Value:
        return ops.tanh(UNARY[name](x))

    def after(x: f32[2, 3]) -> Value:
        return ops.tanh(x)

    assert_rewrites(simplify, before, after)


@pytest.mark.parametrize("symbolic", [f32["n", 3], f32["n", "m"], f32["n"], f32[()]])
def test_named_dimensions_are_no_obstacle(symbolic: object) -> None:
    def before(x):
        return ops.tanh(x * 1 + 0)

    def after(x):
        return ops.tanh(x)

    before.__annotations__ = after.__annotations__ = {"x": symbolic}
    assert_rewrites(simplify, before, after)


def test_a_number_that_broadcasts_x_stays() -> None:
    def program(x: f32[3]) -> Value:
        return x + tensor_data(0.0, f32[2, 3])

    assert_keeps(simplify, program)


def test_nothing_happens_where_types_are_not_known() -> None:
    def program(x):
        return x + 0

    assert_keeps(simplify, program)


NEAR = {
    "x + 1": lambda x: x + 1,
    "1 - x": lambda x: 1 - x,
    "1 / x": lambda x: 1 / x,
    "x * 0": lambda x: x * 0,
    "x ** 2": lambda x: x**2,
    "1 ** x": lambda x: 1**x,
    "-|x|": lambda x: -ops.abs(x),
    "floor exp": lambda x: ops.floor(ops.exp(x)),
    "0 - x": lambda x: 0 - x,
    "mean of two": lambda x: ops.mean_n(x, x * x),
    "some zeros": lambda x: x + tensor_data([0.0, 0.0, 1.0], f32[3]),
}


@pytest.mark.parametrize("name", NEAR)
def test_what_changes_something_stays(name: str) -> None:
    def program(x: f32[2, 3]) -> Value:
        return NEAR[name](x)

    assert_keeps(simplify, program)


REPEATED = {
    "||x||": (lambda x: ops.abs(ops.abs(x)), ops.abs),
    "|-x|": (lambda x: ops.abs(-x), ops.abs),
    "|relu|": (lambda x: ops.abs(ops.relu(x)), ops.relu),
    "relu|x|": (lambda x: ops.relu(ops.abs(x)), ops.abs),
    "floor floor": (lambda x: ops.floor(ops.floor(x)), ops.floor),
    "ceil round": (lambda x: ops.ceil(ops.round(x)), ops.round),
    "round ceil": (lambda x: ops.round(ops.ceil(x)), ops.ceil),
    "sign sign": (lambda x: ops.sign(ops.sign(x)), ops.sign),
    "x - -y": (lambda x: x - (-ops.exp(x)), lambda x: x + ops.exp(x)),
    "x + -y": (lambda x: x + (-ops.exp(x)), lambda x: x - ops.exp(x)),
    "-y + x": (lambda x: -ops.exp(x) + x, lambda x: x - ops.exp(x)),
    "sum of two": (lambda x: ops.add_n(x, ops.exp(x)), lambda x: x + ops.exp(x)),
}


@pytest.mark.parametrize("name", REPEATED)
def test_one_of_two(name: str) -> None:
    left, right = REPEATED[name]

    def before(x: f32[2, 3]) -> Value:
        return left(x)

    def after(x: f32[2, 3]) -> Value:
        return right(x)

    assert_rewrites(simplify, before, after)


def test_logic() -> None:
    def before(x: boolean[3]) -> Value:
        kept = ops.logical_and(x, tensor_data(True, boolean[()]))
        return ops.logical_not(ops.logical_not(ops.logical_or(tensor_data(False, boolean[3]), kept)))

    def after(x: boolean[3]) -> Value:
        return x

    assert_rewrites(simplify, before, after)


@pytest.mark.parametrize("operator", [ops.logical_and, ops.logical_or])
def test_logic_that_decides_stays(operator: object) -> None:
    def program(x: boolean[3]) -> Value:
        return operator(x, tensor_data(operator is ops.logical_or, boolean[()]))

    assert_keeps(simplify, program)


def vector(*numbers: float, dtype: DType = f32) -> TensorData:
    return tensor_data(numbers, dtype[len(numbers)])


CONSTANTS = {
    "(x + 2) + 3": (lambda x: (x + 2) + 3, lambda x: x + 5),
    "3 + (2 + x)": (lambda x: 3 + (2 + x), lambda x: x + 5),
    "(x + 2) - 3": (lambda x: (x + 2) - 3, lambda x: x + -1),
    "(x - 2) + 3": (lambda x: (x - 2) + 3, lambda x: x + 1),
    "(x - 2) - 3": (lambda x: (x - 2) - 3, lambda x: x - 5),
    "(x * 2) * 3": (lambda x: 3 * (x * 2), lambda x: x * 6),
    "(x * 2) / 4": (lambda x: (x * 2) / 4, lambda x: x * 0.5),
    "(x / 2) * 4": (lambda x: (x / 2) * 4, lambda x: x * 2),
    "(x / 2) / 4": (lambda x: (x / 2) / 4, lambda x: x / 8),
    "(x * 2) / 2": (lambda x: (x * 2) / 2, lambda x: x),
    "vectors": (lambda x: (x * vector(1, 2, 3)) * vector(4, 5, 6), lambda x: x * vector(4, 10, 18)),
    "a vector and a number": (lambda x: (x + vector(1, 2, 3)) + 1, lambda x: x + vector(2, 3, 4)),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_meet(name: str) -> None:
    left, right = CONSTANTS[name]

    def before(x: f32[2, 3]) -> Value:
        return ops.tanh(left(x))

    def after(x: f32[2, 3]) -> Value:
        return ops.tanh(right(x))

    assert_rewrites(lambda graph: simplify(folding(simplify(graph))), before, after)


def test_whole_numbers_add_up_and_do_not_divide() -> None:
    def before(x: i64[3]) -> Value:
        return (x + 7) - 2

    def after(x: i64[3]) -> Value:
        return x + 5

    def program(x: i64[3]) -> Value:
        return (x / 2) * 2

    assert_rewrites(simplify, before, after)
    assert_keeps(simplify, program)


def test_whole_numbers_out_of_range_stay() -> None:
    def program(x: i32[3]) -> Value:
        return (x + (2**31 - 1)) + 1

    assert_keeps(simplify, program)


REFUSED = {
    "half precision": (f16[2, 3], lambda x: (x * 3) * 5),
    "larger together": (f32[2, 3], lambda x: (x + tensor_data([1.0, 2.0], f32[2, 1])) + vector(1, 2, 3)),
    "overflow": (f32[2, 3], lambda x: (x * 1e25) * 1e25),
    "underflow": (f32[2, 3], lambda x: (x / 1e25) / 1e25),
    "division by zero": (f32[2, 3], lambda x: (x * 2) / 0),
    "infinity": (f32[2, 3], lambda x: (x + float("inf")) - float("inf")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_constants_that_do_not_meet(name: str) -> None:
    type, build = REFUSED[name]

    def program(x):
        return build(x)

    program.__annotations__ = {"x": type}
    assert_keeps(simplify, program)


def test_every_equation_has_a_sentence_and_a_name_of_its_own() -> None:
    assert all(each.doc for each in ARITHMETIC)
    assert len({each.name for each in ARITHMETIC}) == len(ARITHMETIC)


def test_a_shared_value_is_simplified_once_for_all() -> None:
    def before(x: f32[3]) -> tuple[Value, ...]:
        y = x * 1
        return y + y, ops.exp(y)

    def after(x: f32[3]) -> tuple[Value, ...]:
        return x + x, ops.exp(x)

    assert_rewrites(simplify, before, after)
