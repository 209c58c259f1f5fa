import os
from pathlib import Path

import onnx
import pytest
from tests.frontends.onnx.models import model, node

from nnvm.errors import Error
from nnvm.frontends.onnx.messages import bytes_of, parse, skeleton

MODEL = model([node("Relu", ["x"], ["y"])], [("x", [2])], [("y", [2])], producer_name="maker")


def test_a_skeleton_is_what_is_left() -> None:
    made = onnx.ModelProto.FromString(MODEL.SerializeToString())
    made.graph.doc_string = "kept"
    left = onnx.ModelProto.FromString(skeleton(made))
    assert (left.producer_name, left.graph.name, left.graph.doc_string) == ("maker", "g", "kept")
    assert [len(field) for field in (left.graph.node, left.graph.input, left.graph.output)] == [0, 0, 0]


def test_text_that_is_none_is_refused() -> None:
    data = MODEL.SerializeToString().replace(b"maker", b"mak\xff\xff")
    with pytest.raises(Error, match=r"onnx\.ModelProto\.producer_name is no UTF-8 text"):
        skeleton(parse(data, "here"))


def test_files_beyond_protobuf_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    os.truncate(tmp_path / "m.onnx", 1 << 31)
    with pytest.raises(Error, match=r"m\.onnx is larger than 2 GiB.*external data"):
        bytes_of(str(tmp_path / "m.onnx"))


def test_errors_say_where() -> None:
    with pytest.raises(Error, match="here: empty"):
        parse(b"", "here")
