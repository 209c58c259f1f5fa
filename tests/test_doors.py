"""The doors: what type checkers read is what there is."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nnvm

SOURCE = Path(nnvm.__file__).read_text(encoding="utf-8")


def told_to_type_checkers() -> dict[str, set[str]]:
    """Return the names that the block for type checkers imports, by module."""
    (block,) = (
        each
        for each in ast.parse(SOURCE).body
        if isinstance(each, ast.If) and isinstance(each.test, ast.Name) and each.test.id == "TYPE_CHECKING"
    )
    found: dict[str, set[str]] = {}
    for each in block.body:
        assert isinstance(each, ast.ImportFrom)
        assert all(name.asname is None for name in each.names)
        found.setdefault(str(each.module), set()).update(name.name for name in each.names)
    return found


def test_type_checkers_see_the_doors_that_there_are() -> None:
    doors = {module: set(names) for module, names in nnvm._DOORS.items()}
    assert told_to_type_checkers() == {"nnvm": set(nnvm._FLOORS), **doors}


def test_every_door_opens() -> None:
    assert set(nnvm.__all__) == {*nnvm._HOME, *nnvm._FLOORS}
    assert len(nnvm.__all__) == len(set(nnvm.__all__))
    for name in nnvm.__all__:
        assert getattr(nnvm, name) is not None


@pytest.mark.slow
def test_mypy_knows_their_types(tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.py"
    stranger.write_text("import nnvm\nreveal_type(nnvm.trace)\nreveal_type(nnvm.ops.relu)\nnnvm.comple\n")
    command = [sys.executable, "-m", "mypy", "--no-incremental", "--strict", "--follow-imports=silent", str(stranger)]
    path = {**os.environ, "MYPYPATH": str(Path(nnvm.__file__).parent.parent)}
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=path)
    assert 'Revealed type is "Any"' not in answer.stdout
    assert "nnvm.ir.graph.Graph" in answer.stdout
    assert 'Module has no attribute "comple"' in answer.stdout
