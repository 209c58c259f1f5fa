"""Cheap orders."""

import pytest
from tests.analyses.ordering.problems import branches, is_order, problem_of

from nnvm.analyses.ordering import Problem, Step, peak
from nnvm.analyses.ordering.greedy import backwards, breadth_first, candidates, depth_first, least_memory_first


def test_a_walk_finishes_a_branch_before_the_next():
    problem = branches((9, 1), (9, 1))
    assert depth_first(problem) == [0, 1, 2, 3, 4]
    assert breadth_first(problem) == [0, 2, 1, 3, 4]


def test_least_memory_first_frees_before_it_makes():
    problem = branches((9, 1), (9, 1), (9, 1))
    assert least_memory_first(problem) == [0, 1, 2, 3, 4, 5, 6]
    assert peak(problem, least_memory_first(problem)) == 12


def test_looking_ahead_takes_what_does_not_raise_the_peak():
    problem = branches((1, 50, 1), (2, 10, 1))
    assert least_memory_first(problem)[0] == 0
    looking = least_memory_first(problem, newest=True, look=4)
    assert is_order(problem, looking)
    assert peak(problem, looking) <= peak(problem, least_memory_first(problem))


def test_backwards_turns_the_problem_and_the_order_round():
    seen = []

    def listed(turned: Problem) -> list[int]:
        seen.append(turned.before)
        return list(range(len(turned)))

    assert backwards(listed, Problem([Step(), Step([0]), Step([0])], [])) == [0, 1, 2]
    assert seen == [((), (), (1, 0))]


@pytest.mark.parametrize("seed", range(10))
def test_all_are_orders_the_given_one_first(seed):
    problem = problem_of(seed, 80)
    found = list(candidates(problem))
    assert found[0] == list(range(80))
    assert all(is_order(problem, each) for each in found)


def test_a_long_chain_is_no_trouble():
    problem = Problem([Step([i - 1] if i else []) for i in range(20_000)], [])
    assert all(found == list(range(20_000)) for found in candidates(problem))
