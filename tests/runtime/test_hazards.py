"""Which steps wait for which."""

from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.toy import ping_pong

from nnvm.runtime.hazards import MANY_READERS, dependencies, with_dependencies
from nnvm.runtime.layout import layout
from nnvm.runtime.program import Buffer, Program, Step
from nnvm.runtime.verify import verify


def waits(buffers, steps, **more):
    program = Program("toy", buffers, steps, [], [], peak=4096, **more)
    return dependencies(program, layout(program, {}))


def arena(*places):
    return [Buffer("arena", "uint8", (size,), offset) for offset, size in places]


def step(reads, writes, **more):
    return Step("toy:any/1", reads, writes, **more)


def test_reads_wait_for_the_writer_and_writers_for_readers():
    found = waits(arena((0, 64), (64, 64), (128, 64), (0, 64)), [
        step([], [0]), step([0], [1]), step([0], [2]), step([], [3]),
    ])  # fmt: skip
    assert found == [(), (0,), (0,), (1, 2)]


def test_overlap_is_by_byte():
    found = waits(arena((0, 64), (64, 64), (32, 64), (0, 32), (96, 32)), [
        step([], [0]), step([], [1]), step([], [2]), step([], [3]), step([], [4]),
    ])  # fmt: skip
    assert found == [(), (), (0, 1), (0,), (1,)]


def test_a_step_in_place_waits_for_the_other_readers():
    buffers = [*arena((0, 64), (64, 64)), Buffer("arena", "uint8", (64,), 0, alias_of=0)]
    assert waits(buffers, [step([], [0]), step([0], [1]), step([0], [2])]) == [(), (0,), (0, 1)]


def test_scratch_counts_as_written():
    buffers = arena((0, 64), (0, 64), (64, 64))
    assert waits(buffers, [step([], [0]), step([], [2], scratch=1), step([], [1])]) == [(), (0,), (1,)]


def test_state_holds_something_before_it_is_written():
    buffers = [
        Buffer("state", "uint8", (8,), name="s"),
        Buffer("state", "uint8", (8,), alias_of=0),
        *arena((0, 8), (64, 8)),
    ]
    found = waits(buffers, [step([0], [2]), step([2], [1]), step([1], [3])])
    assert found == [(), (0,), (1,)]


def test_what_is_allocated_is_waited_for_though_its_size_is_unknown():
    buffers = [Buffer("dynamic", "uint8", None), Buffer("dynamic", "uint8", None)]
    steps = [step([], [0], allocates=True), step([0], [1], allocates=True)]
    assert waits(buffers, steps) == [(), (0,)]


def test_independent_steps_do_not_wait():
    assert waits(arena((0, 64), (64, 64)), [step([], [0]), step([], [1])]) == [(), ()]


def test_many_readers_of_many_pieces_stay_linear():
    count = 3000
    places = [(0, count), *((count + 64 + i, 1) for i in range(count)), *((i, 1) for i in range(count))]
    steps = [step([], [0])]
    steps += [step([0], [1 + i]) for i in range(count)]
    steps += [step([], [1 + count + i]) for i in range(count)]
    program = Program("toy", arena(*places), steps, [], [], peak=4 * count + 64, alignment=1)
    found = dependencies(program, layout(program, {}))
    assert len(found[1 + count]) == count > MANY_READERS
    assert found[-1] == (count + 1,)
    verify(with_dependencies(program, {}), {})


def test_without_a_binding_steps_take_turns():
    program = with_dependencies(ping_pong(3))
    assert [s.waits for s in program.steps] == [(), (0,), (1,), (2,)]


def test_waits_that_were_there_stay():
    buffers = arena((0, 64), (64, 64))
    program = Program("toy", buffers, [step([], [0]), step([], [1], waits=[0], name="after")], [], [], peak=128)
    made = with_dependencies(program, {})
    assert made.steps[1].waits == (0,)
    assert made.steps[1].name == "after"


def test_a_chain_of_20_000():
    assert ping_pong(20_000).steps[-1].waits == (19_999,)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 6), st.lists(st.integers(0, 60), max_size=3)), max_size=60))
def test_law_every_conflict_is_ordered(rows):
    """By every pair of steps and the transitive closure, both spelled out."""
    buffers = arena(*((offset, size) for offset, size, _ in rows))
    steps = [step([r for r in reads if r < index], [index]) for index, (_, _, reads) in enumerate(rows)]
    program = Program("toy", buffers, steps, [], [], peak=64, alignment=1)
    found = dependencies(program, layout(program, {}))
    before: list[set[int]] = []
    for index, waited in enumerate(found):
        before.append({w for wait in waited for w in (wait, *before[wait])})
        for other in range(index):
            if conflict(rows, steps, index, other):
                assert other in before[index], (index, other)


def conflict(rows, steps, index, other):
    def bytes_of(buffer):
        return set(range(rows[buffer][0], rows[buffer][0] + rows[buffer][1]))

    def touched(which):
        return [(bytes_of(i), False) for i in steps[which].inputs] + [(bytes_of(which), True)]

    return any(a & b and (w or v) for a, w in touched(index) for b, v in touched(other))
