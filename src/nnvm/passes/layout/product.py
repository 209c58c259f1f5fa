"""How a product of matrices takes them transposed."""

from nnvm.ir import Node, Value, f16, f32, f64
from nnvm.ops import gemm, matmul
from nnvm.passes.layout.transpose import perm_of
from nnvm.passes.visits import Readers


def transposed_factors(node: Node, readers: Readers) -> Value | None:
    """matmul(transpose(a), b) = gemm(a, b, transpose_a), and so for b and for gemm, of matrices of floats.

    Only where nothing else reads what is transposed.
    """
    a, b = node.inputs[:2]
    if len(a.shape) != 2 or len(b.shape) != 2 or a.dtype not in (f16, f32, f64):
        return None
    swaps = [perm_of(value) == (1, 0) and readers.one(value) for value in (a, b)]
    if not any(swaps):
        return None
    a, b = (value.node.inputs[0] if swap else value for value, swap in zip((a, b), swaps, strict=True))
    if node.op is matmul:
        return gemm(a, b, transpose_a=swaps[0], transpose_b=swaps[1])
    turned = {f"transpose_{x}": node.params[f"transpose_{x}"] != swap for x, swap in zip("ab", swaps, strict=True)}
    return gemm(a, b, *node.inputs[2:], **{**node.params, **turned})
