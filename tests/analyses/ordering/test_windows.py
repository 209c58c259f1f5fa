"""Orders made better around their peak."""

import pytest
from tests.analyses.ordering.problems import branches, is_order, problem_of

from nnvm.analyses.ordering import Problem, peak
from nnvm.analyses.ordering.windows import improve


def test_a_window_finds_the_best_of_a_small_problem():
    problem = branches((9, 1), (9, 1), (9, 1))
    worst = [0, 2, 4, 1, 3, 5, 6]
    found, spent = improve(problem, worst, lower=0, limit=10_000)
    assert peak(problem, found) == 12
    assert spent > 0


def test_nothing_is_done_at_the_lower_end_or_without_effort():
    problem = branches((9, 1), (9, 1))
    assert improve(problem, [0, 2, 1, 3, 4], lower=20, limit=100) == ([0, 2, 1, 3, 4], 0)
    assert improve(problem, [0, 2, 1, 3, 4], lower=0, limit=-1) == ([0, 2, 1, 3, 4], 0)
    assert improve(Problem([], []), [], lower=0, limit=9) == ([], 0)


@pytest.mark.parametrize("seed", range(10))
def test_an_order_never_gets_worse(seed):
    problem = problem_of(seed, 120, most=50)
    found, _ = improve(problem, range(120), lower=0, limit=20_000)
    assert is_order(problem, found)
    assert peak(problem, found) <= peak(problem, range(120))
