"""What a program remembers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.runtime.toy import ToyDevice, program

from nnvm.errors import Error
from nnvm.runtime.executor import Executable
from nnvm.runtime.program import Buffer, Raw, Step
from nnvm.runtime.verify import verify


def counter(start=None) -> Executable:
    """Add x to what is remembered, in place, and give it."""
    buffers = [
        Buffer("input", "float32", (2,), name="x"),
        Buffer("state", "float32", (2,), name="sum"),
        Buffer("state", "float32", (2,), alias_of=1, name="new sum"),
        Buffer("output", "float32", (2,), name="y"),
    ]
    steps = [Step("toy:add/1", [1, 0], [2], inplace=[0]), Step("toy:copy/1", [2], [3])]
    constants = {} if start is None else {1: Raw(np.array(start, np.float32).tobytes())}
    made = program(buffers, steps, [0], [3], constants=constants)
    verify(made, {})
    return Executable(made, ToyDevice())


def test_state_starts_as_zeros_or_as_given_and_lasts():
    run, other = counter(), counter([5, 6])
    one = np.ones(2, np.float32)
    assert [run(x=one)[0].tolist() for _ in range(3)] == [[1, 1], [2, 2], [3, 3]]
    assert other(x=one)[0].tolist() == [6, 7]
    assert run.state["sum"].tolist() == [3, 3]


def test_state_can_be_set_and_what_is_read_is_a_copy():
    run = counter()
    given = np.array([1, 2], np.float32)
    run.state["sum"] = given
    run.state["sum"][...] = 9
    run(x=np.ones(2, np.float32))
    assert run.state["sum"].tolist() == [2, 3]
    assert given.tolist() == [1, 2]
    assert list(run.state) == ["sum"]
    assert len(run.state) == 1
    assert "sum" in run.state
    assert "x" not in run.state


def test_wrong_state_is_refused():
    run = counter()
    with pytest.raises(Error, match="no state 'other'; there is sum"):
        run.state["other"]
    with pytest.raises(Error, match=r"has shape \[2\], not \[3\]"):
        run.state["sum"] = np.ones(3, np.float32)
    with pytest.raises(Error, match="should be float32"):
        run.state["sum"] = np.ones(2, np.int32)


def test_two_states_of_one_name_are_refused():
    buffers = [Buffer("state", "float32", (), name="s"), Buffer("state", "float32", (), name="s")]
    with pytest.raises(Error, match="one name"):
        Executable(program(buffers, [], [], []), ToyDevice())


def test_no_update_is_lost_between_threads():
    run = counter()
    one = np.ones(2, np.float32)
    with ThreadPoolExecutor(4) as pool:
        seen = sorted(float(y[0]) for (y,) in pool.map(lambda _: run(x=one), range(200)))
    assert seen == list(range(1, 201))
