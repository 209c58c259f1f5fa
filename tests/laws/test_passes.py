"""What every pass keeps: what a graph computes, its form, its ends, its types; and what it gives when applied again."""

import os
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from tests.laws.agree import assert_agree
from tests.laws.interpret import evaluate
from tests.laws.networks import BINDING, networks

from nnvm.ir import Graph, verify
from nnvm.passes import (
    DEFAULT,
    cancel_layout,
    cse,
    dce,
    fold_constants,
    fold_normalization,
    infer_types,
    set_dims,
    simplify,
)

EXAMPLES = int(os.environ.get("NNVM_EXAMPLES", "60"))


def folding(graph: Graph) -> Graph:
    return fold_constants(graph, evaluate)


def bound(graph: Graph) -> Graph:
    names = {name for value in graph.inputs for name in BINDING if f"'{name}'" in repr(value.type)}
    return set_dims(graph, {name: BINDING[name] for name in sorted(names)})


def default(graph: Graph) -> Graph:
    for _ in range(6):
        start = graph
        for each in DEFAULT:
            graph = folding(graph) if each is fold_constants else each(graph)
        if graph is start:
            return graph
    return graph


PASSES: dict[str, Callable[[Graph], Graph]] = {
    "infer_types": infer_types,
    "set_dims": bound,
    "dce": dce,
    "cse": cse,
    "fold_constants": folding,
    "simplify": simplify,
    "fold_normalization": fold_normalization,
    "cancel_layout": cancel_layout,
    "default": default,
}
LAWFUL = (infer_types, set_dims, dce, cse, fold_constants, simplify, fold_normalization, cancel_layout)

every_pass = pytest.mark.parametrize("name", PASSES)


@every_pass
@settings(max_examples=EXAMPLES)
@given(graph=networks())
def test_it_keeps_what_is_computed(name: str, graph: Graph) -> None:
    after = PASSES[name](graph)
    verify(after)
    assert_agree(graph, after, BINDING)


@every_pass
@settings(max_examples=EXAMPLES // 2)
@given(graph=networks())
def test_it_gives_the_same_graph_when_applied_again(name: str, graph: Graph) -> None:
    once = PASSES[name](graph)
    assert PASSES[name](once) is once
