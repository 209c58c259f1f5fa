"""Every node of a rewritten graph knows where it comes from, and every node of the original where it went."""

from hypothesis import given, settings
from tests.laws.networks import networks
from tests.laws.test_passes import EXAMPLES, folding

from nnvm.ir import Graph
from nnvm.ir.provenance import MADE_BY, SOURCES, VANISHED, recording, sources_of
from nnvm.ir.same import same
from nnvm.passes import DEFAULT, fold_constants


def run_recorded(graph: Graph) -> tuple[Graph, Graph]:
    """Return a graph after the default passes, without and with what was recorded."""
    with recording() as history:
        made = graph
        for each in DEFAULT * 3:
            history.run(each.__name__, made)
            made = folding(made) if each is fold_constants else each(made)
        return made, history.annotate(made)


@settings(max_examples=EXAMPLES)
@given(networks())
def test_nodes_come_from_the_original_and_the_original_is_accounted_for(graph: Graph) -> None:
    made, annotated = run_recorded(graph)
    known = {text for node in graph.nodes for text in sources_of(node)}
    makers = {each.__name__ for each in DEFAULT}
    told: set[str] = set(annotated.hints.get(VANISHED, {}))
    for node in annotated.nodes:
        assert set(sources_of(node)) <= known, node
        assert {by.partition("/")[0] for by in node.hints.get(MADE_BY, ())} <= makers
        assert (SOURCES in node.hints) == (MADE_BY in node.hints)
        told.update(sources_of(node))
    assert {text for node in graph.nodes if node.inputs for text in sources_of(node)} <= told
    assert same(made, annotated)


@settings(max_examples=EXAMPLES)
@given(networks())
def test_recording_changes_no_graph(graph: Graph) -> None:
    with recording():
        recorded = [folding(graph) if each is fold_constants else each(graph) for each in DEFAULT]
    for each, made in zip(DEFAULT, recorded, strict=True):
        assert same(folding(graph) if each is fold_constants else each(graph), made)
