"""When two graphs compute the same: the arrays, their masks of what is not finite, and the names at both ends."""

from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np
from tests.laws.interpret import held, interpret

from nnvm.ir import Graph, bf16, f16, input
from nnvm.ir.dims import substitute

RTOL = 1e-4


def feeds(graph: Graph, binding: Mapping[str, int], seed: int) -> dict[str, Any]:
    """Return random arrays for a graph's inputs: whole numbers small, floats around zero."""
    rng = np.random.default_rng(seed)
    made: dict[str, Any] = {}
    for value in (*graph.inputs, *(node.outputs[0] for node in graph.nodes if node.op is input)):
        shape = [int(substitute(size, binding)) for size in value.shape]  # type: ignore[arg-type]
        if value.dtype.is_float:
            narrow = {f16: np.float16, bf16: ml_dtypes.bfloat16}.get(value.dtype, np.float32)
            found = rng.standard_normal(shape).astype(narrow)
        else:
            found = rng.integers(0, 2 if value.dtype.kind == "bool" else 5, shape)
        made[str(value.node.name)] = np.asarray(found).astype(held(value.dtype))
    return made


def assert_agree(before: Graph, after: Graph, binding: Mapping[str, int], seeds: int = 2) -> None:
    """Fail where two graphs differ in their ends or in what they compute, or where a type of the second lies."""
    assert before.output_names == after.output_names
    assert [value.name for value in before.inputs] == [value.name for value in after.inputs]
    for seed in range(seeds):
        given = feeds(before, binding, seed)
        try:
            old = interpret(before, given)
        except ValueError:  # this graph is not defined on these arrays: it divides whole numbers by zero, say
            continue
        try:
            for name, p, q in zip(before.output_names, old, interpret(after, given, binding), strict=True):
                assert_near(name, p, q)
        except Exception as error:
            error.add_note(f"{before}\nbecame\n{after}")
            raise


def assert_near(name: str, wanted: Any, found: Any) -> None:
    """Fail where two arrays differ by more than rounding."""
    assert wanted.dtype == found.dtype, name
    assert wanted.shape == found.shape, (name, wanted.shape, found.shape)
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(found, wanted, name)
        return
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted), name)
    np.testing.assert_array_equal(np.isinf(found), np.isinf(wanted), name)
    finite = np.isfinite(wanted)
    scale = np.abs(wanted[finite]).max(initial=1e-3)
    np.testing.assert_allclose(found[finite], wanted[finite], rtol=RTOL, atol=RTOL * scale, err_msg=name)
