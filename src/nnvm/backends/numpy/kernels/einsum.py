"""Sums of products by label: as matrix products where the strides allow, else as NumPy's own loops."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import FLOAT, Array

Labels = tuple[str, ...]


def einsum(out: Array, *arrays: Array, terms: Sequence[Labels], output: Labels) -> None:
    """Sum products over the labels that are not in the output; `terms` name the axes of each input.

    Two inputs whose labels fall into batch, rows, columns and sum are one product of matrices, without a copy, where
    each group is one stride. Types that NumPy cannot sum (bfloat16) are widened to float32 as a whole.
    """
    if out.dtype.kind == "V" or out.dtype.name == "bfloat16":
        wide = np.empty(out.shape, FLOAT)
        einsum(wide, *(each.astype(FLOAT) for each in arrays), terms=terms, output=output)
        np.copyto(out, wide, casting="unsafe")
        return
    sizes: dict[str, int] = {}
    for array, term in zip(arrays, terms, strict=True):
        for label, size in zip(term, array.shape, strict=True):
            known = sizes.get(label, 1)
            if 1 not in (known, size) and known != size:
                raise ValueError(f"einsum: one label is of {known} and of {size}")
            sizes[label] = size if known == 1 else known
    views = [_view(array, term, sizes) for array, term in zip(arrays, terms, strict=True)]
    if not all(sizes.values()):
        out.fill(0)
        return
    if (
        len(views) == 2
        and out.dtype.kind in "fc"
        and out.dtype.itemsize >= 4
        and _as_matrices(out, views, output, sizes)
    ):
        return
    numbers = {label: i for i, label in enumerate(sizes)}
    present = {label for _, term in views for label in term}
    kept = tuple(label for label in output if label in present)
    cut: Any = (*(slice(None) if label in present else 0 for label in output), ...)
    given: list[Any] = [part for array, term in views for part in (array, [numbers[label] for label in term])]
    np.einsum(*given, [numbers[label] for label in kept], out=out[cut])


def _view(array: Array, term: Labels, sizes: dict[str, int]) -> tuple[Array, Labels]:
    """Take diagonals of repeated labels, and drop axes of one that stand for more."""
    own = list(term)
    for label in sorted(set(term)):
        while own.count(label) > 1:
            first = own.index(label)
            second = own.index(label, first + 1)
            if array.shape[first] != array.shape[second]:
                raise ValueError(f"einsum: a diagonal of {array.shape[first]} and {array.shape[second]}")
            array = np.diagonal(array, axis1=first, axis2=second)
            own = [*own[:first], *own[first + 1 : second], *own[second + 1 :], label]
    cut: Any = (*(0 if size == 1 else slice(None) for size in array.shape), ...)
    return array[cut], tuple(label for label, size in zip(own, array.shape, strict=True) if size != 1)


def _as_matrices(out: Array, views: list[tuple[Array, Labels]], output: Labels, sizes: dict[str, int]) -> bool:
    """Multiply as stacks of matrices into `out`, and say so; False where a label or a stride stands against that."""
    (left, first), (right, second) = views
    summed = [label for label in first if label in second and label not in output]
    alone = [
        label for label in {*first, *second} if label not in output and (label not in first or label not in second)
    ]
    if alone or not summed:
        return False
    kept = [label for label in output if sizes[label] != 1]
    batch = [label for label in kept if label in first and label in second]
    rows = [label for label in kept if label in first and label not in second]
    columns = [label for label in kept if label in second and label not in first]
    cut: Any = (*(slice(None) if sizes[label] != 1 else 0 for label in output), ...)
    a = _grouped(left, first, (batch, rows, summed), sizes)
    b = _grouped(right, second, (batch, summed, columns), sizes)
    c = _grouped(out[cut], tuple(kept), (batch, rows, columns), sizes)
    if a is None or b is None or c is None:
        return False
    np.matmul(a, b, out=c)
    return True


def _grouped(array: Array, term: Labels, groups: Sequence[Sequence[str]], sizes: dict[str, int]) -> Array | None:
    """View an array as batch axes and two axes of merged labels, None where that takes a copy."""
    batch, *merged = groups
    turned = array.transpose([term.index(label) for group in groups for label in group])
    shape = (*(sizes[label] for label in batch), *(prod(sizes[label] for label in group) for group in merged))
    try:
        return turned.reshape(shape, copy=False)
    except ValueError:
        return None


KERNELS = {"einsum": einsum}
WORKSPACES: dict[str, Any] = {}
