import pytest
from hypothesis import given, settings
from tests.ops.test_shape import USES
from tests.ops.uses import Use, ours

from nnvm.attrs import view
from nnvm.ir import Op


def test_which_operators_only_look() -> None:
    assert [op.name for op in view if op.module.startswith("nnvm.ops")] == [
        "flatten",
        "reshape",
        "squeeze",
        "unsqueeze",
    ]


@pytest.mark.parametrize("op", list(view), ids=lambda op: op.name)
def test_a_view_holds_the_same_bytes(op: Op[..., object]) -> None:
    @given(USES[op])
    @settings(max_examples=30)
    def law(use: Use) -> None:
        assert ours(use)[0].tobytes() == use.arrays[0].tobytes()

    law()
