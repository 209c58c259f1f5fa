"""Families of operators and their colours."""

import re

from nnvm import ops
from nnvm.ir import Op, foreign
from nnvm.pictures.families import PALETTE, family


def test_families_of_operators():
    assert family(ops.conv) == "network"
    assert family(ops.matmul) == "linear"
    assert family(ops.add) == "arithmetic"
    assert family(ops.reduce_sum) == "reduction"
    assert family(foreign("Fancy", "com.acme")) == "other"


def test_a_stranger_that_is_called_like_ours_is_other():
    def body(x):
        return x.type

    body.__module__ = "acme.nn"
    assert family(Op(body, 1, "conv")) == "other"


def test_every_family_has_a_colour_on_light_and_on_dark():
    assert {family(getattr(ops, name)) for name in ops.__all__} <= PALETTE.keys()
    assert all(re.fullmatch("#[0-9A-F]{6}", colour) for colours in PALETTE.values() for colour in colours)
    assert len(set(PALETTE.values())) == len(PALETTE)
