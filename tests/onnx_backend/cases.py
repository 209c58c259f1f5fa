"""ONNX's own test cases, and which of them we leave out for which reason."""

import re
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import onnx
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator", "real")
SHARDS = 8
DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
EXCLUDED = Path(__file__).parent / "excluded.txt"


class Case:
    """One case: its name with its kind before it, the model, and inputs with the outputs they must give."""

    def __init__(self, given: Any, kind: str) -> None:
        self.given, self.name = given, f"{kind}/{given.name}"
        self.shard = crc32(self.name.encode()) % SHARDS

    def model(self) -> onnx.ModelProto:
        return self.given.model if self.given.model is not None else onnx.load(self._path())

    def _path(self) -> Path:
        """Return where the model lies; those that ONNX would download lie beside the others, without their weights."""
        if self.given.model_dir is not None:
            return Path(self.given.model_dir) / "model.onnx"
        return DATA / "light" / Path(self.given.url).name

    def sets(self, model: onnx.ModelProto) -> Iterator[tuple[list[Any], list[Any]]]:
        if self.given.data_sets is not None:
            for inputs, outputs in self.given.data_sets:
                yield [_array(each) for each in inputs], [_array(each) for each in outputs]
        elif self.given.model_dir is None:
            held = {each.name for each in model.graph.initializer}
            asked = [each for each in model.graph.input if each.name not in held]
            told = self._path().with_name(f"{self._path().stem}_output_0.pb").read_bytes()
            yield [Runner.generate_dummy_data(each) for each in asked], [_array(onnx.TensorProto.FromString(told))]
        else:
            for folder in sorted(Path(self.given.model_dir).glob("test_data_set*")):
                yield _read(folder, "input", model.graph.input), _read(folder, "output", model.graph.output)

    def check(self, outputs: Any, expected: list[Any]) -> None:
        """Raise AssertionError where outputs are not what ONNX expects, within the case's own tolerance."""
        Runner.assert_similar_outputs(expected, list(outputs), rtol=self.given.rtol, atol=self.given.atol)


def _array(value: Any) -> Any:
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _read(folder: Path, what: str, ports: Any) -> list[Any]:
    """Read the inputs or outputs of a data set; what is no tensor is None."""
    found: list[Any] = []
    for i in range(len(list(folder.glob(f"{what}_*.pb")))):
        data = (folder / f"{what}_{i}.pb").read_bytes()
        tensor = ports[i].type.HasField("tensor_type")
        found.append(_array(onnx.TensorProto.FromString(data)) if tensor else None)
    return found


@cache
def cases() -> tuple[Case, ...]:
    """Return every case of the installed onnx, by name; making those of single nodes takes seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they overflow on purpose
        found = [Case(given, kind) for kind in KINDS for given in load_model_tests(kind=kind)]
    return tuple(sorted(found, key=lambda case: case.name))


@cache
def exclusions() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns of the list, each with the title of its group."""
    found, title = [], ""
    for line in EXCLUDED.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            title = line[1 : line.index(":")]
        elif line and not line.startswith("#"):
            found.append((re.compile(line), title))
    return tuple(found)


def reason(name: str) -> str | None:
    """Return the group that leaves a case out, None for one that must pass."""
    return next((title for pattern, title in exclusions() if pattern.fullmatch(name)), None)
