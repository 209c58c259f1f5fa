from pathlib import Path

import pytest
from tests.frontends.onnx.models import model, node

from nnvm.errors import Error
from nnvm.frontends import FORMATS, load, save


def test_suffix_or_format_finds_the_module(tmp_path: Path) -> None:
    source = tmp_path / "a.ONNX"
    source.write_bytes(model([node("Relu", ["x"], ["y"])], [("x", [2])], [("y", [2])]).SerializeToString())
    graph = load(source)
    save(graph, tmp_path / "b.model", "onnx")
    assert load(str(tmp_path / "b.model"), ".onnx").output_names == ("y",)
    assert sorted(FORMATS) == list(FORMATS)


@pytest.mark.parametrize(("name", "said"), [("a.pb", "the suffix '.pb'"), ("model", "no suffix")])
def test_unknown_types_list_the_known(name: str, said: str) -> None:
    with pytest.raises(
        Error, match=rf"{name} has {said}; the file types known are .*\.onnx.*: rename it, or give `format`"
    ):
        load(name)
