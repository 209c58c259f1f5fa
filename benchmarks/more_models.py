"""Nodes that we and five peers leave in nets outside the zoo, of random weights: `python -m benchmarks.more_models`."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.counting import count_nodes
from benchmarks.machine import describe, unslow
from benchmarks.plain_nets import NETS
from benchmarks.table import Cell, table
from benchmarks.zoo_models import quietly
from benchmarks.zoo_worker import TOOLS

Case = tuple[Any, dict[str, Any], dict[str, dict[int, str]]]
"""A module, its example inputs by name, and which of their dimensions are open."""

TEXT = {0: "batch", 1: "sequence"}
SMALL = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 99,
    "attn_implementation": "eager",
}  # fmt: skip


def main() -> None:
    """Export what is not in the folder yet, run every optimiser, and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.more_models", description=__doc__)
    parser.add_argument("--models", nargs="*", help="only models whose names hold one of these")
    parser.add_argument("--tools", nargs="*", choices=list(TOOLS), default=list(TOOLS))
    parser.add_argument("--folder", type=Path, help="keep exported models there for the next time")
    parser.add_argument("--export", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.export:
        name, target = options.export
        quietly(lambda: _export(name, Path(target)))
        return
    unslow("benchmarks.more_models")
    print(describe("onnxruntime", "onnxslim", "onnxsim", "onnxscript", "onnxoptimizer", "torch", "transformers") + "\n")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        chosen = [name for name in names() if not options.models or any(part in name for part in options.models)]
        found = {name: path for name in chosen if (path := exported(name, folder)) is not None}
        print("".join(f"missing: {name}\n" for name in chosen if name not in found), end="")
        print(_table(found, Path(scratch), options.tools))


def names() -> Iterator[str]:
    """Yield the models by name: each net through both of torch's exporters, and nets that lie in wheels."""
    for name in CASES:
        for how in ("dynamo", "script"):
            yield f"{name} {how}"
    yield "silero_vad"


def exported(name: str, folder: Path) -> Path | None:
    """Return the file of a model, made now where it is not there; None where what makes it is missing or refuses."""
    if name == "silero_vad":
        spec = find_spec("silero_vad")
        return None if spec is None or spec.origin is None else Path(spec.origin).parent / "data" / "silero_vad.onnx"
    if find_spec("torch") is None or find_spec("transformers") is None:
        return None
    target = folder / f"{name.replace(' ', '-')}.onnx"
    if not target.exists():
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.more_models", "--export", name, str(target)]
        subprocess.run(command, capture_output=True, check=False)
    return target if target.exists() else None


def _table(found: Mapping[str, Path], scratch: Path, tools: list[str]) -> str:
    rows: list[list[Cell]] = []
    met = 0
    for name, path in found.items():
        counts = {tool: _count(tool, path, scratch / f"{tool.replace(' ', '_')}.onnx") for tool in tools}
        best = min((count for tool, count in counts.items() if tool != "nnvm" and isinstance(count, int)), default=None)
        ours = counts.get("nnvm")
        fine = isinstance(ours, int) and (best is None or ours <= best)
        met += fine
        rows.append([name, count_nodes(path), *counts.values(), best, "yes" if fine else "NO"])
    title = f"Nodes, saved files, constants not counted: at most the best peer on {met} of {len(rows)}"
    return table(title, ["model", "before", *tools, "best peer", "met"], rows)


def _count(tool: str, source: Path, target: Path) -> Cell:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.zoo_worker", tool, str(source), str(target), "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    answer: dict[str, Any] = json.loads(lines[-1]) if lines else {"failed": f"exit code {done.returncode}"}
    problem = "missing" if "missing" in answer else f"fails: {answer['failed']}"[:40] if "failed" in answer else None
    return problem or count_nodes(target)


def _export(name: str, target: Path) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch

    torch.manual_seed(0)
    net, how = name.rsplit(" ", 1)
    module, inputs, axes = CASES[net]()
    module.eval()
    if hasattr(module, "config"):
        module.config.return_dict = "pixel_values" in inputs
        module.config.use_cache = False
    common: dict[str, Any] = {"input_names": list(inputs)}
    if how == "dynamo":
        dims = {each: {i: torch.export.Dim.DYNAMIC for i in axes.get(each, {})} for each in inputs}
        torch.onnx.export(
            module, (), str(target), kwargs=inputs, dynamo=True, external_data=False, opset_version=18,
            dynamic_shapes=dims if axes else None, **common,
        )  # fmt: skip
    else:
        whole = not axes
        torch.onnx.export(
            _by_place(module, tuple(inputs)), tuple(inputs.values()), str(target), dynamo=False, dynamic_axes=axes,
            do_constant_folding=not whole, opset_version=17,
            training=torch.onnx.TrainingMode.PRESERVE if whole else torch.onnx.TrainingMode.EVAL, **common,
        )  # fmt: skip


def _by_place(module: Any, names: tuple[str, ...]) -> Any:
    """Return a module that takes by place what this one takes by name, as the older exporter feeds it."""
    import torch

    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, *args: Any) -> Any:
            found = self.inner(**dict(zip(names, args, strict=True)))
            return found if isinstance(found, torch.Tensor) else found[0]

    return Net()


def _ids(*wanted: str) -> tuple[dict[str, Any], dict[str, dict[int, str]]]:
    import torch

    return {each: torch.ones(2, 7, dtype=torch.long) for each in wanted}, dict.fromkeys(wanted, TEXT)


def _image(size: int, open_batch: bool = False) -> tuple[dict[str, Any], dict[str, dict[int, str]]]:
    import torch

    return {"pixel_values": torch.randn(2, 3, size, size)}, ({"pixel_values": {0: "batch"}} if open_batch else {})


def _text(kind: str, *wanted: str, **options: Any) -> Callable[[], Case]:
    def make() -> Case:
        import transformers

        config = getattr(transformers, f"{kind}Config")(**{**SMALL, **options})
        return (getattr(transformers, f"{kind}Model")(config), *_ids(*wanted))

    return make


def _vision(kind: str, size: int = 64, open_batch: bool = False, **options: Any) -> Callable[[], Case]:
    def make() -> Case:
        import transformers

        config = getattr(transformers, f"{kind}Config")(**options)
        return (getattr(transformers, f"{kind}Model")(config), *_image(size, open_batch))

    return make


def _whisper() -> Case:
    import torch
    import transformers

    config = transformers.WhisperConfig(
        d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=64, decoder_layers=1,
        decoder_attention_heads=4, decoder_ffn_dim=64, vocab_size=99, num_mel_bins=8, max_source_positions=50,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, attn_implementation="eager",
    )  # fmt: skip
    encoder = transformers.WhisperModel(config).encoder
    return encoder, {"input_features": torch.randn(2, 8, 100)}, {"input_features": {0: "batch"}}


def _t5_encoder() -> Case:
    import transformers

    config = transformers.T5Config(
        d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, vocab_size=99, feed_forward_proj="gated-gelu"
    )
    return (transformers.T5EncoderModel(config), *_ids("input_ids", "attention_mask"))


def _plain(
    build: Callable[[Any], Any], shape: tuple[int, ...], axes: dict[int, str] | None = None
) -> Callable[[], Case]:
    def make() -> Case:
        import torch

        return build(torch.nn), {"input": torch.randn(*shape)}, {"input": axes} if axes else {}

    return make


def _own(name: str) -> Callable[[], Case]:
    def make() -> Case:
        import torch

        build, shape, axes = NETS[name]
        return build(torch), {"input": torch.randn(*shape)}, {"input": axes} if axes else {}

    return make


def _t5() -> Case:
    import transformers

    config = transformers.T5Config(
        d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4, vocab_size=99, decoder_start_token_id=0
    )
    return (transformers.T5Model(config), *_ids("input_ids", "attention_mask", "decoder_input_ids"))


def _unet(nn: Any) -> Any:
    def block(a: int, b: int) -> list[Any]:
        return [nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.SiLU()]

    up = [nn.ConvTranspose2d(16, 8, 2, 2), nn.BatchNorm2d(8), nn.Hardswish(), nn.Upsample(scale_factor=2)]
    return nn.Sequential(*block(3, 8), nn.MaxPool2d(2), *block(8, 16), *up, nn.Dropout(), nn.GroupNorm(2, 8),
                         nn.ZeroPad2d(1), nn.Conv2d(8, 2, 3), nn.Softmax(1))  # fmt: skip


def _mlp(nn: Any) -> Any:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(48, 16), nn.BatchNorm1d(16), nn.GELU(), nn.Linear(16, 16, bias=False), nn.LayerNorm(16),
        nn.GELU("tanh"), nn.Linear(16, 4), nn.LogSoftmax(-1),
    )  # fmt: skip


class _Focus:
    """Build a detector's head: focus, an activation that is exported in pieces, and boxes from strided grids."""

    def __new__(cls, nn: Any) -> Any:
        """Return the module; torch is imported by then."""
        import torch

        class Net(nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.conv, self.norm = nn.Conv2d(12, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16)
                self.head = nn.Conv2d(16, 3 * 7, 1)
                self.grid = torch.randn(1, 3, 16, 16, 2)

            def forward(self, input: Any) -> Any:
                x = torch.cat([input[..., i::2, j::2] for j in (0, 1) for i in (0, 1)], 1)
                x = self.norm(self.conv(x))
                x = self.head(x * torch.sigmoid(x))
                n, _, h, w = x.shape
                x = x.view(n, 3, 7, h, w).permute(0, 1, 3, 4, 2).contiguous()
                xy, wh, conf = x.sigmoid().split((2, 2, 3), 4)
                xy = (xy * 2 + self.grid) * 8
                wh = (wh * 2) ** 2
                return torch.cat((xy, wh, conf), 4).view(n, 3 * h * w, 7)

        return Net()


def _sequence(nn: Any) -> Any:
    import torch

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(8, 16, 2, batch_first=True, bidirectional=True)
            self.gru, self.out = nn.GRU(32, 8, batch_first=True), nn.Linear(8, 5)

        def forward(self, input: Any) -> Any:
            return torch.log_softmax(self.out(self.gru(self.lstm(input)[0])[0]), -1)

    return Net()


CASES: Mapping[str, Callable[[], Case]] = {
    "bert": _text("Bert", "input_ids", "attention_mask", "token_type_ids"),
    "gpt2": _text("GPT2", "input_ids", n_embd=32, n_layer=2, n_head=4),
    "distilbert": _text("DistilBert", "input_ids", "attention_mask", dim=32, n_layers=2, n_heads=4, hidden_dim=64),
    "roberta": _text("Roberta", "input_ids", "attention_mask"),
    "llama": _text("Llama", "input_ids", "attention_mask", num_key_value_heads=2),
    "t5": _t5_encoder,
    "t5_decoder": _t5,
    "qwen": _text("Qwen2", "input_ids", "attention_mask", num_key_value_heads=2),
    "clip": _text("CLIPText", "input_ids", "attention_mask", projection_dim=16, max_position_embeddings=16,
                  eos_token_id=2),
    "whisper": _whisper,
    "swin": _vision("Swin", 32, image_size=32, patch_size=4, embed_dim=16, depths=[1, 2], num_heads=[2, 2],
                    window_size=4),
    "vit": _vision("ViT", 32, True, image_size=32, patch_size=8, **SMALL),
    "resnet": _vision("ResNet", embedding_size=8, hidden_sizes=[16, 32], depths=[2, 2]),
    "mobilenet": _vision("MobileNetV2", depth_multiplier=0.35, image_size=64),
    "efficientnet": _vision("EfficientNet", width_coefficient=0.5, depth_coefficient=0.5, hidden_dim=640,
                            image_size=64),
    "convnext": _vision("ConvNext", hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1]),
    "segformer": _vision("Segformer", hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1],
                         num_attention_heads=[1, 2, 2, 2]),
    "unet": _plain(_unet, (2, 3, 16, 16)),
    "mlp": _plain(_mlp, (2, 3, 4, 4), {0: "batch"}),
    "detector": _plain(_Focus, (2, 3, 64, 64)),
    "sequence": _plain(_sequence, (2, 5, 8), {0: "batch", 1: "time"}),
    **{name: _own(name) for name in NETS},
}  # fmt: skip

if __name__ == "__main__":
    main()
