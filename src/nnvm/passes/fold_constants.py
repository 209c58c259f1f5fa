"""How what no input can change is computed now."""

from collections.abc import Callable, Mapping, Sequence

from nnvm.analyses import pure
from nnvm.attrs import elementwise, view
from nnvm.errors import Error
from nnvm.ir import (
    ABSENT,
    Graph,
    Node,
    TensorData,
    TensorType,
    Value,
    constant,
    contents,
    data_of,
    rebuild,
    rewrite,
    same_type,
    tensor_data,
    uses,
)
from nnvm.ir.types import Type
from nnvm.ops import cast, concat, expand, fill, gather, identity, slice, split, tile, transpose

Evaluate = Callable[[Node], Sequence[TensorData] | None]

LIMIT = 1 << 16
"""Bytes that a folded constant may have whatever it was made of."""

GROWTH = 16
"""How many times LIMIT a constant may have that is no larger than one it was made of, though that one stays in use."""


SPREAD = 1 << 24
"""Bytes that one element that stands for many may be spread to, so that a kernel can read it."""


def fold_constants(graph: Graph, evaluate: Evaluate, /, *, limit: int = LIMIT) -> Graph:
    """Put constants for what no input can change, and for small shapes that are known though their tensors are not.

    `evaluate` computes one node of constants, or returns None where it cannot. What is random, changes state or is not
    known stays, and so does what would hold more than `limit` bytes and more than the constants that die with it.
    Raises Error where a kernel's result is not of the node's type.
    """
    used = uses(graph)

    def visit(node: Node, origin: Node) -> tuple[Value, ...] | None:
        if not node.inputs or not pure(node) or node.after:
            return None
        found = _without_computing(node)
        if found is None and all(value is ABSENT or value.node.op is constant for value in node.inputs):
            found = _computed(node, origin, used, evaluate, limit)
        return found

    return rewrite(graph, visit, origins=True)


def _without_computing(node: Node) -> tuple[Value, ...] | None:
    """Return what is known of a node without a kernel and at no bytes to speak of."""
    if not all(_is_static(type) for type in node.types):
        return None
    followed = _followed(node)
    if followed is not None:
        return followed
    if node.op is fill:
        return _repeated(node, node.params["value"])
    data = data_of(node.inputs[0])
    if data is None:
        return None
    if node.op is identity or (node.op is cast and node.outputs[0].type is data.tensor):
        return (node.inputs[0],)
    if node.op in view:
        return _constants(node, [TensorData(_tensor(node.types[0]), data.source, repeats=data.repeats)])
    return _moved_repeats(node, data)


def _is_static(type: Type | None) -> bool:
    return (
        isinstance(type, TensorType)
        and type.shape_or_none is not None
        and all(isinstance(size, int) for size in type.shape_or_none)
    )


def _tensor(type: Type | None) -> TensorType:
    assert isinstance(type, TensorType)
    return type


def _followed(node: Node) -> tuple[Value, ...] | None:
    """Return constants of the small integers that an output is known to hold."""
    data = []
    for value in node.outputs:
        known = contents(value)
        if known is None or not all(isinstance(element, int) for element in known):
            return None
        try:
            data.append(tensor_data([int(element) for element in known if isinstance(element, int)], value.tensor))
        except Error:  # an element leaves its type's range: what it wraps to is for a kernel to say
            return None
    return _constants(node, data)


def _repeated(node: Node, element: TensorData) -> tuple[Value, ...] | None:
    if isinstance(element.source, tuple):
        return None
    return _constants(node, [TensorData(_tensor(type), bytes(element.read()), repeats=True) for type in node.types])


def _moved_repeats(node: Node, data: TensorData) -> tuple[Value, ...] | None:
    """Only move elements that are all the same, and they are still the same."""
    if node.op not in (expand, tile, transpose, slice, split, gather, concat) or not _repeats(data):
        return None
    if node.op is concat:
        others = [data_of(value) for value in node.inputs[1:]]
        if not all(other is not None and _repeats(other) and other.source == data.source for other in others):
            return None
    return _constants(node, [TensorData(_tensor(type), data.source, repeats=True) for type in node.types])


def _repeats(data: TensorData) -> bool:
    return data.repeats or (data.size == 1 and not isinstance(data.source, tuple) and data.dtype.bits >= 8)


def _constants(node: Node, data: Sequence[TensorData]) -> tuple[Value, ...]:
    if len(data) == 1:
        return (constant(data=data[0]),)
    return tuple(constant(data=each) for each in data)


def _computed(
    node: Node, origin: Node, used: Mapping[Value, int], evaluate: Evaluate, limit: int
) -> tuple[Value, ...] | None:
    alike = _of_one_value(node, evaluate)
    if alike is not None:
        return alike
    dying = sum(
        _bytes(new) for old, new in zip(origin.inputs, node.inputs, strict=True) if old is not ABSENT and used[old] == 1
    )
    largest = max([data.nbytes for value in node.inputs if (data := data_of(value)) is not None], default=0)
    room = max(limit, dying, min(largest, GROWTH * limit))
    if sum(data.nbytes for value in node.inputs if (data := data_of(value)) is not None and data.repeats) > SPREAD:
        return None
    expected = [_declared_bytes(type) for type in node.types]
    if sum(size for size in expected if size is not None) > room:
        return None
    found = evaluate(node)
    if found is None:
        return None
    if len(found) != len(node.outputs):
        raise Error(f"{node!r} has {len(node.outputs)} outputs and its kernel gave {len(found)}")
    for value, data in zip(node.outputs, found, strict=True):
        if same_type(value.type, data.tensor) is False:
            raise Error(f"{value!r} was computed as {data.tensor}; its type or its kernel is wrong")
    if None in expected and sum(data.nbytes for data in found) > room:
        return None
    return _constants(node, found)


def _of_one_value(node: Node, evaluate: Evaluate) -> tuple[Value, ...] | None:
    """Compute one element where every input repeats one: the output repeats one too, whatever its size."""
    if node.op not in elementwise or len(node.outputs) != 1 or not _is_static(node.types[0]):
        return None
    inputs = []
    for value in node.inputs:
        data = None if value is ABSENT else data_of(value)
        if data is not None and not _repeats(data):
            return None
        inputs.append(value if data is None else constant(data=TensorData(data.dtype[()], _first(data))))
    found = evaluate(rebuild(node, tuple(inputs)))
    return None if found is None else _repeated(node, found[0])


def _first(data: TensorData) -> bytes:
    return bytes(data.read() if data.size == 1 else data.source)  # type: ignore[arg-type]


def _bytes(value: Value) -> int:
    data = data_of(value)
    if data is None:
        return 0
    return (
        len(data.source)
        if data.repeats and not isinstance(data.source, tuple) and hasattr(data.source, "__len__")
        else data.nbytes
    )


def _declared_bytes(type: Type | None) -> int | None:
    if not isinstance(type, TensorType) or not _is_static(type):
        return None
    elements = type.elements
    return -(-elements * type.dtype.bits // 8) if isinstance(elements, int) else None
