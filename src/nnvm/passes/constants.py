"""How passes read constants, and make new ones."""

from collections.abc import Iterable

from nnvm.ir import DType, Value, constant, contents, data_of, i64, tensor_data
from nnvm.ir.dims import Size
from nnvm.ir.tensor_data import Number


def number(value: Value) -> Number | None:
    """Return the one number that a constant holds throughout, or None."""
    data = data_of(value)
    return None if data is None else data.uniform


def whole(value: Value) -> tuple[int, ...] | None:
    """Return the elements of a small integer tensor where all are plain numbers, else None."""
    known = contents(value)
    if known is None:
        return None
    found = tuple(element for element in known if isinstance(element, int))
    return found if len(found) == len(known) else None


def vector(elements: Iterable[int], dtype: DType = i64) -> Value:
    """Return a constant vector of integers."""
    listed = list(elements)
    return constant(data=tensor_data(listed, dtype[len(listed)]))


def filled(amount: Number, dtype: DType, shape: tuple[Size, ...] = ()) -> Value:
    """Return a constant that is one number throughout; raises Error where the number does not fit."""
    return constant(data=tensor_data(amount, dtype[shape]))
