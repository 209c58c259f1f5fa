import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from tests.backends.numpy.running import FLOATS, call, close, compute, draw, reference, runtime, transient

UNARY = {
    "neg": np.negative,
    "absolute": np.absolute,
    "reciprocal": lambda x: 1 / x,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "floor": np.floor,
    "ceil": np.ceil,
    "round_even": np.rint,
    "sign": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
}
BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "equal": np.equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
TRUTHS = ("equal", "less", "less_equal", "greater", "greater_equal")
NUMBERS = (*FLOATS, "int8", "uint8", "int32", "int64", "uint16")


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kernel", UNARY)
def test_functions_of_one_number(kernel, dtype):
    x = np.array([-np.inf, -3.5, -2.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 60, np.inf, np.nan], dtype)
    with np.errstate(all="ignore"):
        wanted = UNARY[kernel](x.astype("d")).astype(dtype)
    close(compute(kernel, (x.shape, dtype), x), wanted)


@pytest.mark.parametrize("dtype", ["int8", "int64"])
def test_integers_of_either_sign(dtype):
    x = np.array([-7, 0, 7], dtype)
    for kernel, wanted in (("neg", [7, 0, -7]), ("absolute", [7, 0, 7]), ("sign", [-1, 0, 1])):
        np.testing.assert_array_equal(compute(kernel, (x.shape, dtype), x), wanted)


@settings(max_examples=100)
@given(
    mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4, min_side=0),
    st.sampled_from(sorted(BINARY)),
    st.sampled_from(NUMBERS),
)
def test_functions_of_two_arrays_broadcast(shapes, kernel, dtype):
    x, y = (draw(index, shape, dtype) for index, shape in enumerate(shapes.input_shapes))
    out = (shapes.result_shape, np.bool_ if kernel in TRUTHS else dtype)
    close(compute(kernel, out, x, y), BINARY[kernel](x, y))


@pytest.mark.parametrize("kernel", ["logical_and", "logical_or", "logical_xor"])
def test_logic(kernel):
    x, y = draw(1, (4, 1), bool), draw(2, (1, 5), bool)
    close(compute(kernel, ((4, 5), bool), x, y), getattr(np, kernel)(x, y))
    close(compute("logical_not", (x.shape, bool), x), ~x)


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_bits(dtype):
    x, y = draw(1, (4, 1), dtype), np.abs(draw(2, (1, 5), dtype)) % 4
    for kernel in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        close(compute(kernel, ((4, 5), dtype), x, y), getattr(np, kernel)(x, y))
    close(compute("bitwise_not", (x.shape, dtype), x), ~x)
    close(compute("bit_shift", ((4, 5), dtype), x, y, direction="LEFT"), x << y)
    close(compute("bit_shift", ((4, 5), dtype), x, y, direction="RIGHT"), x >> y)


def test_a_shift_has_a_direction():
    with pytest.raises(ValueError, match="LEFT or RIGHT"):
        compute("bit_shift", ((1,), "u1"), np.ones(1, "u1"), np.ones(1, "u1"), direction="UP")


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "float32"])
def test_integers_divide_toward_zero(dtype):
    x, y = np.array([7, 8, 0, 100, 5], dtype), np.array([2, 3, 5, 7, 1], dtype)
    if np.dtype(dtype).kind == "i":
        x, y = np.concatenate([x, -x, x, -x]), np.concatenate([y, y, -y, -y])
    wanted = x / y if dtype == "float32" else np.trunc(x / y).astype(dtype)
    close(compute("div", (x.shape, dtype), x, y), wanted)
    close(compute("div", ((3, *x.shape), dtype), np.stack([x] * 3), y), np.stack([wanted] * 3))


def test_division_by_zero_says_nothing():
    np.testing.assert_array_equal(
        compute("div", ((2,), "f"), np.array([1, -1], "f"), np.zeros(2, "f")), [np.inf, -np.inf]
    )
    compute("div", ((2,), "i4"), np.array([1, -1], "i4"), np.zeros(2, "i4"))


@pytest.mark.parametrize("exponent", ["float32", "int64", "int32", "float64"])
@pytest.mark.parametrize("base", ["float32", "float64", "float16", "int32", "int64"])
def test_powers_keep_the_type_of_the_base(base, exponent):
    x, y = np.array([[1, 2, 3]], base), np.array([[0], [2], [3]], exponent)
    close(compute("power", ((3, 3), base), x, y), (x.astype("d") ** y).astype(base))
    close(compute("power", ((1, 3), base), x, np.array(2, exponent)), x**2)
    if np.dtype(exponent).kind != "u":
        close(compute("power", ((1, 3), base), x, np.array([-1], exponent)), (x.astype("d") ** -1).astype(base))


def test_large_integer_powers_are_exact():
    x = np.array([3**20 + 1], np.int64)
    np.testing.assert_array_equal(
        compute(
            "power",
            ((1,), "i8"),
            x,
            np.array(
                [
                    1,
                ],
                "i4",
            ),
        ),
        x,
    )


@pytest.mark.parametrize("fmod", [0, 1])
@pytest.mark.parametrize("dtype", ["int8", "int64", "float32"])
def test_remainders(dtype, fmod):
    x, y = np.array([-7, 7, -7, 7, 6], dtype), np.array([3, 3, -3, -3, 3], dtype)
    close(compute("mod", (x.shape, dtype), x, y, fmod=fmod), (np.fmod if fmod else np.mod)(x, y))


@pytest.mark.parametrize(
    ("kernel", "operator"), [("add_n", "Sum"), ("mean_n", "Mean"), ("minimum", "Min"), ("maximum", "Max")]
)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_number_of_arrays(kernel, operator, count):
    xs = [draw(index, shape) for index, shape in enumerate([(3, 1), (4,), (1, 1), (3, 4), ()][:count])]
    wanted, *_ = runtime(operator, xs, [np.float32])
    close(compute(kernel, (wanted.shape, "f"), *xs), wanted)


@pytest.mark.parametrize("alias", range(4))
@pytest.mark.parametrize("kernel", ["add_n", "mean_n", "minimum", "maximum"])
def test_many_arrays_in_place_of_any_one(kernel, alias):
    xs = [draw(index, (3, 50000)) for index in range(3)] + [draw(9, (50000,))]
    if alias == 3:
        xs.append(xs[1])  # one array twice, and written over
        alias = 1
    wanted = compute(kernel, ((3, 50000), "f"), *xs)
    call(kernel, [xs[alias]], xs)
    close(xs[alias], wanted)


@settings(max_examples=60)
@given(
    mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=4, min_side=0), st.sampled_from([*NUMBERS, "bool"])
)
def test_where(shapes, dtype):
    condition, x, y = (
        draw(i, s, d) for i, s, d in zip(range(3), shapes.input_shapes, (bool, dtype, dtype), strict=True)
    )
    close(compute("where", (shapes.result_shape, dtype), condition, x, y), np.where(condition, x, y))


@pytest.mark.parametrize("alias", range(3))
def test_where_in_place(alias):
    ins = [
        draw(1, (300, 400), bool),
        draw(2, (300, 400), bool if alias == 0 else "f"),
        draw(3, (300, 400), bool if alias == 0 else "f"),
    ]
    wanted = np.where(*ins)
    call("where", [ins[alias]], ins)
    close(ins[alias], wanted)


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_numbers(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0, 1], dtype)
    close(compute("isnan", (x.shape, bool), x), np.isnan(x))
    for negative in (0, 1):
        for positive in (0, 1):
            found = compute("isinf", (x.shape, bool), x, detect_negative=negative, detect_positive=positive)
            close(found, reference("IsInf", [x], detect_negative=negative, detect_positive=positive))


@pytest.mark.parametrize("dtype", [*FLOATS, "int32"])
@pytest.mark.parametrize("kernel", ["add", "mul", "div", "power", "maximum", "minimum", "sub"])
@pytest.mark.parametrize("alias", [0, 1])
def test_two_arrays_in_place_of_either(kernel, alias, dtype):
    xs = [
        np.abs(draw(1, (40, 50), dtype)) + np.ones(1, dtype),
        np.abs(draw(2, (40, 50), dtype)) % 3 + np.ones(1, dtype),
    ]
    wanted = compute(kernel, ((40, 50), dtype), *xs)
    call(kernel, [xs[alias]], xs)
    close(xs[alias], wanted)


@pytest.mark.parametrize("dtype", [*FLOATS, "int32", "int64"])
def test_no_tensor_is_allocated(dtype):
    x, y, out = (
        draw(1, (200, 300), dtype),
        np.abs(draw(2, (300,), dtype)) + np.ones(1, dtype),
        np.empty((200, 300), dtype),
    )
    for kernel in ("add", "div", "power", "mod", "maximum", "absolute"):
        ins = [x, y] if kernel != "absolute" else [x]
        assert transient(kernel, [out], ins) <= 16384, kernel
    assert transient("where", [out], [draw(3, (200, 1), bool), x, y]) <= 16384
    assert transient("less", [np.empty(x.shape, bool)], [x, y]) <= 16384
    assert transient("power", [out], [x, y.astype(np.int32)]) <= 16384
    assert transient("add_n", [out], [x, y, out]) <= 16384
