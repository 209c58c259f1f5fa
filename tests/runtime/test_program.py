"""A program and its doors."""

import copy
import pickle

import pytest
from tests.runtime.toy import ping_pong

from nnvm.errors import Error
from nnvm.runtime.program import Buffer, Program, Raw, Step


def two_inputs(first, second):
    buffers = [
        Buffer("input", "float32", first, name="a"),
        Buffer("input", "float32", second, name="b"),
        Buffer("output", "float32", (), name="y"),
    ]
    return Program("toy", buffers, [Step("toy:fill/1", [], [2])], [0, 1], [2])


def test_shapes_bind_dimensions():
    program = two_inputs(("n", 3), ("m", ("+", "n", 1)))
    assert program.bind({"a": (2, 3), "b": (7, 3)}) == {"n": 2, "m": 7}
    assert program.input_names == ("a", "b")


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ({"a": (2, 4), "b": (2, 2)}, "input 'a' axis 1 should be 3, but is 4"),
        ({"a": (2, 3), "b": (5, 4)}, "input 'b' axis 0 should be n = 2, as input 'a' axis 0 says, but is 5"),
        ({"a": (2, 3), "b": (2, 5)}, r"input 'b' axis 1 should be \(n \* 2\) = 4, but is 5"),
        ({"a": (2, 3, 1), "b": (2, 4)}, r"input 'a' should have 2 axes \[n, 3\], but has 3, \[2, 3, 1\]"),
        ({"a": (2, 3)}, "input 'b' is missing"),
    ],
)
def test_shapes_that_disagree_are_refused(shapes, says):
    with pytest.raises(Error, match=says):
        two_inputs(("n", 3), ("n", ("*", "n", 2))).bind(shapes)


def test_every_disagreement_is_named_at_once():
    with pytest.raises(Error, match=r"'a' axis 1.*'b' axis 0.*'b' axis 1"):
        two_inputs(("n", 3), ("n", ("*", "n", 2))).bind({"a": (2, 4), "b": (3, 3)})


def test_a_dimension_that_no_axis_gives_alone_is_refused():
    with pytest.raises(Error, match="no axis of any input is k alone"):
        two_inputs(("n", 3), (("*", "k", 2),)).bind({"a": (2, 3), "b": (4,)})


def test_a_shape_known_at_run_only_takes_any():
    assert two_inputs(None, ("n",)).bind({"a": (1, 2, 3), "b": (4,)}) == {"n": 4}


def test_names_of_outputs_are_their_own():
    program = two_inputs((), ())
    assert program.output_names == ("y",)
    renamed = Program("toy", program.buffers, program.steps, [0, 1], [2], output_names=["other"])
    assert renamed.output_names == ("other",)


def test_a_long_program_is_copied_pickled_hashed_and_shown_without_recursion():
    program = ping_pong(20_000)
    twin = pickle.loads(pickle.dumps(program))
    assert len(twin.steps) == len(copy.deepcopy(program).steps) == 20_001
    assert twin.steps[-1].waits == program.steps[-1].waits
    assert hash(program) != hash(twin)
    assert repr(program) == "<Program for toy: 20001 steps over 20002 buffers>"


def test_constants_are_kept_by_number():
    buffers = [Buffer("constant", "uint8", (2,), name=name) for name in "ab"]
    program = Program("toy", buffers, [], [], [], constants={1: Raw(b"xy"), 0: Raw(b"zz")})
    assert list(program.constants) == [0, 1]
