"""Bounds by giving each reader a share."""

from benchmarks.cell_networks import series_parallel
from hypothesis import given
from hypothesis import strategies as st
from tests.analyses.ordering.problems import branches, fewest, is_order, problems

from nnvm.analyses.ordering import Problem, Step, Tensor, order_bound, peak
from nnvm.analyses.ordering.shares import share, shared_out


def fork() -> Problem:
    """Return two branches that read the same 9 bytes, and what joins them."""
    tensors = [
        Tensor(9, [0], [1, 3]),
        Tensor(8, [1], [2]),
        Tensor(1, [2], [5]),
        Tensor(8, [3], [4]),
        Tensor(1, [4], [5]),
    ]
    return Problem([Step(), Step(), Step(), Step(), Step(), Step()], tensors)


def test_each_reader_frees_its_share():
    relaxed = shared_out(fork(), {0: {1: 5, 3: 4}})
    assert [tensor.size for tensor in relaxed.tensors] == [0, 8, 1, 8, 1, 5, 4]
    assert [tensor.readers for tensor in relaxed.tensors[5:]] == [(1,), (3,)]


def test_what_may_be_overwritten_is_never_saved_too_little():
    tensors = [Tensor(9, [0], [1, 2]), Tensor(9, [1], kept=True), Tensor(3, [2])]
    problem = Problem([Step(), Step(inplace=[(1, [0])]), Step()], tensors)
    relaxed = shared_out(problem, {0: {1: 5, 2: 4}})
    assert [step.workspace for step in relaxed.steps] == [0, -5, 0]
    assert relaxed.steps[1].inplace == ((1, ()),)


def test_the_bound_is_above_the_mandatory_one():
    problem = series_parallel(0).problem()
    found = share(problem, rounds=40, limit=10**6)
    assert order_bound(problem) < found.bound <= peak(problem, found.order)
    assert is_order(problem, found.order)


def test_nothing_shared_and_nothing_series_parallel_tell_nothing():
    assert share(branches((1, 2), (3,)), rounds=3, limit=1000).bound == 0
    steps = [Step(), Step([0]), Step([0]), Step([1]), Step([1, 2]), Step([3, 4])]
    problem = Problem(steps, [Tensor(4, [0], [1, 2])])
    assert share(problem, rounds=3, limit=1000).order is None


@given(problems(), st.integers(1, 6))
def test_law_no_order_is_below_the_bound(problem, rounds):
    found = share(problem, rounds=rounds, limit=10**6)
    assert found.bound <= fewest(problem)
    assert found.order is None or is_order(problem, found.order)
