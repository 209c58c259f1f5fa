"""Several pools, gaps, alignments, fixed places, hints."""

import random

import pytest

from nnvm.errors import Error
from nnvm.packing.budget import Budget
from nnvm.packing.pools import Ground, lay, layouts, packed, score
from nnvm.packing.portfolio import pack
from nnvm.packing.problem import Buffer, Gap, Pool, Problem
from nnvm.packing.validator import validate


def test_the_first_pool_with_room_takes_a_buffer_and_the_rest_spill():
    problem = Problem([Buffer(0, 2, 60), Buffer(0, 2, 50), Buffer(2, 3, 100)], [Pool("fast", 100), Pool("slow")])
    packing = pack(problem)
    validate(problem, packing)
    assert packing.pools == (0, 1, 0)
    assert (packing.height, packing.heights, packing.bound) == (50, (100, 50), 10)


def test_a_buffer_lies_in_another_ones_gap():
    problem = Problem([Buffer(0, 9, 100, gaps=[Gap(3, 6)]), Buffer(3, 6, 80), Buffer(4, 5, 20)])
    packing = pack(problem)
    validate(problem, packing)
    assert (packing.height, packing.status) == (100, "optimal")


def test_bytes_kept_in_a_gap_are_left_alone():
    problem = Problem([Buffer(0, 9, 100, gaps=[Gap(3, 6, 0, 30)]), Buffer(3, 6, 70)])
    packing = pack(problem)
    validate(problem, packing)
    assert (packing.height, packing.status) == (100, "optimal")


def test_each_buffer_has_its_own_alignment():
    problem = Problem(
        [Buffer(0, 1, 3), Buffer(0, 1, 5, alignment=4), Buffer(0, 1, 1, alignment=6)], [Pool(alignment=2)]
    )
    packing = pack(problem)
    validate(problem, packing)
    assert packing.height <= 13
    assert [packing.offsets[1] % 4, packing.offsets[2] % 6] == [0, 0]


def test_what_is_fixed_stays_and_hints_are_tried_first():
    problem = Problem([Buffer(0, 9, 10, offset=20), Buffer(0, 9, 10, hint=40), Buffer(3, 5, 10, hint=20)])
    ground = Ground(problem)
    hinted = lay(ground, [1, 2], hints=True)
    assert hinted.offsets == [20, 40, 0]
    packing = pack(problem)
    validate(problem, packing)
    assert (packing.offsets[0], packing.height, packing.status) == (20, 30, "optimal")


def test_what_is_fixed_on_each_other_is_an_error():
    with pytest.raises(Error, match=r"buffers 0 and 1 live together and share bytes \[4, 8\)"):
        pack(Problem([Buffer(0, 2, 8, offset=0), Buffer(1, 3, 8, offset=4)]))
    with pytest.raises(Error, match="buffer 0 is fixed at 4, and no pool it may use ends above its 8 bytes"):
        pack(Problem([Buffer(0, 2, 8, offset=4)], [Pool(size=10)]))


def test_what_cannot_be_is_refused_before_any_search():
    crowd = [Buffer(i % 90, i % 90 + 30, 10 + i % 7, hint=0) for i in range(3000)]
    overlapping = [*crowd, Buffer(0, 9, 8, offset=4), Buffer(8, 12, 8, offset=0)]
    with pytest.raises(Error, match=r"buffers 3000 and 3001 live together and share bytes \[4, 8\)"):
        Ground(Problem(overlapping))
    Ground(Problem([*crowd, Buffer(0, 9, 8, gaps=[Gap(8, 9)], offset=4), Buffer(8, 12, 8, offset=0)]))
    with pytest.raises(Error, match=r"buffer 'big' of 90 bytes is larger than any pool it may use \(sram 64, dram"):
        Ground(Problem([*crowd, Buffer(0, 1, 90, name="big")], [Pool("sram", 64), Pool("dram", 80)]))


def test_a_buffer_that_the_fast_pool_is_too_small_for_spills_alone():
    small = [Buffer(i, i + 2, 24) for i in range(6)]
    problem = Problem([Buffer(0, 6, 100), *small], [Pool("sram", 64, alignment=16), Pool("dram", alignment=64)])
    packing = pack(problem)
    validate(problem, packing)
    assert packing.pools == (1, 0, 0, 0, 0, 0, 0)
    assert (packing.heights, packing.status) == ((56, 100), "optimal")


def test_alignments_that_do_not_divide_each_other_both_hold():
    problem = Problem([Buffer(0, 2, 5, alignment=6) for _ in range(4)], [Pool(alignment=8)])
    packing = pack(problem)
    validate(problem, packing)
    assert sorted(packing.offsets) == [0, 24, 48, 72]


def test_a_buffer_has_the_alignment_of_the_pool_it_comes_to():
    pools = [Pool("a", 40, alignment=4), Pool("b", 100, alignment=64), Pool("c", alignment=48)]
    problem = Problem([Buffer(0, 2, 30, alignment=6) for _ in range(5)], pools)
    packing = pack(problem)
    validate(problem, packing)
    assert [packing.pools.count(pool) for pool in range(3)] == [1, 1, 3]
    assert sorted(offset for offset, pool in zip(packing.offsets, packing.pools, strict=True) if pool == 2) == [
        0, 48, 96,
    ]  # fmt: skip


def test_without_room_the_error_names_a_buffer_and_the_pools():
    problem = Problem([Buffer(0, 2, 8, name="x"), Buffer(1, 2, 8, name="y")], [Pool("a", 8), Pool("b", 7)])
    with pytest.raises(Error, match=r"of 8 bytes finds no room in any pool it may use \(a 8, b 7\), and 0 more"):
        pack(problem)


def test_the_bound_of_the_last_pool_counts_what_fits_no_other():
    ground = Ground(Problem([Buffer(0, 2, 90), Buffer(0, 2, 200)], [Pool("a", 100), Pool("b")]))
    assert ground.bound == 200
    endless = Ground(Problem([Buffer(0, 2, 90)], [Pool("a"), Pool("b")]))
    assert endless.bound == 0


def test_moves_in_the_order_make_it_lower_and_never_higher():
    chance = random.Random(7)
    buffers = [
        Buffer(
            t := chance.randrange(60),
            t + chance.randrange(1, 20),
            chance.randrange(1, 200),
            alignment=chance.choice([1, 8]),
        )
        for _ in range(60)
    ]
    ground = Ground(Problem(buffers))
    found = list(layouts(ground, Budget(1_500_000)))
    assert found[-1][0] == "moves in the order"
    moved = [score(layout) for name, layout in found if name == "moves in the order"]
    assert moved == sorted(moved, reverse=True)
    assert moved[-1] < min(score(layout) for name, layout in found if name != "moves in the order")
    packing = packed(ground, found[-1][1], "moves in the order", limited=True)
    validate(ground.problem, packing)
