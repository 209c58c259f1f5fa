"""Steps that can wait until something is gained by them."""

from tests.analyses.ordering.problems import branches

from nnvm.analyses.ordering import Problem, Step, Tensor
from nnvm.analyses.ordering.patient import LARGE, SEVERAL, patient


def told(problem: Problem) -> list[bool]:
    return patient(problem, [[step] for step in range(len(problem))])


def sums(*, size: int = 4, workspace: int = 0, over: tuple[int, ...] = (0, 1)) -> Problem:
    """Return two steps that make something, a sum of both, and a step that reads all."""
    steps = [Step(), Step(), Step(workspace=workspace, inplace=[(2, over)] if over else []), Step()]
    return Problem(steps, [Tensor(4, [0], [2, 3]), Tensor(4, [1], [2, 3]), Tensor(size, [2], [3])])


def test_a_sum_over_either_of_its_terms_is_patient():
    assert told(sums()) == [True, True, True, False]


def test_what_holds_more_while_it_runs_is_not():
    assert not told(sums(workspace=1))[2]
    assert not told(sums(over=(0,)))[2]
    assert not told(sums(size=3, over=()))[2]


def test_a_step_that_reads_what_cannot_die_is_patient():
    kept = Tensor(4, [0], [1], kept=True)
    assert told(Problem([Step(), Step(), Step()], [kept, Tensor(2, [1], [2])])) == [True, True, False]


def test_a_step_whose_tensor_nobody_reads_is_not():
    assert told(Problem([Step()], [Tensor(4, [0])])) == [False]
    assert told(Problem([Step()], [Tensor(4, [0], kept=True)])) == [True]


def test_buffers_that_several_write_are_left_alone():
    assert told(Problem([Step(), Step(), Step()], [Tensor(4, [0, 1], [2])])) == [False, False, False]


def test_steps_that_run_as_one_are_not_alone():
    problem = sums()
    assert patient(problem, [[0], None, [1, 2], [3]]) == [True, False, False, False]


def test_what_a_crowd_is_read_with_does_not_wait():
    count = SEVERAL + 1
    tensors = [Tensor(4, [i], [count]) for i in range(count)]
    steps = [Step() for _ in range(count + 1)]
    assert told(Problem(steps, tensors)) == [True] * count + [False]
    crowd = Problem(
        [*steps, Step(inplace=[(count, [0])])],
        [Tensor(4, [0], [count, count + 1]), *tensors[1:], Tensor(4, [count + 1], kept=True)],
    )
    assert told(crowd)[-1] is False
    assert not any(told(branches(tuple([1] * (LARGE + 1)))))
