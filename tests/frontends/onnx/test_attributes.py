import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from nnvm.frontends.onnx.attributes import NESTED, OPAQUE, read_attribute, single, write_attribute
from nnvm.ir import TensorData, f32

VALUES = [3, -1, 0.5, "text", "größe", (1, 2), (0.5, 1.5), ("a", "b"), ()]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_round_trip(value: object) -> None:
    proto = onnx.AttributeProto()
    write_attribute(proto, "a", value)
    assert proto.name == "a"
    assert read_attribute(proto, None, "n") == value
    if value:
        assert proto == helper.make_attribute("a", list(value) if isinstance(value, tuple) else value)


def test_tensors_round_trip() -> None:
    proto = onnx.AttributeProto()
    write_attribute(proto, "t", TensorData(f32[2], np.array([1, 2], np.float32).tobytes()))
    np.testing.assert_array_equal(numpy_helper.to_array(proto.t), [1, 2])
    assert read_attribute(proto, None, "n").values() == (1.0, 2.0)


def test_what_is_none_of_ours_is_opaque() -> None:
    graph = helper.make_attribute("g", helper.make_graph([], "g", [], []))
    assert graph.type in NESTED
    assert read_attribute(graph, None, "n") is OPAQUE
    assert read_attribute(helper.make_attribute("b", b"\xff\xfe"), None, "n") is OPAQUE
    assert (
        read_attribute(onnx.AttributeProto(name="r", ref_attr_name="outer", type=onnx.AttributeProto.INT), None, "n")
        is OPAQUE
    )


def test_numbers_are_single() -> None:
    assert single(0.1) == float(np.float32(0.1)) != 0.1
