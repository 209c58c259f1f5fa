from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import DTYPES, Op, boolean, f32, i64, named_input
from tests.ops.uses import FLOATS, INTS, JUDGES, NUMBERS, Use, by_reference, check_run, check_types, seeds, shapes, spread, values

SIGNED = ("int8", "int16", "int32", "int64")
ANY = (*NUMBERS, "bool")

# Operators of one input: element types, and the range in which all judges agree.
UNARY: dict[Op[..., Any], tuple[tuple[str, ...], float, float]] = {
    ops.neg: (FLOATS + SIGNED, -4, 4),
    ops.abs: (NUMBERS, -4, 4),
    ops.reciprocal: (FLOATS, 0.5, 4),
    ops.sqrt: (FLOATS, 0, 4),
    ops.exp: (FLOATS, -4, 4),
    ops.log: (FLOATS, 0.1, 4),
    ops.floor: (FLOATS, -4, 4),
    ops.ceil: (FLOATS, -4, 4),
    ops.round: (FLOATS, -4, 4),
    ops.sign: (NUMBERS, -4, 4),
    ops.erf: (FLOATS, -4, 4),
    ops.identity: (ANY, -4, 4),
    ops.sin: (FLOATS, -4, 4),
    ops.cos: (FLOATS, -4, 4),
    ops.tan: (FLOATS, -1, 1),
    ops.asin: (FLOATS, -1, 1),
    ops.acos: (FLOATS, -1, 1),
    ops.atan: (FLOATS, -4, 4),
    ops.sinh: (FLOATS, -4, 4),
    ops.cosh: (FLOATS, -4, 4),
    ops.asinh: (FLOATS, -4, 4),
    ops.acosh: (FLOATS, 1, 4),
    ops.atanh: (FLOATS, -0.9, 0.9),
    ops.logical_not: (("bool",), 0, 1),
    ops.bitwise_not: (INTS, -4, 4),
    ops.isnan: (FLOATS, -4, 4),
}
BINARY: dict[Op[..., Any], tuple[str, ...]] = {
    ops.add: NUMBERS,
    ops.sub: NUMBERS,
    ops.mul: NUMBERS,
    ops.equal: ANY,
    ops.less: NUMBERS,
    ops.less_equal: NUMBERS,
    ops.greater: NUMBERS,
    ops.greater_equal: NUMBERS,
    ops.logical_and: ("bool",),
    ops.logical_or: ("bool",),
    ops.logical_xor: ("bool",),
    ops.bitwise_and: INTS,
    ops.bitwise_or: INTS,
    ops.bitwise_xor: INTS,
}
MANY: dict[Op[..., Any], tuple[str, ...]] = {
    ops.minimum: NUMBERS,
    ops.maximum: NUMBERS,
    ops.add_n: FLOATS,
    ops.mean_n: FLOATS,
}


@st.composite
def unary(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    dtypes, low, high = UNARY[op]
    x = values(draw(seeds), draw(shapes()), draw(st.sampled_from(dtypes)), low, high)
    if op is ops.isnan and x.size:
        x.reshape(-1)[:: draw(st.integers(1, 3))] = np.nan
    return Use(op, [x])


@st.composite
def binary(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    dtype = draw(st.sampled_from(BINARY[op]))
    return Use(op, [values(draw(seeds), shape, dtype) for shape in draw(spread(2))])


@st.composite
def many(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    dtype = draw(st.sampled_from(MANY[op]))
    wanted = draw(spread(draw(st.integers(1, 5))))
    if op is ops.mean_n and dtype != "float32":  # ONNX Runtime averages nothing else, the reference only into the first
        wanted.insert(0, np.broadcast_shapes(*wanted))
    return Use(op, [values(draw(seeds), shape, dtype) for shape in wanted])


@st.composite
def divs(draw: st.DrawFn) -> Use:
    dtype = draw(st.sampled_from(NUMBERS))
    x, y = (values(draw(seeds), shape, dtype, -9, 9) for shape in draw(spread(2)))
    return Use(ops.div, [x, np.where(y == 0, dtype_one(dtype), y)])


def dtype_one(dtype: str) -> Any:
    return np.ones((), dtype)[()]


@st.composite
def pows(draw: st.DrawFn) -> Use:
    first = draw(st.sampled_from(("int32", "int64", *FLOATS)))
    second = draw(st.sampled_from(NUMBERS))
    one, two = draw(spread(2))
    low = 0 if first.startswith("int") else -3
    x = values(draw(seeds), one, first, 0.5 if first.startswith("float") else -4, 4)
    return Use(ops.pow, [x, values(draw(seeds), two, second, low, 3)])


@st.composite
def mods(draw: st.DrawFn) -> Use:
    dtype = draw(st.sampled_from(NUMBERS))
    x, y = (values(draw(seeds), shape, dtype, -9, 9) for shape in draw(spread(2)))
    fmod = dtype in FLOATS or draw(st.booleans())
    return Use(ops.mod, [x, np.where(y == 0, dtype_one(dtype), y)], fmod=fmod)


@st.composite
def isinfs(draw: st.DrawFn) -> Use:
    x = values(draw(seeds), draw(shapes()), draw(st.sampled_from(FLOATS)))
    if x.size:
        x.reshape(-1)[:: draw(st.integers(1, 3))] = draw(st.sampled_from([np.inf, -np.inf, np.nan]))
    return Use(ops.isinf, [x], negative=draw(st.booleans()), positive=draw(st.booleans()))


@st.composite
def wheres(draw: st.DrawFn) -> Use:
    dtype = draw(st.sampled_from(ANY))
    condition, x, y = draw(spread(3))
    return Use(ops.where, [values(draw(seeds), condition, "bool"), values(draw(seeds), x, dtype), values(draw(seeds), y, dtype)])


@st.composite
def clips(draw: st.DrawFn) -> Use:
    dtype = draw(st.sampled_from(NUMBERS))
    x = values(draw(seeds), draw(shapes()), dtype)
    limits = [values(draw(seeds), (), dtype) if draw(st.booleans()) else None for _ in range(2)]
    return Use(ops.clip, [x, *limits], fixed=[i for i in (1, 2) if draw(st.booleans())])


@st.composite
def casts(draw: st.DrawFn) -> Use:
    to = draw(st.sampled_from((*ANY, "bfloat16", "float8_e4m3fn", "float8_e5m2")))
    given = draw(st.sampled_from((*FLOATS, "bfloat16") if to.startswith("float8") else (*ANY, "bfloat16")))
    low = 0 if to.startswith("uint") else -4
    high = 1000 if to.startswith("float8") else 4
    x = values(draw(seeds), draw(shapes()), given, low, high)
    return Use(ops.cast, [x], to=DTYPES[to], saturate=draw(st.booleans()) if to.startswith("float8") else True)


USES = (
    {op: unary(op) for op in UNARY}
    | {op: binary(op) for op in BINARY}
    | {op: many(op) for op in MANY}
    | {ops.div: divs(), ops.pow: pows(), ops.mod: mods(), ops.isinf: isinfs(), ops.where: wheres(), ops.clip: clips(), ops.cast: casts()}
)


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=15)
    def law(use: Use, seed: int) -> None:
        # ONNX Runtime hands float8 out as bytes.
        judges = (by_reference,) if op is ops.cast and use.params["to"].name.startswith("float8") else JUDGES
        check_types(use, check_run(use, judges=judges), seed)

    law()
