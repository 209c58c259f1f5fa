import os
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from nnvm.errors import Error
from nnvm.frontends.onnx.tensors import read_tensor, write_tensor
from nnvm.frontends.onnx.value_types import DTYPES
from nnvm.ir import FileSlice, TensorData, f32, string

PACKED = {TensorProto.UINT4, TensorProto.INT4, TensorProto.FLOAT4E2M1, TensorProto.UINT2, TensorProto.INT2}
PLAIN = sorted(set(DTYPES) - PACKED - {TensorProto.STRING})


def sample(kind: int) -> np.ndarray:
    element = helper.tensor_dtype_to_np_dtype(kind)
    values = np.array([[0, 1, 2], [3, 1, 0]])
    return (values % 2 if kind == TensorProto.BOOL else values).astype(element)


@pytest.mark.parametrize("kind", PLAIN, ids=TensorProto.DataType.Name)
def test_raw_and_typed_fields_are_the_same_data(kind: int) -> None:
    array = sample(kind)
    raw = numpy_helper.from_array(array, "w")
    assert raw.HasField("raw_data")
    values = array.view(np.uint8).ravel() if array.dtype.itemsize == 1 and kind not in (2, 3, 9) else array.ravel()
    typed = TensorProto(name="w", data_type=kind, dims=[2, 3])
    if kind == TensorProto.FLOAT16 or kind == TensorProto.BFLOAT16:
        typed.int32_data.extend(int(value) for value in array.view(np.uint16).ravel())
    elif array.dtype.kind == "c":
        parts = [float(part) for value in values for part in (value.real, value.imag)]
        (typed.float_data if array.dtype.itemsize == 8 else typed.double_data).extend(parts)
    else:
        field = {1: "float_data", 7: "int64_data", 11: "double_data", 12: "uint64_data", 13: "uint64_data"}.get(
            kind, "int32_data"
        )
        getattr(typed, field).extend(int(v) if array.dtype.kind == "b" else v.item() for v in values)
    first, second = read_tensor(raw, None, "w"), read_tensor(typed, None, "w")
    assert first.shape == second.shape == (2, 3)
    assert bytes(first.read()) == bytes(second.read()) == array.tobytes()
    assert first.dtype.name == str(array.dtype)


@pytest.mark.parametrize("kind", sorted(PACKED), ids=TensorProto.DataType.Name)
def test_small_elements_stay_packed(kind: int) -> None:
    element = DTYPES[kind]
    assert np.dtype(getattr(ml_dtypes, element.name)).itemsize == 1
    array = np.array([1, 0, 1, 1, 0], dtype=getattr(ml_dtypes, element.name))
    proto = numpy_helper.from_array(array, "w")
    data = read_tensor(proto, None, "w")
    assert bytes(data.read()) == proto.raw_data
    assert data.nbytes == -(-5 * element.bits // 8)
    back = TensorProto()
    write_tensor(back, data, "w")
    np.testing.assert_array_equal(numpy_helper.to_array(back), array)


def test_strings() -> None:
    data = read_tensor(helper.make_tensor("s", TensorProto.STRING, [2], [b"a", b"\xff"]), None, "s")
    assert data.tensor is string[2]
    assert data.source == (b"a", b"\xff")
    back = TensorProto()
    write_tensor(back, data, "s")
    assert list(back.string_data) == [b"a", b"\xff"]
    with pytest.raises(Error, match=r"tensor 's' of .* holds 1 strings"):
        read_tensor(TensorProto(data_type=TensorProto.STRING, dims=[2], string_data=[b"a"]), None, "s")


def test_segments_are_an_error() -> None:
    proto = TensorProto(data_type=1, dims=[1], float_data=[1.0])
    proto.segment.begin = 0
    with pytest.raises(Error, match="tensor 'w' is stored in segments"):
        read_tensor(proto, None, "w")


def external(location: str, **more: object) -> onnx.TensorProto:
    proto = TensorProto(name="w", data_type=1, dims=[2], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **more}.items():
        proto.external_data.add(key=key, value=str(value))
    return proto


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "models"
    (inside / "sub").mkdir(parents=True)
    (inside / "w.data").write_bytes(np.array([0, 1, 2], np.float32).tobytes())
    (inside / "sub" / "w.data").write_bytes(bytes(8))
    (tmp_path / "secret").write_bytes(bytes(8))
    os.symlink(tmp_path / "secret", inside / "link")
    return inside


def test_external_data_is_a_slice_of_its_file(folder: Path) -> None:
    data = read_tensor(external("w.data", offset=4, length=8), str(folder), "w")
    assert isinstance(data.source, FileSlice)
    assert data.source._map is None
    assert data.values() == (1.0, 2.0)
    assert read_tensor(external("w.data"), str(folder), "w").values() == (0.0, 1.0)
    assert read_tensor(external("sub/w.data"), str(folder), "w").values() == (0.0, 0.0)


@pytest.mark.parametrize(
    ("location", "more", "message"),
    [
        ("gone.data", {}, r"cannot read its external file .*gone\.data: No such file"),
        ("/etc/passwd", {}, "lies in '/etc/passwd', outside the model's folder"),
        ("../secret", {}, r"lies in '\.\./secret', outside"),
        ("sub/../../secret", {}, "outside the model's folder"),
        ("link", {}, "lies in 'link', outside the model's folder"),
        ("sub", {}, "lies in 'sub', which is no file"),
        ("", {}, "without a usable name: ''"),
        ("a\0b", {}, "without a usable name"),
        ("w.data", {"offset": 8}, r"needs 8 bytes, and its external file .*w\.data has 4 for it from 8 on"),
        ("w.data", {"offset": 99}, "has 0 for it from 99 on"),
        ("w.data", {"offset": 0, "length": 4}, "needs 8 bytes, .* has 4 for it"),
        ("w.data", {"offset": -4, "length": 8}, "too short|too few"),
        ("w.data", {"offset": 8, "length": 8}, "its external file is too short: .* has 12 bytes, too few for 8 at 8"),
        ("w.data", {"offset": "x"}, "is no number"),
    ],
)
def test_external_data_must_be_there(folder: Path, location: str, more: dict[str, object], message: str) -> None:
    with pytest.raises(Error, match=f"tensor 'w'.*{message}"):
        read_tensor(external(location, **more), str(folder), "w")


def test_external_data_needs_a_folder() -> None:
    with pytest.raises(Error, match="a model given as bytes has no folder; load it by its path"):
        read_tensor(external("w.data"), None, "w")


def test_empty_and_scalar_tensors() -> None:
    assert read_tensor(numpy_helper.from_array(np.zeros((0, 3), np.float32)), None, "w").tensor is f32[0, 3]
    assert read_tensor(numpy_helper.from_array(np.float32(2)), None, "w").item() == 2.0
    proto = TensorProto()
    write_tensor(proto, TensorData(f32[2], bytes(8)), "n")
    assert (proto.name, proto.data_type, list(proto.dims), proto.raw_data) == ("n", 1, [2], bytes(8))
