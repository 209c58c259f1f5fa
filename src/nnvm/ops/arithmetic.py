"""Arithmetic, comparison and logic, element by element with broadcasting."""

from typing import Final

from nnvm.attrs import commutes, elementwise
from nnvm.ir import OVERLOADS, DType, TensorType, Value, boolean, op
from nnvm.ir.dims import equal as equal_dims
from nnvm.ops.typing import broadcast, broadcast_type, of_kind, one_dtype, require

Kinds = tuple[str, ...]
TRUTHS: Final[Kinds] = ("bool",)
WHOLE: Final[Kinds] = ("int", "uint")
FLOATS: Final[Kinds] = ("float", "complex")
NUMBERS: Final[Kinds] = (*WHOLE, *FLOATS)
ROUND_MODES: Final = ("up", "down", "nearest")


@op
def neg(x: Value) -> TensorType:
    """Negate (ONNX Neg)."""
    return of_kind(x, *NUMBERS)


@op
def abs(x: Value) -> TensorType:
    """Drop the sign (ONNX Abs)."""
    return of_kind(x, *NUMBERS)


@op
def reciprocal(x: Value) -> TensorType:
    """Return 1 / x (ONNX Reciprocal)."""
    return of_kind(x, *FLOATS)


@op
def sqrt(x: Value) -> TensorType:
    """Return the square root (ONNX Sqrt)."""
    return of_kind(x, *FLOATS)


@op
def exp(x: Value) -> TensorType:
    """Return e to the power of x (ONNX Exp)."""
    return of_kind(x, *FLOATS)


@op
def log(x: Value) -> TensorType:
    """Return the natural logarithm (ONNX Log)."""
    return of_kind(x, *FLOATS)


@op
def floor(x: Value) -> TensorType:
    """Round down (ONNX Floor)."""
    return of_kind(x, *FLOATS)


@op
def ceil(x: Value) -> TensorType:
    """Round up (ONNX Ceil)."""
    return of_kind(x, *FLOATS)


@op
def round(x: Value) -> TensorType:
    """Round to the nearest, halves to even (ONNX Round)."""
    return of_kind(x, *FLOATS)


@op
def sign(x: Value) -> TensorType:
    """Return -1, 0 or 1 (ONNX Sign)."""
    return of_kind(x, *NUMBERS)


@op
def erf(x: Value) -> TensorType:
    """Return the error function (ONNX Erf)."""
    return of_kind(x, *NUMBERS)


@op
def identity(x: Value) -> TensorType:
    """Return x (ONNX Identity)."""
    return x.tensor


@op
def sin(x: Value) -> TensorType:
    """Return the sin of x, in radians (ONNX Sin)."""
    return of_kind(x, *FLOATS)


@op
def cos(x: Value) -> TensorType:
    """Return the cos of x, in radians (ONNX Cos)."""
    return of_kind(x, *FLOATS)


@op
def tan(x: Value) -> TensorType:
    """Return the tan of x, in radians (ONNX Tan)."""
    return of_kind(x, *FLOATS)


@op
def asin(x: Value) -> TensorType:
    """Return the asin of x (ONNX Asin)."""
    return of_kind(x, *FLOATS)


@op
def acos(x: Value) -> TensorType:
    """Return the acos of x (ONNX Acos)."""
    return of_kind(x, *FLOATS)


@op
def atan(x: Value) -> TensorType:
    """Return the atan of x (ONNX Atan)."""
    return of_kind(x, *FLOATS)


@op
def sinh(x: Value) -> TensorType:
    """Return the sinh of x (ONNX Sinh)."""
    return of_kind(x, *FLOATS)


@op
def cosh(x: Value) -> TensorType:
    """Return the cosh of x (ONNX Cosh)."""
    return of_kind(x, *FLOATS)


@op
def asinh(x: Value) -> TensorType:
    """Return the asinh of x (ONNX Asinh)."""
    return of_kind(x, *FLOATS)


@op
def acosh(x: Value) -> TensorType:
    """Return the acosh of x (ONNX Acosh)."""
    return of_kind(x, *FLOATS)


@op
def atanh(x: Value) -> TensorType:
    """Return the atanh of x (ONNX Atanh)."""
    return of_kind(x, *FLOATS)


@op
def add(x: Value, y: Value) -> TensorType:
    """Add, with broadcasting (ONNX Add)."""
    return _of(NUMBERS, x, y)


@op
def sub(x: Value, y: Value) -> TensorType:
    """Subtract, with broadcasting (ONNX Sub)."""
    return _of(NUMBERS, x, y)


@op
def mul(x: Value, y: Value) -> TensorType:
    """Multiply, with broadcasting (ONNX Mul)."""
    return _of(NUMBERS, x, y)


@op
def div(x: Value, y: Value) -> TensorType:
    """Divide, with broadcasting; whole numbers truncate toward zero (ONNX Div)."""
    return _of(NUMBERS, x, y)


@op
def pow(x: Value, y: Value) -> TensorType:
    """Raise x to the power y, in x's element type (ONNX Pow)."""
    of_kind(y, *NUMBERS)
    return of_kind(x, *NUMBERS)[broadcast(x.shape, y.shape)]


@op
def mod(x: Value, y: Value, *, fmod: bool = False) -> TensorType:
    """Return the remainder, of y's sign, or of x's with `fmod` (ONNX Mod)."""
    return _of(NUMBERS, x, y)


@op
def equal(x: Value, y: Value) -> TensorType:
    """Compare for equality, with broadcasting (ONNX Equal)."""
    return _boolean(broadcast_type(x, y))


@op
def less(x: Value, y: Value) -> TensorType:
    """Compare by <, with broadcasting (ONNX Less)."""
    return _boolean(_of(NUMBERS, x, y))


@op
def less_equal(x: Value, y: Value) -> TensorType:
    """Compare by <=, with broadcasting (ONNX LessOrEqual)."""
    return _boolean(_of(NUMBERS, x, y))


@op
def greater(x: Value, y: Value) -> TensorType:
    """Compare by >, with broadcasting (ONNX Greater)."""
    return _boolean(_of(NUMBERS, x, y))


@op
def greater_equal(x: Value, y: Value) -> TensorType:
    """Compare by >=, with broadcasting (ONNX GreaterOrEqual)."""
    return _boolean(_of(NUMBERS, x, y))


@op
def logical_and(x: Value, y: Value) -> TensorType:
    """Combine truth values by and (ONNX And)."""
    return _of(TRUTHS, x, y)


@op
def logical_or(x: Value, y: Value) -> TensorType:
    """Combine truth values by or (ONNX Or)."""
    return _of(TRUTHS, x, y)


@op
def logical_xor(x: Value, y: Value) -> TensorType:
    """Combine truth values by xor (ONNX Xor)."""
    return _of(TRUTHS, x, y)


@op
def logical_not(x: Value) -> TensorType:
    """Turn truth values around (ONNX Not)."""
    return of_kind(x, *TRUTHS)


@op
def bitwise_and(x: Value, y: Value) -> TensorType:
    """Combine the bits of whole numbers by and (ONNX BitwiseAnd)."""
    return _of(WHOLE, x, y)


@op
def bitwise_or(x: Value, y: Value) -> TensorType:
    """Combine the bits of whole numbers by or (ONNX BitwiseOr)."""
    return _of(WHOLE, x, y)


@op
def bitwise_xor(x: Value, y: Value) -> TensorType:
    """Combine the bits of whole numbers by exclusive or (ONNX BitwiseXor)."""
    return _of(WHOLE, x, y)


@op
def bitwise_not(x: Value) -> TensorType:
    """Turn every bit of whole numbers around (ONNX BitwiseNot)."""
    return of_kind(x, *WHOLE)


@op
def isnan(x: Value) -> TensorType:
    """Say where x is not a number (ONNX IsNaN)."""
    return _boolean(of_kind(x, *FLOATS))


@op
def isinf(x: Value, *, negative: bool = True, positive: bool = True) -> TensorType:
    """Say where x is infinite, of the signs asked for (ONNX IsInf)."""
    return _boolean(of_kind(x, *FLOATS))


@op
def minimum(*xs: Value) -> TensorType:
    """Return the least of many (ONNX Min)."""
    return _of(NUMBERS, *xs)


@op
def maximum(*xs: Value) -> TensorType:
    """Return the greatest of many (ONNX Max)."""
    return _of(NUMBERS, *xs)


@op
def add_n(*xs: Value) -> TensorType:
    """Add many (ONNX Sum, NNVM elemwise_sum)."""
    return _of(FLOATS, *xs)


@op
def mean_n(*xs: Value) -> TensorType:
    """Average many (ONNX Mean)."""
    return _of(FLOATS, *xs)


@op
def where(condition: Value, x: Value, y: Value) -> TensorType:
    """Take x where the condition holds, y elsewhere, with broadcasting (ONNX Where)."""
    require(condition.dtype is boolean, f"the condition is {condition.dtype!r}, not boolean")
    chosen = broadcast_type(x, y)
    return chosen[broadcast(condition.shape, chosen.shape)]


@op
def clip(x: Value, low: Value | None = None, high: Value | None = None) -> TensorType:
    """Limit x to [low, high], two scalars (ONNX Clip); a side without a limit lets infinities pass."""
    for limit in (low, high):
        if limit is not None:
            one_dtype((x, limit))
            scalar = limit.tensor.shape_or_none is None or equal_dims(limit.tensor.elements, 1) is not False
            require(scalar, f"the limit {limit.type} is no scalar")
    return of_kind(x, *NUMBERS)


@op
def cast(x: Value, *, to: DType, saturate: bool = True, round_mode: str = "up") -> TensorType:
    """Convert elements to another type (ONNX Cast); `saturate` is about overflowing float8.

    `round_mode` is how float8_e8m0fnu, the powers of two, are rounded: "up", "down" or to the "nearest".
    """
    require(round_mode in ROUND_MODES, f"round_mode {round_mode!r} is none of {', '.join(ROUND_MODES)}")
    return to[x.tensor.shape_or_none] if x.tensor.shape_or_none is not None else to[...]


def _of(kinds: Kinds, *values: Value) -> TensorType:
    type = broadcast_type(*values)
    of_kind(values[0], *kinds)
    return type


def _boolean(type: TensorType) -> TensorType:
    return boolean[...] if type.shape_or_none is None else boolean[type.shape]


commutes(
    add,
    mul,
    equal,
    logical_and,
    logical_or,
    logical_xor,
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    minimum,
    maximum,
    add_n,
    mean_n,
)(True)
elementwise(
    neg, abs, reciprocal, sqrt, exp, log, floor, ceil, round, sign, erf, identity, sin, cos, tan, asin, acos, atan,
    sinh, cosh, asinh, acosh, atanh, add, sub, mul, div, pow, mod, equal, less, less_equal, greater, greater_equal,
    logical_and, logical_or, logical_xor, logical_not, bitwise_and, bitwise_or, bitwise_xor, bitwise_not, isnan, isinf,
    minimum, maximum, add_n, mean_n, where, clip, cast,
)(True)  # fmt: skip
OVERLOADS.update(
    {
        "+": add,
        "-": sub,
        "*": mul,
        "/": div,
        "**": pow,
        "neg": neg,
        "<": less,
        "<=": less_equal,
        ">": greater,
        ">=": greater_equal,
    }
)
