import pickle

from nnvm.frontends.onnx.records import Header, Origin
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
