import gc
import weakref

import numpy as np
import pytest
from tests.runtime.toy import KERNELS, ToyDevice, program

from nnvm.errors import Error
from nnvm.runtime.births import births
from nnvm.runtime.executor import Executable
from nnvm.runtime.layout import layout
from nnvm.runtime.program import Buffer, Program, Step, load
from nnvm.runtime.verify import verify

NONZERO = Step("toy:nonzero/1", [0], [1], allocates=True, name="found")


def chain(**more) -> Program:
    """Find what is not zero in x, negate it twice into arrays sized at run, the second seen as a matrix, and join."""
    buffers = [
        Buffer("input", "int64", ("n",), name="x"),
        Buffer("dynamic", "int64", ("k",), name="found"),
        Buffer("dynamic", "int64", ("k",), name="a"),
        Buffer("dynamic", "int64", (1, "k"), alias_of=2, view_of=2, name="row"),
        Buffer("dynamic", "int64", (1, "k"), name="b"),
        Buffer("output", "int64", (2, "k"), name="y"),
    ]
    steps = [
        NONZERO,
        Step("toy:neg/1", [1], [2], name="a"),
        Step("toy:neg/1", [3], [4], name="b"),
        Step("toy:join/1", [3, 4], [5], name="y"),
    ]
    return program(buffers, steps, [0], [5], binding={"n": 3}, **more)


def test_what_hangs_on_a_dimension_born_of_data_is_sized_when_it_runs(tmp_path):
    made = chain()
    assert made.born == {"k": 0}
    placed = layout(made, {"n": 3})
    assert placed.shapes == [(3,), None, None, None, None, None]
    assert placed.peak == 0
    verify(made, {"n": 3})
    made.save(tmp_path / "p")
    for run in (Executable(made, ToyDevice()), Executable(load(tmp_path / "p"), ToyDevice())):
        for x in ([0, 1, 2, 0, 5], [0, 0], [], [7]):
            for poison in (False, True):
                (y,) = run.run({"x": np.array(x, np.int64)}, poison=poison)
                np.testing.assert_array_equal(y, np.stack([-np.nonzero(x)[0], np.nonzero(x)[0]]))
            assert run.stats.adopted_bytes == 2 * 8 * np.count_nonzero(x)
            assert run.stats.planned_bytes == 0


def test_nothing_keeps_arrays_sized_at_run_alive(monkeypatch):
    seen = []

    def spy(out, x):
        seen.extend([weakref.ref(out), weakref.ref(x)])
        np.negative(x, out=out)

    monkeypatch.setitem(KERNELS, "toy:neg/1", spy)
    run = Executable(chain(), ToyDevice())
    run(x=np.arange(4))
    gc.collect()
    assert len(seen) == 4
    assert [ref() for ref in seen] == [None] * 4


def test_a_second_array_of_a_dimension_must_have_its_length():
    buffers = [
        Buffer("input", "int64", ("n",), name="x"),
        Buffer("dynamic", "int64", ("k",), name="found"),
        Buffer("input", "int64", ("m",), name="z"),
        Buffer("output", "int64", ("k",), name="y"),
    ]
    steps = [NONZERO, Step("toy:nonzero/1", [2], [3], allocates=True, name="again")]
    run = Executable(program(buffers, steps, [0, 2], [3], binding={"n": 1, "m": 1}), ToyDevice())
    np.testing.assert_array_equal(run(x=np.array([1, 1]), z=np.array([1, 0, 2]))[0], [0, 2])
    with pytest.raises(Error, match=r"step 'again' .*shape \[1\] where \[2\] belongs"):
        run(x=np.array([1, 1]), z=np.array([1]))


def test_another_rank_than_planned():
    buffers = [Buffer("input", "int64", ("n",), name="x"), Buffer("output", "int64", ("k", 2), name="y")]
    run = Executable(program(buffers, [NONZERO], [0], [1], binding={"n": 1}), ToyDevice())
    with pytest.raises(Error, match=r"shape \[1\] where \[k, 2\] belongs"):
        run(x=np.array([1]))


def test_what_an_input_tells_is_not_born():
    buffers = [Buffer("input", "int64", ("n",)), Buffer("dynamic", "int64", ("n", ("*", 2, "k"), "k"))]
    assert births(buffers, [NONZERO], [0]) == {"k": 0}


@pytest.mark.parametrize(
    ("buffer", "says"),
    [
        (Buffer("arena", "int64", ("k",), name="t"), "is arena, but its shape hangs on k, which only a run decides"),
        (Buffer("arena", "int64", (("+", "k", 1),), name="t"), "hangs on k"),
    ],
)
def test_nothing_planned_hangs_on_data(buffer, says):
    buffers = [Buffer("input", "int64", ("n",), name="x"), Buffer("output", "int64", ("k",), name="found"), buffer]
    with pytest.raises(Error, match=says):
        program(buffers, [NONZERO, Step("toy:neg/1", [1], [2])], [0], [1])


def test_a_size_is_not_used_before_it_is_born():
    buffers = [
        Buffer("input", "int64", ("n",), name="x"),
        Buffer("output", "int64", ("k",), name="found"),
        Buffer("dynamic", "int64", ("k",), name="early"),
    ]
    with pytest.raises(Error, match="writes buffer 2, whose size hangs on 'k', which step 1 decides later"):
        program(buffers, [Step("toy:fill/1", [], [2], {"value": 1}), NONZERO], [0], [1], binding={"n": 1})


def test_the_verifier_wants_a_wait_for_whoever_decides_the_size():
    buffers = [
        Buffer("input", "int64", ("n",), name="x"),
        Buffer("output", "int64", ("k",), name="found"),
        Buffer("dynamic", "int64", ("k",), name="later"),
    ]
    steps = [NONZERO, Step("toy:fill/1", [], [2], {"value": 1}, name="later")]
    with pytest.raises(Error, match="needs the dimension k but does not wait"):
        verify(Program("toy", buffers, steps, [0], [1]), {"n": 1})
