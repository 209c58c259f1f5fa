from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    FLOATS,
    INTS,
    JUDGES,
    NUMBERS,
    Use,
    agree,
    by_reference,
    check_run,
    check_types,
    ours,
    refusal,
    seeds,
    shapes,
    spread,
    values,
)

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import DTYPES, Op, boolean, commutes, f32, i64, named_input

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
    return Use(
        ops.where,
        [values(draw(seeds), condition, "bool"), values(draw(seeds), x, dtype), values(draw(seeds), y, dtype)],
    )


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
    | {
        ops.div: divs(),
        ops.pow: pows(),
        ops.mod: mods(),
        ops.isinf: isinfs(),
        ops.where: wheres(),
        ops.clip: clips(),
        ops.cast: casts(),
    }
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


ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    *[
        (op, (f32[2, 3], f32[4, 3]), {}, "do not broadcast: 2 against 4")
        for op in (ops.add, ops.sub, ops.mul, ops.div, ops.pow)
    ],
    *[
        (op, (f32[2], i64[2]), {}, "element types differ")
        for op in (ops.add, ops.mod, ops.less, ops.equal, ops.minimum, ops.mean_n)
    ],
    *[
        (op, (boolean[2],) * len(op.inputs), {}, "elements are boolean")
        for op in (ops.add, ops.neg, ops.abs, ops.sign, ops.less)
    ],
    *[(op, (i64[2],), {}, "elements are i64") for op in UNARY if UNARY[op][0] is FLOATS and op is not ops.erf],
    *[
        (op, (i64[2],) * len(op.inputs), {}, "of kind bool")
        for op in (ops.logical_and, ops.logical_or, ops.logical_xor, ops.logical_not)
    ],
    *[
        (op, (f32[2],) * len(op.inputs), {}, "of kind int or uint")
        for op in (ops.bitwise_and, ops.bitwise_or, ops.bitwise_not)
    ],
    (ops.isinf, (i64[2],), {}, "elements are i64"),
    (ops.add_n, (i64[2], i64[2]), {}, "elements are i64"),
    (ops.maximum, (f32[2], f32[2], f32[3]), {}, "do not broadcast"),
    (ops.where, (f32[2], f32[2], f32[2]), {}, "the condition is f32, not boolean"),
    (ops.where, (boolean[3], f32[2], f32[2]), {}, "do not broadcast"),
    (ops.clip, (f32[2], i64[()]), {}, "element types differ"),
    (ops.clip, (f32[2], f32[2]), {}, "is no scalar"),
    (ops.clip, (boolean[2],), {}, "elements are boolean"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_nothing_to_add() -> None:
    with pytest.raises(Error, match=r"add_n\(\): there must be at least one input"):
        ops.add_n()


@pytest.mark.parametrize("op", [op for op in commutes if op.module.startswith("nnvm.ops")], ids=lambda op: op.name)
@given(data=st.data())
@settings(max_examples=15)
def test_what_commutes(op: Op[..., Any], data: st.DataObject) -> None:
    use = data.draw(USES[op])
    turned = Use(op, use.arrays[::-1], **use.params)
    assert agree(ours(use), ours(turned))


def test_signs_build_these() -> None:
    x, y = named_input("x", f32[2]), named_input("y", f32[2])
    made = [x + y, x - y, x * y, x / y, x**y, -x, x < y, x <= y, x > y, x >= y, 2 * x]
    wanted = [
        ops.add, ops.sub, ops.mul, ops.div, ops.pow, ops.neg, ops.less, ops.less_equal, ops.greater, ops.greater_equal,
        ops.mul,
    ]  # fmt: skip
    assert [value.node.op for value in made] == wanted


def test_the_type_of_a_cast() -> None:
    assert ops.cast(named_input("x", f32["n", 2]), to=i64).type is i64["n", 2]
    assert ops.cast(named_input("x", f32[...]), to=i64).type is i64[...]
