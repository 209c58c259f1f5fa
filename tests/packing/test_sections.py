"""Sections of time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnvm.packing.sections import Columns, Reduced, most_within
from nnvm.runtime.memory import Block, max_live

blocks = st.lists(
    st.tuples(st.integers(-5, 20), st.integers(0, 8), st.integers(0, 30)).map(lambda t: Block(t[0], t[0] + t[1], t[2])),
    max_size=30,
)


@given(blocks)
def test_law_blocks_meet_in_a_section_where_they_meet_in_time(given_blocks):
    columns = Columns(given_blocks)
    lively = [given_blocks[i] for i in columns.index]
    assert [block for block in given_blocks if block.size and block.lower < block.upper] == lively
    for i, one in enumerate(lively):
        assert 0 <= columns.first[i] < columns.last[i] <= columns.count
        assert columns.worst[i] == columns.live[columns.first[i] : columns.last[i]].max()
        for j, other in enumerate(lively):
            together = one.lower < other.upper and other.lower < one.upper
            assert together == (columns.first[i] < columns.last[j] and columns.first[j] < columns.last[i])
    assert columns.bound == max_live(given_blocks, 1)


@given(blocks)
def test_law_what_lives_all_the_time_is_taken_off_the_bottom(given_blocks):
    columns = Columns(given_blocks)
    reduced = Reduced(columns)
    assert reduced.height(reduced.bound) == columns.bound
    places = np.arange(len(reduced.rows)) * 1000
    offsets = reduced.offsets(places, len(given_blocks))
    for row, place in zip(reduced.rows, places, strict=True):
        assert offsets[columns.index[row]] == reduced.base + place * reduced.unit


def test_only_the_fullest_times_are_sections():
    columns = Columns([Block(0, 4, 1), Block(1, 3, 1), Block(2, 5, 1), Block(4, 6, 1)])
    assert columns.count == 2
    assert columns.live.tolist() == [3, 2]


def test_units_are_the_greatest_divisor():
    reduced = Reduced(Columns([Block(0, 9, 5), Block(0, 3, 12), Block(4, 9, 18)]))
    assert (reduced.base, reduced.unit, reduced.size.tolist()) == (5, 6, [2, 3])


def test_the_largest_within_ranges():
    live = np.array([3, 1, 4, 1, 5, 9, 2, 6])
    first, last = np.array([0, 1, 3, 0, 6]), np.array([1, 4, 8, 8, 7])
    assert most_within(live, first, last).tolist() == [3, 4, 9, 9, 2]
