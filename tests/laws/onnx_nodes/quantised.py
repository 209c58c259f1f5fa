"""Nodes over quantised numbers."""

import numpy as np
from tests.laws.onnx_nodes.drawing import Array, Case, Draw, draws, kind_of, number_of
from tests.laws.onnx_nodes.products import matrices
from tests.laws.onnx_nodes.windows import Window, batch


def scales(draw: Draw, x: tuple[int, ...]) -> tuple[tuple[int, ...], dict[str, int]]:
    """Return the shape of a scale: one number, one along an axis, or one a block."""
    axis = draw.axis(len(x)) if x else 0
    if not x or draw.flag():
        return (), {}
    named = {} if axis == 1 else {"axis": axis}
    if draw.version < 21 or draw.flag():
        return ((x[axis],), named) if draw.version >= 13 else ((), {})
    block = draw.int(1, x[axis])
    shape = list(x)
    shape[axis] = -(-x[axis] // block)
    return tuple(shape), {"axis": axis, "block_size": block}


def powers(draw: Draw, dtype: object, shape: tuple[int, ...]) -> Array:
    """Return scales that are powers of two, so that no rounding decides."""
    if kind_of(dtype) == "int":
        return np.asarray(2 ** draw.rng.integers(0, 4, shape)).astype(dtype)
    return np.asarray(2.0 ** draw.rng.integers(-3, 2, shape)).astype(dtype)


@draws("QuantizeLinear")
def quantize(draw: Draw) -> Case:
    x = draw.shape(1, 3, False)
    shape, given = scales(draw, x)
    source, target = draw.port(0), draw.port(2) if len({each.type_str for each in draw.schema.inputs}) > 1 else None
    factor = powers(draw, draw.port(1), shape)
    zero = draw.array(target, shape, -3, 3) if "float" not in np.dtype(target).name else np.zeros(shape, target)
    most = 40 if "float" in str(source) else 100
    numbers = draw.array(source, x, -most, most)
    if factor.dtype != numbers.dtype and factor.dtype != np.float32:  # or the scale's few bits decide
        factor = factor.astype(numbers.dtype) if "precision" not in draw.schema.attributes else factor
        given |= draw.attributes(precision=number_of(numbers.dtype) if kind_of(source) == "float" else 1)
    inputs = [numbers, factor, zero]
    if np.dtype(target).name == "uint8" and draw.flag():
        inputs.pop()
    elif draw.has("output_dtype") and draw.flag():
        given["output_dtype"] = number_of(target)
        if draw.flag():
            inputs.pop()
    return Case(inputs, given | draw.attributes(saturate=draw.maybe(draw.int(0, 1))))


@draws("DequantizeLinear")
def dequantize(draw: Draw) -> Case:
    x = draw.shape(1, 3, False)
    shape, given = scales(draw, x)
    source = draw.port(0)
    plain = "float" in np.dtype(source).name or np.dtype(source).name == "int32"
    zero = np.zeros(shape, source) if plain else draw.array(source, shape, -3, 3)
    inputs = [draw.array(source, x, -100 if "int" in str(source) else -6, 100 if "int" in str(source) else 6)]
    inputs.append(powers(draw, draw.port(1), shape))
    return Case([*inputs, zero] if draw.flag() else inputs, given)


@draws("DynamicQuantizeLinear")
def dynamic(draw: Draw) -> Case:
    return Case([draw.array(np.float32, draw.shape(1, 3, False), draw.pick(-3, 1), 5)], outputs=3)


@draws("MatMulInteger")
def matmul_integer(draw: Draw) -> Case:
    first, second = matrices(draw)
    a, b = draw.port(0), draw.port(1)
    inputs = [draw.array(a, first, -99, 99), draw.array(b, second, -99, 99)]
    if draw.flag():
        inputs.append(draw.array(a, (), 0, 9))
        if draw.flag():
            inputs.append(draw.array(b, (second[-1],) if draw.flag() and len(second) == 2 else (), 0, 9))
    return Case(inputs)


@draws("QLinearMatMul")
def qlinear_matmul(draw: Draw) -> Case:
    first, second = matrices(draw)
    scale = draw.dtype("TS") if draw.version >= 21 else np.float32
    inputs = []
    for variable, shape in (("T1", first), ("T2", second)):
        dtype = draw.dtype(variable)
        zero = np.zeros((), dtype) if "float" in str(dtype) else draw.array(dtype, (), 0, 9)
        inputs += [draw.array(dtype, shape, -20, 20), powers(draw, scale, ()), zero]
    target = draw.dtype("T3")
    zero = np.zeros((), target) if "float" in str(target) else draw.array(target, (), 0, 9)
    return Case([*inputs, powers(draw, scale, ()) * np.array(8, scale), zero])


def images(draw: Draw) -> tuple[Window, int, tuple[int, ...], tuple[int, ...]]:
    rank = draw.pick(1, 2, 2, 3)
    window, groups, deep, out = Window(draw, rank), draw.pick(1, 1, 2), draw.int(1, 3), draw.int(1, 3)
    return window, groups, (batch(draw), groups * deep, *window.image), (groups * out, deep, *window.kernel)


@draws("ConvInteger")
def conv_integer(draw: Draw) -> Case:
    window, groups, image, kernel = images(draw)
    x, w = draw.port(0), draw.port(1)
    inputs = [draw.array(x, image, -99, 99), draw.array(w, kernel, -99, 99)]
    if draw.flag():
        inputs.append(draw.array(x, (), 0, 9))
        if draw.flag():
            inputs.append(draw.array(w, draw.pick((), (kernel[0],)), 0, 9))
    return Case(inputs, window.attributes(draw) | {"group": groups if groups > 1 else None})


@draws("QLinearConv")
def qlinear_conv(draw: Draw) -> Case:
    window, groups, image, kernel = images(draw)
    x, w, y = draw.dtype("T1"), draw.dtype("T2"), draw.dtype("T3")
    each = draw.pick((), (kernel[0],))
    inputs = [
        draw.array(x, image, -20, 20), powers(draw, np.float32, ()), draw.array(x, (), 0, 9),
        draw.array(w, kernel, -20, 20), powers(draw, np.float32, each), draw.array(w, each, 0, 9 if draw.flag() else 0),
        powers(draw, np.float32, ()) * np.float32(8), draw.array(y, (), 0, 9),
    ]  # fmt: skip
    bias = [draw.array(np.int32, (kernel[0],), -50, 50)] if draw.flag() else []
    return Case([*inputs, *bias], window.attributes(draw) | {"group": groups if groups > 1 else None})
