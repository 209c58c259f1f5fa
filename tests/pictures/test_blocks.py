"""Slots exactly below one another."""

from nnvm.pictures.blocks import blocks
from nnvm.pictures.layers import Layers, Segment


def made(rows, segments):
    return Layers(tuple(map(tuple, rows)), (), (), tuple(Segment(*each) for each in segments))


def test_a_chain_is_one_block():
    assert blocks(made([[0], [1], [2]], [(0, 1, 1), (1, 2, 1)]), 3) == [0, 0, 0]


def test_the_heavier_way_is_straight():
    assert blocks(made([[0], [1, 2]], [(0, 1, 1), (0, 2, 8)]), 3) == [0, 1, 0]


def test_crossing_ways_are_not_both_straight():
    assert blocks(made([[0, 1], [2, 3]], [(0, 3, 2), (1, 2, 8)]), 4) == [0, 1, 1, 2]
    assert blocks(made([[0, 1], [2, 3]], [(0, 2, 2), (1, 3, 8)]), 4) == [0, 1, 0, 1]
