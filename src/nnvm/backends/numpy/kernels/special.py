"""The error function, which NumPy lacks: a polynomial near zero, and one times exp(-x*x) away from it."""

from functools import lru_cache
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.elementwise import against, row
from nnvm.backends.numpy.kernels.scratch import Array

# Our own Chebyshev fits (made with mpmath), as powers, highest first, of an argument scaled to [-1, 1].
_NEAR64 = (
    1.454817075960679e-14,
    -3.8078827395263415e-13,
    9.167606746069445e-12,
    -2.035228404899467e-10,
    4.11580059766496e-09,
    -7.51156928660089e-08,
    1.223382738352401e-06,
    -1.7537169441124826e-05,
    0.00021751715604160108,
    -0.0022854855611441132,
    0.019852496688983708,
    -0.1405360890227171,
    0.9654687386698673,
)
_FAR64 = (
    4.523278147001667e-13,
    1.0049651626217925e-11,
    2.4764852531621247e-11,
    -1.582600066782054e-10,
    -1.0617789009364662e-09,
    2.4398193825086676e-10,
    2.5733670390389046e-08,
    6.226435586909983e-08,
    -5.355324282518233e-07,
    -2.747765175991897e-06,
    1.2958711074241982e-05,
    9.897813653138654e-05,
    -0.0005578532607140842,
    -0.0031198132797544413,
    0.04678904709021183,
    -0.2672455724832855,
    0.9662379937306115,
)
_NEAR32 = (
    1.2316401734510412e-06,
    -1.766908081175121e-05,
    0.00021751198975739192,
    -0.002285419528892305,
    0.01985249772277959,
    -0.14053609728153707,
    0.9654687386375511,
)
_FAR32 = (
    -3.783035420592771e-07,
    4.044137037241697e-06,
    2.665975279826268e-05,
    -0.00026544300043069576,
    -0.0013497112687803324,
    0.03105243072119017,
    -0.22905356154786433,
    1.0215827059896723,
)


def erf_of(out: Array, x: Array, size: Array, part: Array, total: Array) -> None:
    """Take the error function of flat float32 or float64 arrays, right to a few units in the last place.

    `out` may be `x`; `size`, `part` and `total` are scratch of the same length.
    """
    near, far, end = (_NEAR64, _FAR64, 6.0) if x.dtype == np.float64 else (_NEAR32, _FAR32, 4.0)
    np.abs(x, out=size)
    against(np.minimum, size, row(end, x.dtype), size)
    against(np.maximum, size, row(1, x.dtype), size)
    _far(total, size, part, far, end)
    # Beyond one, what erf gains on erf(1); up to one exactly nothing. A choice by mask would take ten times as long.
    np.subtract(total, _at_one(x.dtype), out=total)
    np.subtract(size, 1, out=size)
    np.multiply(size, 1e30, out=size)
    against(np.minimum, size, row(1, x.dtype), size)
    np.multiply(total, size, out=total)
    np.copysign(total, x, out=total)
    against(np.minimum, x, row(1, x.dtype), size)
    against(np.maximum, size, row(-1, x.dtype), size)
    _near(out, size, part, near)
    np.add(out, total, out=out)


@lru_cache(maxsize=4)
def _at_one(dtype: np.dtype[Any]) -> Any:
    """Return erf(1) exactly as `_near` computes it, so that a large argument gives one, and not almost one."""
    out, part = np.empty(1, dtype), np.empty(1, dtype)
    _near(out, np.ones(1, dtype), part, _NEAR64 if dtype == np.float64 else _NEAR32)
    return out[0]


def _far(out: Array, x: Array, part: Array, powers: tuple[float, ...], end: float) -> None:
    """Set out to 1 - exp(-x*x) / (x + 2) * polynomial((x - 2) / (x + 2)), which is erf(x) for 1 <= x <= end."""
    low, high = -1 / 3, (end - 2) / (end + 2)
    np.add(x, 2, out=out)
    np.subtract(x, 2, out=part)
    np.divide(part, out, out=part)
    np.multiply(part, 2 / (high - low), out=part)
    np.subtract(part, (high + low) / (high - low), out=part)
    _horner(out, part, powers)
    np.add(x, 2, out=part)
    np.divide(out, part, out=out)
    np.multiply(x, x, out=part)
    np.negative(part, out=part)
    np.exp(part, out=part)
    np.multiply(out, part, out=out)
    np.subtract(1, out, out=out)


def _near(out: Array, x: Array, part: Array, powers: tuple[float, ...]) -> None:
    """Set out to erf(x), right for -1 <= x <= 1."""
    np.multiply(x, x, out=part)
    np.multiply(part, 2, out=part)
    np.subtract(part, 1, out=part)
    _horner(out, part, powers)
    np.multiply(out, x, out=out)


def _horner(out: Array, x: Array, powers: tuple[float, ...]) -> None:
    out[...] = powers[0]
    for power in powers[1:]:
        np.multiply(out, x, out=out)
        np.add(out, power, out=out)
