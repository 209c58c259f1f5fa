import unittest
import warnings

import onnx
import pytest
from onnx.backend.test import BackendTest

from nnvm import Error
from nnvm.onnx_backend import NnvmBackend
from tests.onnx_backend.cases import KINDS, SHARDS, Case, cases, exclusions, reason

WRITTEN_FOR = "1.23.2"
"""The onnx whose cases were counted."""
CASES = {"node": 1884, "pytorch-converted": 82, "pytorch-operator": 35, "real": 9, "simple": 23}
LEFT_OUT = {
    "another rounding": 5,
    "control flow": 28,
    "optional": 14,
    "other domains": 17,
    "random": 12,
    "sequences": 28,
    "strings": 30,
    "text and pictures": 16,
    "training": 9,
}
"""How many cases each group of excluded.txt leaves out: a smaller number is progress, a larger one a regression."""

counted = pytest.mark.skipif(onnx.__version__ != WRITTEN_FOR, reason=f"counted for onnx {WRITTEN_FOR}")


def run(case: Case, optimize: bool) -> None:
    model = case.model()
    prepared = NnvmBackend.prepare(model, optimize=optimize)
    for inputs, expected in case.sets(model):
        case.check(prepared.run(inputs), expected)


def failure(case: Case, optimize: bool) -> BaseException | None:
    """Return why a case does not pass; ONNX's own functions may warn while they compare."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            run(case, optimize)
        except Exception as error:
            return error
    return None


def failures(chosen: list[Case], optimize: bool) -> dict[str, str]:
    found = {case.name: failure(case, optimize) for case in chosen}
    return {name: f"{type(error).__name__}: {error}"[:300] for name, error in found.items() if error is not None}


@pytest.mark.parametrize("optimize", [False, True], ids=["as it is", "optimised"])
@pytest.mark.parametrize("shard", range(SHARDS))
def test_cases_pass(shard: int, optimize: bool) -> None:
    chosen = [case for case in cases() if case.shard == shard and not case.name.startswith("real/")]
    assert failures([case for case in chosen if reason(case.name) is None], optimize) == {}


@pytest.mark.slow
@pytest.mark.parametrize("optimize", [False, True], ids=["as it is", "optimised"])
def test_whole_networks_pass(optimize: bool) -> None:
    chosen = [case for case in cases() if case.name.startswith("real/") and reason(case.name) is None]
    assert chosen
    assert failures(chosen, optimize) == {}


@pytest.mark.parametrize("shard", range(SHARDS))
def test_what_is_left_out_is_refused_with_one_error(shard: int) -> None:
    """A case that passes though excluded.txt names it must be taken out; rounding is the machine's, and not judged."""
    titles = {case: reason(case.name) for case in cases() if case.shard == shard}
    left_out = [case for case, title in titles.items() if title not in (None, "another rounding")]
    found = {case.name: failure(case, optimize=False) for case in left_out}
    assert [name for name, error in found.items() if error is None] == [], "take them out of excluded.txt"
    assert {name: error for name, error in found.items() if not isinstance(error, Error)} == {}


@counted
def test_how_many_are_left_out() -> None:
    found: dict[str, int] = {}
    for case in cases():
        title = reason(case.name)
        if title is not None:
            found[title] = found.get(title, 0) + 1
    assert found == LEFT_OUT


@counted
def test_every_case_is_found() -> None:
    assert {kind: sum(case.name.startswith(f"{kind}/") for case in cases()) for kind in CASES} == CASES
    assert set(KINDS) == set(CASES)


def test_every_pattern_leaves_out_a_case() -> None:
    names = [case.name for case in cases()]
    idle = [pattern.pattern for pattern, _ in exclusions() if not any(map(pattern.fullmatch, names))]
    assert idle == []


def test_onnx_runs_our_backend_itself() -> None:
    assert cases()  # made with warnings off
    tests = BackendTest(NnvmBackend, __name__).include("test_add_cpu|test_abs_c").test_cases
    result = unittest.TestResult()
    for case in tests.values():
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    passed = result.testsRun - len(result.skipped)
    assert (passed, result.errors, result.failures) == (2, [], [])
