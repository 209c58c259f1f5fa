"""Computing one node now, on constants."""

import math
import mmap
import tempfile
from typing import Any, Final

import numpy as np

from nnvm.backends.numpy.device import NumpyDevice, dtype_of
from nnvm.backends.numpy.table import call
from nnvm.compile.subbyte import unpacked
from nnvm.errors import Error
from nnvm.ir import ABSENT, Node, TensorData, TensorType, Value, data_of

_DEVICE = NumpyDevice()

SPILLED: Final = 1 << 24
"""Bytes from which a computed constant lies in a temporary file."""


def evaluate(node: Node) -> list[TensorData] | None:
    """Return the outputs of a node whose inputs are all constant.

    None where it has no kernel, no static shape or elements below a byte, or where the kernel refuses: then a run says
    what is wrong.
    """
    made = None if node.op.foreign else _call(node)
    if made is None:
        return None
    outs = []
    for value in node.outputs:
        if not isinstance(value.type, TensorType) or not _is_plain(value.type):
            return None
        outs.append(_empty(value.type.dtype.name, value.type.shape))  # type: ignore[arg-type]
    inputs = [None if value is ABSENT else _array(value) for value in made.inputs]
    params = dict(made.params)
    if made.workspace is not None:
        shapes = [None if array is None else array.shape for array in inputs]
        first = next((array for array in inputs if array is not None), outs[0])
        size = made.workspace([out.shape for out in outs], shapes, first.itemsize, params)
        if size:
            params["workspace"] = _DEVICE.allocate(size)
    try:
        with np.errstate(all="ignore"):
            if made.allocates:
                outs = _allocated(_DEVICE.kernel(made.kernel)(*inputs, **params), outs)
            else:
                _DEVICE.kernel(made.kernel)(*outs, *inputs, **params)
    except (ValueError, IndexError, TypeError):
        return None
    return [TensorData(value.tensor, _bytes(out)) for value, out in zip(node.outputs, outs, strict=True)]


def _allocated(found: Any, planned: list[Any]) -> list[Any]:
    """Return what a kernel allocated as the planned arrays; raise ValueError where it is of another shape."""
    arrays = list(found) if isinstance(found, (tuple, list)) else [found]
    if [array.shape for array in arrays] != [array.shape for array in planned]:
        raise ValueError("a kernel gave arrays of other shapes than their types say")
    return arrays


def _empty(dtype: str, shape: tuple[int, ...]) -> Any:
    """Return an array to write into; a large one lies in a temporary file, for folded weights may exceed memory."""
    array = np.empty(0, dtype_of(dtype))
    size = array.itemsize * math.prod(shape)
    if size < SPILLED:
        return _DEVICE.empty(dtype, shape)
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        return np.frombuffer(mmap.mmap(file.fileno(), size), array.dtype).reshape(shape)


def _bytes(array: Any) -> memoryview:
    flat: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return memoryview(flat).toreadonly()


def _is_plain(type: TensorType) -> bool:
    """Say whether the shape is static and elements take whole bytes."""
    if type.shape_or_none is None or type.dtype.bits < 8:
        return False
    return all(isinstance(size, int) for size in type.shape)


def _call(node: Node) -> Any:
    try:
        return call(node)
    except Error:
        return None


def _array(value: Value) -> Any:
    data = data_of(value)
    if data is None:
        raise Error(f"{value!r} is not constant, so it cannot be computed now")
    return _DEVICE.constant(unpacked(data).read(), data.dtype.name, data.shape)
