from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import Use, by_reference, by_runtime, check_run, check_types, refusal, seeds, values

from nnvm import ops
from nnvm.attrs import macs
from nnvm.ir import f32, named_input
from nnvm.ops.einsum import labels

EQUATIONS = (
    *("ij,jk->ik", "ij,jk", "bij,bjk->bik", "bhqd,bhkd->bhqk", "i,i->", "i,j->ij", "ij->ji", "ij->", "ij->j"),
    *("ii", "ii->i", "iij->j", "...ij,...jk->...ik", "...ij->...ji", "i...->...", "...i,...i", "ij,jk,kl->il"),
    *(
        "ij,ij->ij",
        "abc,cd,ad->b",
        "bij,jk->bik",
        "ijk,kjl->il",
        "i...j,j->i...",
        "...,...->...",
        "a,b,c->cab",
        "ba,ca",
    ),
)


@st.composite
def einsums(draw: st.DrawFn, smallest: int = 1) -> Use:
    equation = draw(st.sampled_from(EQUATIONS))
    sizes = {letter: draw(st.integers(smallest, 4)) for letter in sorted(filter(str.isalpha, equation))}
    dots = draw(st.lists(st.integers(smallest, 3), max_size=2))
    arrays = []
    dtype = draw(st.sampled_from(["float32", "float64", "int32", "int64"]))
    for term in equation.partition("->")[0].split(","):
        before, ellipsis, after = term.partition("...")
        mine = dots[draw(st.integers(0, len(dots))) :] if ellipsis else []
        mine = [1 if draw(st.integers(0, 3)) == 0 else size for size in mine]
        shape = (*(sizes[letter] for letter in before), *mine, *(sizes[letter] for letter in after))
        arrays.append(values(draw(seeds), shape, dtype))
    return Use(ops.einsum, arrays, equation=equation)


USES = {ops.einsum: einsums()}


@given(einsums(), seeds)
@settings(max_examples=100)
def test_a_use_is_what_onnx_makes_of_it(use: Use, seed: int) -> None:
    check_types(use, check_run(use, judges=(by_runtime, by_reference)), seed)


@given(einsums(smallest=0))
@settings(max_examples=40)
def test_sums_over_nothing_are_zero(use: Use) -> None:
    check_run(use, judges=(by_reference,))


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [("ij,jk->ik", [(3, 1), (4, 2)]), ("ij,ij->ij", [(1, 4), (3, 1)]), ("ij,j->i", [(2, 3), (1,)])],
)
def test_a_dimension_of_one_goes_with_any(equation: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [values(i, shape) for i, shape in enumerate(shapes)]
    (found,) = check_run(Use(ops.einsum, arrays, equation=equation), judges=(by_runtime,))
    np.testing.assert_allclose(found, np.einsum(equation, *arrays), rtol=1e-5)


def test_labels() -> None:
    assert labels("b...a, ...c", (4, 3)) == ((("b", "1", "0", "a"), ("1", "0", "c")), ("1", "0", "a", "b", "c"))
    assert labels("ba->ab", (2,)) == ((("b", "a"),), ("a", "b"))


@pytest.mark.parametrize(
    ("equation", "given", "why"),
    [
        ("ij,jk->ik", (f32[2, 3],), "is about 2 inputs, not 1"),
        ("ij->i", (f32[2, 3, 4],), "'ij' in 'ij->i' is not about 3 dimensions"),
        ("ij,jk->ik", (f32[2, 3], f32[4, 2]), "do not broadcast: 3 against 4"),
        ("ii->i", (f32[2, 3],), "the diagonal 'i' is of 2 and 3"),
        ("ij->ii", (f32[2, 3],), "repeats a letter or has a new one"),
        ("ij->k", (f32[2, 3],), "repeats a letter or has a new one"),
        ("i1->i", (f32[2, 3],), "is no term of letters"),
        ("...i->i", (f32[2, 3],), "lacks the dots of its inputs"),
    ],
)
def test_what_is_ill_typed_is_refused(equation: str, given: Any, why: str) -> None:
    assert why in refusal(ops.einsum, *given, equation=equation)


def test_open_dimensions_stay_open_and_count_work() -> None:
    q, k = named_input("q", f32["b", 2, "n", 8]), named_input("k", f32["b", 2, "m", 8])
    made = ops.einsum(q, k, equation="bhqd,bhkd->bhqk")
    assert made.type is f32["b", 2, "n", "m"]
    assert str(macs[ops.einsum](made.node)) == "16*b*m*n"
