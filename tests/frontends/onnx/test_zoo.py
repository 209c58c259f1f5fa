"""Real networks: in and out again they are the same, node for node, and ONNX Runtime computes the same."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.frontends.onnx.models import run_ort, spelled

from nnvm.frontends.onnx import load, save
from nnvm.ir import TensorType, verify

PLACES = (("onnx", "backend/test/data/light/*.onnx"), ("rapidocr_onnxruntime", "models/*.onnx"))


def files() -> list[Path]:
    found: list[Path] = []
    for package, pattern in PLACES:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            found += sorted(Path(spec.origin).parent.glob(pattern))
    return found


def feeds_of(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    weights = {tensor.name for tensor in proto.graph.initializer}
    sizes = {1: 3, 2: 64, 3: 192}
    found = {}
    for value in proto.graph.input:
        if value.name not in weights:
            shape = [d.dim_value or sizes.get(i, 1) for i, d in enumerate(value.type.tensor_type.shape.dim)]
            found[value.name] = (
                np.random.default_rng(1).normal(size=[max(size, 1) for size in shape]).astype(np.float32)
            )
    return found


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_a_real_network_comes_back(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    graph = verify(load(path))
    for value in graph.outputs:
        assert isinstance(value.type, TensorType)
        assert value.type.shape_or_none is not None or "det" in path.stem
    save(graph, tmp_path / "m.onnx")
    before, after = onnx.load(path), onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(after, full_check=True)
    assert spelled(after) == spelled(before)
    for first, second in zip(run_ort(before, feeds_of(before)), run_ort(after, feeds_of(before)), strict=True):
        np.testing.assert_array_equal(first, second)
