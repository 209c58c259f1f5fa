"""How small real networks become, with their dimensions left open."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from nnvm.ir import Graph, is_constant, operators, verify
from nnvm.ops import fill
from nnvm.passes import DEFAULT, fold_constants

CLS = ("rapidocr_onnxruntime", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx")
SQUEEZENET = ("onnx", "backend/test/data/light/light_squeezenet.onnx")


def loaded(package: str, path: str) -> Graph:
    found = find_spec(package)
    if found is None or found.origin is None or find_spec("onnx_ir") is None:
        pytest.skip(f"{package} and onnx-ir are not installed")
    from nnvm.frontends.onnx import load

    return load(Path(found.origin).parent / path)


def smallest(graph: Graph) -> tuple[Graph, int]:
    """Return what the default pipeline makes of a graph, and how many rounds it took to find nothing more."""
    from nnvm.backends.numpy.evaluate import evaluate

    for rounds in range(1, 6):
        start = graph
        for each in DEFAULT:
            graph = each(graph, evaluate) if each is fold_constants else each(graph)
        if graph is start:
            return verify(graph), rounds
    raise AssertionError("five rounds were not enough")


def counted(graph: Graph) -> int:
    """Count the operators, but not those that only say how large a constant is."""
    return sum(node.op is not fill or not is_constant(node.inputs[0]) for node in operators(graph))


@pytest.mark.parametrize(
    ("model", "before", "after"), [(CLS, 258, 143), (SQUEEZENET, 66, 65)], ids=["cls", "squeezenet"]
)
def test_nodes(model: tuple[str, str], before: int, after: int) -> None:
    graph = loaded(*model)
    assert counted(graph) == before
    made, rounds = smallest(graph)
    assert counted(made) == after
    assert rounds == 2
    assert made.output_names == graph.output_names
    assert [value.type for value in made.inputs] == [value.type for value in graph.inputs]
    assert [value.type for value in made.outputs] == [value.type for value in graph.outputs]
