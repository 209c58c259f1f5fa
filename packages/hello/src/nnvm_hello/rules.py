"""One rule."""

from collections.abc import Iterator

import nnvm
from nnvm_hello.operators import scale


@nnvm.rule
def join_scales(x: nnvm.Value, a: float, b: float) -> Iterator[nnvm.Value]:
    """scale(scale(x, by=a), by=b) = scale(x, by=a*b)."""
    yield scale(scale(x, by=a), by=b)
    yield scale(x, by=a * b)
