"""A model of 2.5 GB is shown, optimised and saved without being held in memory."""

import json
import subprocess
import sys

import onnx
import pytest
from benchmarks.big_file import BUDGET_MB, NNVM, make_model, peak_anonymous

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="anonymous memory is read from /proc"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("big"), 2.5)


@pytest.fixture(scope="module")
def bare() -> int:
    return peak_anonymous([sys.executable, "-c", "import time; time.sleep(0.3)"])[0]


def test_show(model, bare):
    peak, _, code = peak_anonymous([*NNVM, "show", str(model)])
    assert code == 0
    assert (peak - bare) / 1e6 < BUDGET_MB
    said = json.loads(subprocess.run([*NNVM, "show", str(model), "--json"], capture_output=True, check=True).stdout)
    assert said["parameter_bytes"] > 2.5e9


def test_opt_without_and_with_its_check(model, bare):
    output = model.with_name("out.onnx")
    peak, _, code = peak_anonymous([*NNVM, "opt", str(model), "-o", str(output), "--no-check"])
    assert code == 0
    assert (peak - bare) / 1e6 < BUDGET_MB
    onnx.checker.check_model(output, full_check=True)
    read = sum(path.stat().st_size for path in model.parent.glob("big.*")) / 1e6
    peak, _, code = peak_anonymous([*NNVM, "opt", str(output), "-o", str(output)])
    assert code == 0
    assert (peak - bare) / 1e6 < BUDGET_MB + read
    assert sorted(path.name for path in model.parent.iterdir()) == ["big.data", "big.onnx", "out.onnx", "out.onnx.data"]
