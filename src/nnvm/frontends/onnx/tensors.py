"""How ONNX holds constant data, and how we do."""

import os
from typing import Final

import numpy as np
import onnx

from nnvm.errors import Error
from nnvm.frontends.onnx.value_types import NUMBERS, check_size, element_type
from nnvm.ir import DType, FileSlice, TensorData, product, tensor_type

_FIELDS: Final = {
    "float32": ("float_data", "<f4"), "complex64": ("float_data", "<f4"), "float64": ("double_data", "<f8"),
    "complex128": ("double_data", "<f8"), "int64": ("int64_data", "<i8"), "uint64": ("uint64_data", "<u8"),
    "uint32": ("uint64_data", "<u4"), "int32": ("int32_data", "<i4"),
}  # fmt: skip
"""Where elements lie that are not raw bytes; those of all other types are bit patterns in int32_data."""


def read_tensor(proto: onnx.TensorProto, folder: str | None, name: str) -> TensorData:
    """Return what a TensorProto holds; external data is mapped on first use.

    `folder` is where the model lies, None for one without a place. Raises Error naming tensor and path where data is
    missing, outside the folder, of the wrong length, or of an unknown type.
    """
    what = f"tensor {name!r}"
    element = element_type(proto.data_type, what)
    shape = tuple(proto.dims)
    if any(size < 0 for size in shape):
        raise Error(f"{what} has the shape {list(shape)}, with a negative dimension")
    check_size(shape, what)
    if proto.HasField("segment"):
        raise Error(f"{what} is stored in segments, which ONNX never finished defining; export it again")
    type = tensor_type(element, shape)
    if proto.data_location == onnx.TensorProto.EXTERNAL:
        return TensorData(type, _external(proto, folder, what, -(-_count(shape) * element.bits // 8)))
    if element.name == "string":
        texts = tuple(proto.string_data)
        if len(texts) != _count(shape):
            raise Error(f"{what} of {type} holds {len(texts)} strings")
        return TensorData(type, texts)
    raw = proto.raw_data if proto.HasField("raw_data") else _typed(proto, element)
    try:
        return TensorData(type, raw)
    except Error as error:
        raise Error(f"{what}: {error}") from error


def _count(shape: tuple[int, ...]) -> int:
    return int(product(shape))  # type: ignore[arg-type]


def _typed(proto: onnx.TensorProto, element: DType) -> bytes:
    if element.name in _FIELDS:
        field, layout = _FIELDS[element.name]
        return np.asarray(getattr(proto, field), dtype=layout).tobytes()
    patterns = np.asarray(proto.int32_data, dtype="<i4")
    return patterns.astype("<u2" if element.bits == 16 else "u1").tobytes()


def _external(proto: onnx.TensorProto, folder: str | None, what: str, expected: int) -> FileSlice:
    entries = {entry.key: entry.value for entry in proto.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise Error(
            f"{what} lies in the file {location!r}, but a model given as bytes has no folder; load it by its path"
        )
    path = _inside(folder, location, what)
    try:
        offset = int(entries.get("offset") or 0)
        size = os.path.getsize(path)
        length = int(entries.get("length") or 0) or (expected if offset + expected <= size else size - offset)
    except ValueError as error:
        raise Error(f"{what}: offset or length in its external file {location!r} is no number: {entries}") from error
    except OSError as error:
        raise Error(f"{what}: cannot read its external file {path}: {error.strerror}; put it there") from error
    if length != expected:
        given = f"{max(length, 0)} for it from {offset} on"
        raise Error(f"{what} needs {expected} bytes, and its external file {path} has {given}")
    try:
        return FileSlice(path, offset, length)
    except Error as error:
        raise Error(f"{what}: its external file is too short: {error}") from error


def _inside(folder: str, location: str, what: str) -> str:
    if not location or "\0" in location:
        raise Error(f"{what} lies in an external file without a usable name: {location!r}")
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, location))
    parts = location.replace("\\", "/").split("/")
    if os.path.isabs(location) or ".." in parts or os.path.commonpath([root, path]) != root:
        raise Error(f"{what} lies in {location!r}, outside the model's folder {root}; keep its data inside")
    if os.path.exists(path) and not os.path.isfile(path):
        raise Error(f"{what} lies in {location!r}, which is no file")
    return path


def write_tensor(proto: onnx.TensorProto, data: TensorData, name: str) -> None:
    """Fill in a TensorProto with its data inside."""
    describe_tensor(proto, data, name)
    if isinstance(data.source, tuple):
        proto.string_data.extend(data.source)
    else:
        fill(proto, data)


def fill(proto: onnx.TensorProto, data: TensorData) -> None:
    """Put the bytes of data into a TensorProto, and let go of the file they came from."""
    proto.raw_data = bytes(data.read())
    if isinstance(data.source, FileSlice):
        data.source.release()


def describe_tensor(proto: onnx.TensorProto, data: TensorData, name: str) -> None:
    """Fill in name, type and shape of a TensorProto, and no data."""
    proto.name = name
    proto.data_type = NUMBERS[data.dtype]
    proto.dims.extend(data.shape)
