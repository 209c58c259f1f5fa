"""Orders and fits."""

import random

from hypothesis import given
from hypothesis import strategies as st

from nnvm.packing.budget import Budget
from nnvm.packing.greedy import FITS, ORDERS, WAYS, attempts, ordered, sweeps
from nnvm.packing.sections import Columns
from nnvm.packing.timeline import Timeline
from nnvm.runtime.memory import Block, check, height, place

blocks = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 8), st.integers(0, 300)).map(lambda t: Block(t[0], t[0] + t[1], t[2])),
    max_size=40,
)


def instance(count):
    chance = random.Random(3)
    return [
        Block(t := chance.randrange(count), t + chance.randrange(1, 40), chance.randrange(1, 9999))
        for _ in range(count)
    ]


@given(blocks, st.sampled_from(ORDERS))
def test_law_an_order_holds_every_block_once(given_blocks, order):
    numbers = ordered(Columns(given_blocks), order, len(given_blocks))
    assert sorted(numbers) == list(range(len(given_blocks)))


def tried(given_blocks, budget):
    columns, line = Columns(given_blocks), Timeline(given_blocks)
    return list(attempts(given_blocks, columns, line, 1 << 50, budget))


def test_orders_are_tried_and_those_that_end_higher_given_up():
    small = instance(200)
    tries = tried(small, Budget())
    assert {name for name, _ in tries} <= {f"{order}, {fit} fit" for order in ORDERS for fit in FITS}
    heights = [height(small, offsets) for _, offsets in tries]
    assert heights == sorted(heights, reverse=True)
    assert len(tries) > 1
    for _, offsets in tries:
        check(small, offsets, 1)
    every = [height(small, place(small, ordered(Columns(small), o, 200), tightest=f == "best")) for o, f in WAYS]
    assert heights[-1] == min(every)


def test_both_sweeps():
    small = instance(200)
    (one, offsets), (other, backwards) = sweeps(small, Budget())
    assert (one, other) == ("sweep", "sweep backwards")
    assert offsets != backwards
    check(small, offsets, 1)
    check(small, backwards, 1)
    assert [name for name, _ in sweeps(small, Budget(0))] == ["sweep"]


def test_a_budget_cuts_the_row_of_attempts():
    many = instance(3000)
    everything = [name for name, _ in tried(many, Budget(10**9))]
    some = [name for name, _ in tried(many, Budget(60_000))]
    assert everything[: len(some)] == some
    assert 0 < len(some) < len(everything)
    assert tried(many, Budget(0)) == []
    assert tried(many, Budget(seconds=0)) == []


def test_the_orders_are_what_they_are_called():
    three = [Block(5, 6, 10), Block(0, 4, 5), Block(3, 6, 9)]
    columns = Columns(three)
    assert ordered(columns, "size", 3) == [0, 2, 1]
    assert ordered(columns, "area", 3) == [2, 1, 0]
    assert ordered(columns, "conflicts", 3) == [2, 0, 1]
    assert ordered(columns, "duration", 3) == [1, 2, 0]
    assert ordered(columns, "start", 3) == [1, 2, 0]
    assert ordered(columns, "peak", 3) == [2, 0, 1]
    assert ordered(columns, "load", 3) == [2, 0, 1]
