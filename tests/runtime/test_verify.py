"""The verifier refuses plans that are broken on purpose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.toy import ping_pong, program

from nnvm.errors import Error
from nnvm.runtime.memory import Block, pack
from nnvm.runtime.program import Buffer, Program, Raw, Step
from nnvm.runtime.verify import verify


def net(**changes) -> Program:
    """Make a diamond with a slice as a view, a sum in place, and scratch; `changes` replace a buffer's fields."""
    fields = {
        "x": {"kind": "input"},
        "a": {"offset": 0},
        "b": {"offset": 64},
        "low": {"offset": 32, "shape": (8,), "alias_of": 2, "view_of": 2},
        "c": {"offset": 128, "shape": (8,)},
        "d": {"offset": 0, "alias_of": 1},
        "work": {"offset": 192, "shape": (64,)},
        "y": {"kind": "output"},
    }
    for name, change in changes.items():
        fields[name] |= change
    buffers = [
        Buffer(**{"kind": "arena", "dtype": "float32", "shape": (16,), "name": n, **f}) for n, f in fields.items()
    ]
    steps = [
        Step("toy:neg/1", [0], [1], name="a"),
        Step("toy:neg/1", [0], [2], name="b"),
        Step("toy:neg/1", [3], [4], name="c"),
        Step("toy:add/1", [1, 2], [5], name="d", inplace=[0, 1]),
        Step("toy:any/1", [5, 4], [7], scratch=6, name="y"),
    ]
    return program(buffers, steps, [0], [7], peak=448)


def test_a_right_plan_passes():
    verify(net(), {})
    verify(ping_pong(5), {"n": 7})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"b": {"offset": 0}}, r"'a'.* and .*'b'|'b'.* and .*'a'"),
        ({"b": {"offset": 32}}, "multiple of the alignment"),
        ({"c": {"offset": 64}}, "share"),
        ({"work": {"offset": 128}}, "share"),
        ({"work": {"offset": 0}}, "share"),
        ({"work": {"shape": (65,)}}, "above the arena's height of 448"),
        (
            {"a": {"shape": (15,)}},
            r"'d'.* takes bytes \[0, 64\), which do not lie inside buffer 1 \('a'\) at \[0, 60\)",
        ),
        ({"low": {"offset": 36}}, "do not lie inside"),
        ({"low": {"offset": 2}}, "in the middle of an element"),
        ({"d": {"offset": 32, "shape": (8,)}}, "not the same bytes of one root"),
        ({"d": {"alias_of": 2}}, None),  # in place of the other summand is as good
        ({"low": {"view_of": None}}, "before any step has written it"),
    ],
)
def test_a_fault_in_a_buffer_is_refused(changes, says):
    if says is None:
        verify(net(**changes), {})
        return
    with pytest.raises(Error, match=says):
        verify(net(**changes), {})


def chain(steps, *, count=4, offsets=None, aliases=(), outputs=()):
    """Make `count` buffers side by side in the arena, then `aliases` as (root, view of)."""
    places = offsets or [64 * i for i in range(count)]
    buffers = [Buffer("arena", "uint8", (64,), place, name=f"b{i}") for i, place in enumerate(places)]
    buffers += [Buffer("arena", "uint8", (64,), 0, root, view, name=f"a{i}") for i, (root, view) in enumerate(aliases)]
    return program(buffers, steps, [], outputs, peak=64 * count)


def run(reads, writes, **more):
    over = range(len(reads)) if writes else ()
    return Step("toy:any/1", reads, writes, **{"inplace": over, **more})


def joined(*, places=(0, 64), inside=(1, 1), reads=(2, 3), **more):
    """Make two parts that are joined, by default where they lie, and read the first one afterwards."""
    buffers = [
        Buffer("input", "uint8", (64,), name="x"),
        Buffer("arena", "uint8", (128,), 0, name="whole"),
        *(
            Buffer("arena", "uint8", (64,), place, 1 if within else None, name=f"part{i}")
            for i, (place, within) in enumerate(zip(places, inside, strict=True))
        ),
        Buffer("arena", "uint8", (64,), 0, 1, 1, name="first"),
        Buffer("output", "uint8", (128,), name="y"),
    ]
    steps = [
        run([0], [2]),
        run([0], [3]),
        Step("toy:join/1", reads, [1], joins=True, **more),
        run([1, 4], [5], inplace=[]),
    ]
    return program(buffers, steps, [0], [5], peak=256)


def test_parts_may_lie_where_a_join_wants_them():
    verify(joined(), {})
    verify(joined(places=(0, 128), inside=(1, 0)), {})  # the second part is copied


@pytest.mark.parametrize(
    "changes",
    [
        {"places": (64, 0)},  # each in the other's place
        {"reads": (3, 2)},
        {"reads": (2, 2)},
        {"places": (0, 32)},
        {"places": (128, 64), "inside": (0, 0)},  # bytes of the whole, but another root
    ],
)
def test_parts_anywhere_else_in_what_joins_them_are_refused(changes):
    with pytest.raises(Error, match=r"belongs there|root|share|has written"):
        verify(joined(**changes), {})


def test_a_kernel_that_is_not_known_to_write_over_an_input_must_not():
    verify(chain([run([], [0]), run([0], [4])], aliases=[(0, None)]), {})
    with pytest.raises(Error, match="the kernel is not known to write over that input"):
        verify(chain([run([], [0]), run([0], [4], inplace=[])], aliases=[(0, None)]), {})
    with pytest.raises(Error, match="not known"):
        verify(chain([run([], [0]), run([], [1]), run([1, 0], [4], inplace=[0])], aliases=[(0, None)]), {})


def test_scratch_that_is_too_short_is_refused():
    with pytest.raises(Error, match="has 64 bytes of scratch, but needs 65"):
        verify(chain([run([], [0], scratch=1, workspace=65)]), {})


def test_an_input_may_be_written_over_only_where_it_is_given_away():
    buffers = [Buffer("input", "uint8", (8,), name="x"), Buffer("input", "uint8", (8,), 0, 0, name="over")]
    buffers.append(Buffer("output", "uint8", (8,), name="y"))
    steps = [run([0], [1]), run([1], [2])]
    verify(program(buffers, steps, [0], [2], donated=[0]), {})
    with pytest.raises(Error, match="belongs to the caller"):
        program(buffers, steps, [0], [2])
    with pytest.raises(Error, match="reads buffer 0"):
        verify(program(buffers, [run([0], [1]), run([0], [2])], [0], [2], donated=[0]), {})
    with pytest.raises(Error, match="does not wait"):
        verify(Program("toy", buffers, [run([0], []), run([], [1]), run([1], [2])], [0], [2], donated=[0]), {})


def test_a_lifetime_cut_short_is_refused():
    # b2 lies where b0 did, which a later step still reads.
    steps = [run([], [0]), run([0], [1]), run([1], [2]), run([0, 2], [3])]
    verify(chain(steps), {})
    with pytest.raises(Error, match=r"'b0'.*'b2'|'b2'.*'b0'"):
        verify(chain(steps, offsets=[0, 64, 0, 128]), {})


def test_old_content_read_after_it_was_replaced_in_place_is_refused():
    steps = [run([], [0]), run([0], [2]), run([0], [1])]
    with pytest.raises(Error, match=r"step 2 .* reads buffer 0 \('b0'\), but step 1 .* has written buffer 2 \('a0'\)"):
        verify(chain(steps, count=2, aliases=[(0, None)]), {})
    verify(chain([run([], [0]), run([0], [1]), run([0], [2])], count=2, aliases=[(0, None)]), {})


def test_a_view_shows_what_it_is_a_view_of_and_no_later_content():
    aliases = [(0, 0), (0, None), (0, 3)]  # 2 shows b0, 3 is written in place, 4 shows 3
    verify(chain([run([], [0]), run([2], [1]), run([2], [3]), run([4], [])], count=2, aliases=aliases), {})
    with pytest.raises(Error, match="reads buffer 2"):
        verify(chain([run([], [0]), run([0], [3]), run([2], [1])], count=2, aliases=aliases), {})
    with pytest.raises(Error, match=r"reads buffer 4.* before any step"):
        verify(chain([run([], [0]), run([4], [1])], count=2, aliases=aliases), {})


def test_reading_what_is_not_written_is_refused():
    with pytest.raises(Error, match=r"reads buffer 1 \('b1'\) before any step has written it"):
        verify(chain([run([1], [0]), run([], [1])]), {})


def test_scratch_that_destroys_is_refused():
    steps = [run([], [0]), run([], [1], scratch=2), run([0], [3])]
    verify(chain(steps), {})
    with pytest.raises(Error, match="'b2'"):
        verify(chain(steps, offsets=[0, 64, 0, 128]), {})
    with pytest.raises(Error, match="has written scratch over"):
        verify(chain([run([], [0]), run([], [1], scratch=0), run([0], [3])]), {})
    with pytest.raises(Error, match="not the same bytes"):
        verify(chain([run([], [0]), run([0], [1], scratch=0)]), {})
    with pytest.raises(Error, match="which share bytes"):
        verify(chain([run([], [0], scratch=0)]), {})


def test_outputs_of_one_step_that_share_bytes_are_refused():
    with pytest.raises(Error, match=r"writes .* which share bytes"):
        verify(chain([run([], [0, 4])], aliases=[(0, None)]), {})


def test_an_output_that_is_overwritten_is_refused():
    buffers = [Buffer("output", "uint8", (64,), name="y"), Buffer("output", "uint8", (64,), alias_of=0, name="z")]
    steps = [run([], [0]), run([0], [1])]
    verify(program(buffers, steps, [], [1]), {})
    with pytest.raises(Error, match=r"the caller reads buffer 0 \('y'\), but step 1"):
        verify(program(buffers, steps, [], [0]), {})


def test_a_constant_that_is_too_short_is_refused():
    buffers = [Buffer("constant", "float32", (4,), name="w")]
    with pytest.raises(Error, match=r"buffer 0 \('w'\) needs 16 bytes, but its constant has 12"):
        verify(Program("toy", buffers, [], [], [], constants={0: Raw(bytes(12))}), {})


def test_a_missing_wait_is_refused():
    whole = net()
    for index, step in enumerate(whole.steps):
        for missing in step.waits:
            waits = [wait for wait in step.waits if wait != missing]
            steps = list(whole.steps)
            steps[index] = step.on(step.inputs, step.outputs, step.scratch, waits)
            broken = Program("toy", whole.buffers, steps, [0], [7], peak=448)
            with pytest.raises(Error, match=rf"step {index} .* does not wait for step {missing}"):
                verify(broken, {})


def test_waits_may_go_a_long_way_round():
    steps = [run([], [0]), run([], [1], waits=[0]), run([], [2]), run([0], [3], waits=[1, 2])]
    buffers = [Buffer("arena", "uint8", (64,), 64 * i) for i in range(4)]
    verify(Program("toy", buffers, steps, [], [], peak=256), {})


def test_state_that_a_reader_still_wants_is_not_overwritten_early():
    buffers = [
        Buffer("state", "uint8", (8,), name="s"),
        Buffer("state", "uint8", (8,), alias_of=0, name="next"),
        Buffer("arena", "uint8", (8,), 0, name="t"),
        Buffer("arena", "uint8", (8,), 64, name="u"),
    ]
    good = [run([0], [2]), run([2], [3]), run([0], [1], waits=[0, 1])]
    verify(program(buffers, good, [], [], peak=128), {})
    with pytest.raises(Error, match="does not wait for step 0"):
        verify(Program("toy", buffers, [run([0], [2]), run([], [1])], [], [], peak=128), {})
    with pytest.raises(Error, match="has written"):
        verify(program(buffers, [run([], [1]), run([0], [2])], [], [], peak=128), {})


def test_a_plan_may_hold_at_one_binding_and_not_at_another():
    buffers = [Buffer("input", "uint8", ("n",), name="x")]
    buffers += [Buffer("arena", "uint8", ("n",), offset, name=f"t{offset}") for offset in (0, 64)]
    steps = [run([0], [1]), run([0], [2], waits=[0]), run([1, 2], [], waits=[0, 1])]
    made = Program("toy", buffers, steps, [0], [], peak=192)
    verify(made, {"n": 64})
    with pytest.raises(Error, match="both in use"):
        verify(made, {"n": 65})


def test_empty_buffers_take_no_room():
    buffers = [Buffer("arena", "float32", (0, 3), 0, name="e"), Buffer("arena", "float32", (0,), 0, name="f")]
    verify(program(buffers, [run([], [0]), run([0], [1])], [], []), {})


def test_a_chain_of_20_000_and_its_fault():
    verify(ping_pong(20_000), {"n": 3})
    steps = [run([i - 1] if i else [], [i], waits=[i - 1] if i else []) for i in range(20_000)]
    buffers = [Buffer("arena", "uint8", (8,), 64 * (i % 2), name=f"t{i}") for i in range(20_000)]
    verify(Program("toy", buffers, steps, [], [], peak=128), {})
    buffers[19_000] = Buffer("arena", "uint8", (8,), 64, name="wrong")
    with pytest.raises(Error, match="'wrong'"):
        verify(Program("toy", buffers, steps, [], [], peak=128), {})


nets = st.lists(st.tuples(st.integers(1, 200), st.lists(st.integers(1, 8), max_size=3)), min_size=1, max_size=30)


def planned(rows, nudge=None):
    """Plan a random net by `pack`, then move one buffer by some alignments."""
    reads = [sorted({i - back for back in backs if i - back >= 0}) for i, (_, backs) in enumerate(rows)]
    last = list(range(len(rows)))
    for i, sources in enumerate(reads):
        for source in sources:
            last[source] = i
    blocks = [Block(i, last[i] + 1, size) for i, (size, _) in enumerate(rows)]
    offsets = pack(blocks)
    if nudge:
        offsets[nudge[0] % len(rows)] = 64 * nudge[1]
    buffers = [Buffer("arena", "uint8", (size,), offset) for (size, _), offset in zip(rows, offsets, strict=True)]
    steps = [run(sources, [i]) for i, sources in enumerate(reads)]
    return program(buffers, steps, [], [], peak=10**6), blocks, offsets


@given(nets)
def test_law_what_is_packed_verifies(rows):
    verify(planned(rows)[0], {})


@given(nets, st.tuples(st.integers(0, 29), st.integers(0, 6)))
def test_law_a_moved_buffer_is_refused_exactly_when_it_overlaps(rows, nudge):
    made, blocks, offsets = planned(rows, nudge)
    overlap = any(
        a.lower < b.upper
        and b.lower < a.upper
        and offsets[i] < offsets[j] + b.size
        and offsets[j] < offsets[i] + a.size
        for i, a in enumerate(blocks)
        for j, b in enumerate(blocks[:i])
    )
    if overlap:
        with pytest.raises(Error, match="share"):
            verify(made, {})
    else:
        verify(made, {})
