"""What verification finds, and whom it names: passes that change form, ends or results, and rules that do not lower."""

from collections.abc import Iterator
from functools import partial

import pytest

from nnvm import ops
from nnvm.equivalence import Reference, compare
from nnvm.errors import Error
from nnvm.ir import EMPTY, Graph, Node, Value, apply_rules, f32, foreign, named_input, rule, trace, work
from nnvm.ir.rules.firings import observing
from nnvm.passes import infer_types, set_dims
from nnvm.pipeline import PassError, PassRun, optimize
from nnvm.verifying import BLAMED, Refusal, Verifier
from tests.rounding import stepped


@rule
def negated_relu(x: Value) -> Iterator[Value]:
    yield ops.relu(ops.neg(x))
    yield ops.relu(x)


@rule
def negate_twice(x: Value) -> Iterator[Value]:
    yield ops.neg(ops.neg(x))
    yield x


@rule
def spread(x: Value) -> Iterator[Value]:
    yield ops.tanh(x)
    yield ops.neg(ops.tanh(ops.neg(x)))


@rule(lowers=work)
def swap(x: Value) -> Iterator[Value]:
    yield ops.exp(ops.neg(x))
    yield ops.neg(ops.exp(x))


def net(x: Value) -> Value:
    return ops.relu(ops.neg(ops.neg(ops.neg(x)))) + ops.abs(x)


def graph_of_net() -> Graph:
    return trace(net, x=f32["n", 3])


def test_a_wrong_rule_is_named_among_right_ones():
    def rules_run(graph: Graph) -> Graph:
        return apply_rules(graph, [negate_twice, negated_relu])

    optimize(graph_of_net(), [rules_run])
    with pytest.raises(
        PassError, match=r"after rules_run: output 'add' is not equivalent .*; rule negated_relu is at"
    ) as e:
        optimize(graph_of_net(), [rules_run], verify_each=True)
    assert (e.value.number, e.value.stage.name) == (1, "rules_run")


@pytest.mark.parametrize(
    ("wrong", "measure"), [(spread, r"count \(1 before, 3 after\)"), (swap, r"work \(2 before, 2")]
)
def test_a_rule_that_does_not_lower_its_measure_is_named(wrong, measure):
    def run(graph: Graph) -> Graph:
        return apply_rules(graph, [wrong])

    graph = trace(lambda x: ops.tanh(ops.exp(ops.neg(x))), x=f32[3])
    with pytest.raises(PassError, match=rf"in run: rule {wrong.name} does not lower {measure}") as caught:
        optimize(graph, ["simplify", run], verify_each=True)
    assert caught.value.number == 2
    assert caught.value.after is None


def test_a_wrong_pass_is_named():
    def spoil(graph: Graph) -> Graph:
        return graph.rewrite(lambda node: ops.tanh(node.inputs[0]) if node.op is ops.relu else None)

    with pytest.raises(
        PassError, match=r"after spoil: output 'add' is not equivalent \(largest error [\d.]+\)$"
    ) as caught:
        optimize(graph_of_net(), ["simplify", spoil, "cse"], verify_each=True)
    assert caught.value.number == 2
    assert caught.value.after is not None


def test_a_wrong_form_is_named():
    def untrue(graph: Graph) -> Graph:
        node = graph.outputs[0].node
        return Graph(Node(node.op, node.inputs, EMPTY, (f32[9],), "add").outputs, graph.inputs)

    with pytest.raises(PassError, match=r"after untrue: .*does not yield"):
        optimize(graph_of_net(), [untrue], verify_each=True)


def test_lost_ends_are_named():
    def renamed(graph: Graph) -> Graph:
        return graph.replace(output_names=["z"])

    def lost(graph: Graph) -> Graph:
        return graph.replace(inputs=[*graph.inputs, named_input("extra", f32[2])])

    with pytest.raises(PassError, match=r"the outputs were \['add'\] and are \['z'\]"):
        optimize(graph_of_net(), [renamed], verify_each=True)
    with pytest.raises(PassError, match=r"the inputs were \['x'\] and are \['x', 'extra'\]"):
        optimize(graph_of_net(), [lost], verify_each=True)


def test_a_lost_control_edge_is_named():
    def forget(graph: Graph) -> Graph:
        rest = {"types": graph.outputs[0].node.types, "params": graph.outputs[0].node.params}
        return graph.replace(outputs=graph.outputs[0].node.replace(after=(), **rest).outputs + graph.outputs[1:])

    def pass_on(graph: Graph) -> Graph:
        late, early = (value.node for value in graph.outputs)
        between = ops.neg(early.outputs[0], name="between").node
        return graph.replace(outputs=(*late.replace(after=(between,)).outputs, *graph.outputs[1:]))

    x = named_input("x", f32[3])
    first = ops.tanh(x, name="first")
    graph = Graph([ops.exp(x, name="second", after=(first.node,)), first], [x])
    with pytest.raises(PassError, match=r"after forget: second = exp.* no longer waits for first = tanh"):
        optimize(graph, [forget], verify_each=True)
    optimize(graph, [pass_on], verify_each=True)
    optimize(graph, verify_each=True)


def test_a_result_that_does_not_run_is_the_fault_of_its_pass():
    def carry(graph: Graph) -> Graph:
        x = graph.outputs[0]
        return graph.replace(outputs=Node(foreign("Odd", "here"), (x,), EMPTY, (x.type,), "odd").outputs)

    with pytest.raises(PassError, match=r"after carry: the result does not run: .*Odd"):
        optimize(graph_of_net(), [carry], verify_each=True)


def test_what_cannot_be_compared_is_said_and_its_form_is_checked():
    x = named_input("x", f32[3])
    odd = Node(foreign("Odd", "here"), (ops.neg(ops.neg(x)),), EMPTY, (f32[3],), "odd")
    told = []
    optimize(Graph(odd.outputs, [x]), "simplify,cse", report=told.append, verify_each=True)
    simplify, cse = told
    assert simplify.changed
    assert "Odd" in simplify.unchecked
    assert (cse.changed, cse.unchecked) == (False, None)


def test_what_no_input_changes_proves_nothing_and_says_so():
    verifier = Verifier()
    before = trace(lambda x: x * 0.0, x=f32[3])
    after = trace(lambda x: 0.0 * x, x=f32[3])
    assert verifier.check(before, after.replace(output_names=before.output_names)) == "no input changes any output"


def test_sizes_that_the_graph_refuses_are_not_held_against_the_pass():
    graph = trace(lambda x: ops.reshape(ops.neg(ops.neg(x)), (2, 24)), x=f32["n", 3])
    told = []
    optimize(graph, "simplify", report=told.append, verify_each=True)
    assert told[0].changed
    assert told[0].unchecked is None


def test_right_passes_are_let_through():
    told = []
    smaller = optimize(graph_of_net(), report=told.append, verify_each=True)
    assert len(smaller.nodes) < len(graph_of_net().nodes)
    assert [run.unchecked for run in told] == [None] * len(told)


def test_only_some_firings_of_a_rule_are_looked_at_and_none_is_kept():
    def chain(x: Value) -> Value:
        for _ in range(3 * BLAMED):
            x = ops.tanh(ops.neg(ops.neg(x)))
        return x

    verifier = Verifier()
    graph = trace(chain, x=f32[3])
    with observing(verifier.watch):
        after = apply_rules(graph, [negate_twice])
    assert len(verifier.firings) == 3 * BLAMED
    wrong = after.replace(outputs=[ops.exp(after.outputs[0])], output_names=graph.output_names)
    with pytest.raises(Error, match=r"not equivalent \(largest error [\d.]+\)$"):
        verifier.check(graph, wrong)
    assert verifier.firings == []


def test_the_seed_and_the_limits_are_those_given():
    def clipped(graph: Graph) -> Graph:
        return graph.replace(outputs=[ops.relu(graph.outputs[0])], output_names=graph.output_names)

    graph = trace(lambda x: {"y": ops.tanh(x)}, x=f32[3])
    optimize(graph, [clipped], verify_each=Verifier(limits=(1.0, 2.0)))
    with pytest.raises(PassError):
        optimize(graph, [clipped], verify_each=Verifier(limits=(-2.0, -1.0)))


def test_what_was_refused_is_told_in_one_word_and_with_the_rule():
    def run(graph: Graph) -> Graph:
        return apply_rules(graph, [negate_twice, negated_relu])

    def renamed(graph: Graph) -> Graph:
        return graph.replace(output_names=["z"])

    def lift(graph: Graph) -> Graph:
        return apply_rules(graph, [swap])

    told = []
    for wrong in (run, renamed, lift):
        with pytest.raises(PassError) as caught:
            optimize(trace(lambda x: ops.exp(ops.neg(net(x))), x=f32[3]), [wrong], verify_each=True)
        refusal = caught.value.__cause__
        assert isinstance(refusal, Refusal)
        told.append((refusal.kind, refusal.rule))
    assert told == [("result", "negated_relu"), ("ends", None), ("measure", "swap")]


def test_a_control_edge_lost_between_nodes_without_names_is_found():
    def forget(graph: Graph) -> Graph:
        late = graph.outputs[0].node
        other = late.inputs[0].node.replace(after=())
        return graph.replace(outputs=(*late.replace(inputs=other.outputs).outputs, *graph.outputs[1:]))

    x = named_input("x", f32[3])
    early = ops.tanh(x)
    graph = Graph([ops.relu(ops.exp(x, after=(early.node,))), early], [x])
    with pytest.raises(PassError, match="no longer waits") as caught:
        optimize(graph, [forget], verify_each=True)
    assert caught.value.__cause__.kind == "order"


def test_a_type_that_says_less_than_it_did_is_found():
    def forget(graph: Graph) -> Graph:
        return graph.replace(outputs=graph.outputs[0].node.replace(types=(None,)).outputs)

    with pytest.raises(PassError, match=r"was known to be .* and is None") as caught:
        optimize(graph_of_net(), [forget], verify_each=True)
    assert caught.value.__cause__.kind == "type"


def test_sizes_given_to_open_dimensions_are_right_and_types_left_behind_are_not():
    def bound(graph: Graph) -> Graph:
        return set_dims(graph, {"n": 5})

    def halfway(graph: Graph) -> Graph:
        made = set_dims(graph, {"n": 5})
        return made.replace(outputs=made.outputs[0].node.replace(types=graph.outputs[0].node.types).outputs)

    told = []
    optimize(graph_of_net(), [bound], report=told.append, verify_each=True)
    assert told[0].unchecked is None
    with pytest.raises(PassError, match=r"no input has those dimensions any more|was known"):
        optimize(graph_of_net(), [halfway], verify_each=True)


def test_a_graph_without_types_is_compared_too():
    def wrong(graph: Graph) -> Graph:
        return infer_types(graph.rewrite(lambda node: ops.tanh(node.inputs[0]) if node.op is ops.relu else None))

    x = named_input("x", f32[3])
    untyped = Graph(Node(ops.relu, (x,), EMPTY, (None,)).outputs, [x])
    told = []
    optimize(untyped, "infer_types", report=told.append, verify_each=True)
    assert told[0].changed
    assert told[0].unchecked is None
    with pytest.raises(PassError, match="not equivalent"):
        optimize(untyped, [wrong], verify_each=True)


def test_a_value_read_on_another_device_without_a_copy_is_found():
    def place(graph: Graph) -> Graph:
        relu = graph.outputs[0].node
        x = graph.inputs[0].node.replace(hints={"device": "a"}).outputs[0]
        return Graph(relu.replace(inputs=(x,), hints={"device": "b"}).outputs, [x], output_names=graph.output_names)

    with pytest.raises(PassError, match="on another device") as caught:
        optimize(trace(lambda x: ops.relu(x), x=f32[3]), [place], verify_each=True)
    assert caught.value.__cause__.kind == "device"


def test_what_stands_for_a_node_that_waited_waits() -> None:
    x = named_input("x", f32[3])
    early = ops.tanh(x, name="early").node
    before = Graph([ops.relu(ops.exp(x), after=(early,)), early.outputs[0]], [x], output_names=["y", "early"])
    gone = before.replace(outputs=[before.outputs[0].node.inputs[0], early.outputs[0]])
    with pytest.raises(Refusal, match="no longer waits for early") as caught:
        Verifier().check(before.replace(), gone)
    assert caught.value.kind == "order"


def test_what_was_judged_otherwise_is_told_in_the_words_of_a_comparison(monkeypatch) -> None:
    before, after = stepped(True), stepped(False)
    verifier = Verifier()
    monkeypatch.setattr("nnvm.verifying.Reference", partial(Reference, seeds=10))
    assert verifier.check(before, after) is None
    assert verifier.judged == compare(before, after, seeds=10).judged
    assert "with other last bits in its weights" in (verifier.judged or "")
    assert verifier.check(before, before.replace(outputs=[before.outputs[0] * 1.0])) is None
    assert verifier.judged is None
    runs: list[PassRun] = []

    def divide(graph: Graph) -> Graph:
        return after

    optimize(before, [divide], report=runs.append, verify_each=True)
    assert [run.judged is not None for run in runs] == [True]
