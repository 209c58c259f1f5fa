"""Which steps wait for their only follower."""

from hypothesis import given
from tests.analyses.ordering.problems import branches, fewest, orders, problems

from nnvm.analyses.ordering import Problem, Step, Tensor, peak
from nnvm.analyses.ordering.absorb import LONGEST, absorb


def test_a_small_step_waits_for_the_larger_one_that_reads_it():
    assert absorb(branches((1, 5), (5, 1))) == [None, [0, 1], None, [2, 3], [4]]


def test_a_long_ramp_runs_as_one_up_to_a_limit():
    members = absorb(branches(tuple(range(1, 40))))
    assert max(len(own) for own in members if own) == LONGEST
    assert sorted(step for own in members if own for step in own) == list(range(40))


def test_who_frees_something_does_not_wait():
    tensors = [Tensor(9, readers=[0], given=True), Tensor(1, [0], [1]), Tensor(9, [1])]
    assert absorb(Problem([Step(), Step()], tensors)) == [[0], [1]]
    assert absorb(Problem([Step(), Step()], tensors[1:])) == [None, [0, 1]]


def test_parts_of_one_buffer_do_not_wait():
    assert absorb(Problem([Step(), Step(), Step()], [Tensor(6, [0, 1], [2])])) == [[0], [1], [2]]


@given(problems())
def test_law_some_best_order_runs_them_as_one(problem):
    members = [own for own in absorb(problem) if own]

    def keeps(order):
        text = ",".join(map(str, order)) + ","
        return all(",".join(map(str, own)) + "," in text for own in members)

    assert min(peak(problem, order) for order in orders(problem) if keeps(order)) == fewest(problem)
