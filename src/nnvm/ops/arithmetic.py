"""Arithmetic, comparison and logic, element by element with broadcasting."""

from nnvm.attrs import commutes, elementwise
from nnvm.ir import OVERLOADS, DType, TensorType, Value, boolean, op
from nnvm.ops.typing import broadcast, broadcast_type, require


@op
def neg(x: Value) -> TensorType:
    """Negate (ONNX Neg)."""
    return x.tensor


@op
def abs(x: Value) -> TensorType:
    """Drop the sign (ONNX Abs)."""
    return x.tensor


@op
def reciprocal(x: Value) -> TensorType:
    """Return 1 / x (ONNX Reciprocal)."""
    return x.tensor


@op
def sqrt(x: Value) -> TensorType:
    """Return the square root (ONNX Sqrt)."""
    return x.tensor


@op
def exp(x: Value) -> TensorType:
    """Return e to the power of x (ONNX Exp)."""
    return x.tensor


@op
def log(x: Value) -> TensorType:
    """Return the natural logarithm (ONNX Log)."""
    return x.tensor


@op
def floor(x: Value) -> TensorType:
    """Round down (ONNX Floor)."""
    return x.tensor


@op
def ceil(x: Value) -> TensorType:
    """Round up (ONNX Ceil)."""
    return x.tensor


@op
def round(x: Value) -> TensorType:
    """Round to the nearest, halves to even (ONNX Round)."""
    return x.tensor


@op
def sign(x: Value) -> TensorType:
    """Return -1, 0 or 1 (ONNX Sign)."""
    return x.tensor


@op
def erf(x: Value) -> TensorType:
    """Return the error function (ONNX Erf)."""
    return x.tensor


@op
def identity(x: Value) -> TensorType:
    """Return x (ONNX Identity)."""
    return x.tensor


@op
def sin(x: Value) -> TensorType:
    """Return the sin of x, in radians (ONNX Sin)."""
    return x.tensor


@op
def cos(x: Value) -> TensorType:
    """Return the cos of x, in radians (ONNX Cos)."""
    return x.tensor


@op
def tan(x: Value) -> TensorType:
    """Return the tan of x, in radians (ONNX Tan)."""
    return x.tensor


@op
def asin(x: Value) -> TensorType:
    """Return the asin of x (ONNX Asin)."""
    return x.tensor


@op
def acos(x: Value) -> TensorType:
    """Return the acos of x (ONNX Acos)."""
    return x.tensor


@op
def atan(x: Value) -> TensorType:
    """Return the atan of x (ONNX Atan)."""
    return x.tensor


@op
def sinh(x: Value) -> TensorType:
    """Return the sinh of x (ONNX Sinh)."""
    return x.tensor


@op
def cosh(x: Value) -> TensorType:
    """Return the cosh of x (ONNX Cosh)."""
    return x.tensor


@op
def asinh(x: Value) -> TensorType:
    """Return the asinh of x (ONNX Asinh)."""
    return x.tensor


@op
def acosh(x: Value) -> TensorType:
    """Return the acosh of x (ONNX Acosh)."""
    return x.tensor


@op
def atanh(x: Value) -> TensorType:
    """Return the atanh of x (ONNX Atanh)."""
    return x.tensor


@op
def add(x: Value, y: Value) -> TensorType:
    """Add, with broadcasting (ONNX Add)."""
    return broadcast_type(x, y)


@op
def sub(x: Value, y: Value) -> TensorType:
    """Subtract, with broadcasting (ONNX Sub)."""
    return broadcast_type(x, y)


@op
def mul(x: Value, y: Value) -> TensorType:
    """Multiply, with broadcasting (ONNX Mul)."""
    return broadcast_type(x, y)


@op
def div(x: Value, y: Value) -> TensorType:
    """Divide, with broadcasting; whole numbers truncate toward zero (ONNX Div)."""
    return broadcast_type(x, y)


@op
def pow(x: Value, y: Value) -> TensorType:
    """Raise x to the power y, in x's element type (ONNX Pow)."""
    return x.dtype[broadcast(x.shape, y.shape)]


@op
def mod(x: Value, y: Value, *, fmod: bool = False) -> TensorType:
    """Return the remainder, of y's sign, or of x's with `fmod` (ONNX Mod)."""
    return broadcast_type(x, y)


@op
def equal(x: Value, y: Value) -> TensorType:
    """Compare for equality, with broadcasting (ONNX Equal)."""
    return _boolean(broadcast_type(x, y))


@op
def less(x: Value, y: Value) -> TensorType:
    """Compare by <, with broadcasting (ONNX Less)."""
    return _boolean(broadcast_type(x, y))


@op
def less_equal(x: Value, y: Value) -> TensorType:
    """Compare by <=, with broadcasting (ONNX LessOrEqual)."""
    return _boolean(broadcast_type(x, y))


@op
def greater(x: Value, y: Value) -> TensorType:
    """Compare by >, with broadcasting (ONNX Greater)."""
    return _boolean(broadcast_type(x, y))


@op
def greater_equal(x: Value, y: Value) -> TensorType:
    """Compare by >=, with broadcasting (ONNX GreaterOrEqual)."""
    return _boolean(broadcast_type(x, y))


@op
def logical_and(x: Value, y: Value) -> TensorType:
    """Combine truth values by and (ONNX And)."""
    return broadcast_type(x, y)


@op
def logical_or(x: Value, y: Value) -> TensorType:
    """Combine truth values by or (ONNX Or)."""
    return broadcast_type(x, y)


@op
def logical_xor(x: Value, y: Value) -> TensorType:
    """Combine truth values by xor (ONNX Xor)."""
    return broadcast_type(x, y)


@op
def logical_not(x: Value) -> TensorType:
    """Turn truth values around (ONNX Not)."""
    return x.tensor


@op
def bitwise_and(x: Value, y: Value) -> TensorType:
    """Combine the bits of whole numbers by and (ONNX BitwiseAnd)."""
    return broadcast_type(x, y)


@op
def bitwise_or(x: Value, y: Value) -> TensorType:
    """Combine the bits of whole numbers by or (ONNX BitwiseOr)."""
    return broadcast_type(x, y)


@op
def bitwise_xor(x: Value, y: Value) -> TensorType:
    """Combine the bits of whole numbers by exclusive or (ONNX BitwiseXor)."""
    return broadcast_type(x, y)


@op
def bitwise_not(x: Value) -> TensorType:
    """Turn every bit of whole numbers around (ONNX BitwiseNot)."""
    return x.tensor


@op
def isnan(x: Value) -> TensorType:
    """Say where x is not a number (ONNX IsNaN)."""
    return _boolean(x.tensor)


@op
def isinf(x: Value, *, negative: bool = True, positive: bool = True) -> TensorType:
    """Say where x is infinite, of the signs asked for (ONNX IsInf)."""
    return _boolean(x.tensor)


@op
def minimum(*xs: Value) -> TensorType:
    """Return the least of many (ONNX Min)."""
    return broadcast_type(*xs)


@op
def maximum(*xs: Value) -> TensorType:
    """Return the greatest of many (ONNX Max)."""
    return broadcast_type(*xs)


@op
def add_n(*xs: Value) -> TensorType:
    """Add many (ONNX Sum, NNVM elemwise_sum)."""
    return broadcast_type(*xs)


@op
def mean_n(*xs: Value) -> TensorType:
    """Average many (ONNX Mean)."""
    return broadcast_type(*xs)


@op
def where(condition: Value, x: Value, y: Value) -> TensorType:
    """Take x where the condition holds, y elsewhere, with broadcasting (ONNX Where)."""
    require(condition.dtype is boolean, f"the condition is {condition.dtype!r}, not boolean")
    chosen = broadcast_type(x, y)
    return chosen[broadcast(condition.shape, chosen.shape)]


@op
def clip(x: Value, low: Value | None = None, high: Value | None = None) -> TensorType:
    """Limit x to [low, high], two scalars (ONNX Clip)."""
    return x.tensor


@op
def cast(x: Value, *, to: DType, saturate: bool = True) -> TensorType:
    """Convert elements to another type (ONNX Cast); `saturate` is about overflowing float8."""
    return to[x.tensor.shape_or_none] if x.tensor.shape_or_none is not None else to[...]


def _boolean(type: TensorType) -> TensorType:
    return boolean[...] if type.shape_or_none is None else boolean[type.shape]


commutes(add, mul, equal, logical_and, logical_or, logical_xor, bitwise_and, bitwise_or, bitwise_xor, minimum, maximum, add_n, mean_n)(True)
elementwise(
    neg, abs, reciprocal, sqrt, exp, log, floor, ceil, round, sign, erf, identity, sin, cos, tan, asin, acos, atan, sinh, cosh, asinh, acosh,
    atanh, add, sub, mul, div, pow, mod, equal, less, less_equal, greater, greater_equal, logical_and, logical_or, logical_xor, logical_not,
    bitwise_and, bitwise_or, bitwise_xor, bitwise_not, isnan, isinf, minimum, maximum, add_n, mean_n, where, clip, cast,
)(True)  # fmt: skip
OVERLOADS.update(
    {"+": add, "-": sub, "*": mul, "/": div, "**": pow, "neg": neg, "<": less, "<=": less_equal, ">": greater, ">=": greater_equal}
)
