"""The first thing a visitor does, on real networks: load, optimise, save, check, plan and run, beside ONNX Runtime."""

import importlib.util
from pathlib import Path

import numpy as np
import onnx
import pytest
from benchmarks.refill import Insensitive, check_sensitive, refill

from nnvm.frontends.onnx import load, save
from nnvm.judging import agree
from nnvm.pipeline import compile, count_nodes, optimize
from tests.command import nnvm

onnxruntime = pytest.importorskip("onnxruntime")
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / "light_squeezenet.onnx"


@pytest.fixture(scope="module")
def classifier() -> Path:
    """PP-OCR's text-direction classifier, with its own weights and open dimensions."""
    found = importlib.util.find_spec("rapidocr_onnxruntime")
    if found is None or found.origin is None:
        pytest.skip("rapidocr-onnxruntime is not installed; make test installs it")
    return Path(found.origin).parent / "models" / "ch_ppocr_mobile_v2.0_cls_infer.onnx"


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory) -> Path:
    """light_squeezenet with weights drawn from a seed."""
    return refill(LIGHT, tmp_path_factory.mktemp("refilled") / "squeezenet.onnx")


def ort(model: Path, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(None, feeds)


def assert_kept(model: Path, saved: Path, shapes: list[tuple[int, ...]]) -> None:
    """Our run, and ONNX Runtime's run of our file, equal ONNX Runtime on the original."""
    graph = load(saved)
    run = compile(graph)
    (name,) = [value.name for value in graph.inputs]
    for seed, shape in enumerate(shapes):
        x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
        expected = ort(model, {name: x})
        for found in (ort(saved, {name: x}), run(**{name: x}), run.run({name: x}, poison=True)):
            for a, b in zip(found, expected, strict=True):
                assert agree(a, b)[0]


def test_the_classifier_with_open_dimensions(classifier, tmp_path):
    saved = tmp_path / "cls.onnx"
    original = load(classifier)
    assert count_nodes(original) == 258
    smaller = optimize(original)
    assert count_nodes(smaller) <= 143
    save(smaller, saved)
    onnx.checker.check_model(str(saved), full_check=True)
    before, after = onnx.load(classifier), onnx.load(saved)
    for field in ("input", "output"):
        assert [str(value) for value in getattr(after.graph, field)] == [
            str(value) for value in getattr(before.graph, field)
        ]
    assert after.opset_import == before.opset_import
    assert_kept(classifier, saved, [(1, 3, 48, 192), (3, 3, 48, 97), (2, 3, 64, 320)])


def test_the_classifier_through_the_command(classifier, tmp_path):
    saved = tmp_path / "cls.onnx"
    code, result, err = nnvm("opt", classifier, "-o", saved, "--json")
    assert code == 0, err
    assert result["equivalent"] is True
    dims = ("--set-dim", "x.0=1", "--set-dim", "x.2=48", "--set-dim", "x.3=192")
    code, plan, _ = nnvm("plan", saved, *dims, "--json")
    assert plan["peak_bytes"] == plan["packing_bound_bytes"]
    assert plan["packing_status"] == "optimal"
    assert plan["order_bound_bytes"] <= plan["peak_bytes"] <= 331_776
    code, ran, _ = nnvm("run", saved, *dims, "--compare", "onnxruntime", "--json")
    assert code == 0
    assert ran["compared"]["equivalent"] is True
    assert ran["outputs"][0]["top"]["index"] in (0, 1)
    assert ran["transient_bytes"] < 64 * 1024


def test_squeezenet_refilled(squeezenet, tmp_path):
    saved = tmp_path / "squeezenet.onnx"
    smaller = optimize(load(squeezenet))
    assert count_nodes(smaller) <= 65
    save(smaller, saved)
    onnx.checker.check_model(str(saved), full_check=True)
    assert_kept(squeezenet, saved, [(1, 3, 224, 224)] * 2)


def test_the_original_squeezenet_proves_nothing_and_is_refused():
    with pytest.raises(Insensitive, match="1%"):
        check_sensitive(onnx.load(LIGHT))


def test_one_large_memory_serves_every_binding(classifier):
    run = compile(optimize(load(classifier)))
    session = onnxruntime.InferenceSession(classifier, providers=["CPUExecutionProvider"])
    for shape in [(1, 3, 48, 192), (4, 3, 48, 192), (1, 3, 64, 64), (1, 3, 48, 192)]:
        x = np.random.default_rng(7).standard_normal(shape).astype(np.float32)
        assert agree(run(x=x)[0], session.run(None, {"x": x})[0])[0]
