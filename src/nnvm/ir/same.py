"""When two graphs are the same: the same operators, params and wiring, whatever the objects."""

from nnvm.ir.graph import Graph
from nnvm.ir.node import ABSENT, Node, Value, literal_key
from nnvm.ir.op import input, variable
from nnvm.ir.tensor_data import TensorData


class Difference:
    """Where two graphs differ; false, so that `same` reads as a question."""

    __slots__ = ("where",)

    def __init__(self, where: str) -> None:
        self.where = where

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<differs: {self.where}>"


def same(a: Graph, b: Graph, *, names: bool = False) -> "bool | Difference":
    """Return True where two graphs are structurally equal, or a false Difference that says where they part.

    Compares operators, params, wiring, control edges, types, and the names of inputs and outputs; with `names` those of
    the other nodes too.
    """
    pending, done = [(a, b)], set()
    while pending:
        first, second = pending.pop()
        if (first, second) in done:
            continue
        done.add((first, second))
        found = _same(first, second, names, pending)
        if found:
            return Difference(found)
    return True


def _same(a: Graph, b: Graph, names: bool, pending: list[tuple[Graph, Graph]]) -> str:
    if len(a.inputs) != len(b.inputs) or len(a.outputs) != len(b.outputs):
        return f"{len(a.inputs)} inputs and {len(a.outputs)} outputs against {len(b.inputs)} and {len(b.outputs)}"
    if a.output_names != b.output_names:
        return f"outputs {list(a.output_names)} against {list(b.output_names)}"
    twins: dict[Value, Value] = {ABSENT: ABSENT}
    for i, (p, q) in enumerate(zip(a.inputs, b.inputs, strict=True)):
        if p.name != q.name or p.type is not q.type:
            return f"input {i}: {p!r} against {q!r}"
        twins[p] = q
    if len(a.nodes) != len(b.nodes):
        return f"{len(a.nodes)} nodes against {len(b.nodes)}"
    for left, right in zip(a.nodes, b.nodes, strict=True):
        found = _differ(left, right, twins, names, pending)
        if found:
            return found
        for p, q in zip(left.outputs, right.outputs, strict=True):
            if twins.setdefault(p, q) is not q:
                return f"order of inputs: {p!r} against {q!r}"
    for name, p, q in zip(a.output_names, a.outputs, b.outputs, strict=True):
        if twins[p] is not q:
            return f"output {name}: {p!r} against {q!r}"
    return ""


def _differ(a: Node, b: Node, twins: dict[Value, Value], names: bool, pending: list[tuple[Graph, Graph]]) -> str:
    here = f"{a!r} against {b!r}"
    if a.op is not b.op:
        return f"operators: {here}"
    if tuple(map(twins.get, a.inputs)) != b.inputs:
        return f"inputs: {here}"
    if a.types != b.types:
        return f"types: {here}: {list(a.types)} against {list(b.types)}"
    if (names or a.op in (input, variable)) and a.name != b.name:
        return f"names: {here}"
    if [twins[node.outputs[0]] for node in a.after] != [node.outputs[0] for node in b.after]:
        return f"control edges: {here}"
    if a.params.keys() != b.params.keys():
        return f"params: {here}"
    for key, p in a.params.items():
        q = b.params[key]
        if isinstance(p, Graph) and isinstance(q, Graph):
            pending.append((p, q))
        elif isinstance(p, TensorData) and isinstance(q, TensorData):
            if p.key != q.key:
                return f"{key}: {here}: other data"
        elif not _equal(p, q):
            return f"{key}: {here}: {p!r} against {q!r}"
    return ""


def _equal(p: object, q: object) -> bool:
    if p is q:
        return True
    key = literal_key(p)
    if key is not None:
        return key == literal_key(q)
    return type(p) is type(q) and (p == q or repr(p) == repr(q))
