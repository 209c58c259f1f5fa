"""The best of all orders, found through sets of steps."""

from benchmarks.cell_networks import randwire
from tests.analyses.ordering.problems import branches, fewest, is_order, problem_of

from nnvm.analyses.ordering import Problem, Step, Tensor, order_bound, peak, profile
from nnvm.analyses.ordering.ideals import search
from nnvm.analyses.ordering.pieces import cuts, part


def test_branches_run_one_after_the_other():
    problem = branches((9, 1), (9, 1), (9, 1))
    found = search(problem, lower=0, upper=100, limit=1000)
    assert found.order is not None
    assert peak(problem, found.order) == found.bound == 12
    assert peak(problem, [0, 2, 4, 1, 3, 5, 6]) == 28


def test_nothing_below_the_upper_end_is_proven():
    problem = branches((9, 1), (9, 1))
    found = search(problem, lower=0, upper=11, limit=1000)
    assert (found.order, found.bound) == (None, 11)
    assert search(problem, lower=20, upper=20, limit=1000).bound == 20
    kept = Problem([Step() for _ in range(3)], [Tensor(4, [i], kept=True) for i in range(3)])
    found = search(kept, lower=0, upper=12, limit=1000)
    assert (found.order, found.bound) == (None, 12)


def test_a_target_is_enough():
    problem = branches((9, 1), (9, 1))
    found = search(problem, lower=18, upper=100, limit=1000)
    assert found.order is not None
    assert peak(problem, found.order) <= 18


def test_the_limit_leaves_a_bound():
    problem = problem_of(3, 60, most=50)
    short, long = (search(problem, lower=0, upper=10**6, limit=limit) for limit in (30, 3000))
    assert short.order is None
    assert short.bound <= long.bound


def test_no_steps_and_one_step():
    assert search(Problem([], []), lower=0, upper=1, limit=0).order == []
    assert search(Problem([Step()], []), lower=0, upper=1, limit=9).order == [0]


def test_published_cells_are_solved():
    problem = randwire("ws", 7).problem()
    before = peak(problem, range(len(problem)))
    found = search(problem, lower=order_bound(problem), upper=before + 1, limit=500_000)
    assert found.order is not None
    assert is_order(problem, found.order)
    assert peak(problem, found.order) == found.bound <= before


def test_cells_of_single_operators_are_solved():
    problem = randwire("ws", 1, fused=False).problem()
    before = peak(problem, range(len(problem)))
    first, end = cuts(problem)[2]
    piece = part(problem, range(first, end), range(len(problem)), profile(problem, range(first))[-1][1])
    found = search(piece, lower=order_bound(piece), upper=before, limit=100_000)
    assert found.order is not None
    assert peak(piece, found.order) == found.bound < before


def test_the_best_of_all_by_trying_each():
    for seed in range(40):
        problem = problem_of(seed, 7)
        assert search(problem, lower=0, upper=10**6, limit=10**6).bound == fewest(problem)
