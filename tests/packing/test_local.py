"""Moves in an order."""

from nnvm.packing.budget import Budget
from nnvm.packing.local import Placed, improve


def by_inversions(order):
    """The score of an order is how many pairs are out of place; who is to blame is the largest that is not last."""
    wrong = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :] if a > b]
    return Placed((len(wrong),), [b for _, b in wrong][:1], list(order))


def test_orders_become_better_until_the_budget_ends():
    found = list(improve([5, 4, 3, 2, 1, 0], by_inversions, 1, Budget(500)))
    scores = [each.score for each in found]
    assert scores[0] == (15,)
    assert scores == sorted(scores, reverse=True)
    assert found[-1].packing == [0, 1, 2, 3, 4, 5]


def test_more_budget_only_adds():
    some = [each.score for each in improve([3, 2, 1, 0], by_inversions, 1, Budget(3))]
    more = [each.score for each in improve([3, 2, 1, 0], by_inversions, 1, Budget(60))]
    assert more[: len(some)] == some
    assert len(more) > len(some)


def test_nothing_is_tried_without_budget_and_a_stopped_placing_ends_it():
    assert list(improve([1, 0], by_inversions, 5, Budget(4))) == []
    assert list(improve([1, 0], lambda order: None, 1, Budget(9))) == []
    assert list(improve([0], by_inversions, 1, Budget(9))) == []
