"""Who is alive when: first and last touches, makers, and bytes alive at each step."""

import pytest
from tests.runtime.test_verify import joined, net
from tests.runtime.toy import ping_pong, program

from nnvm.errors import Error
from nnvm.runtime.lives import Lives, sample_of
from nnvm.runtime.memory import Block, max_live
from nnvm.runtime.program import Buffer, Step


def test_buffers_live_from_their_first_touch_to_their_last():
    lives = Lives(net(), {})
    rows = {life.name: life for life in lives.buffers}
    assert (rows["a"].first, rows["a"].last, rows["a"].maker) == (0, 3, 0)
    assert (rows["b"].first, rows["b"].last) == (1, 3)
    assert (rows["low"].first, rows["low"].last, rows["low"].maker, rows["low"].root) == (2, 2, 1, 2)
    assert (rows["work"].first, rows["work"].last) == (4, 4)
    held = {life.name: life for life in lives.held}
    assert (held["a"].first, held["a"].last) == (0, 4)  # d lies in it
    assert set(held) == {"a", "b", "c", "work"}


def test_the_bytes_alive_are_those_of_the_bound():
    for made, binding in ((net(), {}), (joined(), {}), (ping_pong(5), {"n": 7})):
        lives = Lives(made, binding)
        blocks = [Block(life.first, life.last + 1, life.size) for life in lives.held]
        assert max(lives.live) == max_live(blocks, made.alignment)


def test_the_binding_is_the_one_that_was_measured():
    with pytest.raises(Error, match=r"give the dimensions n: binding=\{name: size\}"):
        sample_of(ping_pong(3))
    assert sample_of(ping_pong(3, meta={"plan": {"binding": {"n": 5}}})) == {"n": 5}


def test_a_program_without_an_arena():
    made = program([Buffer("input", "uint8", (3,), name="x"), Buffer("output", "uint8", (3,), name="y")],
                   [Step("toy:neg/1", [0], [1])], [0], [1])  # fmt: skip
    assert (Lives(made).held, Lives(made).live) == ([], [0])
