"""Where the time went."""

import numpy as np
from tests.runtime.toy import ToyDevice, ping_pong

from nnvm.runtime.executor import Executable
from nnvm.runtime.parts import Step
from nnvm.runtime.profile import Profile, Row


def test_seconds_add_up_by_kernel_and_by_step():
    profile = Profile()
    fast, slow, unnamed = Step("k:a/1", [], [], name="fast"), Step("k:b/1", [], [], name="slow"), Step("k:a/1", [], [])
    for step, seconds in [(fast, 1.0), (slow, 5.0), (fast, 2.0), (unnamed, 0.5)]:
        profile(step, seconds)
    assert profile.kernels() == [Row("k:b/1", 1, 5.0), Row("k:a/1", 3, 3.5)]
    assert profile.steps() == [Row("slow", 1, 5.0), Row("fast", 2, 3.0), Row("k:a/1", 1, 0.5)]


def test_it_gathers_over_runs():
    profile = Profile()
    run = Executable(ping_pong(3, (2,)), ToyDevice())
    for _ in range(2):
        run.run({"x": np.ones(2, np.float32)}, profile=profile)
    assert [(row.name, row.calls) for row in profile.kernels()] == [("toy:neg/1", 8)]
    assert sorted(row.name for row in profile.steps()) == ["neg0", "neg1", "neg2", "neg3"]
