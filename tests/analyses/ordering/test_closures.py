"""How few bytes can be alive while a step runs, whatever else has run."""

import pytest
from benchmarks.cell_networks import randwire, tangled_network
from tests.analyses.ordering.problems import branches, fewest, problem_of

from nnvm.analyses.ordering import Problem, Step, Tensor, order, order_bound, peak
from nnvm.analyses.ordering.closures import OPTIONS, closure_bound


def bound(problem: Problem, lower: int = 0) -> int:
    return closure_bound(problem, range(len(problem)), lower=lower, limit=10**6)[0]


def test_what_has_not_run_may_have_freed_something():
    # a step of 9 bytes beside a chain that goes from 5 bytes to 1: the chain may have run
    problem = branches((5, 1), (9,))
    assert bound(problem) == 10
    assert fewest(problem) == 10


def test_what_must_run_first_pays_nothing():
    # 5 bytes are alive beside the 9 in every order, for what frees them makes more
    steps = [Step(), Step([0]), Step([0]), Step()]
    tensors = [Tensor(5, [0], [2]), Tensor(9, [1], [3]), Tensor(8, [2], [3])]
    problem = Problem(steps, tensors)
    assert order_bound(problem) == 17
    assert bound(problem) == fewest(problem) == 22 - 5


def test_the_mandatory_bound_is_passed_on_published_cells():
    problem = randwire("ws", 0).problem()
    found = bound(problem)
    assert found > 1.3 * order_bound(problem)
    assert found == order(problem).peak


def test_tangled_networks_are_proven():
    problem = tangled_network(300).problem()
    found = order(problem, effort=100_000)
    assert (found.status, found.bound) == ("optimal", found.peak)
    assert found.bound > 1.4 * order_bound(problem)


@pytest.mark.parametrize("count", [2, OPTIONS, OPTIONS + 1])
def test_bytes_taken_over_are_counted_once(count):
    steps = [*(Step() for _ in range(count)), Step(inplace=[(count, list(range(count)))]), Step()]
    tensors = [*(Tensor(4, [i], [count]) for i in range(count)), Tensor(4, [count], [count + 1])]
    assert bound(Problem(steps, tensors)) == 4 * count == fewest(Problem(steps, tensors))


def test_what_several_write_is_paid_once():
    for seed in range(1200, 1400):  # 1280 has a step that adds to a buffer that another began
        problem = problem_of(seed, 6)
        assert bound(problem) <= fewest(problem)


def test_a_bound_that_is_known_is_kept_and_the_limit_ends_it():
    problem = tangled_network(100).problem()
    given = range(len(problem))
    before = peak(problem, given)
    assert bound(problem, before) == before
    assert closure_bound(problem, given, lower=5, limit=-1) == (5, len(problem))
    first, cost = closure_bound(problem, given, lower=0, limit=len(problem))
    assert 0 < first <= bound(problem)
    assert cost < closure_bound(problem, given, lower=0, limit=10**6)[1]
    assert closure_bound(Problem([], []), [], lower=3, limit=9) == (3, 0)
