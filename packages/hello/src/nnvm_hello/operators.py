"""One operator."""

import nnvm


@nnvm.op
def scale(x: nnvm.Value, *, by: float = 1.0) -> nnvm.TensorType:
    """Return x * by."""
    if not x.dtype.is_float:
        raise ValueError("it takes floating-point numbers")
    return x.type
