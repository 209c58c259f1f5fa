"""Orders of graphs that are made of chains and branches."""

import pytest
from benchmarks.cell_networks import series_parallel, tree
from tests.analyses.ordering.problems import branches, fewest, is_order

from nnvm.analyses.ordering import Problem, Step, Tensor, order, peak
from nnvm.analyses.ordering.series_parallel import last_touchers, reduce


def test_a_tree_is_exact():
    problem = branches((9, 2, 4, 1), (7, 1, 6, 3), (5, 1))
    found = reduce(problem, 10_000)
    assert found.exact
    assert peak(problem, found.order) == fewest(problem)


def test_branches_that_share_an_input_are_not_exact():
    problem = Problem([Step(), Step(), Step()], [Tensor(9, [0], [1, 2]), Tensor(3, [1]), Tensor(5, [2])])
    found = reduce(problem, 10_000)
    assert not found.exact
    assert peak(problem, found.order) == fewest(problem)


def test_a_branch_that_begins_what_a_later_step_ends_is_not_exact():
    tensors = [Tensor(9, [0], [1]), Tensor(1, [1], [3]), Tensor(5, [2, 3])]
    problem = Problem([Step(), Step(), Step(), Step([2])], tensors)
    assert not reduce(problem, 10_000).exact
    assert order(problem).peak == fewest(problem) == 10


def test_an_edge_past_a_branch_is_no_obstacle():
    tensors = [Tensor(4, [0], [1, 3]), Tensor(9, [1], [2]), Tensor(4, [2], [3])]
    found = reduce(Problem([Step(), Step(), Step(), Step()], tensors), 10_000)
    assert found.order == [0, 1, 2, 3]
    assert found.exact


def test_what_is_not_series_parallel_or_too_dear_has_no_order():
    n_shaped = Problem([Step(), Step(), Step([0]), Step([0, 1]), Step([2, 3])], [])
    assert reduce(Problem([*n_shaped.steps, Step([1, 4])], []), 10_000).order is None
    assert reduce(branches((1,) * 50), 20).order is None
    assert reduce(Problem([], []), 10).order is None


def test_only_the_last_touches_end_a_tensor():
    problem = Problem([Step(), Step(), Step([1])], [Tensor(4, [0], [1, 2])])
    assert last_touchers(problem) == ([(2,)], True)


@pytest.mark.parametrize("make", [tree, series_parallel])
def test_large_ones_have_an_order(make):
    problem = make(1, 3_000).problem()
    found = reduce(problem, 40 * len(problem))
    assert found.order is not None
    assert is_order(problem, found.order)
    assert found.exact is (make is tree)


def test_a_comb_of_twenty_thousand_teeth_is_reduced():
    steps, tensors = [Step()], [Tensor(1, [0], [2])]
    for i in range(1, 20_000, 2):
        steps += [Step(), Step([i - 1, i])]
        tensors += [Tensor(2, [i], [i + 1]), Tensor(1, [i + 1], [i + 3] if i + 3 <= 20_000 else [])]
    problem = Problem(steps, tensors)
    found = reduce(problem, 40 * len(problem))
    assert is_order(problem, found.order)
    assert found.exact
    assert peak(problem, found.order) == 4
