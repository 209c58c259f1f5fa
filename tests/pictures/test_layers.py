"""Rows of items."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm.errors import Error
from nnvm.pictures.layers import Bus, layers


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 30))
    buses = []
    for source in range(count - 1):
        targets = draw(st.sets(st.integers(source + 1, count - 1), max_size=4))
        if targets:
            buses.append(Bus(source, 0, tuple(sorted(targets))))
    return count, buses


@given(graphs())
def test_every_item_stands_once_below_its_sources(drawn):
    count, buses = drawn
    made = layers(count, buses)
    row_of = {slot: i for i, row in enumerate(made.rows) for slot in row}
    assert sorted(slot for row in made.rows for slot in row) == list(range(sum(map(len, made.rows))))
    assert set(range(count)) <= row_of.keys()
    for bus, bends, near in zip(buses, made.bends, made.near, strict=True):
        assert near == bus.targets
        assert all(row_of[target] > row_of[bus.source] for target in bus.targets)
        assert [row_of[bend] - row_of[bus.source] for bend in bends] == list(range(1, len(bends) + 1))
        assert max(row_of[target] for target in bus.targets) == row_of[bus.source] + len(bends) + 1
    assert all(row_of[lower] == row_of[upper] + 1 for upper, lower, _ in made.segments)
    assert all(made.rows)


def test_crossings_are_undone():
    made = layers(4, [Bus(0, 0, (3,)), Bus(1, 0, (2,))])
    assert [row.index(a) for row, a in zip(made.rows, (0, 3), strict=True)] in ([0, 0], [1, 1])


def test_what_needs_no_input_stands_low():
    made = layers(5, [Bus(0, 0, (1,)), Bus(1, 0, (2,)), Bus(2, 0, (4,)), Bus(3, 0, (4,))], given=[0])
    assert [set(row) - {5, 6} for row in made.rows] == [{0}, {1}, {2, 3}, {4}]


def test_ports_have_rows_to_themselves():
    made = layers(4, [Bus(0, 0, (1,)), Bus(1, 0, (3,)), Bus(2, 0, (3,))], top=[0], bottom=[3])
    assert made.rows[0] == (0,)
    assert made.rows[-1] == (3,)


def test_rows_are_not_wider_than_they_must_be():
    made = layers(1001, [Bus(0, 0, tuple(range(1, 1001)))])
    assert max(map(len, made.rows)) < 100


def test_wires_that_would_bend_too_often_end_early():
    count = 6000
    buses = [Bus(i, 0, tuple(sorted({i + 1, count - 1}))) for i in range(count - 1)]
    made = layers(count, buses)
    assert sum(map(len, made.rows)) < 60_000
    assert made.near[0] == (1,)
    assert made.near[count - 2] == (count - 1,)


def test_a_wire_upwards_is_refused():
    with pytest.raises(Error, match="from item 1 to 0"):
        layers(2, [Bus(1, 0, (0,))])


def test_nothing_is_drawn_of_nothing():
    assert layers(0, []).rows == ()
