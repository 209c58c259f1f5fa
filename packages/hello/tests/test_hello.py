"""The installed plugin: each part is found by nnvm itself, in a fresh process that never imports it."""

import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest

import nnvm
from nnvm import plugins

TWICE = "x 2 3\nscale 2\nscale 3\n"
PUBLIC = {"nnvm", "nnvm.attrs", "nnvm.ops", "nnvm.backends.numpy"}


def python(code: str, *arguments: object) -> str:
    """Run code in a new process, warnings being errors; return what it prints."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    path = tmp_path / "twice.hello"
    path.write_text(TWICE)
    return path


def test_it_is_installed_and_not_merely_on_the_path() -> None:
    offered = {(each.group, each.name) for each in distribution("nnvm-hello").entry_points}
    assert {group for group, _ in offered} == set(plugins.WANTED)
    assert {(group, name) for group in plugins.WANTED for name in plugins.names(group)} >= offered


def test_import_nnvm_imports_no_plugin() -> None:
    code = "import sys, nnvm; nnvm.ops, nnvm.passes; print([name for name in sys.modules if 'hello' in name])"
    assert python(code) == "[]\n"


def test_the_operator_is_traced_typed_and_refuses() -> None:
    scale = plugins.find("nnvm.ops", "scale")
    assert scale is not None
    graph = nnvm.trace(lambda x: scale(x, by=2.0), x=nnvm.f32["n", 3])
    assert graph.outputs[0].type == nnvm.f32["n", 3]
    with pytest.raises(nnvm.Error, match=r"scale\(x: i64\[3\], by=2.0\): it takes floating-point numbers"):
        nnvm.trace(lambda x: scale(x, by=2.0), x=nnvm.i64[3])


def test_a_file_loads_and_its_columns_are_filled_when_read(twice: Path) -> None:
    code = """
import sys, nnvm
graph = nnvm.load(sys.argv[1])
op = graph.outputs[0].node.op
assert "nnvm_hello.columns" not in sys.modules
print(op.name, nnvm.attrs.elementwise.get(op), nnvm.attrs.macs[op](graph.outputs[0].node), nnvm.attrs.kernel[op])
assert "nnvm_hello.kernels" not in sys.modules
"""
    assert python(code, twice) == "scale True 6 hello:scale/1\n"


def test_files_round_trip_and_point_at_what_is_wrong(twice: Path, tmp_path: Path) -> None:
    graph = nnvm.load(twice)
    nnvm.save(graph, tmp_path / "again.hello")
    nnvm.same(nnvm.load(tmp_path / "again.hello"), graph)
    assert (tmp_path / "again.hello").read_text() == "x 2 3\nscale 2.0\nscale 3.0\n"
    for text, said in [("x 2\nshift 1\n", "line 2: 'shift' is no step"), ("x two\n", "line 1: "), ("", "line 1: ")]:
        twice.write_text(text)
        with pytest.raises(nnvm.Error, match=said):
            nnvm.load(twice)
    relu = nnvm.trace(lambda x: nnvm.ops.relu(x), x=nnvm.f32[2])
    with pytest.raises(nnvm.Error, match="holds scales of one input"):
        nnvm.save(relu, tmp_path / "relu.hello")


def test_its_operator_is_read_from_text(twice: Path, tmp_path: Path) -> None:
    nnvm.save(nnvm.load(twice), tmp_path / "twice.nnvm")
    code = "import sys, nnvm; print([node.op.name for node in nnvm.load(sys.argv[1]).nodes])"
    assert python(code, tmp_path / "twice.nnvm") == "['input', 'scale', 'scale']\n"


def test_the_rule_fires_in_the_default_pipeline_and_in_simplify(twice: Path) -> None:
    code = """
import sys, nnvm
for passes in (None, ["simplify"]):
    graph = nnvm.optimize(nnvm.load(sys.argv[1]), passes)
    print([node.op.name for node in graph.nodes], dict(graph.outputs[0].node.params))
"""
    assert python(code, twice) == "['input', 'scale'] {'by': 6.0}\n" * 2


def test_the_pass_is_found_by_name(twice: Path) -> None:
    code = """
import sys, nnvm
print([node.op.name for node in nnvm.optimize(nnvm.load(sys.argv[1]), ["simplify", "spell_out"]).nodes])
"""
    assert python(code, twice) == "['input', 'constant', 'mul']\n"


def test_the_command_finds_file_rule_pass_and_kernel(twice: Path, tmp_path: Path) -> None:
    out = tmp_path / "twice.onnx"
    command = [
        sys.executable,
        "-m",
        "nnvm.cli",
        "opt",
        str(twice),
        "-p",
        "simplify,spell_out",
        "-o",
        str(out),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["before"]["operators"], result["after"]["operators"]) == ({"scale": 2}, {"mul": 1})
    assert result["equivalent"] is True
    assert [node.op.name for node in nnvm.load(out).nodes if node.op.name == "mul"] == ["mul"]


def test_it_runs_in_place_and_a_saved_program_runs_without_graph_code(twice: Path, tmp_path: Path) -> None:
    graph = nnvm.load(twice)
    run = nnvm.compile(graph)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(run(x=x)[0], 6 * x)
    assert [step.kernel for step in run.program.steps] == ["hello:scale/1"] * 2
    run.program.save(tmp_path / "twice.nnp")
    code = """
import sys
import numpy as np
from nnvm.backends.numpy import run
from nnvm.runtime.program import load
print(run(load(sys.argv[1]))({"x": np.ones((2, 3), np.float32)})[0].tolist())
print([name for name in sys.modules if name.startswith(("nnvm.ir", "nnvm_hello"))])
"""
    answer = python(code, tmp_path / "twice.nnp")
    assert answer == "[[6.0, 6.0, 6.0], [6.0, 6.0, 6.0]]\n['nnvm_hello', 'nnvm_hello.kernels']\n"


def test_it_folds_and_runs_on_float16_too() -> None:
    scale = plugins.find("nnvm.ops", "scale")
    assert scale is not None
    held = nnvm.tensor_data([1.0, 2.0], nnvm.f16[2])
    graph = nnvm.optimize(nnvm.trace(lambda: scale(nnvm.constant(data=held), by=0.5)))
    data = nnvm.data_of(graph.outputs[0])
    assert data is not None
    assert list(data.values()) == [0.5, 1.0]


def test_it_imports_public_doors_alone() -> None:
    import ast

    import nnvm_hello

    imported: set[str] = set()
    for path in Path(nnvm_hello.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
    assert {name for name in imported if name.split(".")[0] == "nnvm"} <= PUBLIC
