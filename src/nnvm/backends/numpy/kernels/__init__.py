"""Every NumPy kernel by its name in a saved program, with the workspace that each wants."""

from collections.abc import Callable
from typing import Any

from nnvm.backends.numpy.kernels import (
    accumulate,
    activation,
    arg,
    arithmetic,
    attention,
    batch_statistics,
    bits,
    cast,
    conv,
    conv_transpose,
    deform_conv,
    dynamic,
    einsum,
    grid_sample,
    indexing,
    integer,
    layout,
    linear,
    loss,
    moments,
    normalization,
    patches,
    pool,
    quantize,
    recurrent,
    reduce,
    resize,
    roi_align,
    selection,
    signal,
    softmax,
    statistics,
    streaming,
)

_COMPUTING: tuple[Any, ...] = (
    accumulate,
    activation,
    arg,
    arithmetic,
    attention,
    batch_statistics,
    bits,
    cast,
    conv,
    conv_transpose,
    deform_conv,
    einsum,
    grid_sample,
    indexing,
    integer,
    linear,
    loss,
    moments,
    normalization,
    patches,
    pool,
    quantize,
    recurrent,
    reduce,
    resize,
    roi_align,
    selection,
    signal,
    softmax,
    statistics,
    streaming,
)


def _named(*families: Any) -> dict[str, Callable[..., Any]]:
    return {f"numpy:{name}/1": kernel for family in families for name, kernel in sorted(family.KERNELS.items())}


MOVING: dict[str, Callable[..., Any]] = _named(dynamic, layout)
"""Kernels that only move elements: they need no `NumpyDevice.kernel` to be quiet and to buffer little."""

KERNELS: dict[str, Callable[..., Any]] = _named(*_COMPUTING) | MOVING

ALLOCATING: frozenset[str] = frozenset(_named(dynamic))
"""Kernels that return new arrays instead of writing into given ones."""

WORKSPACES: dict[str, Callable[..., int]] = {
    f"numpy:{name}/1": size for family in _COMPUTING for name, size in sorted(family.WORKSPACES.items())
}
"""Functions `(out_shapes, in_shapes, itemsize, params) -> bytes`; shapes may be None, the item is the first input's."""


def workspace(
    kernel: str,
    out_shapes: tuple[tuple[int, ...] | None, ...],
    in_shapes: tuple[tuple[int, ...] | None, ...],
    itemsize: int,
    params: dict[str, Any],
) -> int:
    """Return the bytes that a kernel wants beside its outputs, 0 where it wants none."""
    size = WORKSPACES.get(kernel)
    return size(out_shapes, in_shapes, itemsize, params) if size else 0
