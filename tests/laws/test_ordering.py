"""What every order keeps: it is one, it is the best where it says so, no bound is above the best, twice is the same."""

import os
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analyses.ordering.problems import fewest, is_order, problem_of, problems
from tests.laws.agree import feeds
from tests.laws.networks import BINDING, networks

from nnvm.analyses.ordering import Problem, order, order_bound, peak, profile
from nnvm.analyses.ordering.beam import beam
from nnvm.analyses.ordering.closures import closure_bound
from nnvm.analyses.ordering.greedy import candidates
from nnvm.analyses.ordering.ideals import search
from nnvm.analyses.ordering.pieces import cuts
from nnvm.analyses.ordering.series_parallel import reduce
from nnvm.analyses.ordering.windows import improve
from nnvm.analyses.schedule import check_order, file_order, schedule
from nnvm.backends.numpy.device import dtype_of
from nnvm.errors import Error
from nnvm.ir import Graph
from nnvm.pipeline import compile

EXAMPLES = int(os.environ.get("NNVM_EXAMPLES", "60"))


@settings(max_examples=4 * EXAMPLES)
@given(problems())
def test_law_the_order_is_the_best_of_all(problem: Problem) -> None:
    found = order(problem)
    assert is_order(problem, found.order)
    assert peak(problem, found.order) == found.peak == found.bound == fewest(problem)
    assert found.status == "optimal"


@settings(max_examples=2 * EXAMPLES)
@given(problems())
def test_law_no_bound_is_above_the_best(problem: Problem) -> None:
    best = fewest(problem)
    assert order_bound(problem) <= best
    assert order_bound(problem, effort=0) <= best
    for found in candidates(problem):
        assert closure_bound(problem, found, lower=0, limit=10**6)[0] <= best
    for effort in (0, 1, 10, 100):
        found = order(problem, effort=effort)
        assert found.bound <= best <= found.peak <= peak(problem, range(len(problem)))


@settings(max_examples=2 * EXAMPLES)
@given(problems())
def test_law_a_search_proves_the_best_and_its_level_is_a_bound(problem: Problem) -> None:
    best, lower = fewest(problem), order_bound(problem)
    found = search(problem, lower=lower, upper=best + 1, limit=10**6)
    assert found.order is not None
    assert is_order(problem, found.order)
    assert peak(problem, found.order) == found.bound == best
    assert search(problem, lower=lower, upper=best, limit=10**6).bound == best
    for limit in range(0, 60, 7):
        assert search(problem, lower=lower, upper=best + 1, limit=limit).bound <= best


@settings(max_examples=4 * EXAMPLES)
@given(problems())
def test_law_what_is_exact_on_series_parallel_graphs_is_the_best(problem: Problem) -> None:
    found = reduce(problem, 10**6)
    if found.order is not None:
        assert is_order(problem, found.order)
    if found.exact and found.order is not None:
        assert peak(problem, found.order) == fewest(problem)


@pytest.mark.parametrize("steps", [0, 1, 5, 30, 90])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=EXAMPLES // 3)
def test_law_every_way_gives_an_order_and_none_is_trusted(steps: int, seed: int) -> None:
    problem = problem_of(seed, steps, most=50)
    before = list(range(steps))
    ways: list[Callable[[], list[int] | None]] = [
        lambda: improve(problem, before, lower=0, limit=500)[0],
        lambda: beam(problem, lower=0, upper=peak(problem, before) + 1, width=3, limit=10**6)[0],
        lambda: reduce(problem, 10**5).order,
    ]
    made = [*candidates(problem), *(found for way in ways if (found := way()) is not None)]
    assert all(is_order(problem, each) for each in made)
    found = order(problem, effort=2_000)
    assert found.peak <= min(peak(problem, each) for each in made[:7])
    again = order(problem_of(seed, steps, most=50), effort=2_000)
    assert (again.order, again.bound, again.status) == (found.order, found.bound, found.status)


@settings(max_examples=EXAMPLES)
@given(problems())
def test_law_pieces_follow_each_other_in_every_order(problem: Problem) -> None:
    ranges = cuts(problem)
    assert [step for first, end in ranges for step in range(first, end)] == list(range(len(problem)))
    for found in candidates(problem):
        held = profile(problem, found)
        assert len(held) == len(problem)
        for first, end in ranges:
            assert sorted(found[first:end]) == list(range(first, end))


@settings(max_examples=EXAMPLES)
@given(networks())
def test_law_a_planned_graph_computes_the_same_bits(graph: Graph) -> None:
    planned = check_order(graph, schedule(graph))
    wide = feeds(graph, BINDING, 0)
    arrays = {value.name: wide[value.name].astype(dtype_of(value.dtype.name)) for value in graph.inputs}
    try:
        with np.errstate(all="ignore"):
            ways = [compile(graph, order=each)(arrays) for each in (file_order(graph), planned)]
    except (Error, ValueError, ZeroDivisionError):  # its data decides its sizes, or divides by zero
        return
    for one, other in zip(*ways, strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
