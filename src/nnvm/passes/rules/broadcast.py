"""How what only repeats elements is left to operators that repeat them anyway."""

from nnvm.errors import Error
from nnvm.ir import Node, UnknownRank, Value, contents, rebuild
from nnvm.ops import expand, tile
from nnvm.passes.visits import fits


def unexpanded(node: Node) -> Value | None:
    """Let an elementwise node broadcast by itself what is expanded or tiled before it.

    The type of the result must be known to stay: another input has the dimensions that the expansion gave.
    """
    if len(node.outputs) != 1:
        return None
    made = node
    for i, value in enumerate(node.inputs):
        if value.node.op not in (expand, tile) or value.node.after or not _broadcasts(value.node):
            continue
        inputs = (*made.inputs[:i], value.node.inputs[0], *made.inputs[i + 1 :])
        try:
            tried = rebuild(made, inputs)
        except (UnknownRank, Error):
            continue
        if fits(tried.outputs[0], node):
            made = tried
    return None if made is node else made.outputs[0]


def _broadcasts(node: Node) -> bool:
    """Say whether a node repeats elements just as broadcasting does: a tile, only along dimensions of 1."""
    if node.op is expand:
        return True
    times, shape = contents(node.inputs[1]), node.inputs[0].shape
    return times is not None and all(count == 1 or size == 1 for count, size in zip(times, shape, strict=True))
