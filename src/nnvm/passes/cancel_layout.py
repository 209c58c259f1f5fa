"""How transposes, views, slices, pads and joins that undo or repeat each other become one or none."""

from nnvm.attrs import elementwise, view
from nnvm.ir import Graph, Node, Value, apply_rules, rewrite
from nnvm.ops import average_pool, concat, conv, max_pool, pad, slice, transpose
from nnvm.passes.rules.concat import absorbed, join_concats
from nnvm.passes.rules.pad import join_pads, pad_in_window
from nnvm.passes.rules.phases import join_phases, reorder_weights
from nnvm.passes.rules.slice import join_slices
from nnvm.passes.rules.transpose import TRANSPOSES, Meetings, pull_up, push_down
from nnvm.passes.rules.view import join_views
from nnvm.passes.visits import Attempts, Readers, attempt, first_of, until_settled

JOINS: Attempts = {
    slice: (join_slices,),
    pad: (join_pads,),
    conv: (pad_in_window, reorder_weights),
    max_pool: (pad_in_window,),
    average_pool: (pad_in_window,),
}


def cancel_layout(graph: Graph) -> Graph:
    """Leave out what only arranges elements and is undone after, and write shapes that are known as constants."""
    return until_settled(graph, _once)


def _once(graph: Graph) -> Graph:
    graph = apply_rules(graph, TRANSPOSES)
    readers = Readers(graph)
    meetings = Meetings(readers, len(graph.nodes))
    inside = absorbed(graph)

    def visit(node: Node, origin: Node) -> Value | None:
        readers.see(node, origin)
        if node.op in view:
            return attempt(join_views, node)
        if node.op is transpose:
            return attempt(lambda node: pull_up(node, meetings), node)
        if node.op is concat:
            if origin in inside:
                inside.add(node)
                return None
            made = attempt(lambda node: join_concats(node, inside), node)
            return attempt(lambda node: join_phases(node, readers), node) if made is None else made
        return attempt(lambda node: push_down(node, readers), node) if node.op in elementwise else first_of(JOINS, node)

    return rewrite(graph, visit, origins=True)
