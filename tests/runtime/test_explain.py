"""The peak explained: who is alive there, what would lower it, and to how much."""

import json

from tests.runtime.test_verify import chain, run
from tests.runtime.toy import ping_pong

from nnvm.runtime.parts import NO_KERNEL
from nnvm.runtime.program import Buffer, Program, Step


def test_the_peak_names_who_is_alive_and_what_would_lower_it():
    steps = [run([], [0]), run([0], [1], name="early"), run([1], [2], inplace=[], name="middle"), run([2, 0], [3])]
    made = chain(steps)
    found = made.explain({})
    assert (found.live_bytes, found.step, found.steps) == (192, "middle", (2, 3))
    assert [(each.name, each.used) for each in found.alive] == [("b0", False), ("b1", True), ("b2", True)]
    assert {each.how for each in found.remedies} == {"in place", "packing"}
    text = str(found)
    assert "192 bytes are alive at step 2 (middle), and at 1 more step:" in text
    assert "b1: made by early" in text
    assert "in place: if middle could write over 'b1'; and so at 1 more place: 128 bytes" in text
    json.dumps(found.report())


def test_a_remedy_says_how_much_is_left():
    big = [
        Buffer("arena", "uint8", (size,), at, name=name)
        for name, size, at in (("a", 640, 0), ("b", 64, 640), ("c", 64, 704))
    ]
    steps = [run([], [0]), run([], [1]), run([1], [2], inplace=[]), run([0, 2], [])]
    made = Program("toy", big, steps, [], [], peak=768)
    ways = {each.how: each for each in made.explain({}).remedies}
    assert ways["recompute"].to_bytes == 704  # at the last step it is needed, beside c
    assert ways["in place"].to_bytes == 704


def test_order_and_packing_come_first():
    plan = {"plan": {"order_bound_bytes": {"expr": "64", "at": 64}, "binding": {"n": 2}}}
    found = ping_pong(4, meta=plan).explain()
    assert found.remedies[0].how == "order"
    assert "another order would save at most 64 bytes" in str(found)
    done = ping_pong(4, meta={"plan": {"order_bound_bytes": 128, "binding": {"n": 2}}}).explain()
    assert done.remedies[0].how == "none"


def test_scratch_counts_and_an_empty_arena_says_so():
    made = chain([run([], [0]), run([0], [1], scratch=2, inplace=[])])
    assert "workspace" in {each.how for each in made.explain({}).remedies}
    assert str(ping_pong(0).explain({"n": 2})).startswith("the arena is empty")


def swishes(count: int, over: int) -> Program:
    """Some x * sigmoid(x) in a row; each product lies in the bytes of x, where `over` is 0, or else of sigmoid(x)."""
    buffers = [Buffer("arena", "uint8", (640,), 0, name="x")]
    steps = [run([], [0], name="start")]
    x = home = 0
    for k in range(count):
        gate = len(buffers)
        buffers.append(Buffer("arena", "uint8", (640,), 640 - buffers[home].offset, name=f"s{k}"))
        steps.append(run([x], [gate], name=f"sigmoid{k}", inplace=[0]))
        home = (home, gate)[over]
        buffers.append(Buffer("arena", "uint8", (640,), 0, home, name=f"y{k}"))
        steps.append(run([x, gate], [gate + 1], name=f"mul{k}", inplace=[over]))
        x = gate + 1
    return Program("toy", buffers, [*steps, run([x], [], name="end")], [], [], peak=1280)


def test_what_is_read_beside_its_origin_could_be_fused():
    for over in (0, 1):
        (remedy,) = [each for each in swishes(1, over).explain({}).remedies if each.how == "fuse"]
        assert remedy.to_bytes == 640
        assert remedy.text == "fuse sigmoid0 with mul0, which reads 'x' beside it: 640 bytes"


def test_a_way_that_has_to_be_taken_everywhere_is_told_once():
    found = swishes(3, 0).explain({})
    assert len(found.steps) == 6
    (remedy,) = [each for each in found.remedies if each.how == "fuse"]
    assert remedy.to_bytes == 640
    assert "; and so at 2 more places: 640 bytes" in str(found)


def test_steps_in_place_may_lie_between():
    buffers = [Buffer("arena", "uint8", (640,), at, name=name) for name, at in (("x", 0), ("more", 640))]
    buffers += [Buffer("arena", "uint8", (640,), 0, 1, name="cut"), Buffer("arena", "uint8", (640,), 0, 0, name="y")]
    steps = [run([], [0]), run([0], [1], name="more", inplace=[0]), run([1], [2], name="cut", inplace=[0])]
    steps += [run([0, 2], [3], name="mul", inplace=[0]), run([3], [])]
    (remedy,) = Program("toy", buffers, steps, [], [], peak=1280).explain({}).remedies
    assert remedy.text == "fuse more up to mul, which reads 'x' beside it: 640 bytes"
    kept = [*steps[:2], run([1], [2], name="cut", inplace=[]), *steps[3:]]
    buffers[2] = Buffer("arena", "uint8", (640,), 1280, name="cut")
    ways = {each.how for each in Program("toy", buffers, kept, [], [], peak=1920).explain({}).remedies}
    assert "fuse" not in ways


def test_what_has_no_kernel_is_told_last():
    x, y = Buffer("input", "float32", (2,), name="x"), Buffer("output", "float32", (2,), name="y")
    t = Buffer("arena", "float32", (2,), name="t")
    steps = [Step(NO_KERNEL, [0], [1], {"operator": "Odd"}), Step(NO_KERNEL, [1], [2], {"operator": "Odd"})]
    told = Program("toy", [x, t, y], steps, [0], [2], peak=64).explain()
    assert told.report()["without_kernel"] == {"Odd": 2}
    assert str(told).splitlines()[-1].endswith("to want no workspace: Odd (2)")
    empty = Program("toy", [x, y], [Step(NO_KERNEL, [0], [1], {"operator": "Odd"})], [0], [1]).explain()
    assert str(empty).splitlines()[0].startswith("the arena is empty")
    assert str(empty).endswith(": Odd")
