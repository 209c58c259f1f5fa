"""Cycles."""

from nnvm.pictures.components import components


def test_components():
    assert sorted(components([[1], [2], [0, 3], [4], []])) == [[0, 1, 2], [3], [4]]
    assert components([]) == []


def test_no_recursion():
    length = 50_000
    assert len(components([[(i + 1) % length] for i in range(length)])) == 1
    assert len(components([[i + 1] for i in range(length - 1)] + [[]])) == length
