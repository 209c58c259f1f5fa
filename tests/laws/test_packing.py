"""Whatever is packed: valid, not below the bound, the best there is where that is said, never worse with more time."""

import os
import random
import subprocess
import sys
from itertools import permutations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnvm.packing.portfolio import pack
from nnvm.packing.problem import Buffer, Gap, Pool, Problem
from nnvm.packing.validator import validate
from nnvm.runtime.memory import Block, check, height, max_live, place, round_up

EXAMPLES = settings(
    max_examples=int(os.environ.get("NNVM_EXAMPLES", "60")), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
SIZES = st.one_of(st.integers(0, 9), st.integers(0, 4000), st.just(1 << 40), st.just(1 << 66))
BLOCKS = st.lists(
    st.tuples(st.integers(-9, 30), st.integers(0, 25), SIZES).map(lambda t: Block(t[0], t[0] + t[1], t[2])), max_size=40
)


def small(count: int) -> st.SearchStrategy[list[Block]]:
    one = st.tuples(st.integers(0, 7), st.integers(0, 6), st.integers(0, 9))
    return st.lists(one.map(lambda t: Block(t[0], t[0] + t[1], t[2])), max_size=count)


@st.composite
def buffers(draw: st.DrawFn) -> Buffer:
    lower, length, size = draw(st.integers(0, 12)), draw(st.integers(0, 9)), draw(st.integers(0, 100))
    gaps = []
    if length > 2 and draw(st.booleans()):
        start = draw(st.integers(0, size))
        gaps = [Gap(lower + 1, lower + draw(st.integers(1, length)), start, draw(st.integers(start, size)))]
    hint = draw(st.one_of(st.none(), st.integers(0, 200)))
    return Buffer(lower, lower + length, size, alignment=draw(st.sampled_from([1, 1, 4, 6])), gaps=gaps, hint=hint)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Buffers of every kind, up to two that are fixed one on the other, one pool or two, the last without end."""
    some = draw(st.lists(buffers(), max_size=14))
    fixed = [Buffer(0, 20, 16, offset=16 * i, name=f"input {i}") for i in range(draw(st.integers(0, 2)))]
    last = Pool("slow", alignment=draw(st.sampled_from([1, 8])))
    fast = [Pool("fast", draw(st.integers(32, 200)))] if draw(st.booleans()) else []
    return Problem([*fixed, *some], [*fast, last])


@EXAMPLES
@given(BLOCKS, st.sampled_from([1, 8, 64]), st.sampled_from([0, 300, 20_000]))
def test_law_a_packing_is_one_and_not_below_the_bound(blocks, alignment, effort):
    packing = pack(blocks, alignment, effort=effort)
    check(blocks, packing.offsets, alignment, packing.height)
    rounded = [block._replace(size=round_up(block.size, alignment)) for block in blocks]
    assert max_live(blocks, alignment) <= packing.bound <= packing.height
    assert height(rounded, packing.offsets) == packing.height
    assert (packing.status == "optimal") is (packing.height == packing.bound)


@EXAMPLES
@given(problems(), st.sampled_from([0, 5_000]))
def test_law_problems_of_every_kind_are_packed_validly(problem, effort):
    packing = pack(problem, effort=effort)
    validate(problem, packing)
    assert pack(problem, effort=effort).offsets == packing.offsets


@EXAMPLES
@given(BLOCKS.filter(bool), st.integers(0, 40_000), st.integers(0, 40_000))
def test_law_more_effort_is_never_worse(blocks, effort, more):
    assert pack(blocks, 1, effort=effort + more).height <= pack(blocks, 1, effort=effort).height


@settings(EXAMPLES, max_examples=30)
@given(st.integers(30, 150), st.integers(0, 9), st.integers(0, 400_000), st.integers(0, 400_000), st.booleans())
def test_law_more_effort_is_never_worse_where_many_live_long(count, seed, effort, more, large):
    """Neither where branch and bound and ejections take turns nor where ejections are alone."""
    chance = random.Random(seed)
    blocks = [
        Block(t := chance.randrange(count), t + 1 + chance.randrange(count // 2), 1 + int(10 ** chance.uniform(0, 6)))
        for _ in range(count)
    ]
    with pytest.MonkeyPatch.context() as patch:
        if large:
            patch.setattr("nnvm.packing.portfolio.LARGEST_TABLE", 0)
        some, all_ = pack(blocks, 1, effort=effort), pack(blocks, 1, effort=effort + more)
        assert all_.height <= some.height
        assert pack(blocks, 1, effort=effort).offsets == some.offsets
    check(blocks, all_.offsets, 1, all_.height)


@settings(EXAMPLES, max_examples=30)
@given(problems(), st.integers(0, 20_000), st.integers(0, 20_000))
def test_law_more_effort_is_never_worse_for_pools(problem, effort, more):
    assert pack(problem, effort=effort + more).height <= pack(problem, effort=effort).height


@EXAMPLES
@given(small(6))
def test_law_few_blocks_are_packed_as_low_as_can_be(blocks):
    best = min(height(blocks, place(blocks, order)) for order in permutations(range(len(blocks))))
    packing = pack(blocks, 1, effort=1_000_000)
    assert (packing.height, packing.bound, packing.status) == (best, best, "optimal")


@settings(EXAMPLES, max_examples=30)
@given(small(4).filter(bool))
def test_law_few_blocks_lie_as_low_as_every_choice_of_offsets_allows(blocks):
    """The best by orders is the best there is: no offsets below it are apart."""
    best = pack(blocks, 1, effort=1_000_000).height
    choices = [range(min(best, 12) - min(block.size, best, 12) + 1) if block.size else [0] for block in blocks]
    if best > 12 or not best:
        return
    for offsets in product(*choices):
        if height(blocks, offsets) < best:
            assert not apart(blocks, offsets)


def apart(blocks, offsets):
    pairs = [(i, j) for i in range(len(blocks)) for j in range(i)]
    return not any(
        blocks[i].lower < blocks[j].upper
        and blocks[j].lower < blocks[i].upper
        and blocks[i].lower < blocks[i].upper
        and blocks[j].lower < blocks[j].upper
        and offsets[i] < offsets[j] + blocks[j].size
        and offsets[j] < offsets[i] + blocks[i].size
        for i, j in pairs
    )


PROGRAM = """
import random
from nnvm.packing.portfolio import pack
from nnvm.packing.problem import Buffer, Pool, Problem
from nnvm.runtime.memory import Block
chance = random.Random(4)
many = [Block(t := chance.randrange(90), t + chance.randrange(1, 30), chance.randrange(1, 999)) for _ in range(90)]
print(pack(many, effort=150_000).offsets)
pools = [Pool("fast", 5_000), Pool("slow")]
print(pack(Problem([Buffer(*block) for block in many], pools), effort=150_000).offsets)
"""


def test_the_same_bytes_come_out_under_every_hash_seed():
    said = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(said) == 1
