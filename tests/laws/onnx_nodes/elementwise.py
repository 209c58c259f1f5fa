"""Nodes that compute element by element."""

import numpy as np
from tests.laws.onnx_nodes.drawing import Case, Draw, draws, kind_of, number_of

ATTRIBUTES = ("alpha", "beta", "gamma", "lambd", "bias")


@draws(
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor",
    "HardSwish", "Identity", "IsNaN", "Log", "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Sigmoid",
    "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "BitwiseNot",
    "Celu", "Elu", "HardSigmoid", "LeakyRelu", "Selu", "Shrink", "Swish", "ThresholdedRelu",
)  # fmt: skip
def one(draw: Draw) -> Case:
    given = {name: draw.real() for name in ATTRIBUTES if draw.has(name) and draw.flag()}
    loose = 1e4 if draw.port(0) == np.float64 else 4  # some are functions of constants in 32 bits
    return Case([draw.wild(draw.port(0), draw.shape())], given, loose=loose)


@draws("Gelu", "IsInf")
def flagged(draw: Draw) -> Case:
    given = {name: draw.int(0, 1) for name in ("detect_negative", "detect_positive") if draw.has(name) and draw.flag()}
    how = draw.maybe(draw.pick("none", "tanh")) if draw.has("approximate") else None
    loose = 1e4 if draw.port(0) == np.float64 else 4
    return Case([draw.wild(draw.port(0), draw.shape())], given | {"approximate": how}, loose=loose)


@draws("SwiGLU")
def gate(draw: Draw) -> Case:
    shape = draw.shape(1)
    inputs = [draw.array(draw.port(i), shape) for i in range(len(draw.schema.inputs))]
    return Case(inputs, draw.attributes(alpha=draw.maybe(draw.real())), loose=4)


def two_shapes(draw: Draw) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shape = draw.shape()
    first, second = shape, draw.part(shape)
    return (second, first) if draw.flag() else (first, second)


@draws(
    "Add", "Sub", "Mul", "And", "Or", "Xor", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual",
    "BitwiseAnd", "BitwiseOr", "BitwiseXor",
)  # fmt: skip
def two(draw: Draw) -> Case:
    first, second = two_shapes(draw)
    return Case([draw.wild(draw.port(0), first), draw.wild(draw.port(1), second)])


def nonzero(draw: Draw, dtype: object, shape: tuple[int, ...]) -> object:
    found = draw.array(dtype, shape, -5, 5)
    return np.where(found == 0, np.ones((), found.dtype), found)


@draws("Div")
def divide(draw: Draw) -> Case:
    first, second = two_shapes(draw)
    a, b = draw.wild(draw.port(0), first, -40, 40), nonzero(draw, draw.port(1), second)
    return Case([a, draw.wild(draw.port(1), second) if kind_of(draw.port(1)) == "float" else b])


@draws("Mod")
def modulo(draw: Draw) -> Case:
    first, second = two_shapes(draw)
    a, b = draw.array(draw.port(0), first, -40, 40), nonzero(draw, draw.port(1), second)
    return Case([a, b], {"fmod": 1 if kind_of(draw.port(0)) == "float" or draw.flag() else None})


@draws("Pow")
def power(draw: Draw) -> Case:
    first, second = two_shapes(draw)
    bases, exponents = draw.port(0), draw.port(1)
    whole = "float" not in (kind_of(bases), kind_of(exponents))
    low = 0 if whole or kind_of(bases) != "float" else -3
    return Case([draw.array(bases, first, low, 4), draw.array(exponents, second, low, 3)], loose=4)


@draws("BitShift")
def shift(draw: Draw) -> Case:
    first, second = two_shapes(draw)
    dtype = draw.port(0)
    bits = np.dtype(dtype).itemsize * 8
    a = draw.array(dtype, first, -100, 100)
    return Case([a, draw.array(dtype, second, 0, bits - 1)], {"direction": draw.pick("LEFT", "RIGHT")})


@draws("PRelu")
def slope(draw: Draw) -> Case:
    shape = draw.shape()
    return Case([draw.wild(draw.port(0), shape), draw.array(draw.port(1), draw.part(shape))])


@draws("Max", "Min", "Sum", "Mean")
def many(draw: Draw) -> Case:
    shape = draw.shape()
    shapes = [shape if draw.version < 8 else draw.part(shape) for _ in range(draw.int(1, 4))]
    draw.random.shuffle(shapes)
    return Case([draw.wild(draw.port(0), each) for each in shapes], loose=2)


@draws("Where")
def choose(draw: Draw) -> Case:
    shape = draw.shape()
    return Case([draw.wild(draw.port(i), draw.part(shape) if draw.flag() else shape) for i in range(3)])


@draws("Clip")
def clip(draw: Draw) -> Case:
    dtype, shape = draw.port(0), draw.shape()
    low, high = draw.maybe(draw.int(-2, 1)), draw.maybe(draw.int(-1, 3))
    agreed = draw.version >= 11 or None not in (low, high)  # before, all judges put the largest float for a limit
    x = draw.wild(dtype, shape) if agreed else draw.array(dtype, shape)
    if draw.version < 11:
        as_floats = {name: float(side) for name, side in (("min", low), ("max", high)) if side is not None}
        return Case([x], as_floats)
    if kind_of(dtype) == "uint":
        low, high = (None if side is None else abs(side) for side in (low, high))
    limits = [None if side is None else np.array(side, dtype) for side in (low, high)]
    while limits and limits[-1] is None:
        limits.pop()
    return Case([x, *limits])


EXTREMES = {"float8_e8m0fnu": (1.0, 100.0), "float4_e2m1fn": (-6.0, 6.0)}


@draws("Cast", "CastLike")
def cast(draw: Draw) -> Case:
    source, target = draw.port(0), draw.dtype("T2")
    low, high = EXTREMES.get(np.dtype(target).name, (-100.0, 100.0))
    if kind_of(target) == "uint":
        low = 0.0
    bits = {"int4": 4, "uint4": 4, "int2": 2, "uint2": 2}.get(np.dtype(target).name)
    if bits is not None:
        high = float(2 ** (bits - (kind_of(target) == "int")) - 1)
        low = -high - 1 if kind_of(target) == "int" else 0.0
    x = draw.array(source, draw.shape(), low, high)
    if bits is not None and kind_of(source) == "float":
        x = np.round(x.astype(np.float64)).astype(source)
    if kind_of(source) == "float" and kind_of(target) == "float" and low < 0:
        wide = 2 if "float8" in np.dtype(target).name else 10  # what overflows without saturation is the judges' own
        x = draw.wild(source, x.shape, low * wide, high * wide)
    given = draw.attributes(saturate=draw.maybe(draw.int(0, 1))) if "float8" in np.dtype(target).name else {}
    if draw.type == "Cast":
        return Case([x], given | {"to": number_of(target)})
    return Case([x, draw.array(target, draw.shape(0, 2), 0, 1)], given)


@draws("BitCast")
def bits(draw: Draw) -> Case:
    source = draw.port(0)
    alike = [each for each in draw.types("T2") if each.itemsize == source.itemsize and each.name in _whole_bytes()]
    alike = alike if source.name in _whole_bytes() else [source]
    return Case([draw.array(source, draw.shape(), -100, 100)], {"to": number_of(draw.pick(*alike))})


def _whole_bytes() -> set[str]:
    return {f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64)} | {
        "float16", "float32", "float64", "bfloat16", "bool",
    }  # fmt: skip
