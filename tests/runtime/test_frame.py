"""Calls laid out over an arena."""

import gc
import weakref

import numpy as np
import pytest
from tests.runtime.toy import KERNELS, ToyDevice, ping_pong

from nnvm.errors import Error
from nnvm.runtime.frame import POISON, Frame
from nnvm.runtime.layout import layout


def frame(made, **more) -> Frame:
    return Frame(made, ToyDevice(), layout(made, {}), KERNELS, lambda index, placed: None, **more)


def test_a_call_is_the_bare_kernel_where_nothing_need_be_done():
    made = ping_pong(3, (2,))
    calls = frame(made).calls
    assert [call[0] for call in calls] == [KERNELS["toy:neg/1"]] * 4
    assert [call[3] for call in calls] == [0, 1, 2, 3]


def test_poison_reaches_every_range_after_its_last_use():
    made = ping_pong(2, (2,))
    poisoned = frame(made, poison=True)
    poisoned.run([np.ones(2, np.float32)])
    assert (poisoned.arena[:8] == POISON).all()
    assert (poisoned.arena[64:72] == POISON).all()
    plain = frame(made)
    plain.run([np.ones(2, np.float32)])
    assert plain.arena[:8].view(np.float32).tolist() == [-1, -1]


def test_a_frame_can_be_used_again_after_a_failure(monkeypatch):
    made = ping_pong(2, (2,))
    times = iter([True, False, False, False])

    def sometimes(out, x):
        if next(times):
            raise ValueError("not now")
        np.negative(x, out=out)

    monkeypatch.setitem(KERNELS, "toy:neg/1", sometimes)
    used = frame(made)
    with pytest.raises(Error, match="step 'neg0'"):
        used.run([np.ones(2, np.float32)])
    assert used.seats.present == {}
    assert used.run([np.ones(2, np.float32)])[0].tolist() == [-1, -1]


def test_dropping_a_frame_frees_its_arena_without_the_collector():
    used = frame(ping_pong(2, (2,)))
    gc.disable()
    try:
        arena = weakref.ref(used.arena.base)
        del used
        assert arena() is None
    finally:
        gc.enable()


def test_steps_are_observed_and_not_what_cleans_up_after_them():
    seen = []
    used = frame(ping_pong(2, (2,)), poison=True)
    used.run([np.ones(2, np.float32)], lambda step, seconds: seen.append((step.name, seconds >= 0)))
    assert seen == [("neg0", True), ("neg1", True), ("neg2", True)]
