"""The same bytes under any hash seed: text, JSON, what each pass makes, files, plans and Programs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.laws.family import NETWORKS, family, network, products

from nnvm.ir import same

ROOT = Path(__file__).parents[2]
FEW, MANY = range(3), range(3, 23)
REFUSED = {f"{name} {what}" for name in ("states", "nested") for what in ("onnx", "plan", "open plan")}
"""What has no file or plan: its error is digested instead."""


def digests(seed: int) -> dict[str, str]:
    """Return the digest of every product of the family, in a process of its own hash seed."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.laws.family"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stderr
    return {name: digest for digest, _, name in (line.partition(" ") for line in run.stdout.splitlines())}


def assert_same(first: dict[str, str], seeds: range) -> None:
    for seed in seeds:
        found = digests(seed)
        assert found.keys() == first.keys()
        assert [name for name in first if first[name] != found[name]] == [], f"PYTHONHASHSEED={seed}"


def test_three_seeds_give_the_same_bytes() -> None:
    first = digests(FEW[0])
    assert len(first) > 250
    assert {name.partition(" ")[2][:-1] for name in first if name.endswith("!")} == REFUSED
    assert_same(first, FEW[1:])


@pytest.mark.slow
def test_twenty_more_seeds_give_the_same_bytes() -> None:
    assert_same(digests(FEW[0]), MANY)


def test_the_family_is_as_varied_as_it_says() -> None:
    graphs = list(family())
    nodes = [node for graph in graphs for node in graph.nodes]
    assert len({node.op for node in nodes}) > 30
    assert min(len(graph.outputs) for graph in graphs[:NETWORKS]) > 1
    assert any(node.after for node in nodes)
    assert any("device" in node.hints for node in nodes)
    assert any("group" in node.hints for node in nodes)
    assert any(not node.params.literal for node in nodes)
    assert len({name for graph in graphs for name, _ in products(graph)}) > 15
    assert same(network(1), network(1), names=True) is True
    assert not same(network(1), network(2))
