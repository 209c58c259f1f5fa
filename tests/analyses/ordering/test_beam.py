"""Orders of a search that forgets."""

from tests.analyses.ordering.problems import branches, is_order, problem_of

from nnvm.analyses.ordering import Problem, peak
from nnvm.analyses.ordering.beam import beam


def test_a_narrow_beam_finds_a_better_order():
    problem = problem_of(5, 60, most=50)
    before = peak(problem, range(60))
    found, spent = beam(problem, lower=0, upper=before, width=16, limit=10**6)
    assert found is not None
    assert is_order(problem, found)
    assert peak(problem, found) < before
    assert spent > 60


def test_nothing_below_the_upper_end_is_none():
    assert beam(branches((9, 1), (9, 1)), lower=0, upper=11, width=8, limit=1000)[0] is None


def test_the_limit_ends_it():
    found, spent = beam(problem_of(5, 60), lower=0, upper=10**6, width=16, limit=20)
    assert found is None
    assert spent < 500


def test_no_steps():
    assert beam(Problem([], []), lower=0, upper=1, width=1, limit=1) == ([], 0)
