"""The door: an order, its peak, its bound, and what is known."""

import pytest
from benchmarks.cell_networks import long_network, nasnet, randwire, tangled_network
from tests.analyses.ordering.problems import branches, is_order, problem_of

from nnvm.analyses.ordering import Order, Problem, Step, Tensor, order, peak
from nnvm.analyses.ordering.greedy import breadth_first, depth_first, least_memory_first
from nnvm.errors import Error


def test_an_order_says_what_is_known():
    found = order(branches((9, 1), (9, 1), (9, 1)))
    assert repr(found) == "Order(peak=12, bound=12, status='optimal', 7 steps)"


def test_the_given_order_stays_where_nothing_is_gained():
    problem = branches((1, 1), (1, 1))
    assert order(problem).order == (0, 1, 2, 3, 4)


def test_no_steps():
    found = order(Problem([], [Tensor(3, given=True, kept=True)]))
    assert (found.order, found.peak, found.status) == ((), 3, "optimal")


def test_pieces_that_are_alike_are_ordered_once():
    told: list[str] = []
    net = long_network(200)
    net.operations += [each._replace(inputs=tuple(i + 206 for i in each.inputs)) for each in net.operations]
    problem = net.problem()
    assert is_order(problem, order(problem, progress=told.append).order)
    assert len(told) < len(problem) / 20


@pytest.mark.parametrize("net", [randwire("ba", 3), randwire("er", 1, fused=False), nasnet(), tangled_network(300)])
def test_no_walk_is_better(net):
    problem = net.problem()
    found = order(problem, effort=30_000)
    assert is_order(problem, found.order)
    assert found.bound <= found.peak == peak(problem, found.order)
    for walk in (range(len(problem)), depth_first(problem), breadth_first(problem), least_memory_first(problem)):
        assert found.peak <= peak(problem, walk)


def test_more_effort_is_not_worse_and_twice_is_the_same():
    problem = problem_of(11, 150, most=50)
    found = [order(problem, effort=effort) for effort in (0, 1_000, 30_000, 30_000)]
    peaks = [each.peak for each in found]
    assert peaks == sorted(peaks, reverse=True)
    assert isinstance(found[2], Order)
    assert found[2].order == found[3].order
    assert found[0].status == "heuristic"
    assert found[3].status in ("bounded", "optimal")


def test_what_cannot_be_ordered_is_refused():
    with pytest.raises(Error, match="needs step 1"):
        order(Problem([Step([1]), Step()], []))
    with pytest.raises(Error, match="effort is -1"):
        order(Problem([], []), effort=-1)
