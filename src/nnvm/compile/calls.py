"""How each node of a graph is computed, and what becomes of those that no kernel computes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from nnvm.compile.backend import Backend, Call
from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Node, TensorType, Value
from nnvm.ir.dims import UNKNOWN, Size, names
from nnvm.runtime.parts import ITEM_SIZES, NO_KERNEL

SHOWN: Final = 20
"""Problems that one error lists; of the nodes of one operator, so many are named."""


def told_by(graph: Graph) -> frozenset[str]:
    """Return the names of the dimensions that a graph's inputs tell."""
    types = [value.type for value in graph.inputs if isinstance(value.type, TensorType)]
    return frozenset(name for type in types for size in type.shape_or_none or () for name in names(size))


def calls_of(graph: Graph, order: Sequence[Node], backend: Backend) -> dict[Node, Call]:
    """Ask the backend for every call; what it has no kernel for is given one that has its places and cannot run.

    Raises one Error that lists the carried operators whose types are not known, or else all that has no type.
    """
    nameless = _nameless(order, graph.outputs)
    if nameless:
        raise Error(nameless)
    calls: dict[Node, Call] = {}
    untyped: dict[str, None] = {}
    known = set(told_by(graph))
    for node in order:
        try:
            sizes = [size for value in node.outputs if _needs_place(node, value) for size in known_type(value).shape]
            fresh = {name for size in sizes for name in names(size) if name not in known}
            call = backend.call(node) or _without_kernel(node, bool(fresh))
            if fresh or UNKNOWN in sizes:
                call = _measured(node, call, sizes)
            known |= fresh
            calls[node] = call
        except Error as error:
            untyped[str(error)] = None
    if untyped:
        raise Error(_listed(list(untyped)))
    return calls


def known_type(value: Value) -> TensorType:
    """Return the type of a value; raise Error where its element type or its rank is not known."""
    type = value.type
    if not isinstance(type, TensorType) or type.shape_or_none is None:
        raise Error(f"the type of {value!r} is not known; give the inputs' types, or run infer_types")
    return type


def has_place(value: Value) -> bool:
    """Say whether a buffer can hold a value: a tensor of known rank, of numbers or truth values."""
    type = value.type
    return isinstance(type, TensorType) and type.shape_or_none is not None and type.dtype.name in ITEM_SIZES


def _needs_place(node: Node, value: Value) -> bool:
    """Say whether an output takes part in a plan: of a carried node those that nobody reads may be of any type."""
    return not node.op.foreign or has_place(value)


def _nameless(order: Sequence[Node], outputs: Iterable[Value]) -> str:
    """Say which carried nodes give what has no place, grouped by operator; not those that others leave in the dark."""
    read = {value for node in order for value in node.inputs} | set(outputs)
    unknown: dict[str, list[str]] = {}
    dark = 0
    misplaced: dict[str, list[str]] = {}
    for node in order:
        if not node.op.foreign:
            continue
        wrong = [value for value in node.outputs if value in read and not has_place(value)]
        if not wrong:
            continue
        if any(_is_untyped(value) for value in wrong):
            if any(_is_untyped(value) for value in node.inputs if value is not ABSENT):
                dark += 1
            else:
                unknown.setdefault(node.op.name, []).append(_title(node))
        else:
            kind = next(str(value.type) for value in wrong)
            misplaced.setdefault(f"{node.op.name} gives {kind}", []).append(_title(node))
    told = []
    if unknown:
        behind = f" and {dark} more that read what they give" if dark else ""
        told.append(f"the types of what carried operators give are not known: {_grouped(unknown)}{behind}; {CURE}")
    if misplaced:
        told.append(f"no buffer can hold what carried operators give: {_grouped(misplaced)}; plan the part before them")
    return "; ".join(told)


CURE: Final = "declare them in the file (value_info), or register a type rule (see docs/onnx.md)"


def _is_untyped(value: Value) -> bool:
    type = value.type
    return type is None or (isinstance(type, TensorType) and type.shape_or_none is None)


def _grouped(nodes: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{what} (node{'s' * (len(some) > 1)} {_listed(some, ', ')})" for what, some in nodes.items())


def _title(node: Node) -> str:
    return repr(node.name) if node.name else repr(node)


def _listed(texts: Sequence[str], between: str = "; ") -> str:
    more = f"{between}and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return between.join(texts[:SHOWN]) + more


def _without_kernel(node: Node, allocates: bool) -> Call:
    """Return the call of a step that nothing can run: it writes into its places, or allocates what only a run knows."""
    return Call(NO_KERNEL, node.inputs, {"operator": node.op.name}, allocates=allocates)


def _measured(node: Node, call: Call, sizes: Sequence[Size]) -> Call:
    """Return a call that allocates, for a use whose data decides how large its outputs are; Error where none does."""
    if UNKNOWN in sizes:
        raise Error(f"a dimension of {node!r} is known only at run; name the node that decides it: name=...")
    if call.allocates:
        return call
    if call.measured is None:
        open_sizes = ", ".join(dict.fromkeys(str(size) for size in sizes if not isinstance(size, int)))
        raise Error(
            f"the dimension {open_sizes} of {node!r} is known only at run, so its memory cannot be planned; "
            "if it follows from the inputs' sizes, give them: --set-dim NAME=INT"
        )
    return call.measured
