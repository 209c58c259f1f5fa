from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops import test_activation, test_arithmetic, test_bits
from tests.ops.uses import Use, close, ours, seeds

from nnvm import ops
from nnvm.attrs import elementwise
from nnvm.ir import Op

USES = test_arithmetic.USES | test_activation.USES | test_bits.USES


def test_these_families_alone_are_elementwise() -> None:
    others = {op for op in USES if op not in elementwise}
    assert {op.name for op in others} == {
        *("softmax", "log_softmax", "hardmax", "softmax_from", "log_softmax_from", "hardmax_from"),
        *("bit_cast", "cast_like"),
    }
    assert set(elementwise) == set(USES) - others


@pytest.mark.parametrize("op", list(elementwise), ids=lambda op: op.name)
def test_an_element_depends_on_its_own_place_alone(op: Op[..., Any]) -> None:
    """Shuffling the places of all inputs alike shuffles the output."""

    @given(USES[op], seeds)
    @settings(max_examples=10)
    def law(use: Use, seed: int) -> None:
        inputs = [each for each in use.arrays if each is not None]
        wide = np.broadcast_shapes(*[each.shape for each in inputs])
        scalars = (1, 2) if op is ops.clip else ()
        arrays = [
            each if each is None or i in scalars else np.broadcast_to(each, wide).reshape(-1)
            for i, each in enumerate(use.arrays)
        ]
        order = np.random.default_rng(seed).permutation(arrays[0].size)
        turned = [each if each is None or i in scalars else each[order] for i, each in enumerate(arrays)]
        (plain,) = ours(Use(op, [None if each is None else np.array(each) for each in arrays], **use.params))
        (shuffled,) = ours(Use(op, [None if each is None else np.array(each) for each in turned], **use.params))
        assert close(plain[order], shuffled)

    law()


@given(st.sampled_from(sorted(op.name for op in elementwise if op.module.startswith("nnvm.ops"))))
def test_a_name_finds_its_operator(name: str) -> None:
    assert elementwise[getattr(ops, name)] is True
