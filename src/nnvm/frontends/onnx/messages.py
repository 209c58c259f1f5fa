"""What a file must hold before any of it is read as a model."""

import os
from collections.abc import Sequence
from typing import Final

import onnx
from google.protobuf.message import DecodeError, Message

from nnvm.errors import Error

_LIMIT: Final = (1 << 31) - 1


def bytes_of(path: str) -> bytes:
    """Return the content of a file; raise Error where it cannot be read, or is larger than protobuf allows."""
    try:
        if os.path.isdir(path):
            raise Error(f"{path} is a folder; name the .onnx file in it")
        if os.path.getsize(path) > _LIMIT:
            raise Error(f"{path} is larger than 2 GiB, which no ONNX file can be; keep its weights as external data")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Error(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise Error(f"cannot read {path!r}: {error}") from error


def parse(data: bytes, where: str) -> onnx.ModelProto:
    """Return the model in bytes; raise Error, naming `where` they are from, for what is none or from the future."""
    if not data:
        raise Error(f"{where}: empty, so not an ONNX model; write or download it again")
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise Error(f"{where}: not an ONNX model, cut short, or nested too deeply: {error}; get it again") from error
    if not model.HasField("graph") or not model.ir_version:
        raise Error(f"{where}: not an ONNX model: it holds no graph or no ir_version")
    if model.ir_version > onnx.IR_VERSION:
        known = f"{onnx.IR_VERSION}, which the installed onnx knows"
        raise Error(f"{where}: ir_version {model.ir_version} is newer than {known}; upgrade onnx")
    return model


def skeleton(model: onnx.ModelProto) -> bytes:
    """Return what is left of a model, which is emptied for it, without what the graph says itself."""
    for field in ("node", "initializer", "sparse_initializer", "input", "output", "value_info"):
        model.graph.ClearField(field)
    _check_text(model)
    return bytes(model.SerializeToString(deterministic=True))


def _check_text(message: Message) -> None:
    """Raise Error where a text somewhere in a message is none, which protobuf finds out only when it is read."""
    pending = [message]
    while pending:
        for field, value in pending.pop().ListFields():
            values = value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else (value,)
            if field.type == field.TYPE_MESSAGE:
                pending += values
            elif field.type == field.TYPE_STRING and not all(isinstance(item, str) for item in values):
                raise Error(f"{field.full_name} is no UTF-8 text")
