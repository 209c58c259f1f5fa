"""The ways in which a graph is made smaller, in the order in which they are tried."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from nnvm.errors import Error
from nnvm.ir import Graph, Node, TensorData, Value, constant, operators, params, tensor_data, variable
from nnvm.ir.node import ABSENT
from nnvm.passes.infer_types import infer_types
from nnvm.passes.set_dims import dim_names, set_dims
from nnvm.reduce.cutting import all_nodes, extract, filled, refilled, resized, revise, sources
from nnvm.reduce.search import Search, is_given

SMALL: Final = (1, 2, 3)
"""Sizes that dimensions are given."""
_SIZES: Final = 64
"""How many sizes and axes are tried in a round."""


def dims(search: Search) -> None:
    """Give open dimensions small numbers: all at once, then one by one."""

    def bind(chosen: Sequence[tuple[str, int]]) -> Iterator[Graph]:
        yield infer_types(set_dims(graph, dict(chosen)))

    graph = search.graph
    for size in (2, 3, 1, 8):
        if search.attempt(bind, [(name, size) for name in dim_names(graph)]):
            return
    for name in dim_names(graph):
        graph = search.graph
        for size in (2, 3, 1, 8, 16, 32):
            if search.attempt(bind, [(name, size)]):
                break


def outputs(search: Search) -> None:
    """Leave out outputs, and so what only they need: halves of halves first."""

    def only(chosen: Sequence[int]) -> Iterator[Graph]:
        if chosen:
            names = [graph.output_names[i] for i in chosen]
            yield graph.replace(outputs=[graph.outputs[i] for i in chosen], output_names=names)

    graph = search.graph
    left = list(range(len(graph.outputs)))
    while len(left) > 1:
        half = len(left) // 2
        found = next((piece for piece in (left[:half], left[half:]) if search.attempt(only, piece)), None)
        if found is None:
            break
        left = found
    search.most(left, lambda chosen: only([i for i in left if i not in set(chosen)]))


def windows(search: Search) -> None:
    """Keep one stretch of the nodes in their order: halves of halves, then less on either side."""
    graph = search.graph
    nodes = operators(graph)

    def stretch(chosen: Sequence[int]) -> Iterator[Graph]:
        keep = set(nodes[chosen[0] : chosen[1]])
        yield extract(graph, keep)
        yield extract(graph, keep, exposed=True)

    low, high = 0, len(nodes)
    while high - low > 1:
        half = (high - low) // 2
        places = ((low, low + half), (high - half, high), (low + half // 2, low + half // 2 + half))
        found = next((place for place in places if search.attempt(stretch, place)), None)
        if found is None:
            break
        low, high = found
    step = (high - low) // 2
    while step:
        while high - step > low and search.attempt(stretch, (low, high - step)):
            high -= step
        while low + step < high and search.attempt(stretch, (low + step, high)):
            low += step
        step //= 2


def nodes(search: Search) -> None:
    """Leave out nodes: what they gave becomes an input, what they read an output."""
    graph = search.graph
    computing = operators(graph)

    def without(chosen: Sequence[Node]) -> Iterator[Graph]:
        keep = set(computing).difference(chosen)
        yield extract(graph, keep)
        yield extract(graph, keep, exposed=True)

    search.most(computing[::-1], without)


def bypass(search: Search) -> None:
    """Put an input of a node in the place of its output, where both are of one type."""
    for place in range(3):
        graph = search.graph

        def around(chosen: Sequence[tuple[Value, Value]], graph: Graph = graph) -> Iterator[Graph]:
            yield revise(graph, dict(chosen))

        found = []
        for node in reversed(operators(graph)):
            alike = [value for value in dict.fromkeys(node.inputs) if value.type is node.types[0]]
            if len(node.outputs) == 1 and node.types[0] is not None and len(alike) > place:
                found.append((node.outputs[0], alike[place]))
        search.most(found, around)


def constants(search: Search) -> None:
    """Put zeros, or ones, in the place of what nodes compute."""
    for number in (0, 1):
        graph = search.graph

        def still(chosen: Sequence[tuple[Node, list[Value]]], graph: Graph = graph) -> Iterator[Graph]:
            pairs = [pair for node, values in chosen for pair in zip(node.outputs, values, strict=True)]
            yield revise(graph, dict(pairs))

        found = []
        for node in reversed(operators(graph)):
            values = [value for type in node.types if (value := filled(type, number)) is not None]
            if len(values) == len(node.outputs):
                found.append((node, values))
        search.most(found, still)


def inputs(search: Search) -> None:
    """Leave out inputs that nothing reads; let one input of a type, one constant of equal ones, stand for others."""
    graph = search.graph
    read = set(graph.nodes)
    unread = [value for value in graph.inputs if value.node not in read]
    search.most(unread, lambda chosen: iter([graph.replace(inputs=[v for v in graph.inputs if v not in set(chosen)])]))
    graph = search.graph
    first: dict[Any, Value] = {}
    twins = []
    for value in dict.fromkeys((*graph.inputs, *(node.outputs[0] for node in graph.nodes if node.op is constant))):
        key = value.node.params["data"].key if value.node.op is constant else value.type
        other = first.setdefault((value.node.op, key), value)
        if other is not value and value.node.op is not variable:
            twins.append((value, other))
    search.most(twins, lambda chosen: iter([revise(graph, dict(chosen))]))


def order(search: Search) -> None:
    """Leave out control edges."""
    graph = search.graph
    edges = [(node, early) for node in graph.nodes for early in node.after]

    def without(chosen: Sequence[tuple[Node, Node]]) -> Iterator[Graph]:
        lost = set(chosen)
        late = {node: [early for early in node.after if (node, early) not in lost] for node, _ in chosen}
        yield revise(graph, fields={node: {"after": tuple(kept)} for node, kept in late.items()})

    search.most(edges, without)


def hints(search: Search) -> None:
    """Leave out hints, those of the graph as well."""
    graph = search.graph

    def without(chosen: Sequence[Node | None]) -> Iterator[Graph]:
        fields: dict[Node, Any] = {node: {"hints": {}} for node in chosen if node is not None}
        bare = revise(graph, fields=fields)
        yield bare.replace(hints={}) if None in chosen else bare

    search.most([*[node for node in all_nodes(graph) if node.hints], *([None] if graph.hints else [])], without)


def optional(search: Search) -> None:
    """Leave out optional inputs, and some of those of which there may be any number."""
    graph = search.graph

    def without(chosen: Sequence[tuple[Node, int]]) -> Iterator[Graph]:
        fields: dict[Node, Any] = {}
        lost: dict[Node, set[int]] = {}
        for node, i in chosen:
            lost.setdefault(node, set()).add(i)
        for node, places in lost.items():
            fixed = len(node.op.inputs) - node.op.variadic
            kept = [ABSENT if i in places else value for i, value in enumerate(node.inputs) if i < fixed]
            kept += [value for i, value in enumerate(node.inputs) if i >= fixed and i not in places]
            while kept and kept[-1] is ABSENT:
                kept.pop()
            fields[node] = {"inputs": tuple(kept)}
        yield revise(graph, fields=fields)

    search.most([(node, i) for node in reversed(operators(graph)) for i in _spare(node)], without)


def _spare(node: Node) -> list[int]:
    if node.op.foreign:
        return []
    names = node.op.inputs
    fixed = len(names) - node.op.variadic
    found = [i for i, value in enumerate(node.inputs[:fixed]) if value is not ABSENT and names[i] in node.op.optional]
    return found + (list(range(fixed + 1, len(node.inputs))) if node.op.variadic else [])


def defaults(search: Search) -> None:
    """Set params to what they are by default."""
    graph = search.graph

    def plain(chosen: Sequence[tuple[Node, str]]) -> Iterator[Graph]:
        found: dict[Node, dict[str, Any]] = {}
        for node, name in chosen:
            found.setdefault(node, dict(node.params))[name] = node.op.defaults[name]
        yield revise(graph, fields={node: {"params": params(values)} for node, values in found.items()})

    given = [
        (node, name)
        for node in operators(graph)
        for name, param in node.params.items()
        if name in node.op.defaults and is_given(node.op.defaults, name, param)
    ]
    search.most(given, plain)


def sizes(search: Search) -> None:
    """Make dimensions smaller: every use of a size at once, then one axis of an input or a constant alone."""
    found = {size for node in sources(search.graph) for size in _shape(node) if isinstance(size, int) and size > 1}
    for size in sorted(found, reverse=True)[:_SIZES]:
        for small in SMALL:
            if small < size and search.attempt(lambda pair: _every(search.graph, *pair), (size, small)):
                break
    axes = [(i, axis) for i, node in enumerate(sources(search.graph)) for axis in range(len(_shape(node)))]
    for i, axis in axes[:_SIZES]:
        for small in SMALL:
            node = next((node for k, node in enumerate(sources(search.graph)) if k == i), None)
            if node is None or axis >= len(_shape(node)) or not _is_above(_shape(node)[axis], small):
                break
            shape = (*_shape(node)[:axis], small, *_shape(node)[axis + 1 :])
            if search.attempt(lambda pairs: _one(search.graph, *pairs[0]), [(node, shape)]):
                break


def _shape(node: Node) -> Any:
    return node.outputs[0].shape


def _is_above(size: object, small: int) -> bool:
    return not isinstance(size, int) or size > small


def _one(graph: Graph, node: Node, shape: Any) -> Iterator[Graph]:
    yield revise(graph, fields={node: resized(node, shape)})


def _every(graph: Graph, old: int, new: int) -> Iterator[Graph]:
    """Exchange a size in all shapes; then in what small constants hold as well, as the targets of reshapes do."""
    cut: dict[Node, Any] = {}
    told: dict[Node, Any] = {}
    for node in sources(graph):
        shape = tuple(new if size == old else size for size in _shape(node))
        if shape != _shape(node):
            cut[node] = resized(node, shape)
        elif node.op is constant:
            data = refilled(node.params["data"], old, new)
            if data is not None:
                told[node] = {"params": params({"data": data}), "types": node.types}
    for fields in ({**cut, **told}, cut):
        try:
            candidate = revise(graph, fields=fields)
        except Error:
            continue
        yield candidate


def uniform(search: Search) -> None:
    """Make constants one number throughout: one, then zero, then their first element."""
    for number in (1, 0, None):
        graph = search.graph

        def even(chosen: Sequence[tuple[Node, TensorData]], graph: Graph = graph) -> Iterator[Graph]:
            fields = {node: {"params": params({"data": data}), "types": node.types} for node, data in chosen}
            yield revise(graph, fields=fields)

        found = []
        for node in graph.nodes:
            data = _even(node.params["data"], number) if node.op is constant else None
            if data is not None:
                found.append((node, data))
        search.most(found, even)


def _even(data: TensorData, number: int | None) -> TensorData | None:
    if (
        not data.has_numbers
        or not data.size
        or (data.uniform in (0, 1))
        or (number is None and data.uniform is not None)
    ):
        return None
    try:
        amount = data.values()[0] if number is None else number
        return tensor_data(bool(amount) if data.dtype.kind == "bool" else amount, data.tensor)
    except Error:
        return None


def names(search: Search) -> None:
    """Give short names: x0, x1 … to inputs, y0, y1 … to outputs, none to other nodes."""
    graph = search.graph
    fields: dict[Node, Any] = {value.node: {"name": f"x{i}"} for i, value in enumerate(graph.inputs)}
    for node in all_nodes(graph):
        if node not in fields:
            fields[node] = {"name": f"v{len(fields)}" if node.op is variable else None}
    short = [f"y{i}" for i in range(len(graph.outputs))]
    search.attempt(lambda _: iter([revise(graph, fields=fields).replace(output_names=short, name="main")]), ("names",))


STRATEGIES: Final = (
    windows, dims, outputs, windows, nodes, bypass, constants, inputs, hints, order, optional, defaults, sizes, uniform,
    names,
)  # fmt: skip
"""The large cuts come first, so that the small ones have little to look at; bound dimensions let more be cut."""

__all__ = [
    "STRATEGIES", "bypass", "constants", "defaults", "dims", "hints", "inputs", "names", "nodes", "optional", "order",
    "outputs", "sizes", "uniform", "windows",
]  # fmt: skip
