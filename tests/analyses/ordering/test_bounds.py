"""What must be alive at each step, whatever runs when."""

import pytest
from tests.analyses.ordering.problems import branches, fewest, problem_of

from nnvm.analyses.ordering import Problem, Step, Tensor, bounds, order, order_bound


def test_a_skip_is_alive_beside_what_it_skips():
    tensors = [Tensor(10, [0], [3]), Tensor(4, [1], [2]), Tensor(6, [2], [3])]
    problem = Problem([Step(), Step([0]), Step(), Step()], tensors)
    assert bounds.mandatory_live(problem, 1000) == ([10, 14, 20, 16], True)
    assert order_bound(problem) == 20


def test_what_may_die_is_counted_once_where_it_is_overwritten():
    tensors = [Tensor(8, [0], [1]), Tensor(8, [1], [2])]
    assert order_bound(Problem([Step(), Step(inplace=[(1, [0])]), Step()], tensors)) == 8
    later = [Tensor(8, [0], [1, 2]), Tensor(8, [1], [2])]
    assert order_bound(Problem([Step(), Step(inplace=[(1, [0])]), Step()], later)) == 16
    kept = [Tensor(8, [0], [1], kept=True), Tensor(8, [1], [2])]
    assert order_bound(Problem([Step(), Step(inplace=[(1, [0])]), Step()], kept)) == 16


def test_side_by_side_nothing_is_mandatory():
    assert order_bound(branches((5, 1), (5, 1))) == 6
    assert order_bound(branches((1, 5), (1, 5))) == 10


def test_what_is_given_and_kept_counts_without_steps():
    assert order_bound(Problem([], [Tensor(3, given=True, kept=True)], base=2)) == 5
    ends = [Tensor(3, [0], kept=True), Tensor(4, [1], kept=True)]
    assert order_bound(Problem([Step(), Step()], ends)) == 7


@pytest.mark.parametrize("seed", range(30))
def test_tensors_in_turns_give_the_same(seed, monkeypatch):
    problem = problem_of(seed, 90, most=50)
    whole = bounds.mandatory_live(problem, 10**6)
    monkeypatch.setattr(bounds, "BITS", 1)
    assert len(problem.tensors) > 64
    assert bounds.mandatory_live(problem, 10**6) == whole


def test_without_effort_a_step_is_bound_by_what_it_touches():
    tensors = [Tensor(10, [0], [3]), Tensor(4, [1], [2]), Tensor(6, [2], [3])]
    problem = Problem([Step(), Step([0]), Step(), Step(workspace=1)], tensors)
    assert bounds.mandatory_live(problem, 0) == ([10, 4, 10, 17], False)
    assert bounds.bound(problem, 0) == (17, False)


def test_the_last_step_holds_what_is_kept_and_what_it_reads():
    count = 300  # each leaf is kept, and the last of them still reads the root
    tensors = [Tensor(64, [0], range(1, count + 1)), *(Tensor(8, [i + 1], kept=True) for i in range(count))]
    problem = Problem([Step() for _ in range(count + 1)], tensors)
    found = order(problem, effort=0)
    assert (found.bound, found.peak, found.status) == (64 + 8 * count, 64 + 8 * count, "optimal")


def test_the_last_step_may_take_over_what_it_reads():
    steps = [Step(), Step(inplace=[(1, [0])])]
    problem = Problem(steps, [Tensor(8, [0], [1]), Tensor(8, [1], kept=True)])
    assert order_bound(problem) == 8 == fewest(problem)
