import sys

import pytest

from nnvm.errors import MissingExtra
from nnvm.frontends.nnvm.kinds import KINDS, kinds_in


def test_a_class_is_imported_where_a_text_names_it() -> None:
    assert kinds_in("y = foreign('a', 'onnx')(x, carried=Carry(b''))", "={}(") == {}
    found = kinds_in("carried=Carried(b'')", "={}(")
    assert [each.__name__ for each in found.values()] == list(KINDS) == ["Carried"]


def test_its_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "nnvm.frontends.onnx.carry", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'nnvm\[onnx\]'"):
        kinds_in('{"call":"Carried"}', '"{}"')
