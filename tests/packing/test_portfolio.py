"""Many packers, one answer."""

import random

import pytest

from nnvm.errors import Error
from nnvm.packing.portfolio import pack
from nnvm.packing.problem import Buffer, Gap, Pool, Problem
from nnvm.packing.validator import validate
from nnvm.runtime.memory import Block, check


def instance(count, seed=3):
    chance = random.Random(seed)
    return [
        Block(t := chance.randrange(count), t + chance.randrange(1, 40), chance.randrange(1, 1 << 20))
        for _ in range(count)
    ]


def test_the_bound_ends_the_search():
    chain = [Block(i, i + 1, 64) for i in range(100)]
    packing = pack(chain)
    assert (packing.method, packing.status, packing.height) == ("sweep", "optimal", 64)


def test_enough_ends_the_search():
    many = instance(80)
    swept = pack(many, effort=0)
    assert swept.method == "sweep"
    assert swept.status == "heuristic"
    enough = pack(many, enough=swept.height)
    assert (enough.offsets, enough.status) == (swept.offsets, "bounded")


def test_nothing_to_pack():
    for packing in (pack([]), pack(Problem([]))):
        assert (packing.offsets, packing.height, packing.status) == ([], 0, "optimal")
    bare = pack([Block(0, 5, 0), Block(2, 2, 100)])
    assert (bare.offsets, bare.height, bare.status) == ([0, 0], 0, "optimal")


def test_what_is_no_block_is_refused():
    with pytest.raises(Error, match="block 0 is no block"):
        pack([Block(2, 1, 5)])


def test_20_000_blocks_of_a_chain():
    chain = [Block(i, i + 2, 100 + i % 7) for i in range(20_000)]
    assert pack(chain).status == "optimal"


def test_the_same_blocks_get_the_same_offsets():
    one, other = pack(instance(300), effort=100_000), pack(instance(300), effort=100_000)
    assert one.offsets == other.offsets
    assert one.method == other.method


def test_blocks_too_many_for_branch_and_bound_are_ejected(monkeypatch):
    monkeypatch.setattr("nnvm.packing.portfolio.LARGEST_TABLE", 0)
    many = instance(120, seed=9)
    greedy, moved = pack(many, effort=24_000), pack(many, effort=2_000_000)
    check(many, moved.offsets, 64)
    assert moved.height < greedy.height
    assert moved.method == "ejections"


def test_what_is_enough_need_not_be_aligned(monkeypatch):
    monkeypatch.setattr("nnvm.packing.portfolio.LARGEST_TABLE", 0)
    many = instance(120, seed=9)
    greedy = pack(many, effort=24_000)
    enough = greedy.height - 1
    packing = pack(many, effort=200_000, enough=enough)
    check(many, packing.offsets, 64)
    assert packing.method == "ejections"
    assert packing.height <= enough


def test_sizes_beyond_64_bits_are_packed_too():
    huge = [Block(0, 2, 1 << 70), Block(1, 3, 1 << 70), Block(5, 1 << 90, 7)]
    packing = pack(huge)
    check(huge, packing.offsets, 64)
    assert packing.height == packing.bound == 1 << 71


@pytest.mark.parametrize(
    "blocks",
    [
        [Block(0, 9, 1 + i % 97) for i in range(3_000)],  # all live always
        [Block(0, 5_000, 10**6), *(Block(2 * i, 2 * i + 3, 1 + i * 7 % 99) for i in range(2_400))],  # one very long
        [Block(i, i + 1, 1 + i % 9) for i in range(9_000)],  # no two live together
        [Block(i, i, 5) for i in range(50)] + [Block(0, 4, 0)] * 50,  # nothing to put down
        [Block(i % 7, i % 7 + 4, 64) for i in range(2_000)],  # many of the same
        [Block(0, 2, (1 << 62) - 1), Block(1, 3, 1 << 62), Block(2, 4, 5)],
        [Block((1 << 59) + i % 9, (1 << 59) + i % 9 + 3, (1 << 52) + i) for i in range(60)],
    ],
    ids=["always", "long", "disjoint", "empty", "same", "large", "late"],
)
def test_shapes_that_are_far_from_the_usual(blocks):
    for alignment in (1, 4096):
        packing = pack(blocks, alignment, effort=500_000)
        check(blocks, packing.offsets, alignment, packing.height)
        assert packing.height <= 1.02 * packing.bound


def test_a_clock_that_has_run_out_still_gives_a_packing():
    many = instance(200)
    packing = pack(many, time_limit=0)
    check(many, packing.offsets, 64)
    assert (packing.method, packing.status) == ("sweep", "heuristic")


def test_progress_is_one_line_for_each_better_packing():
    lines = []
    packing = pack(instance(60), progress=lines.append)
    assert lines
    assert all("\n" not in line and "above the bound" in line for line in lines)
    assert f"{packing.height:,} bytes" in lines[-1]


def test_a_plain_problem_and_its_blocks_are_packed_alike():
    blocks = instance(50)
    problem = Problem([Buffer(*block) for block in blocks], [Pool(alignment=64)])
    packing = pack(problem)
    validate(problem, packing)
    assert packing.offsets == pack(blocks, 64).offsets


def test_a_pool_that_is_too_small_is_an_error_with_the_lowest_packing_and_the_bound():
    two = [Buffer(0, 2, 100), Buffer(1, 3, 100)]
    with pytest.raises(Error, match=r"is 200 bytes high, above the 150 of pool 'sram'; none is below 200"):
        pack(Problem(two, [Pool("sram", 150)]))
    assert pack(Problem(two, [Pool("sram", 200)])).height == 200


def test_gaps_pools_and_fixed_places_go_together():
    problem = Problem(
        [
            Buffer(0, 10, 64, name="in", offset=0),
            Buffer(0, 10, 100, gaps=[Gap(2, 8)]),
            Buffer(3, 7, 90, alignment=16),
            Buffer(0, 10, 1000),
        ],
        [Pool("sram", 192, alignment=4), Pool("dram")],
    )
    packing = pack(problem)
    validate(problem, packing)
    assert packing.pools == (0, 0, 0, 1)
    assert (packing.offsets[0], packing.height, packing.status) == (0, 1000, "optimal")
