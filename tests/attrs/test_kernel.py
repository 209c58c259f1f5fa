"""The kernel of an operator that is not ours: one name for every backend, after what a backend itself says."""

import nnvm
from nnvm.attrs import kernel
from nnvm.backends.numpy.table import call, lowering
from nnvm.ir import f32


@nnvm.op
def third(x: nnvm.Value, *, of: int = 1) -> nnvm.TensorType:
    """Return x / 3."""
    return x.type


def test_a_backend_takes_the_named_kernel_unless_it_knows_better():
    node = nnvm.trace(lambda x: third(x, of=2), x=f32[3]).outputs[0].node
    assert call(node) is None
    kernel[third] = "numpy:neg/1"
    made = call(node)
    assert (made.kernel, made.inputs, dict(made.params)) == ("numpy:neg/1", node.inputs, {"of": 2})
    lowering[third] = lambda node: ("tanh", node.inputs, {})
    assert call(node).kernel == "numpy:tanh/1"
    assert not [op.name for op in kernel if op.module.startswith("nnvm.")]
