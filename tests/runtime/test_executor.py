"""Running programs: doors, lifetimes, faults, threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.toy import KERNELS, ToyDevice, ping_pong, program

from nnvm.errors import Error
from nnvm.runtime.executor import BINDINGS_KEPT, IDLE_KEPT, Executable
from nnvm.runtime.parts import CALL, NO_KERNEL
from nnvm.runtime.program import Buffer, Program, Raw, Step
from nnvm.runtime.verify import verify


def executable(made: Program) -> Executable:
    return Executable(made, ToyDevice())


def array(*shape, dtype=np.float32):
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


def mixed(offset=64) -> Program:
    """Make y = -(x + w) + w and z = the sum of x, with a slice of x, scratch and workspace in it."""
    buffers = [
        Buffer("input", "float32", ("n", 4), name="x"),
        Buffer("constant", "float32", (4,), name="w"),
        Buffer("arena", "float32", ("n", 4), 0, name="s"),
        Buffer("arena", "float32", ("n", 4), 0, alias_of=2, name="minus s"),
        Buffer("arena", "float32", ("n", 4), ("end", 2) if offset else 0, name="t"),
        Buffer("arena", "uint8", (64,), ("end", 4), name="scratch"),
        Buffer("output", "float32", ("n", 4), name="y"),
        Buffer("output", "float32", (), name="z"),
        Buffer("input", "float32", ("*", "n", 4) and (4,), 0, alias_of=0, view_of=0, name="first row"),
        Buffer("constant", "float32", (2,), 8, alias_of=1, view_of=1, name="end of w"),
        Buffer("output", "float32", (6,), name="joined"),
        Buffer("output", "float32", (2, 3), 0, alias_of=10, view_of=10, name="table"),
    ]
    steps = [
        Step("toy:add/1", [0, 1], [2], name="add"),
        Step("toy:scaled/1", [2, None], [4], {"scale": 2.0}, name="doubled"),
        Step("toy:neg/1", [2], [3], name="neg", inplace=[0]),
        Step("toy:add/1", [3, 1], [6], name="again"),
        Step("toy:total/1", [0], [7], workspace=32, name="total"),
        Step("toy:join/1", [8, 9], [10], name="join"),
        Step("toy:total/1", [4], [12], scratch=5, name="total again"),
    ]
    buffers.append(Buffer("output", "float32", (), name="twice"))
    constants = {1: Raw(array(4).tobytes())}
    return program(buffers, steps, [0], [6, 7, 11, 12], binding={"n": 3}, constants=constants, peak=("end", 5))


def expected(x):
    w = array(4)
    return -(x + w) + w, x.sum(), np.concatenate([x[0], w[2:]]).reshape(2, 3), 2 * (x + w).sum()


@pytest.mark.parametrize("poison", [False, True])
def test_every_kind_of_buffer_and_step(poison):
    run = executable(mixed())
    for rows in (3, 1, 5, 3):
        verify(run.program, {"n": rows})
        x = array(rows, 4)
        for got, want in zip(run.run({"x": x}, poison=poison), expected(x), strict=True):
            np.testing.assert_array_equal(got, want)
        assert run.stats.workspace_bytes == 32
        assert run.stats.planned_bytes == run.stats.peak_bytes + 32


def test_one_broken_offset_gives_wrong_numbers_and_is_refused():
    broken = mixed(offset=0)
    with pytest.raises(Error, match=r"'s'.*'t'|'t'.*'s'"):
        verify(broken, {"n": 3})
    x = array(3, 4)
    got = executable(broken)(x=x)
    assert not np.array_equal(got[0], expected(x)[0])


def test_poison_shows_a_lifetime_cut_short():
    """A planner that frees too early is seen at once: nothing else has overwritten the range yet."""
    buffers = [
        Buffer("arena", "float32", (4,), 0, name="never written"),
        Buffer("output", "float32", (4,), name="y"),
    ]
    run = executable(program(buffers, [Step("toy:copy/1", [0], [1])], [], [1], peak=64))
    assert np.isnan(run.run({}, poison=True)[0]).all()


def test_inputs_by_mapping_by_keyword_and_both():
    buffers = [Buffer("input", "float32", (2,), name=name) for name in ("a", "b/c:0")]
    made = program([*buffers, Buffer("output", "float32", (2,))], [Step("toy:add/1", [0, 1], [2])], [0, 1], [2])
    run = executable(made)
    one, two = array(2), array(2) + 1
    for (got,) in (run({"a": one, "b/c:0": two}), run({"b/c:0": two}, a=one)):
        np.testing.assert_array_equal(got, one + two)
    with pytest.raises(Error, match="both in the mapping and by keyword: a"):
        run({"a": one, "b/c:0": two}, a=one)


def test_everything_wrong_with_the_inputs_is_said_at_once():
    names = ["shape", "dtype", "missing"]
    buffers = [Buffer("input", "float32", ("n", 2), name=name) for name in names]
    made = program(
        [*buffers, Buffer("output", "float32", ())],
        [Step("toy:fill/1", [], [3], {"value": 1})],
        [0, 1, 2],
        [3],
        binding={"n": 1},
    )
    with pytest.raises(Error) as caught:
        executable(made)(shape=array(1, 3), dtype=array(1, 2, dtype=np.int64), stranger=array(1))
    text = str(caught.value)
    assert "no input 'stranger'" in text
    assert "input 'dtype': should be float32, but is int64" in text
    assert "input 'missing' is missing" in text
    assert "input 'dtype' is missing" not in text
    assert "input 'shape' axis 1 should be 2, but is 3" in text
    assert "the inputs are shape: input float32[n, 2], " in text


def test_outputs_belong_to_the_caller():
    run = executable(ping_pong(2, (2, 3)))
    x = array(2, 3)
    (first,) = run(x=x)
    copied = first.copy()
    (second,) = run(x=x + 1)
    np.testing.assert_array_equal(first, copied)
    first[...] = 9
    np.testing.assert_array_equal(run(x=x + 1)[0], second)
    assert not np.shares_memory(first, x)
    assert not np.shares_memory(first, second)


def test_nothing_is_kept_alive_between_calls():
    import weakref

    run = executable(ping_pong(2, (2, 3)))
    x = array(2, 3).copy()
    (y,) = run(x=x)
    seen = [weakref.ref(x), weakref.ref(y)]
    del x, y
    assert [ref() for ref in seen] == [None, None]


def test_what_kernels_allocate_is_adopted_counted_and_freed():
    buffers = [
        Buffer("input", "int64", ("n",), name="x"),
        Buffer("dynamic", "int64", None, name="found"),
        Buffer("dynamic", "int64", None, name="up"),
        Buffer("dynamic", "int64", ("n",), name="down"),
        Buffer("output", "int64", None, name="y"),
        Buffer("output", "int64", None, name="unused"),
    ]
    steps = [
        Step("toy:nonzero/1", [0], [1], allocates=True),
        Step("toy:both/1", [0], [2, 3], allocates=True),
        Step("toy:both/1", [1], [4, 5], allocates=True),
    ]
    made = program(buffers, steps, [0], [4], binding={"n": 1})
    verify(made, {"n": 3})
    run = executable(made)
    for x in ([0, 1, 2, 0, 5], [0, 0, 0], [1]):
        (y,) = run(x=np.array(x))
        np.testing.assert_array_equal(y, np.nonzero(x)[0] + 1)
        # `found` lives on while `up` and `down` are made, and those are let go at once
        assert run.stats.adopted_bytes == 8 * (np.count_nonzero(x) + 2 * len(x))


def failing(kernel, outputs, **more):
    buffers = [Buffer("input", "float32", ("n", 2), name="x"), Buffer("dynamic", "float32", None), *outputs]
    return executable(
        program(buffers, [Step(kernel, [0, None], [2], name="layer/7", **more)], [0], [2], binding={"n": 1})
    )


def test_a_step_that_fails_says_which_and_on_what():
    run = failing("toy:fail/1", [Buffer("output", "float32", ("n",), name="y")])
    with pytest.raises(
        Error, match=r"step 'layer/7' \(toy:fail/1\) failed on float32\[3, 2\], absent -> float32\[3\]"
    ) as caught:
        run(x=array(3, 2))
    assert isinstance(caught.value.__cause__, ValueError)
    assert "ValueError: this kernel always fails" in str(caught.value)
    with pytest.raises(Error, match=r"float32\[4, 2\]"):
        run(x=array(4, 2))


@pytest.mark.parametrize(
    ("kernel", "shape", "dtype", "says"),
    [
        ("both", None, "float32", "gave 2 arrays where 1 belong"),
        ("single", ("n", 3), "float32", r"gave shape \[1, 2\] where \[1, 3\] belongs"),
        ("single", None, "int8", "should be int8, but is float32"),
    ],
)
def test_what_is_allocated_must_be_what_was_planned(monkeypatch, kernel, shape, dtype, says):
    monkeypatch.setitem(KERNELS, "toy:single/1", lambda x, _: x + 1)
    monkeypatch.setitem(KERNELS, "toy:both/1", lambda x, _: (x, x))
    run = failing(f"toy:{kernel}/1", [Buffer("output", dtype, shape, name="y")], allocates=True)
    with pytest.raises(Error, match=says):
        run(x=array(1, 2))


def test_unknown_kernels_and_foreign_backends_are_refused():
    with pytest.raises(Error, match=r"step 0 needs the kernel toy:none/1: the toy device has no kernel"):
        executable(program([Buffer("output", "float32", ())], [Step("toy:none/1", [], [0])], [], [0]))
    with pytest.raises(Error, match="for 'cuda' and the device is 'toy'"):
        executable(Program("cuda", [], [], [], []))


def test_what_has_no_kernel_is_listed_from_nested_programs_too():
    x, y = Buffer("input", "float32", (2,), name="x"), Buffer("output", "float32", (2,), name="y")
    nested = Program("toy", [x, y], [Step(NO_KERNEL, [0], [1], {"operator": "Odd"})], [0], [1])
    z = Buffer("output", "float32", (2,), name="z")
    steps = [Step(CALL, [0], [1], {"program": 0}), Step(NO_KERNEL, [0], [2], {"operator": "Even"})]
    outer = Program("toy", [x, y, z], steps, [0], [1, 2], programs=[nested])
    assert outer.without_kernel == {"Even": 1, "Odd": 1}
    run = executable(outer)
    for call in (lambda: run(x=array(1, 2)), lambda: run(), run.require_kernels):
        with pytest.raises(Error, match="toy has no kernel for Even, Odd, so nothing was run; register"):
            call()
    executable(program([], [], [], [])).require_kernels()


def test_a_static_plan_that_is_absurd_is_refused_before_it_runs():
    with pytest.raises(Error, match="no size"):
        executable(Program("toy", [Buffer("arena", "float32", (2**40, 2**40))], [], [], []))


def test_threads_agree():
    run = executable(mixed())
    inputs = [array(1 + i % 4, 4) + i for i in range(200)]
    gate = threading.Barrier(4)

    def work(which):
        if which < 4:
            gate.wait()
        return run(x=inputs[which])

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(len(inputs))))
    for x, got in zip(inputs, results, strict=True):
        for one, want in zip(got, expected(x), strict=True):
            np.testing.assert_array_equal(one, want)


def test_calls_that_overlap_each_have_an_arena(monkeypatch):
    inside = threading.Barrier(3)
    monkeypatch.setitem(KERNELS, "toy:meet/1", lambda out, x: (np.copyto(out, x), inside.wait(20)))
    buffers = [
        Buffer("input", "float32", (1,), name="x"),
        Buffer("arena", "float32", (1,)),
        Buffer("output", "float32", (1,)),
    ]
    made = program(buffers, [Step("toy:meet/1", [0], [1]), Step("toy:neg/1", [1], [2])], [0], [2], peak=64)
    run = executable(made)
    with ThreadPoolExecutor(3) as pool:
        got = list(pool.map(lambda i: float(run(x=np.full(1, i, np.float32))[0][0]), range(3)))
    assert got == [0, -1, -2]


def test_arenas_are_made_once_for_a_binding_and_not_kept_for_ever(monkeypatch):
    made = []
    allocate = ToyDevice.allocate
    monkeypatch.setattr(ToyDevice, "allocate", lambda self, nbytes: (made.append(nbytes), allocate(self, nbytes))[1])
    run = executable(ping_pong(2))
    for _ in range(5):
        run(x=array(2, 3))
    assert made == [128]
    for rows in range(3, 3 + BINDINGS_KEPT):
        run(x=array(rows, 3))
    assert len(made) == 1 + BINDINGS_KEPT
    run(x=array(2 + BINDINGS_KEPT, 3))
    assert len(made) == 1 + BINDINGS_KEPT
    run(x=array(2, 3))
    assert len(made) == 2 + BINDINGS_KEPT
    assert IDLE_KEPT > 1


def test_a_chain_of_20_000_steps_runs_again_and_again():
    run = executable(ping_pong(20_000))
    for rows in (1, 2, 1):
        np.testing.assert_array_equal(run(x=array(rows, 3))[0], -array(rows, 3))


def test_zero_sized_and_scalar_arrays():
    run = executable(ping_pong(2))
    assert run(x=array(0, 3))[0].shape == (0, 3)
    scalar = executable(ping_pong(2, ()))
    assert scalar(x=np.float32(4))[0] == -4
    assert scalar(x=np.float32(4))[0].shape == ()


nets = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=2), min_size=1, max_size=20)


@given(nets)
def test_law_poison_changes_nothing(rows):
    """Random sums, in an arena that is as tight as the packer makes it."""
    from nnvm.runtime.memory import Block, pack

    reads = [[max(i - back, -1) + 1 for back in backs] for i, backs in enumerate(rows)]
    last = {i + 1: i for i in range(len(rows))}
    for i, sources in enumerate(reads):
        last |= {source: i for source in sources if source}
    blocks = [Block(i, last[i + 1] + 1, 12) for i in range(len(rows))]
    offsets = pack(blocks)
    buffers = [Buffer("input", "float32", (3,), name="x")]
    buffers += [Buffer("arena", "float32", (3,), offset) for offset in offsets]
    buffers.append(Buffer("output", "float32", (3,), name="y"))
    steps = [Step("toy:add/1", [s[0], s[-1]], [i + 1]) for i, s in enumerate(reads)]
    steps.append(Step("toy:neg/1", [len(rows)], [len(rows) + 1]))
    last_block = blocks[-1]._replace(upper=len(rows) + 1)
    made = program(buffers, steps, [0], [len(rows) + 1], peak=max(offsets) + 64)
    assert last_block.upper == len(steps)
    run = executable(made)
    x = np.array([1, 2, 3], np.float32)
    np.testing.assert_array_equal(run(x=x)[0], run.run({"x": x}, poison=True)[0])
    values = [x]
    for sources in reads:
        values.append(values[sources[0]] + values[sources[-1]])
    np.testing.assert_array_equal(run(x=x)[0], -values[-1])


def nested(inner: Program, **more) -> Program:
    """Make a program whose second step runs another one, in a block of the arena."""
    kinds = [("input", "x", 0), ("arena", "u", 0), ("arena", "v", 64), ("arena", "block", 128), ("output", "y", 0)]
    buffers = [Buffer(kind, "float32", (16,), at, name=name) for kind, name, at in kinds]
    step = Step("nnvm:call/1", [1], [2], {"program": 0}, **{"workspace": 64, "scratch": 3, "name": "inner"} | more)
    steps = [Step("toy:neg/1", [0], [1]), step, Step("toy:add/1", [2, 1], [4])]
    return program(buffers, steps, [0], [4], peak=192, programs=[inner])


def inner(shape=(16,), peak=64, **more) -> Program:
    """Make a program that adds to its input twice its negation."""
    kinds = [("input", "a"), ("arena", "t"), ("output", "b")]
    buffers = [Buffer(kind, "float32", shape, name=name) for kind, name in kinds]
    steps = [Step("toy:scaled/1", [0, None], [1], {"scale": -2.0}), Step("toy:add/1", [1, 0], [2])]
    return program(buffers, steps, [0], [2], peak=peak, **more)


@pytest.mark.parametrize("poison", [False, True])
def test_a_nested_program_runs_in_its_parents_arena(poison, tmp_path):
    made = nested(inner())
    verify(made, {})
    made.save(tmp_path / "nested.nnp")
    x = np.arange(16, dtype=np.float32)
    for each in (made, Program.load(tmp_path / "nested.nnp")):
        run = Executable(each, ToyDevice())
        np.testing.assert_array_equal(run.run({"x": x}, poison=poison)[0], np.zeros(16))
        assert run.stats.planned_bytes == 192


def test_a_nested_program_may_have_open_dimensions_of_its_own():
    made = nested(inner(shape=("n",), peak=("end", 1), binding={"n": 16}))
    verify(made, {})
    x = np.ones(16, np.float32)
    np.testing.assert_array_equal(Executable(made, ToyDevice())(x=x)[0], np.zeros(16))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"params": {"program": 1}}, "runs program 1, but 1 are nested here"),
        ({"params": {}}, "runs program None"),
        ({"inputs": [1, 0]}, "has the inputs float32, float32, which are not those of its program"),
        ({"workspace": 32}, "has 32 bytes for a program that needs 64"),
        ({"workspace": 65}, "has 64 bytes of scratch, but needs 65"),
        ({"allocates": True, "outputs": [4]}, "takes all its inputs and writes planned outputs|allocates"),
    ],
)
def test_a_call_that_does_not_fit_is_refused(change, says):
    good = nested(inner())
    step = good.steps[1]
    fields = {"inputs": step.inputs, "outputs": step.outputs, "params": step.params} | {
        key: value for key, value in change.items() if key in ("inputs", "outputs", "params")
    }
    rest = {"workspace": 64, "scratch": 3} | {k: v for k, v in change.items() if k in ("workspace", "allocates")}
    steps = [good.steps[0], Step(step.kernel, **fields, **rest), good.steps[2]]
    with pytest.raises(Error, match=says):
        verify(program(good.buffers, steps, [0], [4], peak=192, programs=[inner()]), {})


def test_a_nested_plan_is_verified_too():
    wrong = inner()
    buffers = [*wrong.buffers[:1], Buffer("arena", "float32", (16,), 32, name="t"), wrong.buffers[2]]
    broken = Program("toy", buffers, wrong.steps, [0], [2], peak=128)
    with pytest.raises(Error, match="multiple of the alignment"):
        verify(nested(broken, workspace=192, scratch=None), {})


def test_what_is_given_away_is_written_over_and_copied_only_where_it_must():
    buffers = [Buffer("input", "float32", (4,), name=name) for name in ("x", "y")]
    buffers += [Buffer("input", "float32", (4,), 0, 0, name="over"), Buffer("output", "float32", (4,), name="z")]
    steps = [Step("toy:neg/1", [0], [2], inplace=[0]), Step("toy:add/1", [2, 1], [3])]
    made = program(buffers, steps, [0, 1], [3], donated=[0])
    verify(made, {})
    run = Executable(made, ToyDevice())
    x, y = np.ones(4, np.float32), np.full(4, 3, np.float32)
    np.testing.assert_array_equal(run(x=x, y=y)[0], np.full(4, 2))
    np.testing.assert_array_equal(x, -np.ones(4))
    assert run.stats.transient_bytes == 0
    x = np.ones(4, np.float32)
    x.flags.writeable = False
    np.testing.assert_array_equal(run(x=x, y=y)[0], np.full(4, 2))
    assert run.stats.transient_bytes == 16
    np.testing.assert_array_equal(run(x=y, y=y)[0], np.zeros(4))  # one array twice
    np.testing.assert_array_equal(y, np.full(4, 3))


def test_copies_of_inputs_are_told():
    run = Executable(ping_pong(2, dims=(4, 3)), ToyDevice())
    run(x=np.ones((4, 3), np.float32))
    assert (run.stats.transient_bytes, run.stats.output_bytes) == (0, 48)
    run(x=np.ones((3, 4), np.float32).T)
    assert run.stats.transient_bytes == 48
