import array
import copy
import gc
import math
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm.errors import Error
from nnvm.ir import (
    DTYPES,
    FileSlice,
    TensorData,
    bf16,
    boolean,
    dtype,
    f16,
    f32,
    f64,
    i8,
    i32,
    i64,
    string,
    tensor_data,
    u8,
)
from nnvm.ir.tensor_data import CHUNK

Source = Callable[[Path, bytes], bytes | memoryview | FileSlice]


def in_file(folder: Path, raw: bytes, offset: int = 5000) -> FileSlice:
    path = folder / f"{len(list(folder.iterdir()))}.bin"
    path.write_bytes(b"\1" * offset + raw + b"\2\2")
    return FileSlice(path, offset, len(raw))


SOURCES: dict[str, Source] = {
    "bytes": lambda _, raw: raw,
    "memory": lambda _, raw: memoryview(bytearray(raw)),
    "words": lambda _, raw: memoryview(array.array("f", raw)),
    "file": in_file,
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("count", [0, 6, CHUNK // 4, CHUNK // 4 + 1])
def test_one_key_for_one_content(tmp_path: Path, source: str, count: int) -> None:
    raw = struct.pack("<f", 1.5) * count
    held = TensorData(f32[count], SOURCES[source](tmp_path, raw))
    repeated = tensor_data(1.5, f32[count])
    assert held.key == repeated.key == TensorData(f32[count], raw).key
    assert held.read() == repeated.read() == raw
    assert b"".join(held.chunks()) == b"".join(repeated.chunks()) == raw
    assert held.key != TensorData(dtype("int32")[count], raw).key
    if count:
        assert held.key != TensorData(f32[count], raw[:-1] + b"\7").key


def test_the_key_knows_the_shape() -> None:
    assert TensorData(f32[2, 3], bytes(24)).key != TensorData(f32[3, 2], bytes(24)).key


@pytest.mark.parametrize("name", [name for name, one in DTYPES.items() if one.bits])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 9])
def test_repeats_are_the_element_over_and_over(tmp_path: Path, name: str, count: int) -> None:
    one = dtype(name)
    element = bytes([0x02] + [0x40] * (max(one.bits, 8) // 8 - 1))
    number = int.from_bytes(element, "little") & ((1 << one.bits) - 1)
    whole = sum(number << (i * one.bits) for i in range(count)).to_bytes(-(-count * one.bits // 8), "little")
    for source in (element, in_file(tmp_path, element)):
        data = TensorData(one[count], source, repeats=True)
        assert data.nbytes == len(whole)
        assert data.read() == whole
        assert b"".join(data.chunks()) == whole
        assert data.key == TensorData(one[count], whole).key
    repr(data)


NUMBERS = [
    (boolean[2], (True, False)),
    (i8[3], (-128, 0, 127)),
    (u8[2], (0, 255)),
    (i64[2], (-(2**63), 2**63 - 1)),
    (f16[2], (0.5, -math.inf)),
    (f64[2], (0.1, 1e300)),
    (bf16[3], (1.0, -2.5, math.inf)),
]


@pytest.mark.parametrize(("type", "values"), NUMBERS)
def test_numbers_come_back(type: object, values: tuple[float, ...]) -> None:
    data = tensor_data(list(values), type)  # type: ignore[arg-type]
    assert data.values() == values
    assert [x.__class__ for x in data.values()] == [x.__class__ for x in values]


@given(st.floats(width=32))
def test_bfloat16_rounds_to_the_nearest(value: float) -> None:
    (found,) = tensor_data([value], bf16[1]).values()
    if math.isnan(value):
        assert math.isnan(found)
        return
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    below = struct.unpack("<f", struct.pack("<I", bits & 0xFFFF0000))[0]
    above_bits = (bits & 0xFFFF0000) + 0x10000
    above = struct.unpack("<f", struct.pack("<I", above_bits))[0] if above_bits & 0x7F800000 != 0x7F800000 else None
    assert above is None or found in (below, above)
    if above is not None and math.isfinite(value):
        assert abs(found - value) == min(abs(below - value), abs(above - value))


def test_numbers_below_a_byte() -> None:
    assert TensorData(dtype("int4")[3], bytes([0x8F, 0x07])).values() == (-1, -8, 7)
    assert TensorData(dtype("uint2")[5], bytes([0b11100100, 0b10])).values() == (0, 1, 2, 3, 2)


@pytest.mark.parametrize(
    ("values", "type"),
    [([300], u8[1]), ([1.5], i32[1]), ([math.nan], i32[1]), ([2], boolean[1]), ([1e60], f32[1]), ([1e60], bf16[1])],
)
def test_numbers_that_do_not_fit_are_refused(values: list[float], type: object) -> None:
    with pytest.raises(Error, match="do not fit"):
        tensor_data(values, type)  # type: ignore[arg-type]


def test_whole_floats_are_whole_numbers() -> None:
    assert tensor_data([2.0], i32[1]).values() == (2,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TensorData(f32[2], b"1234567"), r"f32\[2\] needs 8 bytes and was given 7"),
        (lambda: TensorData(f32[2], b"12345678", repeats=True), "needs 4 bytes"),
        (lambda: TensorData(f32["n"], b""), r"must be known: f32\['n'\]"),
        (lambda: TensorData(f32[...], b""), "must be known"),
        (lambda: TensorData(string[2], b""), "strings are a tuple"),
        (lambda: TensorData(f32[1], (b"x",)), "strings are a tuple"),
        (lambda: TensorData(string[2], (b"x",)), "needs 2 strings and was given 1"),
        (lambda: TensorData(f32[2], memoryview(bytes(16))[::2]), "row-major"),
        (lambda: tensor_data([1], DTYPES["complex64"][1]), "give the bytes"),
        (lambda: TensorData(string[1], (b"x",)).read(), "strings"),
        (lambda: TensorData(f32[2], bytes(8)).item(), "2 elements, not one"),
        (lambda: TensorData(DTYPES["float8_e5m2"][1], b"1").values(), "no Python number"),
        (lambda: FileSlice("/nowhere/at/all", 0, 1), "cannot read /nowhere/at/all"),
    ],
)
def test_errors(make: Callable[[], object], message: str) -> None:
    with pytest.raises(Error, match=message):
        make()


def test_strings() -> None:
    data = TensorData(string[2], (b"ab", b""))
    assert data.key == TensorData(string[2], (b"ab", b"")).key
    assert data.key != TensorData(string[2], (b"a", b"b")).key
    assert data.uniform is None
    assert repr(data) == "TensorData(string[2])"


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (tensor_data(2.5, f32[1000]), 2.5),
        (tensor_data([2.5, 2.5], f32[2]), 2.5),
        (tensor_data([2.5, 2.0], f32[2]), None),
        (tensor_data(3, i64[()]), 3),
        (tensor_data([], f32[0]), None),
        (tensor_data(1, f32[0]), None),
        (tensor_data([0.0, -0.0], f32[2]), None),
        (tensor_data([1.5, 1.5], bf16[2]), 1.5),
        (tensor_data([True, True], boolean[2]), True),
        (TensorData(DTYPES["complex64"][1], bytes(8)), None),
    ],
)
def test_uniform(data: TensorData, number: float | None) -> None:
    assert data.uniform == number
    assert data.uniform == number
    assert data.uniform.__class__ is number.__class__


def test_uniform_in_a_file(tmp_path: Path) -> None:
    assert TensorData(f32[3], in_file(tmp_path, struct.pack("<f", 4.0) * 3)).uniform == 4.0


def change(path: str, raw: bytes) -> None:
    status = os.stat(path)
    with open(path, "r+b") as file:
        file.write(raw)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


@pytest.mark.parametrize("size", [8, CHUNK + 8])
@pytest.mark.parametrize("read_before", [False, True])
def test_a_changed_file_is_an_error(tmp_path: Path, size: int, read_before: bool) -> None:
    data = TensorData(u8[size], in_file(tmp_path, bytes(size)))
    assert isinstance(data.source, FileSlice)
    if read_before:
        data.read()
    change(data.source.path, b"new")
    for use in (data.read, lambda: data.key, lambda: list(data.chunks())):
        with pytest.raises(Error, match=r"bin changed after it was loaded; load it again"):
            use()
    assert repr(data)


def test_a_mapped_file_may_be_replaced_by_another(tmp_path: Path) -> None:
    data = TensorData(u8[3], in_file(tmp_path, b"old"))
    assert isinstance(data.source, FileSlice)
    data.read()
    (tmp_path / "new").write_bytes(b"n")
    os.replace(tmp_path / "new", data.source.path)
    assert data.read() == b"old"
    data.source.release()
    gc.collect()
    with pytest.raises(Error, match="changed"):
        data.read()


def test_a_slice_lies_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"123")
    assert FileSlice(tmp_path / "f", 3, 0).read() == b""
    for offset, length in [(2, 2), (-1, 1), (0, -1), (4, 0)]:
        with pytest.raises(Error, match="3 bytes"):
            FileSlice(tmp_path / "f", offset, length)


@pytest.mark.parametrize("source", SOURCES)
def test_pickle_and_deepcopy(tmp_path: Path, source: str) -> None:
    data = TensorData(u8[4], SOURCES[source](tmp_path, b"abcd"))
    data.read()
    again = pickle.loads(pickle.dumps(data))
    assert again.tensor is data.tensor
    assert again.key == data.key
    assert isinstance(again.source, FileSlice) is (source == "file")
    assert copy.deepcopy(data) is data


def test_a_pickled_slice_of_a_changed_file_is_an_error(tmp_path: Path) -> None:
    kept = in_file(tmp_path, b"abcd")
    pickled = pickle.dumps(kept)
    change(kept.path, b"new")
    with pytest.raises(Error, match="changed"):
        pickle.loads(pickled)


def test_what_is_read_is_read_only() -> None:
    data = TensorData(u8[4], memoryview(bytearray(4)))
    assert data.read().readonly


def test_arrays_bring_their_type() -> None:
    data = tensor_data(array.array("f", [1.0, 2.5]))
    assert (data.tensor, data.values()) == (f32[2], (1.0, 2.5))
    assert tensor_data(memoryview(b"\1\2\3")).tensor is DTYPES["uint8"][3]
    with pytest.raises(Error, match="not"):
        tensor_data(array.array("f", [1.0]), f32[2])
    with pytest.raises(Error, match="type"):
        tensor_data([1, 2])
    with pytest.raises(Error, match="neither"):
        tensor_data(object(), f32[2])
