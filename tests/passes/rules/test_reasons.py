"""Rules and nodes by name: every shipped rule is known, nodes are found as they are printed, names are checked."""

from collections.abc import Iterator

import pytest

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import Graph, Value, f32, rule, trace
from nnvm.passes import simplify
from nnvm.passes.cancel_layout import TRANSPOSES
from nnvm.passes.rules.compounds import COMPOUNDS
from nnvm.passes.rules.reasons import RULES, explain, find_node
from nnvm.passes.simplify import RULES as SIMPLIFY


def graph() -> Graph:
    def net(x: Value) -> Value:
        scaled = ops.mul(ops.relu(x, name="a2"), 2.0)
        return ops.mul(scaled, x, name="last")

    return trace(net, x=f32[3])


def test_every_shipped_rule_is_known():
    assert set(RULES.values()) == {*SIMPLIFY, *TRANSPOSES, *COMPOUNDS}


def test_a_rule_and_a_node_are_found_by_name():
    told = explain(graph(), "multiply_by_one", "mul_1")
    assert told == "multiply_by_one does not match mul: input 1 of mul is the constant 2.0, not 1.0"
    assert explain(graph(), "relu_twice", "a2").endswith("input 0 of relu (a2) is input (x), not relu")
    assert simplify(graph()).outputs[0].node.name == "last"
    assert find_node(graph(), "x").op.name == "input"
    assert find_node(graph(), "last").op is ops.mul


def test_names_that_are_not_there_are_refused_and_close_ones_named():
    with pytest.raises(Error, match=r"there is no rule 'relu_twise'; close are relu_twice"):
        explain(graph(), "relu_twise", "a2")
    with pytest.raises(Error, match=r"graph net has no node 'mul_2'; close are mul_1$"):
        explain(graph(), "relu_twice", "mul_2")
    with pytest.raises(Error, match=r"has no node 'QQQ'$"):
        explain(graph(), "relu_twice", "QQQ")


def test_rules_of_strangers_and_budgets_are_told():
    @rule
    def endless(x: Value) -> Iterator[Value]:
        yield ops.relu(x)
        yield ops.relu(ops.neg(x))

    told = explain(graph(), "endless", "a2", [endless])
    assert told.startswith("endless applies to relu (a2); alone it stops: budget of 1000 firings")
