"""Orders and fits."""

import random

from hypothesis import given
from hypothesis import strategies as st

from nnvm.packing.budget import Budget
from nnvm.packing.greedy import FITS, ORDERS, attempts, cheaper, ordered, place_masked
from nnvm.packing.sections import Columns
from nnvm.runtime.memory import Block, check, place

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


@given(blocks, st.randoms(use_true_random=False), st.booleans())
def test_law_masked_and_listed_agree(given_blocks, chance, tightest):
    order = list(range(len(given_blocks)))
    chance.shuffle(order)
    assert place_masked(given_blocks, order, tightest) == place(given_blocks, order, tightest=tightest)


@given(blocks, st.sampled_from(ORDERS))
def test_law_an_order_holds_every_block_once(given_blocks, order):
    numbers = ordered(Columns(given_blocks), order, len(given_blocks))
    assert sorted(numbers) == list(range(len(given_blocks)))


def test_every_order_and_fit_is_tried():
    small = instance(200)
    tries = dict(attempts(small, Columns(small), Budget()))
    assert set(tries) == {"sweep", "sweep backwards", *(f"{order}, {fit} fit" for order in ORDERS for fit in FITS)}
    for offsets in tries.values():
        check(small, offsets, 1)


def test_a_budget_cuts_the_row_of_attempts():
    many = instance(3000)
    columns = Columns(many)
    everything = [name for name, _ in attempts(many, columns, Budget(10**9))]
    some = [name for name, _ in attempts(many, columns, Budget(200_000))]
    assert everything[: len(some)] == some
    assert 2 < len(some) < len(everything)
    assert [name for name, _ in attempts(many, columns, Budget(0))] == ["sweep"]


def test_placing_ends_when_it_is_told():
    many = instance(600)
    assert place_masked(many, range(600), False, stop=lambda: True) is None


def test_few_neighbours_are_listed_and_many_compared():
    chain = [Block(i, i + 2, 1) for i in range(20_000)]
    crowd = [Block(0, 9, 1)] * 3_000
    assert cheaper(chain)[0]
    assert not cheaper(crowd)[0]


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
