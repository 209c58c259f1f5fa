"""Arrays that come and go."""

import numpy as np
import pytest
from tests.runtime.toy import ToyDevice

from nnvm.runtime.layout import layout
from nnvm.runtime.program import Buffer, Program
from nnvm.runtime.seats import Seats


def seats() -> Seats:
    buffers = [
        Buffer("input", "float32", (4,), name="x"),
        Buffer("input", "float32", (2,), 8, alias_of=0, view_of=0, name="end of x"),
        Buffer("dynamic", "float32", (3,), name="d"),
    ]
    made = Program("toy", buffers, [], [0], [])
    return Seats(made, ToyDevice(), layout(made, {}))


def test_an_array_takes_every_seat_and_leaves_it():
    taken, first, second = seats(), [None, None], [None]
    taken.expect(0).append((first, 1))
    taken.expect(0).append((second, 0))
    taken.expect(1).append((first, 0))
    x = np.arange(4, dtype=np.float32)
    taken.place(0, x)
    assert first[1] is second[0] is x
    assert first[0].tolist() == [2, 3]
    assert np.shares_memory(first[0], x)
    taken.release(0)
    assert first == [None, None]
    assert second == [None]
    assert taken.present == {}


def test_adopted_bytes_are_the_most_at_one_time():
    taken = seats()
    for _ in range(3):
        taken.adopt(2, np.ones(3, np.float32))
        taken.release(2)
    assert (taken.live_bytes, taken.adopted_bytes) == (0, 12)
    taken.release(2)
    assert taken.live_bytes == 0


def test_a_list_of_arrays_is_several():
    taken = seats()
    taken.adopting(lambda: [np.ones(3, np.float32)], [2])()
    assert taken.present[2].tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="gave 0 arrays where 1 belong"):
        taken.adopting(lambda: (), [2])()
