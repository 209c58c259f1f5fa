import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import helper

from nnvm import Error
from nnvm.onnx_backend import NnvmBackend, is_compatible, prepare, run_model, run_node, supports_device

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def model(nodes, inputs, outputs=("y",), weights=None):
    ports = [helper.make_tensor_value_info(name, 1, shape) for name, shape in inputs.items()]
    made = [helper.make_tensor_value_info(name, 1, None) for name in outputs]
    held = [onnx.numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    return helper.make_model(
        helper.make_graph(nodes, "g", ports, made, held), opset_imports=[helper.make_opsetid("", 21)]
    )


def scaled():
    return model(
        [helper.make_node("Mul", ["x", "w"], ["y"])], {"x": [2, 3], "w": [3]}, weights={"w": np.array([1, 2, 3], "f")}
    )


def test_inputs_in_order_alone_or_by_name() -> None:
    prepared = prepare(scaled())
    for given in ([X], (X,), X, {"x": X}):
        found = prepared.run(given)
        np.testing.assert_array_equal(found.y, X * [1, 2, 3])
        assert found["y"] is found[0]
    np.testing.assert_array_equal(run_model(scaled(), [X])[0], X * [1, 2, 3])


def test_a_model_is_optimised_unless_told_otherwise() -> None:
    twice = model([helper.make_node("Neg", ["x"], ["z"]), helper.make_node("Neg", ["z"], ["y"])], {"x": [2, 3]})
    assert [node.op.name for node in prepare(twice).graph.nodes].count("neg") == 0
    assert [node.op.name for node in prepare(twice, optimize=False).graph.nodes].count("neg") == 2


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([X, X], "was given 2 inputs; it takes x"),
        ([None], "'x' was given nothing"),
        ([{1: 2}], "'x' was given a mapping"),
        ([X.astype("d")], "float64"),
        ({"z": X}, "z"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(given, why) -> None:
    with pytest.raises(Error, match=why):
        prepare(scaled()).run(given)


def test_what_is_no_tensor_is_refused() -> None:
    many = helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, [2]))
    words = helper.make_tensor_type_proto(8, [2])
    for type, why in ((many, "is a sequence; models run on tensors alone"), (words, "holds strings")):
        ports = [helper.make_value_info("x", type)], [helper.make_value_info("y", type)]
        made = helper.make_model(helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", *ports))
        with pytest.raises(Error, match=why):
            prepare(made)
        assert not is_compatible(made)


def test_devices() -> None:
    assert supports_device("CPU")
    assert supports_device("CPU:0")
    assert not supports_device("CUDA")
    with pytest.raises(Error, match="device 'CUDA:1' is not supported; there is: CPU"):
        prepare(scaled(), "CUDA:1")
    with pytest.raises(Error, match="no backend 'abacus'"):
        prepare(scaled(), backend="abacus")


def test_models_that_run_are_compatible() -> None:
    assert NnvmBackend.is_compatible(scaled())
    assert not is_compatible(scaled(), "CUDA")
    assert not is_compatible(model([helper.make_node("StringNormalizer", ["x"], ["y"])], {"x": [2]}))


def test_one_node_is_run() -> None:
    clip = helper.make_node("Clip", ["x", "", "high"], ["y"])
    (found,) = run_node(clip, [X, np.float32(2)])
    np.testing.assert_array_equal(found, np.minimum(X, 2))
    (found,) = run_node(clip, {"x": X, "high": np.float32(3)}, outputs_info=[(np.float32, (2, 3))])
    np.testing.assert_array_equal(found, np.minimum(X, 3))
    old = helper.make_node("Softmax", ["x"], ["y"], axis=0)
    (found,) = run_node(old, X, opset_version=11)
    np.testing.assert_allclose(found.sum(), 1, rtol=1e-6)


def test_one_node_needs_its_inputs_as_arrays() -> None:
    add = helper.make_node("Add", ["a", "b"], ["y"])
    with pytest.raises(Error, match="Add '' was given 1 inputs; it takes a, b"):
        run_node(add, [X])
    with pytest.raises(Error, match="'b' was given list; it is an array"):
        run_node(add, [X, [1]])


def test_without_onnx_the_cure_is_said() -> None:
    program = (
        "import sys; sys.modules['onnx'] = None\n"
        "from nnvm import MissingExtra\n"
        "try: import nnvm.onnx_backend\n"
        "except MissingExtra as error: print(error)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "onnx is not installed; run: pip install 'nnvm[onnx]'"
