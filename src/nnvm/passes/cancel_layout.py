"""How transposes, views, slices, pads and joins that undo or repeat each other become one or none."""

from collections.abc import Sequence

from nnvm.attrs import view
from nnvm.ir import Graph, Node, Value, apply_rules, rewrite
from nnvm.ops import average_pool, concat, conv, gemm, matmul, max_pool, pad, slice, split, transpose
from nnvm.passes.layout.concat import absorbed, join_concats
from nnvm.passes.layout.pad import join_pads, pad_in_window
from nnvm.passes.layout.parts import cut_of_join, cut_once, join_parts, slice_of_join, without_empty
from nnvm.passes.layout.phases import join_phases, reorder_weights
from nnvm.passes.layout.product import transposed_factors
from nnvm.passes.layout.sinking import sink_transposes
from nnvm.passes.layout.slice import join_slices
from nnvm.passes.layout.transpose import TRANSPOSES, Meetings, pull_up
from nnvm.passes.layout.view import join_views
from nnvm.passes.visits import Attempt, Attempts, Readers, attempt, attempt_all, first_of, until_settled

JOINS: Attempts = {
    slice: (join_slices, slice_of_join),
    pad: (join_pads,),
    conv: (pad_in_window, reorder_weights),
    max_pool: (pad_in_window,),
    average_pool: (pad_in_window,),
}


def cancel_layout(graph: Graph) -> Graph:
    """Leave out what only arranges elements and is undone after, and write shapes that are known as constants."""
    return until_settled(graph, lambda graph: cut_once(until_settled(graph, _once)))


def _once(graph: Graph) -> Graph:
    graph = sink_transposes(apply_rules(graph, TRANSPOSES))
    readers = Readers(graph)
    meetings = Meetings(readers, len(graph.nodes))
    inside = absorbed(graph)
    joins: Sequence[Attempt] = (
        lambda node: join_concats(node, inside),
        lambda node: join_parts(node, readers),
        lambda node: join_phases(node, readers),
        without_empty,
    )

    def visit(node: Node, origin: Node) -> Value | tuple[Value, ...] | None:
        readers.see(node, origin)
        if node.op in view:
            return attempt(join_views, node)
        if node.op is transpose:
            return attempt(lambda node: pull_up(node, meetings), node)
        if node.op is concat:
            if origin in inside:
                inside.add(node)
                return None
            return first_of({concat: joins}, node)
        if node.op is split:
            return attempt_all(lambda node: cut_of_join(node, readers), node)
        if node.op is matmul or node.op is gemm:
            return attempt(lambda node: transposed_factors(node, readers), node)
        return first_of(JOINS, node)

    return cut_once(rewrite(graph, visit, origins=True))  # after slices of slices became one
