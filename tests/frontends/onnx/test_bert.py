"""A small BERT as torch exports it, with batch and sequence left open: every rank known, and the same answers."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import nnvm
from nnvm.frontends.onnx import load
from nnvm.ir import TensorType


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_bert_runs_with_open_dimensions(attention: str, tmp_path: Path) -> None:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    runtime = pytest.importorskip("onnxruntime")
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = transformers.BertConfig(**sizes, vocab_size=100, attn_implementation=attention)
    path, open_dims = tmp_path / "bert.onnx", {0: torch.export.Dim("b"), 1: torch.export.Dim("s")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = torch.ones(2, 7, dtype=torch.long), torch.ones(2, 7, dtype=torch.long)
        torch.onnx.export(
            transformers.BertModel(config).eval(), given, path, input_names=["ids", "mask"], dynamo=True,
            dynamic_shapes=(open_dims, open_dims), external_data=False, verbose=False,
        )  # fmt: skip
    graph = load(path)
    assert not any(node.op.foreign for node in graph.nodes)
    types = [value.type for node in graph.nodes for value in node.outputs]
    assert all(isinstance(type, TensorType) and type.shape_or_none is not None for type in types)
    session = runtime.InferenceSession(str(path))
    runs = [nnvm.compile(each, backend="numpy") for each in (graph, nnvm.optimize(graph))]
    for batch, length in ((1, 5), (3, 11), (2, 1)):
        ids = np.random.default_rng(batch).integers(0, 100, (batch, length))
        mask = np.ones_like(ids)
        mask[0, length // 2 + 1 :] = 0
        for run in runs:
            for found, wanted in zip(
                run(ids=ids, mask=mask), session.run(None, {"ids": ids, "mask": mask}), strict=True
            ):
                np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
