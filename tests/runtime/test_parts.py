"""Buffers, steps and raw bytes."""

import copy
import pickle

import pytest

from nnvm.errors import Error
from nnvm.runtime.parts import ITEM_SIZES, Buffer, Raw, Step, item_size


def test_sizes_of_elements():
    assert item_size("float32") == 4
    assert item_size("bfloat16") == 2
    assert item_size("int4") == item_size("bool") == 1
    assert item_size("complex128") == 16
    assert all(size > 0 for size in ITEM_SIZES.values())
    with pytest.raises(Error, match="cannot hold 'string'"):
        item_size("string")


def test_bytes_of_a_buffer():
    assert Buffer("arena", "int64", ("n", 3)).nbytes({"n": 2}) == 48
    assert Buffer("arena", "float32", ()).nbytes({}) == 4
    assert Buffer("arena", "float32", (0, 5)).nbytes({}) == 0
    with pytest.raises(Error, match="only a run"):
        Buffer("dynamic", "float32", None, name="d").nbytes({})
    with pytest.raises(Error, match="no size"):
        Buffer("arena", "float32", (2**40, 2**40)).nbytes({})


def test_raw_bytes_are_read_only_and_whole():
    view = Raw(bytearray(b"abcd")).read()
    assert view.readonly
    assert bytes(view) == b"abcd"
    assert Raw(memoryview(b"abcdefgh").cast("I")).read().nbytes == 8
    assert pickle.loads(pickle.dumps(Raw(b"xyz"))).read() == b"xyz"


def test_a_step_does_not_share_what_it_was_made_of():
    params = {"axis": 1}
    waits = [0]
    step = Step("toy:add/1", [0, None], [1], params, waits=waits)
    params["axis"] = 2
    waits.append(1)
    assert (step.params, step.waits, step.inputs) == ({"axis": 1}, (0,), (0, None))


def test_equality_is_identity():
    one, other = Buffer("arena", "float32", (2,)), Buffer("arena", "float32", (2,))
    assert one != other
    assert copy.deepcopy(one).shape == (2,)


def test_they_can_be_read():
    assert repr(Buffer("arena", "float32", ("n",), ("*", 4, "n"), name="h")) == "h: arena float32[n] at (4 * n)"
    assert repr(Step("toy:add/1", [0, None], [1], name="sum")) == "1 = toy:add/1(0, -)  # sum"
