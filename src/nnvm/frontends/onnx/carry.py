"""How an operator that we do not know goes through us unchanged, sub-graphs and what they capture included."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

import onnx

from nnvm.errors import Error
from nnvm.frontends.onnx.attributes import NESTED, read_attribute
from nnvm.ir import Node, Op, foreign

_MODULE: Final = "onnx"
CARRIED: Final = "carried"
"""The param of an operator that is carried."""
NODES: Final = "nodes"
"""The param of one with sub-graphs that counts the operators in them, by name."""


class Carried:
    """A node of a file, whole: its bytes without inputs and outputs, and what its sub-graphs take from around them.

    The node's own inputs come first, then one for each name in `captured`. `skipped` are outputs that the file leaves
    unnamed. `imports` are the file's operator sets, `functions` its model-local functions.
    """

    __slots__ = ("captured", "functions", "imports", "node", "skipped")
    node: Final[bytes]
    captured: Final[tuple[str, ...]]
    skipped: Final[tuple[int, ...]]
    imports: Final[tuple[tuple[str, int], ...]]
    functions: Final[tuple[bytes, ...]]

    def __init__(
        self,
        node: bytes,
        captured: tuple[str, ...],
        skipped: tuple[int, ...],
        imports: tuple[tuple[str, int], ...],
        functions: tuple[bytes, ...] = (),
    ) -> None:
        self.node, self.captured, self.skipped = node, captured, skipped
        self.imports, self.functions = imports, functions

    def _key(self) -> tuple[object, ...]:
        return self.node, self.captured, self.skipped, self.imports, self.functions

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Carried) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self.node)

    def __reduce__(self) -> "tuple[Callable[..., Carried], tuple[object, ...]]":
        return Carried, self._key()

    def __repr__(self) -> str:
        return f"Carried({blake2b(repr(self._key()).encode(), digest_size=8).hexdigest()!r})"


def foreign_operator(domain: str, type: str, overload: str = "") -> Op[..., Any]:
    """Return the operator that stands for an unknown one; the same object for the same domain, type and overload."""
    return foreign("::".join(filter(None, (domain, type, overload))), _MODULE)


def is_carried(op: Op[..., Any]) -> bool:
    """Say whether an operator stands for one that a file brought."""
    return op.foreign and op.module == _MODULE


def attributes_of(node: Node) -> dict[str, Any]:
    """Return the attributes of a carried node by name: numbers, texts, tuples of such, constant data.

    What none of these can hold, a graph or a type, is OPAQUE. Raises Error for a node that no file brought.
    """
    record = node.params.get(CARRIED)
    if not isinstance(record, Carried):
        raise Error(f"{node!r} was carried by no ONNX file, so it has no attributes; look at its params")
    attributes = onnx.NodeProto.FromString(record.node).attribute
    return {item.name: read_attribute(item, None, node.name or node.op.name) for item in attributes}


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs that a node holds, not those within them."""
    for attribute in node.attribute:
        if attribute.type in NESTED:
            if attribute.HasField("g"):
                yield attribute.g
            yield from attribute.graphs


def captured_names(node: onnx.NodeProto) -> tuple[str, ...]:
    """Return the names that the sub-graphs of a node, at any depth, take from around it, each once."""
    found: dict[str, None] = {}
    for _, names, _ in _references(node, frozenset()):
        found.update(dict.fromkeys(names))
    return tuple(found)


def inner_operators(node: onnx.NodeProto) -> Counter[tuple[str, str]]:
    """Count the operators in the sub-graphs of a node by domain and type, without what only makes a constant."""
    found: Counter[tuple[str, str]] = Counter()
    pending = list(subgraphs(node))
    while pending:
        graph = pending.pop()
        constants = {tensor.name for tensor in graph.initializer}
        constants.update(inner.output[0] for inner in graph.node if inner.op_type == "Constant" and inner.output)
        for inner in graph.node:
            pending += subgraphs(inner)
            filled = inner.op_type == "ConstantOfShape" and constants.issuperset(inner.input)
            if inner.op_type != "Constant" and not filled:
                found[inner.domain, inner.op_type] += 1
    return found


def inner_names(node: onnx.NodeProto) -> set[str]:
    """Return every name that the sub-graphs of a node define."""
    found: set[str] = set()
    for _, _, defined in _references(node, frozenset()):
        found |= defined
    return found


def _references(node: onnx.NodeProto, outer: frozenset[str]) -> Iterator[tuple[Any, list[str], frozenset[str]]]:
    """Yield each field of names in the sub-graphs, the free ones among them, and what is defined there."""
    pending = [(graph, outer) for graph in subgraphs(node)]
    while pending:
        graph, around = pending.pop()
        here = around | _defined(graph)
        for inner in graph.node:
            yield inner.input, [name for name in inner.input if name and name not in here], here
            pending += [(nested, here) for nested in subgraphs(inner)]
        yield graph.output, [value.name for value in graph.output if value.name not in here], here


def _defined(graph: onnx.GraphProto) -> frozenset[str]:
    return frozenset(
        (
            *(value.name for value in graph.input),
            *(tensor.name for tensor in graph.initializer),
            *(tensor.values.name for tensor in graph.sparse_initializer),
            *(name for inner in graph.node for name in inner.output if name),
        )
    )


def rename_captured(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Change what sub-graphs take from around them; raise Error where a new name means something else inside."""
    if not names or all(old == new for old, new in names.items()):
        return
    for field, free, here in list(_references(node, frozenset())):
        for new in {names[name] for name in free if name in names} & here:
            clash = f"captures a value that is now called {new!r}, which its sub-graph defines too"
            raise Error(f"{node.op_type} {node.name!r} {clash}; rename one")
        if not free:
            continue
        if field and isinstance(field[0], onnx.ValueInfoProto):
            for value in field:
                value.name = names.get(value.name, value.name) if value.name not in here else value.name
        else:
            field[:] = [names.get(name, name) if name not in here else name for name in field]


def carry(
    node: onnx.NodeProto, imports: Iterable[tuple[str, int]], functions: tuple[bytes, ...], captured: tuple[str, ...]
) -> Carried:
    """Return a node of a file, whole; its inputs, outputs, name and notes are kept elsewhere."""
    bare = onnx.NodeProto()
    bare.CopyFrom(node)
    skipped = tuple(i for i, name in enumerate(node.output) if not name)
    for field in ("input", "output", "name", "doc_string", "metadata_props"):
        bare.ClearField(field)
    return Carried(bare.SerializeToString(deterministic=True), captured, skipped, tuple(imports), functions)
