"""The peak explained: who is alive there, what would lower it, and to how much."""

import json

from tests.runtime.test_verify import chain, run
from tests.runtime.toy import ping_pong

from nnvm.runtime.program import Buffer, Program


def test_the_peak_names_who_is_alive_and_what_would_lower_it():
    steps = [run([], [0]), run([0], [1], name="early"), run([1], [2], inplace=[], name="middle"), run([2, 0], [3])]
    made = chain(steps)
    found = made.explain({})
    assert (found.live_bytes, found.step, found.steps) == (192, "middle", (2, 3))
    assert [(each.name, each.used) for each in found.alive] == [("b0", False), ("b1", True), ("b2", True)]
    assert {each.how for each in found.remedies} == {"recompute", "in place", "packing"}
    text = str(found)
    assert "192 bytes are alive at step 2 (middle), and 1 more steps" in text
    assert "b1: made by early" in text
    assert "recompute 'b0'" in text
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
