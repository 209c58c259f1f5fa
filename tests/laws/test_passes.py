"""What every pass keeps: what a graph computes, its form, its ends, its types; and what it gives when applied again."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from tests.laws.agree import assert_agree
from tests.laws.interpret import evaluate
from tests.laws.networks import BINDING, networks

from nnvm import ops
from nnvm.ir import Graph, f32, named_input, verify
from nnvm.passes import (
    DEFAULT,
    cancel_layout,
    cse,
    dce,
    decompose,
    fold_constants,
    fold_normalization,
    infer_types,
    optimize_bodies,
    order_mutations,
    place_devices,
    recognize,
    set_dims,
    simplify,
)

EXAMPLES = int(os.environ.get("NNVM_EXAMPLES", "60"))
"""How many networks a law is tried on; a night may try thousands."""


def folding(graph: Graph) -> Graph:
    return fold_constants(graph, evaluate)


def bound(graph: Graph) -> Graph:
    there = {name for name in BINDING for value in graph.inputs if f"'{name}'" in repr(value.type)}
    return set_dims(graph, {name: BINDING[name] for name in sorted(there)})


def placed(graph: Graph) -> Graph:
    """Place on one device, whatever `networks` says: copies between two are work, and have laws beside the pass."""
    return place_devices(graph, devices={"b": "cpu", "cpu": "cpu"}, group_hint="device")


def default(graph: Graph) -> Graph:
    for _ in range(6):
        start = graph
        for each in DEFAULT:
            graph = folding(graph) if each is fold_constants else each(graph)
        if graph is start:
            break
    return graph


PASSES: tuple[Callable[..., Graph], ...] = (
    infer_types, set_dims, dce, cse, fold_constants, simplify, fold_normalization, cancel_layout, order_mutations,
    place_devices, recognize, decompose, optimize_bodies, default,
)  # fmt: skip
APPLIED: dict[Callable[..., Graph], Callable[[Graph], Graph]] = {
    set_dims: bound,
    fold_constants: folding,
    place_devices: placed,
}

every_pass = pytest.mark.parametrize("apply", [APPLIED.get(each, each) for each in PASSES])


@every_pass
@settings(max_examples=EXAMPLES)
@given(graph=networks())
def test_it_keeps_what_is_computed(apply: Callable[[Graph], Graph], graph: Graph) -> None:
    after = apply(graph)
    verify(after)
    assert_agree(graph, after, BINDING)


@every_pass
@settings(max_examples=EXAMPLES // 2)
@given(graph=networks())
def test_it_gives_the_same_graph_when_applied_again(apply: Callable[[Graph], Graph], graph: Graph) -> None:
    once = apply(graph)
    assert apply(once) is once, f"{once}\nbecame\n{apply(once)}"


@pytest.mark.parametrize("apply", [APPLIED.get(each, each) for each in PASSES if each is not decompose])
@settings(max_examples=EXAMPLES // 2)
@given(graph=networks())
def test_it_adds_no_work(apply: Callable[[Graph], Graph], graph: Graph) -> None:
    """Count only nodes that an input changes: what is made of constants is gone when they are folded."""
    assert working(folding(apply(graph))) <= working(folding(graph))


def working(graph: Graph) -> int:
    return sum(bool(node.inputs) for node in graph.nodes)


@every_pass
def test_it_walks_a_long_chain(apply: Callable[[Graph], Graph]) -> None:
    value = named_input("x", f32[4, "n"])
    inputs = [value]
    for i in range(20_000):
        value = (ops.tanh, ops.neg, ops.relu, ops.transpose)[i % 4](value)
    made = apply(Graph([value], inputs))
    assert working(made) <= 20_000
    assert str(made.outputs[0].type).startswith("f32[4, ")


PROGRAM = """
from nnvm import ops
from nnvm.ir import f32, i64, tensor_data, trace
from tests.laws.test_passes import APPLIED, PASSES

def network(x):
    y = x
    for i in range(4):
        weight = tensor_data([0.1 * k for k in range(16)], f32[4, 4, 1, 1])
        statistics = [tensor_data([1.0 + i + k for k in range(4)], f32[4]) for _ in range(4)]
        y = ops.batch_norm(ops.conv(y, weight), *statistics)
        y = y * ops.clip(y + 3, tensor_data(0.0, f32[()]), tensor_data(6.0, f32[()])) / 6
        y = ops.transpose(ops.transpose(y, perm=(0, 2, 3, 1)) + 1, perm=(0, 3, 1, 2))
        y = ops.concat(ops.concat(y, x, axis=1), y, axis=1) if i == 3 else y + y * 1
    z = ops.global_average_pool(y)
    z = ops.reshape(z, ops.concat(ops.shape(z, end=1), tensor_data([12], i64[1]), axis=0))
    return {"z": ops.matmul(z, tensor_data(0.5, f32[12, 3])) + tensor_data([1.0, 2.0, 3.0], f32[3]), "y": y}

graph = trace(network, x=f32["n", 4, "m", 5])
for each in PASSES:
    print(each.__name__, APPLIED.get(each, each)(graph), sep="\\n")
"""


def test_the_same_graph_gives_the_same_text_in_every_process() -> None:
    texts = set()
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False
        )
        assert run.returncode == 0, run.stderr
        texts.add(run.stdout)
    assert len(texts) == 1
    (text,) = texts
    assert "hard_sigmoid" in text
    assert "gemm" in text
