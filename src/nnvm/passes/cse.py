"""How equal computations, and equal constants, become one."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from nnvm.analyses import pure
from nnvm.ir import (
    UNKNOWN,
    FileSlice,
    Graph,
    Node,
    Params,
    TensorData,
    TensorType,
    Value,
    collection_paused,
    commutes,
    constant,
    rebuild,
    same_type,
)
from nnvm.ir.provenance import current_history
from nnvm.ir.types import Type
from nnvm.passes.rules.sizes import share_sizes

DEVICE: Final = "device"
"""The hint that says where a node runs; equal nodes on different devices stay two."""

_SAMPLE: Final = 1 << 12
Key: TypeAlias = tuple[object, ...]


def cse(graph: Graph) -> Graph:
    """Merge nodes of equal operator, inputs, params, control edges and device.

    Random draws, mutations and unknown operators stay as they are. Of constants, types are compared first, then
    samples, and contents only where those agree. Sizes that follow from the same dimensions are computed once.
    """
    graph = share_sizes(graph)
    merging = _Merging()
    nodes = graph.nodes
    with collection_paused():
        for node in nodes:
            merging.settle(node)
        now = merging.now
        if not now:
            return graph
        outputs = [now.get(value, value) for value in graph.outputs]
        return graph.replace(outputs=outputs, inputs=[now.get(value, value) for value in graph.inputs])


class _Merging:
    def __init__(self) -> None:
        self.now: dict[Value, Value] = {}
        self.moved: dict[Node, Node] = {}
        self.first: dict[Key, Node] = {}
        self.constants = _Constants()
        self.history = current_history()

    def settle(self, node: Node) -> None:
        """Map a node to an equal one before it, or to itself on its new inputs."""
        if node.op is constant:
            self._replace(node, self.constants.first_equal(node))
            return
        now = self.now
        inputs, after = node.inputs, node.after
        if now and not now.keys().isdisjoint(inputs):
            inputs = tuple([now.get(value, value) for value in inputs])
        if after and self.moved:
            after = tuple(dict.fromkeys([self.moved.get(other, other) for other in after]))
        if node.inputs and pure(node):
            key = _key(node, inputs, after)
            found = self.first.get(key)
            if found is not None and _covers(found, node):
                self._replace(node, found)
                if self.history is not None:
                    self.history.merged(node, found.outputs[0])
                return
        else:
            key = ()
        new = node if inputs is node.inputs and after is node.after else rebuild(node, inputs, after)
        if key:
            self.first.setdefault(key, new)
        self._replace(node, new)

    def _replace(self, node: Node, new: Node) -> None:
        if new is not node:
            self.moved[node] = new
            for old, made in zip(node.outputs, new.outputs, strict=True):
                self.now[old] = made


def _key(node: Node, inputs: tuple[Value, ...], after: tuple[Node, ...]) -> Key:
    if node.op in commutes and len(inputs) > 1 and id(inputs[0]) > id(inputs[1]):
        inputs = (inputs[1], inputs[0], *inputs[2:])
    given = node.params
    key: Key = (node.op, inputs, id(given) if given.literal else _params_key(given))
    if after or node.hints:
        key += (frozenset(after), _hashable(node.hints))
    return key


def _hashable(hints: Mapping[str, Any]) -> object:
    device = hints.get(DEVICE)
    return repr(device) if device is not None else None


def _params_key(given: Params) -> Key:
    """Tell params with data in them apart by content; whatever else they hold is equal to itself alone."""
    return tuple(
        (name, value.key if isinstance(value, TensorData) else (type(value), repr(value)))
        for name, value in given.items()
    )


def _covers(first: Node, second: Node) -> bool:
    """Say whether the first node's types say all that the second's do."""
    pairs = zip(first.types, second.types, strict=True)
    return all(a is b or (_knows(a, b) and same_type(a, b) is not False) for a, b in pairs)


def _knows(a: Type | None, b: Type | None) -> bool:
    if b is None or a is b:
        return True
    if not isinstance(a, TensorType) or not isinstance(b, TensorType):
        return False
    if a.shape_or_none is None or b.shape_or_none is None:
        return b.shape_or_none is None
    return all(p is not UNKNOWN or q is UNKNOWN for p, q in zip(a.shape_or_none, b.shape_or_none, strict=False))


class _Constants:
    """Finds equal constants: the first of a type waits in a bucket, and is looked into only when a second one comes."""

    def __init__(self) -> None:
        self.types: dict[Key, Node | dict[Key, Any]] = {}

    def first_equal(self, node: Node) -> Node:
        return self._look(self.types, (node.outputs[0].type, _hashable(node.hints)), node, (_sample, _content))

    def _look(
        self, table: dict[Any, Any], key: Any, node: Node, finer: tuple[Callable[[TensorData], Key], ...]
    ) -> Node:
        while True:
            found = table.get(key)
            if found is None:
                table[key] = node
                return node
            if not finer:
                return found  # type: ignore[no-any-return]
            look, *rest = finer
            finer = tuple(rest)
            if isinstance(found, Node):
                if found.params["data"] is node.params["data"]:
                    return found
                found = table[key] = {look(found.params["data"]): found}
            table, key = found, look(node.params["data"])


def _sample(data: TensorData) -> Key:
    """Return a few bytes of large data, so that most different constants are told apart without reading them."""
    if isinstance(data.source, tuple) or data.repeats or data.nbytes <= _SAMPLE:
        return ()
    raw = data.read()
    sample = (bytes(raw[:64]), bytes(raw[len(raw) // 2 :][:64]), bytes(raw[-64:]))
    if isinstance(data.source, FileSlice):
        data.source.release()
    return sample


def _content(data: TensorData) -> Key:
    if data.repeats and not isinstance(data.source, (tuple, FileSlice)) and data.nbytes > _SAMPLE:
        return ("repeats", bytes(data.source))
    return (data.key,)
