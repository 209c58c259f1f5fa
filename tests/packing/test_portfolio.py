"""Many packers, one answer."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm.errors import Error
from nnvm.packing import portfolio
from nnvm.packing.portfolio import FITS, ORDERS, pack
from nnvm.runtime.memory import Block, check, height, max_live, place, round_up

blocks = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 8), st.integers(0, 300)).map(lambda t: Block(t[0], t[0] + t[1], t[2])),
    max_size=40,
)


@given(blocks, st.sampled_from([1, 8, 64]))
def test_law_every_packing_passes_the_check_and_is_not_below_the_bound(given_blocks, alignment):
    packing = pack(given_blocks, alignment)
    check(given_blocks, packing.offsets, alignment, packing.height)
    assert packing.bound == max_live(given_blocks, alignment) <= packing.height
    assert (packing.status == "optimal") is (packing.height == packing.bound)
    rounded = [b._replace(size=round_up(b.size, alignment)) for b in given_blocks]
    assert packing.height == height(rounded, packing.offsets)


@given(blocks, st.randoms(use_true_random=False), st.booleans())
def test_law_masked_and_listed_agree(given_blocks, chance, tightest):
    order = list(range(len(given_blocks)))
    chance.shuffle(order)
    assert portfolio._place_masked(given_blocks, order, tightest) == place(given_blocks, order, tightest=tightest)


def instance(count, seed=3):
    chance = random.Random(seed)
    return [
        Block(t := chance.randrange(count), t + chance.randrange(1, 40), chance.randrange(1, 1 << 20))
        for _ in range(count)
    ]


def test_every_method_is_tried_on_a_small_one_and_the_lowest_is_kept():
    small = instance(200)
    tries = dict(portfolio._tries(small, 3.0))
    assert set(tries) == {"sweep", "sweep backwards", *(f"{order}, {fit} fit" for order in ORDERS for fit in FITS)}
    for offsets in tries.values():
        check(small, offsets, 1)
    best = pack(small, 1)
    assert best.height == min(height(small, offsets) for offsets in tries.values())
    assert best.method in tries


def test_the_orders_are_what_they_are_called():
    three = [Block(5, 6, 10), Block(0, 4, 5), Block(3, 6, 9)]
    assert portfolio._order(three, "size") == [0, 2, 1]
    assert portfolio._order(three, "area") == [2, 1, 0]
    assert portfolio._order(three, "conflicts") == [2, 0, 1]
    assert portfolio._order(three, "duration") == [1, 2, 0]
    assert portfolio._order(three, "start") == [1, 2, 0]


def test_the_limit_chooses_methods_by_reckoning_alone(monkeypatch):
    many = instance(3000)
    assert [name for name, _ in portfolio._tries(many, 0.0)] == ["sweep"]
    assert pack(many, time_limit=0).method == "sweep"
    everything = [name for name, _ in portfolio._tries(many, 60.0)]
    assert len(everything) == 12
    some = [name for name, _ in portfolio._tries(many, 0.2)]
    assert everything[: len(some)] == some
    assert 2 < len(some) < 12


def test_the_bound_ends_the_search():
    chain = [Block(i, i + 1, 64) for i in range(100)]
    packing = pack(chain)
    assert (packing.method, packing.status, packing.height) == ("sweep", "optimal", 64)
    assert repr(packing) == "Packing(height=64, bound=64, status='optimal', method='sweep')"


def test_nothing_to_pack():
    packing = pack([])
    assert (packing.offsets, packing.height, packing.status) == ([], 0, "optimal")


def test_what_is_no_block_is_refused():
    with pytest.raises(Error, match="block 0 is no block"):
        pack([Block(2, 1, 5)])


def test_20_000_blocks_of_a_chain():
    chain = [Block(i, i + 2, 100 + i % 7) for i in range(20_000)]
    assert pack(chain).status == "optimal"


def test_the_same_blocks_get_the_same_offsets():
    assert pack(instance(500)).offsets == pack(instance(500)).offsets
