import json
import os
import struct
import sys
from pathlib import Path

import pytest
from safetensors import safe_open

import nnvm
from nnvm.errors import Error, MissingExtra
from nnvm.frontends.nnvm.weights import read_data, write
from nnvm.ir import DTYPES, FileSlice, TensorData, bf16, boolean, f32, tensor_data

DATA = {
    each.key.hex(): each
    for each in (
        tensor_data([i / 7 for i in range(600)], f32[20, 30]),
        tensor_data([i / 7 for i in range(601)], bf16[601]),
        tensor_data([True] * 999, boolean[999]),
        TensorData(DTYPES["int4"][3001], bytes(i % 251 for i in range(1501))),
        TensorData(DTYPES["complex128"][2, 70], bytes(i % 251 for i in range(2240))),
        TensorData(DTYPES["float8_e5m2fnuz"][()], b"\x07"),
        TensorData(f32[0, 4], b""),
    )
}


def test_every_type_comes_back_mapped(tmp_path: Path) -> None:
    path = str(tmp_path / "m.nnvm")
    write("text", DATA, path, ".safetensors")
    found = read_data(path, path + ".safetensors")
    assert found.keys() == DATA.keys()
    assert all(found[key].key == data.key and found[key].tensor is data.tensor for key, data in DATA.items())
    assert all(isinstance(data.source, FileSlice) for data in found.values())
    with safe_open(path + ".safetensors", framework="numpy") as judge:
        assert sorted(judge.keys()) == sorted(DATA)
    assert sorted(os.listdir(tmp_path)) == ["m.nnvm", "m.nnvm.safetensors"]


def test_the_same_data_gives_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for name, items in (("a", list(DATA.items())), ("b", list(DATA.items())[::-1])):
        write("text", dict(items), str(tmp_path / name), ".d")
        files.append((tmp_path / f"{name}.d").read_bytes())
    assert files[0] == files[1]


def test_data_stays_in_its_folder_and_bounds(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    model, data = tmp_path / "in" / "m.nnvm", tmp_path / "in" / "m.nnvm.safetensors"
    write("text", DATA, str(tmp_path / "m"), ".out")
    data.symlink_to(tmp_path / "m.out")
    with pytest.raises(Error, match="leads out of the folder"):
        read_data(str(model), str(data))
    data.unlink()
    header = {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    for head, body in ((json.dumps(header).encode(), bytes(8)), (b"{", b""), (b"", b"")):
        data.write_bytes(struct.pack("<Q", len(head)) + head + body)
        with pytest.raises(Error, match="is no safetensors file"):
            read_data(str(model), str(data))
    head = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "__metadata__": {"a": "f99:1"}})
    data.write_bytes(struct.pack("<Q", len(head)) + head.encode() + bytes(4))
    with pytest.raises(Error, match="constant a is of a type that we do not know: f99:1"):
        read_data(str(model), str(data))


def test_without_safetensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    small, large = (nnvm.trace(lambda x, n=n: x + tensor_data([0.5] * n, f32[n]), x=f32[n]) for n in (256, 257))
    nnvm.save(small, tmp_path / "small.nnvm")
    assert nnvm.same(nnvm.load(tmp_path / "small.nnvm"), small, names=True) is True
    with pytest.raises(MissingExtra, match=r"pip install 'nnvm\[safetensors\]'"):
        nnvm.save(large, tmp_path / "large.nnvm")
    assert os.listdir(tmp_path) == ["small.nnvm"]
