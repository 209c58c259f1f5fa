from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    FLOATS,
    JUDGES,
    NUMBERS,
    Use,
    axes_in,
    by_reference,
    by_runtime,
    check_run,
    check_types,
    ints,
    refusal,
    seeds,
    shapes,
    spread,
    values,
)

from nnvm import ops
from nnvm.ir import Op, boolean, contents, dim, f32, i64, named_input, set_dims

ANY = (*NUMBERS, "bool")


def anything(draw: Any, shape: Any, dtypes: Any = ANY) -> Any:
    return values(draw(seeds), shape, draw(st.sampled_from(dtypes)))


@st.composite
def shape_uses(draw: st.DrawFn) -> Use:
    x = anything(draw, draw(shapes()))
    return Use(ops.shape, [x], start=draw(st.integers(-5, 5)), end=draw(st.none() | st.integers(-5, 5)))


@st.composite
def sizes(draw: st.DrawFn) -> Use:
    return Use(ops.size, [anything(draw, draw(shapes()))])


@st.composite
def reshapes(draw: st.DrawFn) -> Use:
    shape = draw(shapes())
    allowzero = draw(st.booleans())
    wanted = draw(st.permutations(shape)) if draw(st.booleans()) else [int(np.prod(shape))]
    wanted = [*wanted, *[1] * draw(st.integers(0, 2))] if draw(st.booleans()) else list(wanted)
    if not allowzero:
        wanted = [
            0 if i < len(shape) and shape[i] == size and draw(st.booleans()) else size for i, size in enumerate(wanted)
        ]
        kept = all(size or (i < len(shape) and shape[i] == 0) or i < len(shape) for i, size in enumerate(wanted))
        resolved = [shape[i] if size == 0 and i < len(shape) else size for i, size in enumerate(wanted)]
        if not kept or int(np.prod(resolved)) != int(np.prod(shape)):
            wanted = list(shape)
    if wanted and draw(st.booleans()) and int(np.prod(shape)):
        wanted[draw(st.integers(0, len(wanted) - 1))] = -1
    return Use(ops.reshape, [anything(draw, shape), ints(wanted)], fixed=[1], allowzero=allowzero)


@st.composite
def flattens(draw: st.DrawFn) -> Use:
    shape = draw(shapes())
    return Use(ops.flatten, [anything(draw, shape)], axis=draw(st.integers(-len(shape), len(shape))))


def signed(draw: Any, axes: Any, rank: int) -> list[int]:
    return [axis - rank if draw(st.booleans()) else axis for axis in axes]


@st.composite
def squeezes(draw: st.DrawFn) -> Use:
    shape = tuple(1 if draw(st.booleans()) else size for size in draw(shapes()))
    ones = [axis for axis, size in enumerate(shape) if size == 1]
    chosen = draw(st.none() | st.sets(st.sampled_from(ones)).map(sorted)) if ones else None
    axes = None if chosen is None else ints(signed(draw, draw(st.permutations(chosen)), len(shape)))
    return Use(ops.squeeze, [anything(draw, shape), axes], fixed=[1])


@st.composite
def unsqueezes(draw: st.DrawFn) -> Use:
    shape = draw(shapes(0, 3))
    more = draw(st.integers(0, 2))
    places = draw(st.permutations(range(len(shape) + more)))[:more]
    return Use(ops.unsqueeze, [anything(draw, shape), ints(signed(draw, places, len(shape) + more))], fixed=[1])


@st.composite
def transposes(draw: st.DrawFn) -> Use:
    shape = draw(shapes())
    perm = tuple(draw(st.permutations(range(len(shape))))) if draw(st.booleans()) else ()
    return Use(ops.transpose, [anything(draw, shape)], perm=perm)


@st.composite
def concats(draw: st.DrawFn) -> Use:
    shape, dtype = draw(shapes(1)), draw(st.sampled_from(ANY))
    axis = draw(axes_in(len(shape)))
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        own = list(shape)
        own[axis] = draw(st.integers(0, 3))
        parts.append(values(draw(seeds), own, dtype))
    return Use(ops.concat, parts, axis=axis)


@st.composite
def splits(draw: st.DrawFn) -> Use:
    shape = list(draw(shapes(1)))
    axis = draw(axes_in(len(shape)))
    parts = draw(st.integers(1, 4))
    if draw(st.booleans()):
        cuts = [draw(st.integers(0, 3)) for _ in range(parts)]
        shape[axis] = sum(cuts)
        return Use(ops.split, [anything(draw, shape), ints(cuts)], fixed=[1], axis=axis, parts=parts)
    chunk = draw(st.integers(1, 3))
    shape[axis] = chunk * parts - draw(st.integers(0, chunk - 1))
    return Use(ops.split, [anything(draw, shape)], axis=axis, parts=parts)


FAR = 2**31 - 1
limits = st.integers(-6, 6) | st.sampled_from([FAR, -FAR, 2**63 - 1, -(2**63) + 1])


@st.composite
def slices(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1))
    axes = draw(st.permutations(range(len(shape))))[: draw(st.integers(1, len(shape)))]
    named = draw(st.booleans())
    count = len(axes)
    kind = draw(st.sampled_from(["int64", "int64", "int32"]))
    cut = limits if kind == "int64" else st.integers(-6, 6) | st.sampled_from([FAR, -FAR])
    arrays = [ints([draw(cut) for _ in range(count)], kind) for _ in range(2)]
    arrays.append(ints(signed(draw, axes, len(shape)), kind) if named else None)
    steps = [draw(st.sampled_from([1, 1, 2, 3, -1, -2, 7, -7])) for _ in range(count)]
    stepped = draw(st.booleans())
    arrays.append(ints(steps, kind) if stepped else None)
    for i, step in enumerate(steps):
        if stepped and step < 0 and arrays[1][i] >= FAR:
            arrays[1][i] = (
                9  # ONNX Runtime takes the largest number for "to the end" backwards too, against the definition
            )
    return Use(ops.slice, [anything(draw, shape), *arrays], fixed=[1, 2, 3, 4])


@st.composite
def pads(draw: st.DrawFn) -> Use:
    mode = draw(st.sampled_from(["constant", "reflect", "edge", "wrap"]))
    shape = draw(shapes(1, 3, smallest=0 if mode == "constant" else 2))
    dtype = draw(
        st.sampled_from((*FLOATS, "int32", "int64", "uint8", "bool") if mode == "constant" else ("float32", "int64"))
    )
    axes = sorted(draw(st.sets(st.integers(0, len(shape) - 1), min_size=1)))
    named = draw(st.booleans())
    places = axes if named else range(len(shape))
    amounts = []
    for axis in [*places, *places]:
        least = -(shape[axis] // 2) if mode == "constant" else 0
        amounts.append(draw(st.integers(least, 3 if mode == "constant" else shape[axis] - 1)))
    value = values(draw(seeds), (), dtype) if mode == "constant" and draw(st.booleans()) else None
    # Of axes in 32 bits ONNX Runtime knows nothing, of negative pads the reference.
    kind = draw(st.sampled_from(["int32", "int64"])) if min(amounts) >= 0 else "int64"
    given_axes = ints(signed(draw, axes, len(shape)), kind) if named else None
    return Use(ops.pad, [values(draw(seeds), shape, dtype), ints(amounts), value, given_axes], fixed=[1, 3], mode=mode)


@st.composite
def expands(draw: st.DrawFn) -> Use:
    own, other = draw(spread(2))
    return Use(ops.expand, [anything(draw, own), ints(other)], fixed=[1])


@st.composite
def tiles(draw: st.DrawFn) -> Use:
    shape = draw(shapes(0, 3))
    times = ints([draw(st.integers(0, 3)) for _ in shape])
    return Use(ops.tile, [anything(draw, shape, ("float32", "float64", "int32", "int64", "bool")), times], fixed=[1])


@st.composite
def depths(draw: st.DrawFn) -> Use:
    n, c, h, w = draw(shapes(4, 4, smallest=1, largest=3))
    block = draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    return Use(
        ops.depth_to_space,
        [values(draw(seeds), (n, c * block**2, h, w), dtype)],
        block=block,
        mode=draw(st.sampled_from(["DCR", "CRD"])),
    )


@st.composite
def spaces(draw: st.DrawFn) -> Use:
    n, c, h, w = draw(shapes(4, 4, smallest=1, largest=3))
    block = draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    x, mode = values(draw(seeds), (n, c, h * block, w * block), dtype), draw(st.sampled_from(["DCR", "CRD"]))
    return Use(ops.space_to_depth, [x], block=block, mode=mode)


@st.composite
def trilus(draw: st.DrawFn) -> Use:
    x = anything(draw, draw(shapes(2)), ("float32", "float64", "int64", "bool"))
    k = values(draw(seeds), (), "int64") if draw(st.booleans()) else None
    return Use(ops.trilu, [x, k], fixed=[1] if draw(st.booleans()) else [], upper=draw(st.booleans()))


USES = {
    ops.shape: shape_uses(), ops.size: sizes(), ops.reshape: reshapes(), ops.flatten: flattens(),
    ops.squeeze: squeezes(), ops.unsqueeze: unsqueezes(), ops.transpose: transposes(), ops.concat: concats(),
    ops.split: splits(),
    ops.slice: slices(),
    ops.pad: pads(), ops.expand: expands(), ops.tile: tiles(), ops.depth_to_space: depths(),
    ops.space_to_depth: spaces(), ops.trilu: trilus(),
}  # fmt: skip


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=30)
    def law(use: Use, seed: int) -> None:
        # The reference clamps the end of a Shape its own way, and slices as NumPy does, which a start before the first
        # element tells from ONNX; of a Squeeze of no axes at all, ONNX Runtime drops every 1.
        judges = (by_runtime,) if op in (ops.slice, ops.shape) else (by_reference,) if op is ops.squeeze else JUDGES
        opset = 28 if use.params.get("mode") == "CRD" and op is ops.space_to_depth else None
        check_types(use, check_run(use, opset, judges), seed)

    law()


ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.reshape, (f32[2, 3], (4,)), {}, "6 elements do not fit [4]"),
    (ops.reshape, (f32[2, 3], (4, -1)), {}, "6 elements do not divide into [4, -1]"),
    (ops.reshape, (f32[2, 3], (-1, -1)), {}, "leaves two dimensions open"),
    (ops.reshape, (f32[2, 3], (6, 1, 0)), {}, "dimension 2 is to be kept and x has 2"),
    (ops.reshape, (f32[2, 3], i64[1, 2]), {}, "a shape is a vector"),
    (ops.flatten, (f32[2, 3],), {"axis": 3}, "axis 3 is not among the 2 axes"),
    (ops.squeeze, (f32[2, 3], (0,)), {}, "dimension 0 is 2, not 1"),
    (ops.squeeze, (f32[1, 3], (0, -2)), {}, "an axis is repeated"),
    (ops.unsqueeze, (f32[2, 3], (4,)), {}, "axis 4 is not among the 3 axes"),
    (ops.transpose, (f32[2, 3],), {"perm": (0, 0)}, "no permutation of 2 axes"),
    (ops.concat, (f32[2, 3], f32[2, 4]), {"axis": 0}, "do not join along axis 0"),
    (ops.concat, (f32[2, 3], f32[2]), {"axis": 0}, "ranks 2 and 1 do not join"),
    (ops.concat, (f32[2, 3], i64[2, 3]), {"axis": 0}, "element types differ"),
    (ops.concat, (f32[2, 3],), {"axis": 2}, "axis 2 is not among the 2 axes"),
    (ops.split, (f32[5], (2, 2)), {"parts": 2}, "sizes [2, 2] do not add up to 5"),
    (ops.split, (f32[5], (5,)), {"parts": 2}, "1 sizes for 2 parts"),
    (ops.slice, (f32[5], (0,), (1,), (1,)), {}, "axis 1 is not among the 1 axes"),
    (ops.slice, (f32[5], (0, 0), (1, 1), (0, 0)), {}, "an axis is repeated"),
    (ops.slice, (f32[5], (0,), (1,), (0,), (0,)), {}, "a slice's step is zero"),
    (ops.pad, (f32[2, 3], (1, 1)), {}, "2 pads for 2 axes"),
    (ops.pad, (f32[2, 3], (-3, 0, 0, 0)), {}, "negative"),
    (ops.pad, (f32[2, 3], (1, 1, 1, 1)), {"mode": "mirror"}, "mode 'mirror' is none of"),
    (ops.expand, (f32[2, 3], (4,)), {}, "do not broadcast"),
    (ops.tile, (f32[2, 3], (2,)), {}, "1 repeats for 2 axes"),
    (ops.depth_to_space, (f32[1, 6, 2, 2],), {"block": 2}, "6 channels do not divide"),
    (ops.depth_to_space, (f32[1, 4, 2],), {"block": 2}, "an image is [batch, channels, height, width]"),
    (ops.depth_to_space, (f32[1, 4, 2, 2],), {"block": 2, "mode": "RCD"}, "mode 'RCD' is none of"),
    (ops.depth_to_space, (f32[1, 4, 2, 2],), {"block": 0}, "blocks of 0 x 0"),
    (ops.space_to_depth, (f32[1, 1, 3, 2],), {"block": 2}, "3 x 2 does not divide"),
    (ops.space_to_depth, (f32[1, 1, 3, 2],), {"block": -1}, "blocks of -1 x -1"),
    (ops.trilu, (f32[3],), {}, "a triangle needs a matrix"),
]


@pytest.mark.parametrize(("size", "parts", "cuts"), [(5, 4, [2, 2, 1, 0]), (1, 3, [1, 0, 0]), (7, 3, [3, 3, 1])])
def test_there_may_be_more_parts_than_there_is_to_cut(size: int, parts: int, cuts: list[int]) -> None:
    assert [part.shape for part in ops.split(named_input("x", f32[size]), parts=parts)] == [(cut,) for cut in cuts]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_shapes_that_only_data_knows() -> None:
    x, wanted = named_input("x", f32["n", 4]), named_input("s", i64[3])
    assert ops.reshape(x, wanted, name="y").type is f32["y.0", "y.1", "y.2"]
    assert ops.reshape(x, wanted).type is f32[None, None, None]
    assert ops.reshape(x, named_input("s", i64["k"])).type is None
    assert ops.reshape(named_input("x", f32[...]), (2, 3)).type is f32[2, 3]
    assert ops.reshape(named_input("x", f32[...]), (2, -1)).type is f32[2, None]
    assert ops.reshape(x, (0, 2, -1)).type is f32["n", 2, 2]
    assert ops.reshape(x, (-1,)).type is f32[4 * dim("n")]
    assert ops.tile(x, named_input("r", i64[2]), name="y").type is f32["y.0", "y.1"]
    assert ops.pad(x, named_input("p", i64[2]), None, (1,), name="y").type is f32["n", "y.1"]
    assert ops.slice(x, named_input("b", i64[1]), (3,), (1,), name="y").type is f32["n", "y.1"]


@pytest.mark.parametrize(
    ("start", "end", "step", "wanted"),
    [
        (0, FAR, 1, "n"),
        (0, 2**63 - 1, 1, "n"),
        (1, FAR, 1, "max(0, n - 1)"),
        (0, -1, 1, "max(0, n - 1)"),
        (-1, -FAR - 1, -1, "n"),
    ],
)
def test_slices_of_an_open_dimension(start: int, end: int, step: int, wanted: str) -> None:
    sliced = ops.slice(named_input("x", f32["n"]), (start,), (end,), (0,), (step,))
    for n in (1, 2, 7):
        assert set_dims(sliced.type, {"n": n}) is f32[n if wanted == "n" else max(0, n - 1)]
    if wanted == "n" and step == 1:
        assert sliced.type is f32["n"]


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 7])
def test_the_sizes_of_the_parts_of_an_open_dimension(parts: int) -> None:
    opened = [part.type for part in ops.split(named_input("x", f32["n"]), parts=parts)]
    for size in range(12):
        fixed = [part.type for part in ops.split(named_input("x", f32[size]), parts=parts)]
        assert [set_dims(each, {"n": size}) for each in opened] == fixed


def test_equal_parts_of_an_open_dimension_are_known_to_be_equal() -> None:
    x = named_input("x", f32["n"])
    assert [part.type for part in ops.split(ops.concat(x, x, x, axis=0), parts=3)] == [f32["n"]] * 3


def test_the_sizes_of_unequal_parts() -> None:
    assert [part.type for part in ops.split(named_input("x", f32[5]), parts=2)] == [f32[3], f32[2]]
    assert [part.type for part in ops.split(named_input("x", f32["n"]), (2, 1), parts=2)] == [f32[2], f32[1]]
    assert contents(ops.shape(named_input("x", f32["n", 2]), start=-1)) == (2,)
    assert ops.where(named_input("c", boolean[3, 1]), named_input("a", f32[4]), 0.0).type is f32[3, 4]
