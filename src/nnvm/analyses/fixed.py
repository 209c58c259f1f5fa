"""Which values no input can change."""

from nnvm.attrs import mutates, random
from nnvm.ir import ABSENT, Graph, Node, Value, analysis, constant, input, variable


def pure(node: Node) -> bool:
    """Say whether a use gives the same for the same inputs and does nothing else.

    That is: its operator is known, draws no random numbers, keeps no state and holds no graph.
    """
    if node.op.foreign or node.op in mutates or node.op is input or node.op is variable:
        return False
    draws = random.get(node.op)
    if draws is not None and draws(node):
        return False
    return node.params.literal or not any(isinstance(value, Graph) for value in node.params.values())


@analysis
def fixed(graph: Graph) -> frozenset[Value]:
    """Return the values that depend on constants alone."""
    found: set[Value] = {ABSENT}
    for node in graph.nodes:
        if node.op is constant or (node.inputs and found.issuperset(node.inputs) and not node.after and pure(node)):
            found.update(node.outputs)
    return frozenset(found - {ABSENT})
