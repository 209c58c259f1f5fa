"""What an order holds step by step, and which problems are none."""

import pytest

from nnvm.analyses.ordering import Problem, Step, Tensor, peak, profile
from nnvm.analyses.ordering.problem import Ledger, admit
from nnvm.errors import Error


def test_a_tensor_lives_from_its_writer_to_its_last_reader():
    problem = Problem([Step(), Step(), Step()], [Tensor(10, [0], [1, 2]), Tensor(3, [1], [2]), Tensor(5, [2])])
    assert problem.before == ((), (0,), (0, 1))
    assert profile(problem, [0, 1, 2]) == [(10, 10), (13, 13), (18, 0)]
    assert peak(problem, [0, 1, 2]) == 18


def test_given_kept_base_and_workspace_count():
    tensors = [Tensor(10, readers=[0], given=True), Tensor(4, [0], kept=True), Tensor(7, given=True, kept=True)]
    problem = Problem([Step(workspace=2), Step([0])], tensors, base=1)
    assert profile(problem, [0, 1]) == [(1 + 10 + 4 + 7 + 2, 12), (12, 12)]
    assert peak(Problem([], tensors[2:], base=1), []) == 8


def test_a_dead_given_tensor_takes_nothing():
    assert peak(Problem([], [Tensor(9, given=True)]), []) == 0


def test_in_place_takes_over_only_what_dies():
    tensors = [Tensor(8, [0], [1, 2]), Tensor(8, [1], [2]), Tensor(8, [2])]
    steps = [Step(), Step(inplace=[(1, [0])]), Step(inplace=[(2, [1, 0])])]
    assert profile(Problem(steps, tensors), [0, 1, 2]) == [(8, 8), (16, 16), (16, 0)]


def test_one_input_is_taken_over_once():
    tensors = [Tensor(8, [0], [1]), Tensor(8, [1], kept=True), Tensor(8, [1], kept=True)]
    steps = [Step(), Step(inplace=[(1, [0]), (2, [0])])]
    assert profile(Problem(steps, tensors), [0, 1]) == [(8, 8), (16, 16)]


def test_parts_of_one_buffer_are_born_with_the_first():
    tensors = [Tensor(6, [0, 1], [2])]
    problem = Problem([Step(), Step(), Step()], tensors)
    assert problem.before[2] == (0, 1)
    assert profile(problem, [1, 0, 2]) == [(6, 6), (6, 6), (6, 0)]
    assert Ledger(problem).price(0) == (6, 6)


@pytest.mark.parametrize(
    ("steps", "tensors", "told"),
    [
        ([Step()], [Tensor(-1, [0])], "-1 bytes"),
        ([Step()], [Tensor(1, [1])], "touched by step 1"),
        ([Step()], [Tensor(1, [], [0])], "neither written nor given"),
        ([Step(), Step()], [Tensor(1, [1], [0])], "before step 1 writes"),
        ([Step([0])], [], "needs step 0"),
        ([Step([1]), Step()], [], "needs step 1"),
        ([Step(workspace=-3)], [], "workspace of -3"),
        ([Step(inplace=[(0, [1])])], [Tensor(1, [0])], "there are 1"),
        ([Step(), Step(inplace=[(0, [1])])], [Tensor(1, [0]), Tensor(1, [0], [1])], "not the only one"),
        ([Step(), Step(inplace=[(0, [1])])], [Tensor(1, [1]), Tensor(1, [0])], "does not read it"),
        ([Step(), Step(inplace=[(0, [1])])], [Tensor(1, [1]), Tensor(2, [0], [1])], "equal sizes"),
    ],
)
def test_what_is_no_problem_is_refused(steps, tensors, told):
    with pytest.raises(Error, match=told):
        admit(steps, tensors)


def test_what_is_shown():
    assert repr(Tensor(3, [0], [1], kept=True)) == "Tensor(3, (0,), (1,), kept=True)"
    assert repr(Step([0], workspace=2)) == "Step((0,), workspace=2, inplace=())"
    assert repr(Problem([Step()], [])) == "<Problem of 1 steps, 0 tensors>"
