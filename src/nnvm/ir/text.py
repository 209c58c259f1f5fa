"""How a graph reads as text: a Python function, one operator a line."""

import keyword
import re

from nnvm.ir.graph import Graph, collection_paused
from nnvm.ir.node import ABSENT, Node, Value
from nnvm.ir.op import constant, input
from nnvm.ir.tensor_data import TensorData

_INLINE = 16
_OTHER = re.compile(r"\W+", re.ASCII)


def print_graph(graph: Graph) -> str:
    """Return the graph as a Python function: typed arguments, a line for each node, a mapping of named outputs."""
    with collection_paused():
        return "\n".join(_print(graph, _label(graph.name, _reserved(graph)), ""))


def _reserved(graph: Graph) -> dict[str, int]:
    return dict.fromkeys((*keyword.kwlist, *(node.op.name for node in graph.nodes)), 0)


def _print(graph: Graph, title: str, indent: str) -> list[str]:
    taken = _reserved(graph) | {title: 0}
    labels: dict[Value, str] = {ABSENT: "None"}
    arguments = []
    for value in graph.inputs:
        labels[value] = _label(value.node.name or "x", taken)
        arguments.append(labels[value] if value.type is None else f"{labels[value]}: {value.type!r}")
    lines = [f"{indent}def {title}({', '.join(arguments)}):"]
    for node in graph.nodes:
        if node.op is not input or node.outputs[0] not in labels:
            lines += _print_node(node, labels, taken, indent + "    ")
    ends = ", ".join(
        f"{name!r}: {labels[value]}" for name, value in zip(graph.output_names, graph.outputs, strict=True)
    )
    return [*lines, f"{indent}    return {{{ends}}}"]


def _print_node(node: Node, labels: dict[Value, str], taken: dict[str, int], indent: str) -> list[str]:
    lines: list[str] = []
    name = _label(node.name or node.op.name, taken)
    if len(node.outputs) == 1:
        labels[node.outputs[0]] = name
        target = name
    else:
        for value in node.outputs:
            labels[value] = _label(f"{name}_{value.index}", taken)
        target = ", ".join(labels[value] for value in node.outputs) + ("," if len(node.outputs) == 1 else "")
    arguments = [labels[value] for value in node.inputs]
    for key, param in node.params.items():
        if isinstance(param, Graph):
            nested = _label(f"{name}_{key}", taken)
            lines += _print(param, nested, indent)
            arguments.append(f"{key}={nested}")
        elif key not in node.op.defaults or repr(node.op.defaults[key]) != repr(param):
            arguments.append(f"{key}={_literal(param)}")
    if node.name is not None and node.name != target:
        arguments.append(f"name={node.name!r}")
    if node.after:
        arguments.append(f"after=({', '.join(labels[other.outputs[0]] for other in node.after)},)")
    operator = node.op.name if node.op is not constant else "constant"
    lines.append(f"{indent}{target} = {operator}({', '.join(arguments)})")
    return lines


def _literal(param: object) -> str:
    if isinstance(param, TensorData):
        if isinstance(param.source, tuple):
            return f"TensorData({param.tensor!r})"
        if param.size <= _INLINE and param.has_numbers:
            return f"{param.tensor!r}({list(param.values())!r})"
        return f"{param.tensor!r}('{param.key.hex()}')"
    return repr(param)


def _label(name: str, taken: dict[str, int]) -> str:
    """Return a Python name that is not taken; `taken` counts on where the last search for the same one ended."""
    base = name
    if not name.isidentifier() or not name.isascii():
        base = _OTHER.sub("_", name) or "_"
        base = f"_{base}" if base[0].isdigit() else base
    label, number = base, taken.get(base, 0)
    while label in taken:
        number += 1
        label = f"{base}_{number}"
    taken[base] = number
    taken[label] = taken.get(label, 0)
    return label
