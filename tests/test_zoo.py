"""Real models, dimensions left open: every rank is known, and no shape that is inferred is ever wrong."""

from pathlib import Path

import pytest
from benchmarks.zoo_models import ZooModel, zoo

import nnvm
from nnvm.ir import UNKNOWN, Graph, TensorType
from nnvm.ir.dims import names, substitute
from nnvm.passes import infer_types

pytestmark = pytest.mark.slow

NAMES = (
    *("light_bvlc_alexnet", "light_densenet121", "light_inception_v1", "light_inception_v2", "light_resnet50"),
    *("light_shufflenet", "light_squeezenet", "light_vgg19", "light_zfnet512", "PP-OCR det", "PP-OCR rec"),
    *("PP-OCR cls", "silero_vad_openvino_16k", "silero_vad_16k_sequence", "ddddocr common", "ddddocr common_det"),
    "MiniLM",
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ZooModel]:
    found, _ = zoo(tmp_path_factory.mktemp("zoo"))
    return {each.name: each for each in found}


def binding_of(graph: Graph, inputs: dict[str, object]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in graph.inputs:
        for size, given in zip(value.shape, inputs[value.name].shape, strict=True):  # type: ignore[attr-defined]
            if names(size) and str(size).isidentifier() | (len(names(size)) == 1):
                found[names(size)[0]] = given
    return found


@pytest.mark.parametrize("name", NAMES)
def test_inferred_shapes_are_observed(models: dict[str, ZooModel], name: str) -> None:
    if name not in models:
        pytest.skip(f"{name} is not installed")
    model = models[name]
    graph = infer_types(nnvm.load(Path(model.path)))
    values = [value for node in graph.nodes if node.inputs for value in node.outputs]
    assert [
        value for value in values if not isinstance(value.type, TensorType) or value.type.shape_or_none is None
    ] == []
    assert [value for value in values if UNKNOWN in value.shape] == []
    run = nnvm.compile(Graph(values, graph.inputs, output_names=[f"v{i}" for i in range(len(values))]))
    for place in range(len(model.bindings)):
        inputs = model.inputs(place, seed=0)
        binding = binding_of(graph, inputs)
        for value, array in zip(values, run(inputs), strict=True):
            assert tuple(substitute(size, binding) for size in value.shape) == array.shape, value
            assert value.dtype.name == array.dtype.name
