"""What a search promises: the smallest it finds, well-formed, never twice, within its limits, always the same."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.networks import networks

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import EMPTY, Graph, Node, f32, named_input, operators, trace, verify
from nnvm.reduce import Search, reduce
from nnvm.reduce.search import measure


def chain(*builders: Any) -> Graph:
    def net(x: Any) -> Any:
        for build in builders:
            x = build(x)
        return {"y": x}

    return trace(net, x=f32["n", 4])


def has(*operators_wanted: Any) -> Any:
    return lambda graph: set(operators_wanted) <= {node.op for node in graph.nodes}


def test_what_is_not_needed_goes():
    graph = chain(ops.relu, ops.tanh, ops.exp, ops.neg, ops.exp, ops.abs)
    found = reduce(graph, has(ops.tanh, ops.neg))
    assert sorted(node.op.name for node in operators(found.graph)) == ["neg", "tanh"]
    assert found.stopped == "smallest"
    assert found.original is graph
    assert repr(found) == f"<6 nodes to 2 in {found.tests} tests: smallest>"
    assert found.steps[0][0] == "windows"


def test_a_graph_that_is_not_interesting_or_not_well_formed_is_refused():
    with pytest.raises(Error, match="is not interesting as it stands"):
        reduce(chain(ops.relu), has(ops.tanh))
    x = named_input("x", f32[3])
    with pytest.raises(Error, match="does not yield"):
        reduce(Graph(Node(ops.relu, (x,), EMPTY, (f32[9],), "r").outputs, [x]), lambda _: True)


def test_every_candidate_is_smaller_well_formed_and_new():
    seen: list[Graph] = []

    def interesting(graph: Graph) -> bool:
        verify(graph)
        seen.append(graph)
        return has(ops.tanh)(graph)

    graph = chain(ops.relu, ops.tanh, ops.relu, ops.exp)
    found = reduce(graph, interesting)
    assert len(seen) == found.tests
    assert len({str(each) for each in seen}) == len(seen)
    assert all(measure(each) < measure(graph) for each in seen[1:])


def test_what_fails_to_be_tested_is_raised():
    def broken(graph: Graph) -> bool:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        reduce(chain(ops.relu), broken)


def test_limits_end_a_search_with_the_best_so_far():
    graph = chain(*[ops.relu, ops.exp, ops.tanh] * 10)
    found = reduce(graph, has(ops.tanh), limit=3)
    assert (found.tests, found.stopped) == (3, "limit")
    assert len(operators(found.graph)) < 30
    found = reduce(graph, has(ops.tanh), seconds=0)
    assert (found.tests, found.stopped, found.graph) == (1, "time", graph)
    assert reduce(graph, has(ops.tanh), limit=1).graph is graph


def test_an_interrupt_ends_a_search_with_the_best_so_far():
    asked = []

    def interesting(graph: Graph) -> bool:
        asked.append(graph)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return has(ops.tanh)(graph)

    found = reduce(chain(*[ops.relu, ops.tanh] * 8), interesting)
    assert found.stopped == "interrupted"
    assert found.graph is asked[1]


def test_progress_and_the_best_are_told():
    told: list[tuple[str, int, int]] = []
    kept: list[Graph] = []
    found = reduce(
        chain(ops.relu, ops.tanh, ops.exp), has(ops.tanh), progress=lambda *row: told.append(row), keep=kept.append
    )
    assert told[0] == ("start", 3, 1)
    assert [tests for _, _, tests in told] == list(range(1, found.tests + 1))
    assert kept[-1] is found.graph
    assert len(kept) == len(set(kept)) > 1


def test_strategies_may_be_given():
    def first_output(search: Search) -> None:
        search.attempt(
            lambda chosen: iter([search.graph.replace(outputs=search.graph.outputs[:1], output_names=["a"])]), [0]
        )

    x = named_input("x", f32[3])
    graph = Graph([ops.exp(x), ops.neg(x)], [x])
    found = reduce(graph, lambda _: True, strategies=[first_output])
    assert [node.op for node in operators(found.graph)] == [ops.exp]
    assert found.steps == (("first_output", 1),)


@given(st.sets(st.integers(0, 99)))
def test_most_takes_all_but_what_must_stay(stay):
    tried: list[list[int]] = []

    class Asked(Search):
        def attempt(self, build: Any, chosen: Any) -> bool:
            tried.append(chosen)
            return not stay.intersection(chosen)

    search = Asked(chain(ops.relu), lambda _: True)
    search.most(range(100), lambda _: [])
    left = {i for i in range(100) if i not in max((c for c in tried if not stay.intersection(c)), key=len, default=[])}
    assert left == stay


@settings(max_examples=15)
@given(networks(), st.data())
def test_a_search_keeps_what_is_interesting_and_repeats_itself(graph, data):
    computing = operators(graph)
    if not computing:
        return
    wanted = {node.op for node in data.draw(st.lists(st.sampled_from(computing), min_size=1, max_size=2))}
    found = reduce(graph, has(*wanted))
    verify(found.graph)
    assert {node.op for node in operators(found.graph)} == wanted
    assert len(operators(found.graph)) == len(wanted)
    again = reduce(graph, has(*wanted))
    assert str(again.graph) == str(found.graph)
    assert again.tests == found.tests
