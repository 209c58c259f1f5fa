"""Sizes and places written down once, and what they come to at any binding, against each expression alone."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.toy import ping_pong

from nnvm.errors import Error
from nnvm.runtime.expressions import evaluate
from nnvm.runtime.formulas import Formulas
from nnvm.runtime.layout import layout
from nnvm.runtime.program import Buffer, Program, Step

DIMS = st.recursive(
    st.sampled_from(["n", "m", "k", 0, 1, 2, 7]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "*", "max", "min"]), inner, inner),
        st.tuples(st.sampled_from(["+", "*", "max"]), inner),
        st.tuples(st.just("+"), inner, inner, inner),
        st.tuples(st.sampled_from(["//", "-"]), inner, inner),
    ),
    max_leaves=8,
)
BINDINGS = st.fixed_dictionaries({name: st.integers(0, 20) for name in "nmk"})


def arena(*shapes, peak=0, alignment=64):
    buffers = [Buffer("arena", "float32", shape, ("end", i - 1) if i else 0) for i, shape in enumerate(shapes)]
    return Program("toy", buffers, [], [], [], peak=peak, alignment=alignment)


@given(shapes=st.lists(st.lists(DIMS, max_size=3).map(tuple), min_size=1, max_size=6), bindings=st.lists(BINDINGS))
def test_they_come_to_what_each_expression_does(shapes, bindings):
    program = arena(*shapes, peak=("end", len(shapes) - 1))
    for binding in bindings:
        try:
            wanted = [tuple(evaluate(dim, binding) for dim in shape) for shape in shapes]
        except Error:
            with pytest.raises(Error):
                layout(program, binding)
            continue
        placed = layout(program, binding)
        assert placed.shapes == wanted
        assert placed.sizes == [buffer.nbytes(binding) for buffer in program.buffers]
        end = 0
        for start, size in zip(placed.starts, placed.sizes, strict=True):
            assert start == end
            end += -(-size // 64) * 64
        assert placed.peak == end


def test_each_operation_is_written_once_and_a_copy_works_too():
    size = ("*", 4, "n", ("+", "n", 1))
    program = arena(*[(size,)] * 50, (("+", "n", 1),))
    made = program.formulas
    assert program.formulas is made
    assert len(made._code) < 3 + 2 + 3 + 2 * 51
    assert pickle.loads(pickle.dumps(made)).at({"n": 3}).starts == made.at({"n": 3}).starts


@pytest.mark.parametrize(
    ("dim", "said"),
    [
        (("//", 4, "n"), r"\(4 // n\) divides by zero at this binding"),
        (("-", "n", 5), r"\(n - 5\) is -5, which is no size"),
        (("*", 2**40, 2**40, 2**40, ("+", "n", 1)), r"passes 2\*\*96 at this binding"),
        (("+", 2**48, "n", 1), r"which is no size: sizes and offsets lie between 0 and 2\*\*48"),
        ("m", "dimension 'm' has no value"),
    ],
)
def test_what_is_no_size_is_named(dim, said):
    with pytest.raises(Error, match=said):
        layout(arena((dim,)), {"n": 0})


def test_ends_that_double_from_buffer_to_buffer_are_refused_before_they_fill_the_memory():
    offsets = [0, *(("+", ("end", i), ("end", i)) for i in range(200))]
    program = Program("toy", [Buffer("arena", "uint8", (1,), offset) for offset in offsets], [], [], [])
    with pytest.raises(Error, match=r"passes 2\*\*96"):
        layout(program, {})


def test_sizes_of_constants_are_sizes_too():
    with pytest.raises(Error, match="is no size"):
        layout(arena((2**30, 2**30)), {})


def test_a_deep_expression_needs_no_deep_stack():
    dim = "n"
    for _ in range(190):
        dim = ("+", dim, 1)
    assert layout(arena((dim,)), {"n": 5}).shapes == [(195,)]


def test_a_workspace_in_scratch_takes_no_room_beside_the_arena():
    buffers = [Buffer("arena", "uint8", ("n",)), Buffer("arena", "uint8", (64,), ("end", 0))]
    step = Step("toy:fill/1", [], [0], workspace=64, scratch=1)
    assert layout(Program("toy", buffers, [step], [], []), {"n": 1}).workspaces == [0]


def test_a_circle_is_refused_when_they_are_made():
    buffers = [Buffer("arena", "uint8", (1,), ("end", 1)), Buffer("arena", "uint8", (1,), ("end", 0))]
    with pytest.raises(Error, match="in a circle"):
        Formulas(Program("toy", buffers, [], [], []))
    assert Formulas(ping_pong(20_000)).at({"n": 2}).peak == 128
