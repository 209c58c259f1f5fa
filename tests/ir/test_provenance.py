"""Provenance: what was made of what, by whom, and what became of the rest."""

from pathlib import Path

import pytest

from nnvm import Graph, rule
from nnvm.ir import apply_rules, named_input, rewrite
from nnvm.ir.formats.parse import parse
from nnvm.ir.provenance import History, account_of, current_history, recording, sources_of
from nnvm.ir.types import f32
from nnvm.ops import add, exp, identity, mul, neg, relu, tanh
from nnvm.passes.cse import cse


@rule
def two_negations(x):
    """-(-x) is x."""
    yield neg(neg(x))
    yield x


@rule
def doubled(x):
    """x + x is 2 x."""
    yield add(x, x)
    yield mul(x, 2.0)


def chain():
    x = named_input("x", f32[2])
    a = neg(x, name="a")
    b = neg(a, name="b")
    return Graph([tanh(b, name="c")])


def names(account):
    return [source.partition(" (")[0] for source in account.sources]


def test_nothing_is_recorded_outside():
    assert current_history() is None
    with recording() as history:
        assert current_history() is history
    assert current_history() is None


def test_a_node_that_nothing_made_is_its_own_source():
    graph = chain()
    account = History().account(graph.outputs[0].node)
    assert account.sources == ("c (tanh)",)
    assert account.made_by == ()
    assert repr(account) == "c (tanh)"


def test_a_moved_node_keeps_its_source_and_no_maker():
    with recording() as history:
        made = apply_rules(chain(), [two_negations])
    account = history.account(made.outputs[0].node)
    assert names(account) == ["c"]
    assert account.made_by == ()


def test_what_a_rule_made_knows_the_whole_left_side_and_the_rule():
    x = named_input("x", f32[2])
    y = exp(x, name="y")
    graph = Graph([tanh(add(y, y, name="sum"), name="c")])
    with recording() as history:
        history.run("simplify", graph)
        made = apply_rules(graph, [doubled])
    product = made.outputs[0].node.inputs[0].node
    assert product.op is mul
    account = history.account(product)
    assert names(account) == ["sum"]
    assert account.made_by == ("simplify/doubled",)


def test_makers_stand_in_order_through_several_passes():
    x = named_input("x", f32[2])
    graph = Graph([identity(relu(exp(x, name="e"), name="r"), name="i")])

    def replace(old, new):
        return lambda node: new(node.inputs[0]) if node.op is old else None

    with recording() as history:
        history.run("first", graph)
        graph = rewrite(graph, replace(relu, tanh))
        history.run("second", graph)
        graph = rewrite(graph, replace(tanh, neg))
    account = history.account(graph.outputs[0].node.inputs[0].node)
    assert names(account) == ["r"]
    assert account.made_by == ("first", "second")


def test_inner_new_nodes_are_known_too():
    x = named_input("x", f32[2])
    graph = Graph([relu(x, name="r")])
    with recording() as history:
        history.run("expand", graph)
        made = rewrite(graph, lambda node: tanh(exp(node.inputs[0])) if node.op is relu else None)
    inner = made.outputs[0].node.inputs[0].node
    assert names(history.account(inner)) == ["r"]
    assert history.account(inner).made_by == ("expand",)


def test_a_far_left_side_counts_as_its_root_alone():
    x = named_input("x", f32[2])
    value = x
    for i in range(100):
        value = exp(value, name=f"e{i}")
    graph = Graph([relu(value, name="r")])
    other = named_input("other", f32[2])
    with recording() as history:
        made = rewrite(graph, lambda node: tanh(other) if node.op is relu else None)
    assert names(history.account(made.outputs[0].node)) == ["r"]


def test_merged_nodes_are_sources_of_the_one_that_stays():
    x = named_input("x", f32[2])
    graph = Graph([add(exp(x, name="a"), exp(x, name="b"), name="c")])
    with recording() as history:
        history.run("cse", graph)
        made = history.annotate(cse(graph))
    kept = made.outputs[0].node.inputs[0].node
    assert kept.hints["sources"] == ("a (exp)", "b (exp)")
    assert kept.hints["made_by"] == ("cse",)
    assert account_of(made, "b") == {
        "name": "b",
        "operator": None,
        "part_of": [{"name": "a", "operator": "exp", "made_by": ("cse",)}],
        "vanished": {"b (exp)": "cse: a stands in its place"},
    }


def test_what_vanished_is_told_with_its_reason():
    graph = chain()
    with recording() as history:
        history.run("simplify", graph)
        made = apply_rules(graph, [two_negations])
        history.run("dce", made)
        made = history.annotate(made)
    assert made.hints["vanished"] == {
        "a (neg)": "simplify: nothing uses it",
        "b (neg)": "simplify/two_negations: x stands in its place",
    }
    assert account_of(made, "b")["vanished"] == {"b (neg)": "simplify/two_negations: x stands in its place"}
    assert account_of(made, "c")["sources"] == ("c (tanh)",)
    assert account_of(made, "nobody") is None


def test_annotating_what_nothing_changed_gives_the_same_graph():
    graph = chain()
    with recording() as history:
        history.run("dce", graph)
        assert history.annotate(graph) is graph


def test_accounts_add_up_over_several_recordings():
    x = named_input("x", f32[2])
    graph = Graph([relu(x, name="r")])
    for name, (old, new) in {"one": (relu, tanh), "two": (tanh, exp)}.items():
        with recording() as history:
            history.run(name, graph)
            graph = rewrite(graph, lambda node, old=old, new=new: new(node.inputs[0]) if node.op is old else None)
            graph = history.annotate(graph)
    node = graph.outputs[0].node
    assert sources_of(node) == ("r (relu)",)
    assert node.hints["made_by"] == ("one", "two")


def test_a_source_line_is_told():
    x = named_input("x", f32[2])
    node = exp(x, name="e", hints={"source": "model.py:3"}).node
    assert sources_of(node) == ("e (exp) at model.py:3",)


@pytest.mark.parametrize("depth", [20_000])
def test_a_deep_chain(depth):
    x = named_input("x", f32[2])
    value = x
    for _ in range(depth):
        value = neg(value)
    graph = Graph([value])
    with recording() as history:
        history.run("simplify", graph)
        made = history.annotate(apply_rules(graph, [two_negations]))
    assert len(made.nodes) == 1


def test_lines_of_python_and_of_text_are_noted():
    with recording():
        x = named_input("x", f32[2])
        y = exp(x, name="e")
        text = "def main(x: f32[2]):\n    a = exp(x)\n    b = tanh(\n        a)\n    return {'y': b}\n"
        graph = parse(text, {"exp": exp, "tanh": tanh}, file="m.nnvm:")
    place = y.node.hints["source"]
    assert place.startswith(__file__)
    assert 'exp(x, name="e")' in Path(__file__).read_text().splitlines()[int(place.rpartition(":")[2]) - 1]
    assert [node.hints.get("source") for node in graph.nodes if node.inputs] == ["m.nnvm:2", "m.nnvm:3"]


def test_what_rewriting_builds_has_no_line():
    with recording() as history:
        x = named_input("x", f32[2])
        graph = Graph([relu(x, name="r")])
        made = rewrite(graph, lambda node: tanh(exp(node.inputs[0])) if node.op is relu else None)
    inner = made.outputs[0].node.inputs[0].node
    assert "source" not in inner.hints
    assert history.account(inner).sources == sources_of(graph.outputs[0].node)


def test_what_took_the_place_of_others_keeps_them_when_it_moves_on():
    x = named_input("x", f32[2])
    inner = neg(neg(x, name="n1"), name="n2")
    graph = Graph([add(exp(inner, name="a"), exp(inner, name="b"), name="c")])
    with recording() as history:
        history.run("cse", graph)
        made = cse(graph)
        history.run("simplify", made)
        made = history.annotate(apply_rules(made, [two_negations]))
    kept = made.outputs[0].node.inputs[0].node
    assert kept.hints["sources"] == ("a (exp)", "b (exp)")
    assert kept.hints["made_by"] == ("cse",)
