"""Pads of pads, and pads that a window can add itself."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites

from nnvm import ops
from nnvm.ir import Value, f32, i64, tensor_data
from nnvm.passes import cancel_layout

MINUS_INFINITY = float("-inf")
AROUND = (0, 0, 1, 0, 0, 0, 1, 2)


def weight(*shape: int) -> Value:
    return tensor_data(0.5, f32[shape])


JOINED = {
    "zeros": (lambda x: ops.pad(ops.pad(x, AROUND), AROUND), lambda x: ops.pad(x, (0, 0, 2, 0, 0, 0, 2, 4))),
    "a value": (
        lambda x: ops.pad(ops.pad(x, (1, 1), 2.0, (1,)), (0, 1), 2.0, (-1,)),
        lambda x: ops.pad(x, (0, 1, 0, 0, 0, 1, 0, 1), 2.0),
    ),
    "conv": (
        lambda x: ops.conv(ops.pad(x, AROUND), weight(2, 3, 2, 2), pads=(0, 1, 0, 0)),
        lambda x: ops.conv(x, weight(2, 3, 2, 2), pads=(1, 1, 1, 2)),
    ),
    "conv that is VALID": (
        lambda x: ops.conv(ops.pad(x, AROUND, 0.0), weight(2, 3, 2, 2), auto_pad="VALID"),
        lambda x: ops.conv(x, weight(2, 3, 2, 2), pads=(1, 0, 1, 2)),
    ),
    "average": (
        lambda x: ops.average_pool(ops.pad(x, AROUND), kernel=(3, 3)),
        lambda x: ops.average_pool(x, kernel=(3, 3), pads=(1, 0, 1, 2), count_include_pad=True),
    ),
    "average that counts": (
        lambda x: ops.average_pool(ops.pad(x, AROUND), kernel=(3, 3), pads=(1, 1, 1, 0), count_include_pad=True),
        lambda x: ops.average_pool(x, kernel=(3, 3), pads=(2, 1, 2, 2), count_include_pad=True),
    ),
    "maximum": (
        lambda x: ops.max_pool(ops.pad(x, AROUND, MINUS_INFINITY), kernel=(3, 3)),
        lambda x: ops.max_pool(x, kernel=(3, 3), pads=(1, 0, 1, 2)),
    ),
}


@pytest.mark.parametrize("name", JOINED)
def test_pads_join(name: str) -> None:
    left, right = JOINED[name]

    def before(x: f32["n", 3, 4, "m"]) -> Value:
        return ops.tanh(left(x))

    def after(x: f32["n", 3, 4, "m"]) -> Value:
        return ops.tanh(right(x))

    assert_rewrites(cancel_layout, before, after)


APART = {
    "other values": lambda x: ops.pad(ops.pad(x, AROUND, 1.0), AROUND, 2.0),
    "edges": lambda x: ops.pad(ops.pad(x, AROUND, mode="edge"), AROUND, mode="edge"),
    "cut and grown": lambda x: ops.pad(ops.pad(x, (0, 0, -1, 0, 0, 0, 0, 0)), AROUND),
    "conv after ones": lambda x: ops.conv(ops.pad(x, AROUND, 1.0), weight(2, 3, 2, 2)),
    "conv after more channels": lambda x: ops.conv(ops.pad(x, (0, 1, 0, 0, 0, 0, 0, 0)), weight(2, 4, 2, 2)),
    "conv that pads itself": lambda x: ops.conv(ops.pad(x, AROUND), weight(2, 3, 2, 2), auto_pad="SAME_UPPER"),
    "conv after a cut": lambda x: ops.conv(ops.pad(x, (0, 0, -1, 0, 0, 0, 0, 0)), weight(2, 3, 2, 2)),
    "average that does not count": lambda x: ops.average_pool(ops.pad(x, AROUND), kernel=(3, 3), pads=(1, 1, 1, 1)),
    "a pad as wide as the window": lambda x: ops.average_pool(ops.pad(x, AROUND), kernel=(2, 2)),
    "maximum of zeros": lambda x: ops.max_pool(ops.pad(x, AROUND), kernel=(3, 3)),
}


@pytest.mark.parametrize("name", APART)
def test_pads_that_stay(name: str) -> None:
    def program(x: f32[1, 3, 4, 4]) -> Value:
        return APART[name](x)

    assert_keeps(cancel_layout, program)


def test_pads_that_are_an_input_stay() -> None:
    def program(x: f32[1, 3, 4, 4], pads: i64[8]) -> Value:
        return ops.conv(ops.pad(x, pads), weight(2, 3, 2, 2))

    assert_keeps(cancel_layout, program)
