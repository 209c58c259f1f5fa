"""What a device promises, tried on the toy one."""

import inspect

import numpy as np
from tests.runtime.toy import ToyDevice

from nnvm.runtime.device import Device

PROMISED = sorted(name for name in vars(Device) if not name.startswith("_"))


def test_the_toy_has_everything_that_is_promised():
    assert sorted(name for name in vars(ToyDevice) if not name.startswith("_")) == PROMISED


def test_the_toy_takes_the_arguments_that_are_promised():
    for name in PROMISED:
        if name != "name":
            promised = list(inspect.signature(getattr(Device, name)).parameters)
            assert list(inspect.signature(getattr(ToyDevice, name)).parameters) == promised


def test_memory_is_aligned_and_views_lie_where_they_should():
    device = ToyDevice()
    for size in (1, 63, 1000):
        memory = device.allocate(size)
        assert memory.nbytes == size
        assert memory.ctypes.data % 64 == 0
    memory = device.allocate(64)
    device.fill(memory, 0, 64, 0)
    view = device.view(memory, 8, "float32", (2, 2))
    view[...] = 1
    assert memory[:8].tolist() == [0] * 8
    assert device.view(view, 4, "float32", (2,)).tolist() == [1, 1]
    assert np.count_nonzero(memory) == 8  # 1.0 has two bytes that are not zero
