"""A packing with one fault is refused, and by its name."""

import pytest

from nnvm.errors import Error
from nnvm.packing.problem import Buffer, Gap, Packing, Pool, Problem
from nnvm.packing.validator import validate

TWO = Problem([Buffer(0, 2, 10), Buffer(1, 3, 10)])


def test_a_packing_is_accepted():
    validate(TWO, Packing([0, 10], 20, 20, "by hand"))


@pytest.mark.parametrize(
    ("problem", "packing", "said"),
    [
        (TWO, Packing([0, 8], 20, 20, ""), r"buffers 0 and 1 live together and share bytes \[8, 10\)"),
        (TWO, Packing([0], 20, 20, ""), "do not match"),
        (TWO, Packing([0, 10], 19, 19, ""), "is said to end at 19, and a buffer ends at 20"),
        (TWO, Packing([0, 10], 20, 21, ""), "contradict"),
        (TWO, Packing([0, -10], 20, 20, ""), "no multiple of 1"),
        (TWO, Packing([0, 10], 20, 20, "", pools=[0, 1]), "lies in pool 1, and there are 1"),
        (Problem(TWO.buffers, [Pool("s", 19)]), Packing([0, 10], 20, 20, ""), "above the 19 bytes of pool 's'"),
        (Problem(TWO.buffers, [Pool(alignment=4)]), Packing([0, 10], 20, 20, ""), "no multiple of 4"),
        (Problem([Buffer(0, 2, 10, alignment=8)]), Packing([4], 14, 10, ""), "no multiple of 8"),
        (Problem([Buffer(0, 2, 10, offset=8)]), Packing([0], 18, 10, ""), "lies at 0 and is fixed at 8"),
        (
            Problem([Buffer(0, 2, 10, pool="b")], [Pool("a"), Pool("b")]),
            Packing([0], 0, 0, "", pools=[0], heights=[10, 0]),
            "lies in pool 'a' and must lie in 'b'",
        ),
        (
            Problem([Buffer(0, 9, 10, gaps=[Gap(3, 6, 0, 4)]), Buffer(4, 5, 10)]),
            Packing([0, 3], 13, 13, ""),
            r"share bytes \[3, 4\)",
        ),
    ],
)
def test_each_fault_is_named(problem, packing, said):
    with pytest.raises(Error, match=said):
        validate(problem, packing)


def test_what_is_in_a_gap_is_no_fault():
    problem = Problem([Buffer(0, 9, 10, gaps=[Gap(3, 6, 0, 4)]), Buffer(4, 5, 10)])
    validate(problem, Packing([0, 4], 14, 14, "by hand"))
