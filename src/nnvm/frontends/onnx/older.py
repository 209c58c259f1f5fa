"""What operators said at opset 6 otherwise than at opset 7, and which nodes older still mean the same."""

from collections.abc import Callable, Mapping
from typing import Final

from nnvm import ops
from nnvm.frontends.onnx import schemas
from nnvm.frontends.onnx.rows import Use
from nnvm.ir import TensorData, TensorType, Value, data_of, i64, tensor_data

LAST: Final = schemas.OLDEST - 1
"""The newest opset that differs from what the tables read."""


def unchanged(type: str, opset: int) -> bool:
    """Say whether an operator at an opset that is too old for the tables is the one that they read."""
    version = schemas.since(type, opset)
    return version is not None and version == schemas.since(type, schemas.OLDEST)


def readable(type: str, opset: int) -> bool:
    """Say whether an operator at an opset that is too old for the tables can be read, if need be by `modernise`."""
    return unchanged(type, opset) or (opset == LAST and type in _CHANGES)


def modernise(use: Use) -> bool:
    """Turn a use at opset 6 into what opset 7 would say; False for one that it cannot say, which is carried."""
    return unchanged(use.type, use.opset) or _CHANGES[use.type](use)


def _same(use: Use) -> bool:
    return True


def _broadcast(use: Use) -> bool:
    """Line the second input up with the first: only a flag lets it broadcast, and an axis says where it begins."""
    allowed, axis = use.attributes.pop("broadcast", 0), use.attributes.pop("axis", None)
    if len(use.inputs) != 2 or axis is None or not allowed:
        return True
    first, second = (_rank(value) for value in use.inputs)
    if first is None or second is None or not isinstance(axis, int) or not -first <= axis < max(first, 1):
        return False
    behind = first - axis % max(first, 1) - second
    if behind < 0:
        return False
    use.inputs = (use.inputs[0], _with_ones(use, use.inputs[1], second, behind))
    return True


def _slope(use: Use) -> bool:
    """Line one slope for each channel up with the second axis."""
    rank, own = (_rank(value) for value in use.inputs[:2])
    if rank is None or own is None:
        return False
    if own == 1 and rank > 2 and use.inputs[1].shape != (1,):
        use.inputs = (use.inputs[0], _with_ones(use, use.inputs[1], 1, rank - 2))
    return True


def _with_ones(use: Use, value: Value, rank: int, count: int) -> Value:
    """Give a value so many more axes of one element at its end; a constant stays one."""
    if not count:
        return value
    data = data_of(value)
    if data is not None and not isinstance(data.source, tuple):
        type = data.tensor.dtype[(*data.shape, *[1] * count)]
        return use.constant(TensorData(type, data.read()), value.name)
    axes = tensor_data(tuple(range(rank, rank + count)), i64[count])
    return ops.unsqueeze(value, use.constant(axes, "axes"))


def _rank(value: Value) -> int | None:
    type = value.type
    return len(type.shape) if isinstance(type, TensorType) and type.shape_or_none is not None else None


def _inferring(use: Use) -> bool:
    """Take a node that says it does not train."""
    return bool(use.attributes.pop("is_test", 0))


def _without(name: str) -> Callable[[Use], bool]:
    def drop(use: Use) -> bool:
        use.attributes.pop(name, None)
        return True

    return drop


_CHANGES: Final[Mapping[str, Callable[[Use], bool]]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow", "Equal", "Less", "Greater", "And", "Or", "Xor"), _broadcast),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _without("output_sequence")),
    **dict.fromkeys(("BatchNormalization", "Dropout"), _inferring),
    "AveragePool": _same,
    "Gemm": _without("broadcast"),
    "PRelu": _slope,
}

__all__ = ["LAST", "modernise", "readable", "unchanged"]
