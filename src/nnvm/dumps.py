"""What is kept of a run of the pipeline, to be read, bisected or replayed."""

import json
import os
import platform
import tempfile
from collections.abc import Callable, Collection, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, TextIO

import nnvm
from nnvm.errors import Error
from nnvm.frontends import FORMATS, save
from nnvm.ir import Graph, data_of
from nnvm.options import fits
from nnvm.pipeline import PassError, PassRun

REPRO: Final = ".repro.json"
_FORMAT: Final = "nnvm reproducer 1"
_LIBRARIES: Final = ("numpy", "onnx")

SCRATCH_BYTES: Final = 64 << 20
"""The most that the constants of a graph may hold for it to be kept where nobody said where."""


def printer(stream: TextIO, *, names: Collection[str] = (), every: bool = False, changed: bool = False) -> Any:
    """Return what prints the graph after the passes named, after every pass, or after those that changed it."""

    def see(run: PassRun) -> None:
        if every or run.name in names or (changed and run.changed):
            state = f"{run.nodes} nodes" if run.changed else "unchanged"
            print(f"# {run.number} {run.stage}: {state}\n{run.after}\n", file=stream)

    return see


def dumper(folder: Path) -> Callable[[PassRun], None]:
    """Return what writes a numbered file for the graph at the start, and one for each pass that changed it.

    The files load again: large constants lie beside the text. A graph that has no such file is written to be read.
    """
    make_folder(folder)

    def see(run: PassRun) -> None:
        if run.number == 1:
            _write_graph(folder / "000-start.nnvm", run.before)
        if run.changed:
            _write_graph(folder / f"{run.number:03}-{run.name}.nnvm", run.after)

    return see


def _write_graph(path: Path, graph: Graph) -> None:
    """Save a graph, or its text alone where it is ill-formed, or holds what only another format can."""
    try:
        save(graph, path)
    except Error:
        write_text(path, f"{graph}\n")


class Repro:
    """A failing pass to be replayed: the file of the graph before it, the pass as text, and what it may hang on."""

    __slots__ = ("error", "graph", "limits", "pipeline", "seed", "verify_each", "versions")

    def __init__(
        self,
        graph: Path,
        pipeline: str,
        *,
        seed: int,
        limits: tuple[float, float] | None,
        verify_each: bool,
        error: str,
        versions: Mapping[str, str],
    ) -> None:
        self.graph: Final = graph
        self.pipeline: Final = pipeline
        self.seed: Final = seed
        self.limits: Final = limits
        self.verify_each: Final = verify_each
        self.error: Final = error
        self.versions: Final = versions


def write_repro(
    folder: Path, failure: PassError, *, seed: int, limits: tuple[float, float] | None, verify_each: bool
) -> Path:
    """Write what replays the failure of a pass: DIR/NUMBER-PASS.repro.json, and beside it the graph before the pass."""
    make_folder(folder)
    stem = f"{failure.number:03}-{failure.stage.name}"
    if failure.after is not None:
        _write_graph(folder / f"{stem}.nnvm", failure.after)
    content = {
        "format": _FORMAT,
        "graph": _save(failure.before, folder, stem),
        "pipeline": str(failure.stage),
        "seed": seed,
        "range": limits,
        "verify_each": verify_each,
        "error": str(failure),
        "versions": versions(),
    }
    write_text(folder / f"{stem}{REPRO}", json.dumps(content, indent=1) + "\n")
    return folder / f"{stem}{REPRO}"


def _save(graph: Graph, folder: Path, stem: str) -> str:
    """Save a graph in the first format that can hold it, our own text before others."""
    refusals = []
    for suffix in sorted(FORMATS, key=lambda suffix: (suffix != ".nnvm", suffix)):
        path = folder / f"{stem}.before{suffix}"
        try:
            save(graph, path)
        except Error as error:
            refusals.append(f"{path.name}: {error}")
        else:
            return path.name
    raise Error(f"the graph before the pass cannot be saved, so nothing can be replayed ({'; '.join(refusals)})")


def read_repro(path: Path) -> Repro:
    """Read what `write_repro` wrote; raise Error where it is not such a file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Error(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Error(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise Error(f"{path} is no reproducer of this version: its format is not {_FORMAT!r}")
    kinds = {"graph": str, "pipeline": str, "seed": int, "verify_each": bool, "error": str, "versions": dict}
    wrong = [key for key, kind in kinds.items() if not isinstance(content.get(key), kind)]
    limits = content.get("range")
    if limits is not None and not (fits(limits, list[float]) and len(limits) == 2):
        wrong.append("range")
    if wrong:
        raise Error(f"{path} lacks {', '.join(wrong)}, or holds something else there")
    return Repro(
        path.parent / content["graph"],
        content["pipeline"],
        seed=content["seed"],
        limits=None if limits is None else (limits[0], limits[1]),
        verify_each=content["verify_each"],
        error=content["error"],
        versions=content["versions"],
    )


def scratch_for(graph: Graph) -> Path | None:
    """Return a new temporary folder for what replays a failure, or None where the graph's constants are large."""
    held = sum(data.nbytes for node in graph.nodes if (data := data_of(node.outputs[0])) is not None)
    return Path(tempfile.mkdtemp(prefix="nnvm-repro-")) if held <= SCRATCH_BYTES else None


def versions() -> dict[str, str]:
    """Return the versions of what computes here."""
    found = {"nnvm": nnvm.__version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where there is none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Error(f"{folder} cannot be written: {error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Error(f"{path} cannot be written: {error.strerror}") from error
