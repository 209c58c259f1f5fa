"""Buffers, pools and packings, and what is none."""

import pytest

from nnvm.errors import Error
from nnvm.packing.problem import Buffer, Gap, Packing, Piece, Pool, Problem
from nnvm.runtime.memory import Block


def test_pieces_are_what_gaps_leave():
    buffer = Buffer(0, 10, 8, gaps=[Gap(6, 8, 2, 4), Gap(1, 3)])
    assert buffer.pieces() == [Piece(0, 1, 0, 8), Piece(3, 6, 0, 8), Piece(6, 8, 2, 4), Piece(8, 10, 0, 8)]
    assert Buffer(0, 0, 8).pieces() == Buffer(0, 3, 0).pieces() == []
    assert Buffer(0, 4, 8, gaps=[Gap(0, 4)]).pieces() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Buffer(3, 2, 1), r"is no buffer: 1 bytes over \[3, 2\)"),
        (lambda: Buffer(0, 1, -1), "is no buffer"),
        (lambda: Buffer(0, 1, 1 << 61, name="x"), "buffer 'x' is no buffer"),
        (lambda: Buffer(0, 1, 1, alignment=0), "aligned to 0"),
        (lambda: Buffer(0, 4, 1, gaps=[Gap(3, 5)]), "outside its lifetime or across"),
        (lambda: Buffer(0, 9, 1, gaps=[Gap(1, 5), Gap(4, 6)]), "outside its lifetime or across"),
        (lambda: Buffer(0, 9, 8, gaps=[Gap(1, 5, 4, 9)]), r"keeps bytes \[4, 9\) of its 8"),
        (lambda: Buffer(0, 9, 8, offset=-1), "fixed at -1"),
        (lambda: Buffer(0, 9, 8, hint=-1), "hinted to -1"),
        (lambda: Pool(size=-1), "has -1 bytes"),
        (lambda: Pool(alignment=0), "aligned to 0"),
        (lambda: Problem([], [Pool("a"), Pool("a")]), "two pools have one name"),
        (lambda: Problem([Buffer(0, 1, 1, pool="b")], [Pool("a")]), "buffer 0 wants pool 'b'; there is: a"),
    ],
)
def test_what_is_none_is_refused(wrong, said):
    with pytest.raises(Error, match=said):
        wrong()


def test_blocks_are_there_where_nothing_else_is_asked():
    plain = Problem([Buffer(0, 3, 10), Buffer(1, 2, 16)], [Pool(alignment=8)])
    assert plain.blocks() == [Block(0, 3, 16), Block(1, 2, 16)]
    assert Problem([Buffer(0, 3, 10, alignment=16)], [Pool(alignment=8)]).blocks() == [Block(0, 3, 16)]
    assert Problem([Buffer(0, 3, 10, alignment=6)], [Pool(alignment=8)]).blocks() == [Block(0, 3, 24)]
    for other in (
        Problem([Buffer(0, 3, 10, offset=0)]),
        Problem([Buffer(0, 3, 10, hint=0)]),
        Problem([Buffer(0, 3, 10, gaps=[Gap(1, 2)])]),
        Problem([Buffer(0, 3, 10), Buffer(0, 3, 10, alignment=2)]),
        Problem([Buffer(0, 3, 10)], [Pool("a"), Pool("b")]),
        Problem([Buffer(0, 3, 10, alignment=6), Buffer(0, 3, 10, alignment=8)], [Pool(alignment=8)]),
    ):
        assert other.blocks() is None


def test_statuses():
    assert Packing([0], 4, 4, "by hand").status == "optimal"
    assert Packing([0], 5, 4, "by hand").status == "heuristic"
    assert Packing([0], 5, 4, "by hand", limited=False).status == "bounded"
    searched = Packing([0], 5, 4, "by hand", exhausted=True)
    assert (searched.status, searched.bound) == ("optimal", 5)
    assert Packing([0], 5, 4, "by hand").gap == 0.25
    assert Packing([], 0, 0, "by hand").gap == 0
    assert repr(Packing([0], 4, 4, "sweep")) == "Packing(height=4, bound=4, status='optimal', method='sweep')"
    assert repr(Pool("a", 5)) == "Pool('a', size=5, alignment=1)"
    assert repr(Buffer(0, 1, 2, name="x")) == "Buffer(0, 1, 2, name='x')"
