from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import (
    NUMBERS,
    Use,
    axes_in,
    by_reference,
    check_run,
    check_types,
    data,
    ints,
    refusal,
    seeds,
    shapes,
    values,
)  # fmt: skip

from nnvm import ops
from nnvm.ir import DTYPES, Op, boolean, f32, i64, named_input, set_dims, tensor_data

ANY = (*NUMBERS, "bool")
INDEX = st.sampled_from(["int32", "int64"])
REDUCTIONS = ("none", "add", "mul", "max", "min")


def places(draw: Any, shape: Any, length: int, dtype: str = "int64") -> Any:
    """Draw indices of either sign."""
    return values(draw(seeds), shape, dtype, -length, length - 1)


@st.composite
def gathers(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, smallest=1))
    axis = draw(axes_in(len(shape)))
    indices = places(draw, draw(shapes(0, 2)), shape[axis], draw(INDEX))
    x = values(draw(seeds), shape, draw(st.sampled_from(ANY)))
    return Use(ops.gather, [x, indices], fixed=[1] if draw(st.booleans()) else [], axis=axis)


@st.composite
def gather_elements(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, smallest=1))
    axis = draw(axes_in(len(shape)))
    taken = [draw(st.integers(1, size)) for size in shape]
    taken[axis] = draw(st.integers(1, 5))
    x = values(draw(seeds), shape, draw(st.sampled_from(ANY)))
    return Use(ops.gather_elements, [x, places(draw, taken, shape[axis], draw(INDEX))], axis=axis)


def tuples(draw: Any, lead: Any, sizes: Any) -> Any:
    """Draw index vectors into an array's first dimensions."""
    columns = [places(draw, lead, size) for size in sizes]
    return np.stack(columns, axis=-1) if columns else np.zeros((*lead, 0), np.int64)


@st.composite
def gather_nds(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, smallest=1))
    batch = draw(st.integers(0, len(shape) - 1))
    width = draw(st.integers(1, len(shape) - batch))
    lead = (*shape[:batch], *draw(shapes(0 if batch else 1, 2, smallest=1)))
    indices = tuples(draw, lead, shape[batch : batch + width])
    x = values(draw(seeds), shape, draw(st.sampled_from(["float32", "float64", "int32", "int64", "bool"])))
    return Use(ops.gather_nd, [x, indices], batch_dims=batch)


@st.composite
def scatter_elements(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, 3, smallest=1))
    axis = draw(axes_in(len(shape)))
    taken = [draw(st.integers(1, size)) for size in shape]
    reduction = draw(st.sampled_from(REDUCTIONS))
    dtype = draw(st.sampled_from(["float32", "float64", "int32", "int64"]))
    rows = np.random.default_rng(draw(seeds))
    indices = np.argsort(rows.random(shape), axis=axis)  # permutations: no place is written twice
    indices = indices[tuple(slice(0, size) for size in taken)]
    indices = np.where(rows.random(indices.shape) < 0.5, indices, indices - shape[axis]).astype(draw(INDEX))
    return Use(
        ops.scatter_elements,
        [values(draw(seeds), shape, dtype), indices, values(draw(seeds), taken, dtype)],
        axis=axis,
        reduction=reduction,
    )


@st.composite
def scatter_nds(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, 3, smallest=1))
    width = draw(st.integers(1, len(shape)))
    dtype = draw(st.sampled_from(["float32", "float64", "int32", "int64"]))
    cells = int(np.prod(shape[:width]))
    chosen = np.random.default_rng(draw(seeds)).permutation(cells)[: draw(st.integers(1, cells))]
    indices = np.stack(np.unravel_index(chosen, shape[:width]), axis=-1).astype(np.int64)
    updates = values(draw(seeds), (len(chosen), *shape[width:]), dtype)
    return Use(
        ops.scatter_nd,
        [values(draw(seeds), shape, dtype), indices, updates],
        reduction=draw(st.sampled_from(REDUCTIONS)),
    )


@st.composite
def one_hots(draw: st.DrawFn) -> Use:
    shape, depth = draw(shapes(0, 3, smallest=1)), draw(st.integers(1, 5))
    indices = values(draw(seeds), shape, "int64", -depth - 1, depth)
    many = np.asarray(depth, np.int64)
    axis = draw(st.integers(-len(shape) - 1, len(shape)))
    pair = values(draw(seeds), (2,), draw(st.sampled_from(["float32", "int64"])))
    return Use(
        ops.one_hot, [indices, many.reshape(1) if shape and draw(st.booleans()) else many, pair], fixed=[1], axis=axis
    )


@st.composite
def fills(draw: st.DrawFn) -> Use:
    value = values(draw(seeds), (), draw(st.sampled_from(ANY)))
    return Use(ops.fill, [ints(draw(shapes()))], fixed=[0], value=data(value))


@st.composite
def aranges(draw: st.DrawFn) -> Use:
    dtype = draw(st.sampled_from(["float32", "float64", "int16", "int32", "int64"]))
    scale = draw(st.sampled_from([1, 0.25, 0.5])) if dtype.startswith("float") else 1
    start, span, step = (
        draw(st.integers(-9, 9)),
        draw(st.integers(-9, 9)),
        draw(st.integers(1, 4)) * draw(st.sampled_from([1, -1])),
    )
    arrays = [np.asarray(each * scale, dtype) for each in (start, start + span, step)]
    return Use(ops.arange, arrays, fixed=[0, 1, 2])


@st.composite
def eyes(draw: st.DrawFn) -> Use:
    given_type = draw(st.sampled_from(["float32", "float64", "int32", "int64"]))
    to = draw(st.none() | st.sampled_from(["float32", "float64", "int32", "int64", "bool", "uint8"]))
    x = values(draw(seeds), draw(shapes(2, 2, smallest=1)), given_type)
    return Use(ops.eye_like, [x], dtype=None if to is None else DTYPES[to], k=draw(st.integers(-5, 5)))


@st.composite
def nonzeros(draw: st.DrawFn) -> Use:
    """Scalars aside, of which ONNX Runtime says one row, ONNX's shape inference and reference none."""
    return Use(ops.nonzero, [values(draw(seeds), draw(shapes(1)), draw(st.sampled_from(ANY)), -1, 1)])


USES = {
    ops.gather: gathers(), ops.gather_elements: gather_elements(), ops.gather_nd: gather_nds(),
    ops.scatter_elements: scatter_elements(), ops.scatter_nd: scatter_nds(), ops.one_hot: one_hots(), ops.fill: fills(),
    ops.arange: aranges(), ops.eye_like: eyes(), ops.nonzero: nonzeros(),
}  # fmt: skip


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=30)
    def law(use: Use, seed: int) -> None:
        check_types(use, check_run(use), seed)

    law()


@pytest.mark.parametrize("value", [0, 3])
def test_the_places_of_a_scalar_have_no_rows(value: int) -> None:
    check_run(Use(ops.nonzero, [np.asarray(value)]), judges=(by_reference,))


ILL: list[tuple[Op[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (ops.gather, (f32[2, 3], f32[2]), {}, "elements are f32"),
    (ops.gather, (f32[2, 3], i64[2]), {"axis": 2}, "axis 2 is not among the 2 axes"),
    (ops.gather_elements, (f32[2, 3], i64[2]), {}, "indices of 1 dimensions for 2"),
    (ops.gather_elements, (f32[2, 3], boolean[2, 3]), {}, "elements are boolean"),
    (ops.gather_nd, (f32[2, 3], i64[1, 3]), {}, "index vectors of 3"),
    (ops.gather_nd, (f32[2, 3], i64[2]), {"batch_dims": 1}, "1 batch dimensions for indices of 1"),
    (ops.scatter_elements, (f32[2, 3], i64[1, 3], f32[1, 2]), {}, "updates of f32[1, 2] at indices of i64[1, 3]"),
    (ops.scatter_elements, (f32[2, 3], i64[3], f32[3]), {}, "indices of 1 dimensions for 2"),
    (ops.scatter_elements, (f32[2, 3], i64[1, 3], i64[1, 3]), {}, "element types differ"),
    (ops.scatter_elements, (f32[2, 3], i64[1, 3], f32[1, 3]), {"reduction": "mean"}, "reduction 'mean' is none of"),
    (ops.scatter_nd, (f32[2, 3], i64[1, 1], f32[1, 2]), {}, "updates of f32[1, 2], not f32[1, 3]"),
    (ops.scatter_nd, (f32[2, 3], i64[1, 3], f32[1]), {}, "index vectors of 3 for 2 dimensions"),
    (ops.scatter_nd, (f32[2, 3], f32[1, 1], f32[1, 3]), {}, "elements are f32"),
    (ops.one_hot, (i64[2], i64[()], f32[2, 2]), {}, "a vector of two"),
    (ops.one_hot, (i64[2], i64[()], f32[2]), {"axis": 2}, "axis 2 is not among the 2 axes"),
    (ops.fill, (i64[1, 2],), {"value": tensor_data(0.0, f32[()])}, "a shape is a vector"),
    (ops.fill, ((2, -1),), {"value": tensor_data(0.0, f32[()])}, "negative"),
    (ops.arange, (f32[()], i64[()], f32[()]), {}, "element types differ"),
    (ops.arange, (tensor_data(0, i64[()]), tensor_data(4, i64[()]), tensor_data(0, i64[()])), {}, "delta is zero"),
    (ops.eye_like, (f32[3],), {}, "only a matrix"),
]


@pytest.mark.parametrize(("op", "given", "params", "why"), ILL, ids=lambda each: getattr(each, "name", ""))
def test_what_is_ill_typed_is_refused(
    op: Op[..., Any], given: tuple[Any, ...], params: dict[str, Any], why: str
) -> None:
    assert why in refusal(op, *given, **params)


def test_dimensions_born_of_data() -> None:
    x, n = named_input("x", f32["n", 3]), named_input("n", i64[()])
    assert ops.nonzero(x, name="y").type is i64[2, "y.1"]
    assert ops.arange(0, n, 1, name="y").type is i64["y.0"]
    assert ops.one_hot(named_input("i", i64["n"]), n, named_input("v", f32[2]), name="y").type is f32["n", "y.1"]
    assert ops.fill(named_input("s", i64[2]), value=tensor_data(1.0, f32[()]), name="y").type is f32["y.0", "y.1"]
    assert ops.gather_nd(x, named_input("i", i64[4, "k"])).type is None


def test_a_range_over_an_open_dimension() -> None:
    count = ops.reshape(ops.shape(named_input("x", f32["n"])), ())
    assert ops.arange(0, count, 1).type is i64["n"]
    halves = ops.arange(count, 0, -2)
    assert [set_dims(halves.type, {"n": n}) for n in (0, 1, 2, 5)] == [i64[0], i64[1], i64[1], i64[3]]
