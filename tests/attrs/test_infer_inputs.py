from nnvm import ops
from nnvm.attrs import infer_inputs
from nnvm.ir import f32, named_input


def test_which_operators_tell_of_their_inputs() -> None:
    found = [op.name for op in infer_inputs if op.module.startswith("nnvm.ops")]
    assert found == ["deform_conv", "gemm", "batch_norm", "conv", "rms_norm", "gru", "lstm", "rnn", "assign"]


def test_an_entry_answers_for_every_input() -> None:
    a, b, c = named_input("a", f32["n", 5]), named_input("b"), named_input("c")
    assert infer_inputs[ops.gemm](ops.gemm(a, b, c).node) == (None, f32[5, None], f32[...])
    assert infer_inputs[ops.gemm](ops.gemm(a, b, transpose_a=True, transpose_b=True).node) == (None, f32[None, "n"])
    assert infer_inputs[ops.conv](ops.conv(named_input("x", f32[1, 2, 3, 3]), b, c).node) == (None, None, None)
