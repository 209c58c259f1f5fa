"""Places from left to right."""

import itertools

from hypothesis import given
from tests.pictures.test_layers import graphs

from nnvm.pictures.blocks import blocks
from nnvm.pictures.coordinates import Extent, abscissas
from nnvm.pictures.layers import Segment, layers


@given(graphs())
def test_a_row_keeps_its_order_and_its_distances(drawn):
    made = layers(*drawn)
    slots = sum(map(len, made.rows))
    extents = [Extent(5.0 + i % 7, 9.0) for i in range(slots)]
    together = blocks(made, slots)
    x = abscissas(made.rows, together, made.segments, extents)
    for row in made.rows:
        for a, b in itertools.pairwise(row):
            assert x[b] - x[a] >= extents[a].right + extents[b].left - 1e-6
    assert len({(block, place) for block, place in zip(together, x, strict=True)}) == len(set(together))


def test_a_source_stands_between_what_it_feeds():
    ties = [Segment(0, 1, 1), Segment(0, 2, 1)]
    x = abscissas([(0,), (1, 2)], [0, 1, 2], ties, [Extent(10, 10)] * 3)
    assert x[0] == (x[1] + x[2]) / 2
    assert x[2] - x[1] == 20


def test_the_heavier_tie_draws_nearer():
    ties = [Segment(0, 1, 1), Segment(0, 2, 8)]
    x = abscissas([(0,), (1, 2)], [0, 1, 2], ties, [Extent(10, 10)] * 3)
    assert x[0] == x[2]


def test_nothing_has_no_places():
    assert abscissas([], [], [], []) == []
