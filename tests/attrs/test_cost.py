import pytest

from nnvm import ops
from nnvm.attrs import macs
from nnvm.errors import Error
from nnvm.ir import f32, named_input


def test_which_operators_multiply_and_accumulate() -> None:
    assert [op.name for op in macs if op.module.startswith("nnvm.ops")] == [
        *(
            "attention",
            "deform_conv",
            "einsum",
            "gemm",
            "matmul",
            "conv",
            "conv_transpose",
            "conv_integer",
            "matmul_integer",
        ),
        *("qlinear_conv", "qlinear_matmul", "gru", "lstm", "rnn"),
    ]
    assert macs.get(ops.relu) is None


def test_a_classifier_head() -> None:
    node = ops.gemm(named_input("x", f32[1, 512]), named_input("w", f32[1000, 512]), transpose_b=True).node
    assert macs[ops.gemm](node) == 512_000


def test_an_operator_without_an_entry() -> None:
    with pytest.raises(Error, match="relu has no entry for 'multiply-accumulates"):
        macs[ops.relu]
