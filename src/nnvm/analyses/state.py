"""Which values are states: what a variable holds, from one write to the next."""

from collections.abc import Mapping

from nnvm.attrs import mutates
from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Node, Value, analysis, input, variable


def writes(node: Node) -> tuple[tuple[Value, Value], ...]:
    """Return the states that a node overwrites, each with the state that it becomes.

    The new states are the node's last outputs, in the order in which `mutates` lists the inputs. Raises Error where
    there are too few outputs.
    """
    numbers = mutates.get(node.op)
    if not numbers:
        return ()
    if len(node.outputs) < len(numbers):
        raise Error(
            f"{node!r} writes to {len(numbers)} states and has {len(node.outputs)} outputs; "
            f"{node.op.name} has to return each new state, last among its outputs"
        )
    become = zip(numbers, node.outputs[-len(numbers) :], strict=True)
    there = len(node.inputs)
    return tuple((node.inputs[i], new) for i, new in become if i < there and node.inputs[i] is not ABSENT)


@analysis
def versions(graph: Graph) -> Mapping[Value, tuple[Value, int]]:
    """Return, for each state, the variable that holds it and how many writes came before.

    Raises Error, naming the node, for a write to what is neither a variable nor what an earlier write returned.
    """
    found: dict[Value, tuple[Value, int]] = {}
    for node in graph.nodes:
        if node.op is variable:
            found[node.outputs[0]] = (node.outputs[0], 0)
        for old, new in writes(node):
            if old not in found:
                raise Error(
                    f"{node!r} writes to {old!r}, which is no state; the target of a write is an nnvm.variable "
                    "or what an earlier write to one returned"
                )
            held, count = found[old]
            found[new] = (held, count + 1)
    return found


@analysis
def overwritten(graph: Graph) -> Mapping[Value, Node]:
    """Return the states that are overwritten, each with the node that does it.

    Raises Error as `versions` does, and for two writes to one state.
    """
    versions(graph)
    found: dict[Value, Node] = {}
    for node in graph.nodes:
        for old, _ in writes(node):
            other = found.setdefault(old, node)
            if other is not node:
                raise Error(
                    f"{other!r} and {node!r} both write to the state {old!r}; "
                    "let one of them write to what the other returns"
                )
        if len({old for old, _ in writes(node)}) < len(writes(node)):
            raise Error(f"{node!r} writes twice to one state; give it different ones")
    return found


@analysis
def auxiliary(graph: Graph) -> tuple[Value, ...]:
    """Return the variables that some node writes to (NNVM's aux_state), in the order of `graph.nodes`."""
    known = versions(graph)
    written = {known[old][0] for old in overwritten(graph)}
    return tuple(node.outputs[0] for node in graph.nodes if node.op is variable and node.outputs[0] in written)


@analysis
def read_only(graph: Graph) -> tuple[Value, ...]:
    """Return the inputs and variables that no node writes to, in the order of `graph.nodes`."""
    written = set(auxiliary(graph))
    sources = (node.outputs[0] for node in graph.nodes if node.op is input or node.op is variable)
    return tuple(value for value in sources if value not in written)
