"""The command as a whole: one line for every error, exit codes."""

import subprocess
import sys
from io import StringIO

import pytest
from tests.command import nnvm, small_model


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("show", "no_such.onnx"), 1, "no_such.onnx"),
        (("show", "model.xyz"), 1, "xyz"),
        (("show",), 2, ""),
        (("nonsense",), 2, ""),
        (("plan", "{m}", "--set-dim", "batch"), 2, "set-dim"),
        (("plan", "{m}", "--set-dim", "nobody=3"), 1, "batch"),
        (("plan", "{m}", "--io", "sideways"), 2, "external"),
        (("plan", "{m}", "--backend", "abacus"), 2, "numpy"),
        (("plan", "{m}", "--alignment", "3"), 2, "power of two"),
        (("run", "{m}", "--input", "z=x.npy"), 1, "x"),
        (("run", "{m}", "--input", "x=missing.npy"), 1, "missing.npy"),
        (("run", "{m}", "--input", "x"), 2, "input"),
        (("run", "{m}", "--compare", "abacus"), 1, "onnxruntime"),
        (("run", "{m}", "--range", "a,b"), 2, "range"),
        (("run", "{m}", "--range", "2,1"), 2, "range"),
        (("run", "{m}", "--range", "nan,1"), 2, "range"),
        (("run", "{m}", "--range", "-1e308,1e308"), 2, "range"),
        (("plan", "{m}", "--set-dim", "batch=3", "--set-dim", "batch=4"), 2, "set-dim"),
        (("opt", "{m}", "-o", "no/such/folder/out.onnx"), 1, "folder"),
    ],
)
def test_errors_are_one_line(tmp_path, arguments, code, told):
    model = str(small_model(tmp_path / "m.onnx"))
    found, _, err = nnvm(*[model if part == "{m}" else part for part in arguments])
    assert found == code
    assert told in err
    if code == 1:
        assert err.startswith("error: ")
        assert err.count("\n") == 1


def test_traceback_on_demand(tmp_path):
    from nnvm import Error

    with pytest.raises(Error):
        nnvm("show", tmp_path / "no.onnx", "--traceback")


def test_the_command_as_a_process(tmp_path):
    model = small_model(tmp_path / "m.onnx")
    done = subprocess.run(
        [sys.executable, "-m", "nnvm.cli", "show", str(model), "--json"], capture_output=True, text=True, check=True
    )
    assert '"nodes": 5' in done.stdout
    assert done.stderr == ""
    done = subprocess.run(
        [sys.executable, "-m", "nnvm.cli", "show", str(tmp_path / "no.onnx")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("suffix", ["nnvm", "json"])
def test_a_graph_is_read_from_stdin(tmp_path, monkeypatch, suffix):
    written = tmp_path / f"m.{suffix}"
    assert nnvm("show", small_model(tmp_path / "m.onnx"), "-o", written)[0] == 0
    monkeypatch.setattr("sys.stdin", StringIO(written.read_text()))
    code, result, _ = nnvm("opt", "-", "-o", tmp_path / "out.onnx", "--json")
    assert (code, result["after"]["nodes"]) == (0, 2)
