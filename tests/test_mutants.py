"""Faults in the sources of passes and rules: that they are found, named and made small, on a dozen of them."""

import ast
import json
import statistics
import subprocess
import sys

import pytest
from benchmarks.mutants import Row, drawn, share, sizes
from benchmarks.mutants_sites import Uses, modules, mutants_of, mutated
from benchmarks.mutants_survivors import REASONS


def every():
    return [mutant for module, path in modules().items() for mutant in mutants_of(module, path)]


def test_each_fault_has_a_name_of_its_own_and_changes_the_code_alone():
    found = every()
    names = [mutant.id for mutant in found]
    assert len(set(names)) == len(names)
    assert len({mutant.kind for mutant in found}) > 12
    for mutant in list(drawn(found, 0))[:60]:
        path = modules()[mutant.module]
        text = path.read_text(encoding="utf-8")
        assert mutated(mutant, path) != compile(ast.parse(text), str(path), "exec")
        assert path.read_text(encoding="utf-8") == text


def test_a_seed_draws_the_same_faults_from_every_module():
    found = every()
    first = [mutant.id for _, mutant in zip(range(40), drawn(found, 7), strict=False)]
    assert first == [mutant.id for _, mutant in zip(range(40), drawn(found, 7), strict=False)]
    assert first != [mutant.id for _, mutant in zip(range(40), drawn(found, 8), strict=False)]
    modules_of = {mutant.module for _, mutant in zip(range(len(modules())), drawn(found, 7), strict=False)}
    assert modules_of == set(modules()) & {mutant.module for mutant in found}


def test_a_fault_in_what_rules_call_is_felt_in_those_rules():
    uses = Uses(modules())
    gate = next(mutant for mutant in every() if mutant.function == "_gate")
    assert uses.rules_of(gate) == {"divided_clip", "divided_gate", "scaled_clip", "scaled_gate"}
    assert "simplify" in uses.passes_of(gate)


@pytest.mark.slow
def test_every_reason_is_of_a_fault_that_there_is():
    names = {mutant.id for mutant in every()}
    assert [name for name in REASONS if name not in names] == []


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    told = tmp_path_factory.mktemp("mutants") / "told.json"
    options = ["--mutants", "12", "--seed", "1", "--json", str(told)]
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.mutants", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    by_name = {mutant.id: mutant for mutant in every()}
    return [Row(by_name[each["id"]], each) for each in json.loads(told.read_text(encoding="utf-8"))]


@pytest.mark.slow
@pytest.mark.xfail(reason="not reached: 34 of 100 are named, and nobody has looked at the 59 survivors", strict=False)
def test_the_right_pass_or_rule_is_named(rows):
    assert share(rows) >= 0.9, [(row.mutant.id, row.outcome) for row in rows]


@pytest.mark.slow
def test_the_graphs_are_made_small(rows):
    left = sizes(rows)
    assert left
    assert statistics.median(left) <= 5
    assert left[-1] <= 10
