"""Every version of every operator that we read, from opset 7 on: drawn nodes compute what ONNX's own programs do."""

import os
import warnings
from random import Random

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.laws.onnx_nodes import elementwise, layers, movement, picks, products, quantised, windows
from tests.laws.onnx_nodes.drawing import DRAWERS, Case, Draw
from tests.laws.onnx_nodes.oracles import Unjudged, judge, model_of

from nnvm.errors import Error
from nnvm.frontends.onnx.families import BY_TYPE
from nnvm.frontends.onnx.schemas import OLDEST, VETTED
from nnvm.onnx_backend import NnvmBackend

pytest.importorskip("onnxruntime")
EXAMPLES = int(os.environ.get("NNVM_EXAMPLES", "3"))
SAME = "NNVM_EXAMPLES" not in os.environ
"""Whether the same nodes are drawn every time; long runs draw others."""
FAMILIES = (elementwise, layers, movement, picks, products, quantised, windows)
WRITTEN_FOR = "1.23.2"
PAIRS_KNOWN = 491
"""How many versions of how many operators there are to draw with this onnx."""
NOT_DRAWN = {
    "DeformConv": "tests/ops/test_deform.py draws it",
}
"""Operators that are read and not drawn here, with the reason."""


def pairs() -> list[tuple[str, int]]:
    """Return every operator that is read with each of its versions that holds at an opset from the oldest on."""
    versions: dict[str, list[tuple[int, bool]]] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "" and schema.name in BY_TYPE:
            versions.setdefault(schema.name, []).append((schema.since_version, schema.deprecated))
    found = []
    for type in sorted(versions):
        known = sorted(versions[type])
        for (version, deprecated), (later, _) in zip(known, [*known[1:], (VETTED + 1, False)], strict=True):
            if later > OLDEST and version <= VETTED and not deprecated and type not in NOT_DRAWN:
                found.append((type, version))
    return found


def computed(case: Case, type: str, opset: int, constants: set[int], optimize: bool) -> list[np.ndarray]:
    model, feeds = model_of(type, opset, case, constants)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy, about what overflows on purpose
        return [np.asarray(each) for each in NnvmBackend.prepare(model, optimize=optimize).run(feeds)]


def check(random: Random, type: str, version: int) -> bool:
    """Draw a node, run it and compare; False where no oracle knows it, but our own Error is all it may then end in."""
    with np.errstate(all="ignore"):  # what is drawn may overflow in its type
        case, opset = DRAWERS[type](Draw(random, type, version)), max(version, OLDEST)
    constants = case.fixed | {i for i in range(len(case.inputs)) if random.randrange(5) == 0}
    try:
        found = computed(case, type, opset, constants, random.randrange(2) == 0)
    except Error as error:
        try:
            judge(type, opset, case, constants, [])
        except Unjudged:
            return False
        except ValueError:
            pass
        raise AssertionError(f"{type}-{version} {case}: {error}") from error
    try:
        told = judge(type, opset, case, constants, found)
    except Unjudged:
        return False
    assert told == [], f"{type}-{version} {case}"
    return True


@pytest.mark.parametrize(("type", "version"), pairs(), ids=lambda each: str(each))
def test_every_version_computes_what_onnx_says(type: str, version: int) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=SAME
    )
    @given(st.integers(0, 2**32 - 1))
    def law(seed: int) -> None:
        assume(check(Random(seed), type, version))

    law()


def test_every_operator_that_is_read_is_drawn() -> None:
    assert all(family.__doc__ for family in FAMILIES)
    assert {type for type, _ in pairs()} == DRAWERS.keys()
    assert set(BY_TYPE) - DRAWERS.keys() == NOT_DRAWN.keys()


@pytest.mark.skipif(onnx.__version__ != WRITTEN_FOR, reason=f"counted for onnx {WRITTEN_FOR}")
def test_how_many_versions_there_are() -> None:
    assert len(pairs()) == PAIRS_KNOWN
