"""Branch and bound against every packing there is."""

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnvm.packing.canonical import Canonical
from nnvm.packing.sections import Columns, Reduced
from nnvm.runtime.memory import Block, check, height, place

few = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 5), st.integers(1, 7)).map(lambda t: Block(t[0], t[0] + t[1], t[2])),
    min_size=1,
    max_size=6,
)


def lowest(blocks):
    """The lowest of all packings is the first fit of some order: let every block fall, from the lowest up."""
    return min(height(blocks, place(blocks, order)) for order in permutations(range(len(blocks))))


def ranks(reduced):
    return np.arange(len(reduced.rows))


@given(few)
def test_law_it_ends_with_the_lowest_height_and_the_proof(blocks):
    reduced = Reduced(Columns(blocks))
    search, best = Canonical(reduced), lowest(blocks)
    if not len(reduced.rows):
        assert best == reduced.base
        return
    units = (best - reduced.base) // reduced.unit
    found = search.run(units, ranks(reduced), 10_000)
    assert found.places is not None
    offsets = reduced.offsets(found.places, len(blocks))
    check(blocks, offsets, 1, best)
    below = search.run(units - 1, ranks(reduced), 10_000)
    assert below.places is None
    assert below.exhausted


def test_a_limit_of_nodes_proves_nothing():
    blocks = [Block(i % 5, i % 5 + 1 + i % 3, 1 + i % 7) for i in range(30)]
    reduced = Reduced(Columns(blocks))
    found = Canonical(reduced).run(reduced.bound, ranks(reduced), 5)
    assert (found.places, found.exhausted, found.nodes) == (None, False, 5)


def test_it_stops_when_it_is_told():
    blocks = [Block(i % 11, i % 11 + 1 + i % 7, 3 + i * 7 % 13) for i in range(60)]
    reduced = Reduced(Columns(blocks))
    found = Canonical(reduced).run(reduced.bound, ranks(reduced), 10**6, lambda: True)
    assert found.places is not None or (not found.exhausted and found.nodes <= 256)


def test_parts_that_share_no_time_are_searched_apart():
    """Twelve islands, each with a choice of its own: together they would be too many."""
    island = [Block(0, 2, 4), Block(1, 3, 3), Block(2, 4, 5), Block(0, 1, 3), Block(3, 4, 2)]
    blocks = [Block(lower + 5 * k, upper + 5 * k, size) for k in range(12) for lower, upper, size in island]
    reduced = Reduced(Columns(blocks))
    found = Canonical(reduced).run(lowest(island), ranks(reduced), 2_000)
    assert found.places is not None
    below = Canonical(reduced).run(lowest(island) - 1, ranks(reduced), 2_000)
    assert below.exhausted


def test_large_tables_and_large_numbers_are_declined():
    many = Reduced(Columns([Block(i, i + 2, 1 + i % 2) for i in range(100)]))
    assert Canonical.fits(many, 10_000)
    assert not Canonical.fits(many, 9_999)
    huge = Reduced(Columns([Block(0, 2, (1 << 59) + 1), Block(1, 3, 1 << 59)]))
    assert Canonical.fits(huge, 10_000)
    assert not Canonical.fits(Reduced(Columns([Block(i, i + 2, (1 << 58) + i) for i in range(9)])), 10_000)
