"""How many bytes Python's and NumPy's own objects take while a kernel runs: views, tuples, iterators, no elements."""

from collections.abc import Iterable
from typing import Final

FRAME: Final = 900
"""Beside all kernels: two blocks' slack up to their alignment, the lists and mappings of a run."""

OUTPUT: Final = 300
"""For each array that the caller gets: its block, its view, the slack up to the alignment."""

_WINDOWS = ("conv", "conv_transpose", "max_pool", "max_pool_with_indices", "average_pool", "lp_pool", "col2im")
_RECURRENT = ("lstm", "gru", "rnn")
_PIECES = (
    *("batch_norm", "layer_norm", "layer_norm_with_statistics", "rms_norm", "group_norm", "instance_norm", "lrn"),
    *("softmax", "softmax_from", "log_softmax", "log_softmax_from", "gelu", "erf", "resize", "roi_align"),
    *("grid_sample", "attention", "einsum", "conv_add", "gather_nd", "scatter_nd", "quantize_linear"),
)
_MOVES = (
    *("copy", "reshape", "transpose", "slice_array", "split", "tile", "expand", "fill", "shape", "size", "cast"),
    *("exp", "tanh", "sqrt", "absolute", "neg", "floor", "ceil", "sign", "reciprocal", "dropout", "where"),
)

OBJECTS: Final = {
    f"numpy:{name}/1": size
    for names, size in ((_WINDOWS, 7680), (_RECURRENT, 6784), (_PIECES, 4352), (_MOVES, 512))
    for name in names
}
"""Kernel -> the bytes, as tracemalloc shows them on CPython 3.11 with NumPy 2.4."""

OTHERS: Final = 1792
"""What a kernel that is not listed takes."""


def objects(kernels: Iterable[str], outputs: int) -> int:
    """Return the bytes of objects that a run of these kernels, giving so many outputs, holds at its fullest."""
    return FRAME + OUTPUT * outputs + max((OBJECTS.get(kernel, OTHERS) for kernel in kernels), default=0)
