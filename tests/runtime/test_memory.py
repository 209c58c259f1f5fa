"""Packing blocks of bytes: bound, packer, checker."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm.errors import Error
from nnvm.runtime import memory
from nnvm.runtime.memory import Block, check, height, max_live, pack, pairs, place, round_up, sweep

blocks = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 8), st.integers(0, 300)).map(lambda t: Block(t[0], t[0] + t[1], t[2])),
    max_size=40,
)
alignments = st.sampled_from([1, 8, 64])


def live_by_hand(given_blocks, alignment):
    return max(
        (sum(round_up(b.size, alignment) for b in given_blocks if b.lower <= t < b.upper) for t in range(30)), default=0
    )


def meet(one: Block, other: Block) -> bool:
    return one.lower < other.upper and other.lower < one.upper and one.lower < one.upper and other.lower < other.upper


@given(blocks, alignments)
def test_law_every_packing_passes_the_check_and_is_not_below_the_bound(given_blocks, alignment):
    offsets = pack(given_blocks, alignment)
    check(given_blocks, offsets, alignment)
    bound = max_live(given_blocks, alignment)
    assert bound == live_by_hand(given_blocks, alignment)
    assert height([b._replace(size=round_up(b.size, alignment)) for b in given_blocks], offsets) >= bound


@given(blocks, st.randoms(use_true_random=False), st.booleans())
def test_law_any_order_and_a_sweep_are_safe(given_blocks, chance, tightest):
    order = list(range(len(given_blocks)))
    chance.shuffle(order)
    check(given_blocks, place(given_blocks, order, tightest=tightest), 1)
    check(given_blocks, sweep(given_blocks), 1)


@given(blocks)
def test_law_pairs_are_counted(given_blocks):
    expected = sum(meet(a, b) for i, a in enumerate(given_blocks) for b in given_blocks[:i])
    assert pairs(given_blocks) == expected


@given(blocks, st.lists(st.integers(0, 40), min_size=40, max_size=40))
def test_law_the_check_agrees_with_every_pair(given_blocks, places):
    offsets = [place * 8 for place in places[: len(given_blocks)]]
    overlap = any(
        meet(a, b) and offsets[i] < offsets[j] + b.size and offsets[j] < offsets[i] + a.size and a.size and b.size
        for i, a in enumerate(given_blocks)
        for j, b in enumerate(given_blocks[:i])
    )
    if overlap:
        with pytest.raises(Error, match="live together and share bytes"):
            check(given_blocks, offsets, 8)
    else:
        check(given_blocks, offsets, 8)


def test_the_check_names_what_is_wrong():
    two = [Block(0, 2, 10), Block(1, 3, 10)]
    with pytest.raises(Error, match=r"blocks 0 and 1 live together and share bytes \[8, 10\)"):
        check(two, [0, 8], 8)
    with pytest.raises(Error, match="block 1 lies at 4, which is no multiple of 8"):
        check(two, [16, 4], 8)
    with pytest.raises(Error, match="block 0 ends at 26, above the capacity of 20"):
        check(two, [16, 0], 8, capacity=20)
    with pytest.raises(Error, match="2 blocks need as many offsets, not 1"):
        check(two, [0], 8)
    check(two, [16, 0], 8, capacity=26)


@pytest.mark.parametrize("wrong", [Block(3, 2, 1), Block(0, 1, -1)])
def test_what_is_no_block_is_refused(wrong):
    for use in (pack, max_live):
        with pytest.raises(Error, match="block 1 is no block"):
            use([Block(0, 1, 4), wrong])


def test_fits_differ():
    # A gap of 30 below one of 10: the lowest and the tightest are not the same.
    lying = [Block(0, 9, 10), Block(0, 9, 30), Block(0, 9, 10), Block(0, 9, 10), Block(0, 9, 10)]
    gone = {1, 3}
    lives = [b if i not in gone else Block(0, 1, b.size) for i, b in enumerate(lying)]
    late = Block(2, 9, 10)
    order = [0, 1, 2, 3, 4, 5]
    assert place([*lives, late], order)[-1] == 10
    assert place([*lives, late], order, tightest=True)[-1] == 50


def test_nothing_and_empty_blocks():
    assert pack([]) == []
    assert pack([Block(0, 5, 0), Block(2, 2, 100)]) == [0, 0]
    assert max_live([]) == height([], []) == height([Block(2, 2, 100)], [0]) == 0
    check([Block(2, 2, 100)], [0], capacity=0)


def test_the_bound_counts_what_alignment_costs():
    assert max_live([Block(0, 1, 1), Block(0, 1, 65)], 64) == 192


def test_a_sweep_reuses_what_is_free_below_the_top():
    # The 10 at the top ends, and the 20 that comes begins where it lay.
    assert sweep([Block(0, 9, 10), Block(0, 1, 10), Block(1, 9, 20)]) == [0, 10, 10]


@pytest.mark.parametrize("pairs_for_greedy", [0, 10**9])
def test_chains_of_20_000_blocks_reach_the_bound(monkeypatch, pairs_for_greedy):
    monkeypatch.setattr(memory, "GREEDY_PAIRS", pairs_for_greedy)
    chain = [Block(i, i + 2, 100) for i in range(20_000)]
    assert height(chain, pack(chain)) <= max_live(chain) == 256


def test_packing_is_deterministic():
    chance = random.Random(5)
    many = [Block(t := chance.randrange(500), t + chance.randrange(1, 30), chance.randrange(2000)) for _ in range(600)]
    assert pack(many) == pack(list(many))
