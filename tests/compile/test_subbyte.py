import numpy as np
import pytest

import nnvm
from nnvm import ops
from nnvm.compile.subbyte import unpacked
from nnvm.ir import Graph, TensorData, constant, dtype, f32, tensor_data


def packed(name: str, values: list[int]) -> TensorData:
    element = dtype(name)
    number = sum((value & (1 << element.bits) - 1) << i * element.bits for i, value in enumerate(values))
    type = element[len(values)]
    return TensorData(type, number.to_bytes(-(-len(values) * element.bits // 8), "little"))


def test_whole_bytes_stay_as_they_are() -> None:
    data = tensor_data([1.0, 2.0], f32[2])
    assert unpacked(data) is data


@pytest.mark.parametrize(
    ("name", "values"), [("int4", [-8, 7, -1]), ("uint4", [15, 0, 9]), ("int2", [-2, 1, 0, -1, 1])]
)
def test_elements_get_a_byte_each(name: str, values: list[int]) -> None:
    element = dtype(name)
    codes = [value & (1 << element.bits) - 1 for value in values]
    assert list(unpacked(packed(name, values)).read()) == codes


@pytest.mark.parametrize("optimize", [False, True])
def test_a_packed_constant_runs(optimize: bool) -> None:
    codes = constant(data=packed("int4", [-8, 7, 1]))
    scale = constant(data=tensor_data(0.5, f32[()]))
    graph = Graph([ops.dequantize_linear(codes, scale)], [], output_names=["y"])
    run = nnvm.compile(nnvm.optimize(graph) if optimize else graph, backend="numpy")
    np.testing.assert_array_equal(run()[0], np.array([-4.0, 3.5, 0.5], np.float32))
