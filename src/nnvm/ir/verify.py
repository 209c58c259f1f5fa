"""What a well-formed graph is, checked without trusting whoever made it."""

from nnvm.errors import Error
from nnvm.ir.graph import Graph
from nnvm.ir.node import ABSENT, Node, Value
from nnvm.ir.op import constant, input, variable
from nnvm.ir.types import same_type


def verify(graph: Graph) -> Graph:
    """Return the graph, or raise Error naming the first node that is ill-formed: record, arity, types, names.

    Graphs among the params are checked as well.
    """
    pending, seen = [graph], {graph}
    while pending:
        here = pending.pop()
        _verify(here)
        nested = {param: None for node in here.nodes for param in node.params.values() if isinstance(param, Graph)}
        pending += [inner for inner in nested if inner not in seen]
        seen.update(nested)
    return graph


def _verify(graph: Graph) -> None:
    named: dict[str, Node] = {}
    listed = {value.node for value in graph.inputs}
    for node in graph.nodes:
        _check_record(node)
        _check_types(node)
        if node.op is input and node not in listed:
            raise Error(
                f"{node!r} is an input that the graph does not list; "
                f"the inputs are {[value.name for value in graph.inputs]}"
            )
        if node.name is not None and named.setdefault(node.name, node) is not node:
            raise Error(
                f"two nodes are called {node.name!r}: {named[node.name]!r} and {node!r}; nnvm.unique_names renames them"
            )
    if len(listed) != len(graph.inputs):
        raise Error(f"an input is listed twice: {[value.name for value in graph.inputs]}")
    if ABSENT in graph.outputs:
        raise Error(
            f"output {graph.output_names[graph.outputs.index(ABSENT)]} of graph {graph.name} is absent; leave it out"
        )
    for value in graph.inputs:
        if value.node.name is not None and named.setdefault(value.node.name, value.node) is not value.node:
            raise Error(f"two nodes are called {value.node.name!r}, and one is an input of graph {graph.name}")
        if value.node.op not in (input, variable):
            raise Error(f"input {value.name} of the graph is made by {value.node.op.name}")
    if len(set(graph.output_names)) != len(graph.output_names):
        raise Error(f"two outputs share a name: {list(graph.output_names)}")


def _check_record(node: Node) -> None:
    for i, value in enumerate(node.outputs):
        if value.node is not node or value.index != i:
            raise Error(f"output {i} of {node!r} belongs to {value.node!r}")
    for value in node.inputs:
        if not isinstance(value, Value) or value not in value.node.outputs:
            raise Error(f"an input of {node!r} is no output of the node it names")
    if node.op.foreign:
        return
    required = [name for name in node.op.inputs if name not in node.op.optional]
    required = required[:-1] if node.op.variadic else required
    if any(value is ABSENT for value in node.inputs[: len(required)]) or len(node.inputs) < len(required):
        raise Error(f"{node!r} lacks an input: {node.op.name} needs {', '.join(required)}")
    if len(node.inputs) > len(node.op.inputs) and not node.op.variadic:
        raise Error(f"{node!r} has {len(node.inputs)} inputs; {node.op.name} takes {', '.join(node.op.inputs)}")
    missing = [name for name in node.op.param_names if name not in node.params]
    if missing or len(node.params) != len(node.op.param_names):
        raise Error(f"{node!r} has params {sorted(node.params)}; {node.op.name} takes {', '.join(node.op.param_names)}")


def _check_types(node: Node) -> None:
    if node.op.foreign:
        return
    inferred = node.op.infer(node.inputs, node.params, node.name)
    if len(inferred) != len(node.outputs):
        raise Error(f"{node!r} has {len(node.outputs)} outputs; {node.op.name} yields {len(inferred)} there")
    for value, type in zip(node.outputs, inferred, strict=True):
        if same_type(value.type, type) is False:
            raise Error(f"{value!r} has a type that {node.op.name} does not yield there: {type}")
        if (
            node.op in (input, variable, constant)
            and type is not None
            and value.type is not type
            and value.type != type
        ):
            raise Error(f"{value!r} has the type {value.type}, and its params say {type}; both are set together")
