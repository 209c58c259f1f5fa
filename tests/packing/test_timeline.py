"""Who lives with a block."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnvm.packing import timeline as module
from nnvm.packing.timeline import Timeline
from nnvm.runtime.memory import Block, check, place

blocks = st.lists(
    st.tuples(st.integers(-9, 20), st.integers(0, 12), st.integers(0, 300)).map(
        lambda t: Block(t[0], t[0] + t[1], t[2])
    ),
    max_size=40,
)


@given(blocks, st.randoms(use_true_random=False), st.booleans())
def test_law_it_places_as_the_plain_packer_does(given_blocks, chance, tightest):
    order = list(range(len(given_blocks)))
    chance.shuffle(order)
    line = Timeline(given_blocks)
    row = {number: i for i, number in enumerate(line.rows.tolist())}
    rows = np.array([row[number] for number in order if number in row], dtype=np.int64)
    assert line.fill(rows, tightest) == line.count
    assert line.offsets(len(given_blocks)) == place(given_blocks, order, tightest=tightest)


@given(blocks)
def test_law_who_is_beside_a_block_lives_with_it(given_blocks):
    line = Timeline(given_blocks)
    line.lay(np.zeros(line.count, dtype=np.int64))
    for row in range(line.count):
        one = given_blocks[line.rows[row]]
        met = [given_blocks[line.rows[other]] for other in line.beside(row).tolist()]
        assert all(one.lower < other.upper and other.lower < one.upper for other in met)
        live = [b for b in given_blocks if b.size and max(b.lower, one.lower) < min(b.upper, one.upper)]
        assert sorted(met) == sorted(live)


def test_many_slices_and_one_say_the_same(monkeypatch):
    many = [Block(i, i + 1 + 37 * i % 400, 1 + i * 7 % 50) for i in range(900)]
    order = np.argsort([-block.size for block in many], kind="stable")
    wide = Timeline(many)
    assert wide.fill(order, False) == 900
    check(many, wide.offsets(900), 1)
    monkeypatch.setattr(module, "ENTRIES", 1)
    monkeypatch.setattr(module, "SLICE", 7)
    narrow = Timeline(many)
    assert narrow.width != wide.width
    narrow.fill(order, False)
    assert narrow.low.tolist() == wide.low.tolist()


def test_it_ends_where_a_block_ends_too_high_and_where_it_is_told():
    line = Timeline([Block(0, 9, 10)] * 100)
    rows = np.arange(100)
    assert line.fill(rows, True, below=35) == 3
    line.clear()
    assert line.fill(rows, True, stop=lambda: True) == -1
    line.clear()
    assert line.height == 0
    line.put(5, 90)
    assert line.height == 100
    line.lift(np.array([5]))
    assert (line.height, line.spot(0, False)) == (0, 0)
