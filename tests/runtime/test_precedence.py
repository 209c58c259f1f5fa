"""What is sure to have ended before a step starts: waits, what they wait for, and nothing else."""

import pytest

from nnvm.errors import Error
from nnvm.runtime.precedence import BEFORE, Precedence
from nnvm.runtime.program import Program, Step


def order(*waits) -> Precedence:
    steps = [Step("toy:any/1", [], [], waits=wait, name=f"s{i}") for i, wait in enumerate(waits)]
    return Precedence(Program("toy", [], steps, [], []))


def test_waits_reach_back_through_others():
    found = order((), (), (0,), (2,), (1, 3))
    assert found.follows(4, 3, search=False)
    assert found.follows(4, 0, search=True)
    assert found.follows(4, 2, search=True)
    assert not found.follows(3, 1, search=True)
    assert not found.follows(1, 0, search=True)


def test_what_does_not_wait_is_named():
    found = order((), (), (0,))
    found.need(2, 0, "reads it")
    found.need(2, BEFORE, "reads it")
    with pytest.raises(Error, match=r"step 2 \('s2', toy:any/1\) reads it but does not wait for step 1 \('s1'"):
        found.need(2, 1, "reads it")


def test_a_long_chain_is_walked_without_recursion():
    found = order((), *[(i,) for i in range(20_000)])
    assert found.follows(20_000, 0, search=True)
