"""Computing one node now, on constants."""

from typing import Any

import numpy as np

from nnvm.backends.numpy.device import NumpyDevice
from nnvm.backends.numpy.table import call
from nnvm.errors import Error
from nnvm.ir import ABSENT, Node, TensorData, TensorType, Value, data_of

_DEVICE = NumpyDevice()


def evaluate(node: Node) -> list[TensorData] | None:
    """Return the outputs of a node whose inputs are all constant; None where it has no kernel or no static shape."""
    made = None if node.op.foreign else _call(node)
    if made is None:
        return None
    outs = []
    for value in node.outputs:
        if not isinstance(value.type, TensorType) or not _is_static(value.type):
            return None
        outs.append(_DEVICE.empty(value.type.dtype.name, value.type.shape))  # type: ignore[arg-type]
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
            _DEVICE.kernel(made.kernel)(*outs, *inputs, **params)
    except (ValueError, IndexError, TypeError) as error:
        raise Error(f"{node!r} cannot be computed: {error}") from error
    return [TensorData(value.tensor, memoryview(out.tobytes())) for value, out in zip(node.outputs, outs, strict=True)]


def _is_static(type: TensorType) -> bool:
    return type.shape_or_none is not None and all(isinstance(size, int) for size in type.shape)


def _call(node: Node) -> Any:
    try:
        return call(node)
    except Error:
        return None


def _array(value: Value) -> Any:
    data = data_of(value)
    if data is None:
        raise Error(f"{value!r} is not constant, so it cannot be computed now")
    return _DEVICE.constant(data.read(), data.dtype.name, data.shape)
