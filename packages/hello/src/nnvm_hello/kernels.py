"""One NumPy kernel; a saved program imports this module, and so no graph code."""

from typing import Any

import numpy as np

from nnvm.backends.numpy import kernel


@kernel("hello:scale/1")
def scale(out: Any, x: Any, *, by: float) -> None:
    """Write x * by, also where `out` is x."""
    np.multiply(x, x.dtype.type(by), out=out)
