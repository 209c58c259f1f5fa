"""A saved Program runs where the graph's code is not installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from tests.compile.nets import branchy_graph, image

import nnvm
from nnvm.pipeline import compile

RUN = """
import sys, numpy as np
sys.path.insert(0, sys.argv[1])
from nnvm.backends.numpy import run
import nnvm
assert nnvm.__file__.startswith(sys.argv[1])
program = nnvm.Program.load(sys.argv[2])
outputs = run(program)(x=np.load(sys.argv[3]))
np.savez(sys.argv[4], *outputs)
print(sorted(name for name in sys.modules if name.startswith("nnvm.")))
"""


def test_a_saved_program_runs_with_numpy_alone(tmp_path):
    package = tmp_path / "site" / "nnvm"
    shutil.copytree(Path(nnvm.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("ir", "attrs", "ops", "analyses", "passes", "packing", "compile", "frontends", "report", "cli"):
        shutil.rmtree(package / folder)
    for file in (
        "pipeline.py",
        "equivalence.py",
        "backends/numpy/table.py",
        "backends/numpy/measured.py",
        "backends/numpy/evaluate.py",
    ):
        (package / file).unlink()
    x = image(2, 3, 20, 30)
    run = compile(branchy_graph())
    run.program.save(tmp_path / "net.nnp")
    np.save(tmp_path / "x.npy", x)
    arguments = [str(package.parent), str(tmp_path / "net.nnp"), str(tmp_path / "x.npy"), str(tmp_path / "out.npz")]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "nnvm.ir" not in done.stdout
    assert "nnvm.passes" not in done.stdout
    with np.load(tmp_path / "out.npz") as saved:
        for array, expected in zip(saved.values(), run(x=x), strict=True):
            np.testing.assert_array_equal(array, expected)
