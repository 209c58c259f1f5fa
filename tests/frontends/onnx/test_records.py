import pickle

import pytest

from nnvm.frontends.onnx.records import Header, Origin, read_provenance, write_provenance
from nnvm.ir import f32


def test_records_are_pickled_with_their_graph() -> None:
    origin = pickle.loads(pickle.dumps(Origin("n", ("a", "b"), "doc", (("k", "v"),), True)))
    assert (origin.name, origin.outputs, origin.doc, origin.metadata, origin.constant) == (
        "n",
        ("a", "b"),
        "doc",
        (("k", "v"),),
        True,
    )
    header = pickle.loads(pickle.dumps(Header(b"m", 17, {("input", "x"): (f32[2], b"")}, frozenset("N"), ("w",), True)))
    assert (header.model, header.opset, header.fed, header.external) == (b"m", 17, ("w",), True)
    assert header.ports["input", "x"][0] is f32[2]
    assert header.dims == {"N"}


def test_provenance_goes_to_metadata_and_back():
    hints = {"sources": ("a (conv)", "ü"), "made_by": ("cse",), "vanished": {"b": "dce"}}
    rows = list(write_provenance(hints))
    assert rows[0] == ("nnvm.sources", '["a (conv)", "ü"]')
    assert read_provenance([("mine", "1"), *rows]) == ((("mine", "1"),), hints)


@pytest.mark.parametrize("text", ["", "[", "[1]", "{}", '"a"', "[" * 100_000, '{"a": 1}', "null"])
def test_what_is_not_as_we_write_it_is_kept_as_it_is(text):
    assert read_provenance([("nnvm.sources", text)]) == ((("nnvm.sources", text),), {})
