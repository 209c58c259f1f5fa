"""What a graph is: the values we want, and so everything they are made of."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final, TypeVar

from nnvm.errors import Error
from nnvm.ir.node import ABSENT, HINTLESS, Node, Params, Value, params
from nnvm.ir.op import constant, input

T = TypeVar("T")
Visit = Callable[[Node], "Value | Sequence[Value] | None"]


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause the garbage collector, which re-reads a growing graph over and over; nests, and restores what was."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Graph:
    """Inputs in calling order, wanted outputs under their names, and all nodes between; immutable.

    `hints` may be dropped at will, like a node's (a file's metadata, for instance).
    """

    __slots__ = ("_memo", "hints", "inputs", "name", "output_names", "outputs")
    inputs: Final[tuple[Value, ...]]
    outputs: Final[tuple[Value, ...]]
    output_names: Final[tuple[str, ...]]
    name: Final[str]
    hints: Final[Mapping[str, Any]]

    def __init__(
        self,
        outputs: Iterable[Value],
        inputs: Iterable[Value] | None = None,
        *,
        output_names: Iterable[str] | None = None,
        name: str = "main",
        hints: Mapping[str, Any] = HINTLESS,
    ) -> None:
        self.outputs = tuple(outputs)
        self._memo: dict[Callable[..., Any], Any] = {}
        self.name, self.hints = name, hints
        found = (node.outputs[0] for node in self.nodes if node.op is input) if inputs is None else inputs
        self.inputs = tuple(found)
        self.output_names = tuple(output_names) if output_names is not None else _name_outputs(self.outputs)
        if len(self.output_names) != len(self.outputs):
            raise Error(f"graph {name} has {len(self.outputs)} outputs and {len(self.output_names)} names for them")
        refuse_twins(name, [value.node for value in self.inputs])
        if len(set(self.output_names)) < len(self.output_names):
            raise Error(f"graph {name}: two outputs share a name: {list(self.output_names)}; give output_names")

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, inputs and constants too, each after what it needs: inputs left to right, then control edges."""
        found: tuple[Node, ...] | None = self._memo.get(postorder)
        if found is None:
            found = self._memo[postorder] = postorder(self.outputs)
        return found

    def replace(self, **changes: Any) -> "Graph":
        """Return a graph that differs in the given fields (outputs, inputs, output_names, name, hints)."""
        fields = {name: getattr(self, name) for name in ("outputs", "inputs", "output_names", "name", "hints")}
        return Graph(**(fields | changes))

    def rewrite(self, visit: Visit, *, origins: bool = False) -> "Graph":
        """Return the graph in which `visit` replaced nodes; see nnvm.ir.rewrite."""
        from nnvm.ir.rewrite import rewrite

        return rewrite(self, visit, origins=origins)

    def __call__(self, /, *args: Any, **values: Any) -> "Value | tuple[Value, ...]":
        """Build the graph into another: return its outputs with values for its inputs; see nnvm.ir.compose."""
        from nnvm.ir.compose import inline

        return inline(self, args, values)

    def __getitem__(self, name: str) -> Value:
        """Return the value of a name: a node's, "name.0" for one output of several, or an output's of the graph."""
        from nnvm.ir.compose import internal

        return internal(self, name)

    __iter__: None = None

    def __str__(self) -> str:
        from nnvm.ir.formats.text import print_graph

        return print_graph(self)

    def __repr__(self) -> str:
        return f"<graph {self.name}: {len(self.nodes)} nodes, {len(self.inputs)} inputs, {len(self.outputs)} outputs>"

    def __deepcopy__(self, memo: object) -> "Graph":
        return self

    def __reduce__(self) -> tuple[Callable[..., "Graph"], tuple[Any, ...]]:
        """Pickle flat rows, so that a deep graph needs no deep stack."""
        numbers: dict[Node, int] = {}
        rows = []
        for node in (*self.nodes, *(value.node for value in self.inputs)):
            if node in numbers:
                continue
            numbers[node] = len(numbers)
            inputs = [(-1 if value is ABSENT else numbers[value.node], value.index) for value in node.inputs]
            after = [numbers[other] for other in node.after]
            rows.append((node.op, inputs, dict(node.params), node.types, node.name, after, dict(node.hints)))
        ends = [[(numbers[value.node], value.index) for value in values] for values in (self.outputs, self.inputs)]
        return _from_rows, (rows, *ends, self.output_names, self.name, dict(self.hints))


def refuse_twins(title: str, places: Iterable[Node]) -> None:
    """Raise Error, naming both, where two inputs or variables share a name."""
    met: dict[str, Node] = {}
    for node in places:
        if node.name is not None and met.setdefault(node.name, node) is not node:
            both = " and ".join(f"{each.op.name} {each.outputs[0]!r}" for each in (met[node.name], node))
            raise Error(f"graph {title}: {both} are both called {node.name!r}; rename one, or use one for both")


def _from_rows(rows: Any, outputs: Any, inputs: Any, output_names: Any, name: str, hints: Any) -> Graph:
    nodes: list[Node] = []
    for operator, sources, values, types, node_name, after, node_hints in rows:
        given = tuple(ABSENT if i < 0 else nodes[i].outputs[k] for i, k in sources)
        before = tuple(nodes[i] for i in after)
        nodes.append(Node(operator, given, params(values), types, node_name, before, node_hints or HINTLESS))
    ends = [[nodes[i].outputs[k] for i, k in values] for values in (outputs, inputs)]
    return Graph(*ends, output_names=output_names, name=name, hints=hints or HINTLESS)


def _name_outputs(outputs: tuple[Value, ...]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    taken = {value.name for value in outputs}
    names = []
    for value in outputs:
        name, count = value.name, counts.get(value.name, 0)
        while count and name in taken:
            name, count = f"{value.name}_{count}", count + 1
        counts[value.name] = count or 1
        taken.add(name)
        names.append(name)
    return tuple(names)


def postorder(outputs: Iterable[Value]) -> tuple[Node, ...]:
    """Return every node that the outputs need, each after its inputs (left to right) and its control edges."""
    seen = {ABSENT.node}
    order: list[Node] = []
    path: list[Node] = []
    above: list[Iterator[Value]] = []
    values = iter(outputs)
    while True:
        for value in values:
            node = value.node
            if node in seen:
                continue
            seen.add(node)
            if node.inputs or node.after:
                path.append(node)
                above.append(values)
                values = iter(
                    (*node.inputs, *[other.outputs[0] for other in node.after]) if node.after else node.inputs
                )
                break
            order.append(node)
        else:
            if not path:
                return tuple(order)
            order.append(path.pop())
            values = above.pop()


def analysis(function: Callable[[Graph], T]) -> Callable[[Graph], T]:
    """Memoise a function of one graph on the graph, so that its facts die with it."""

    @wraps(function)
    def remembered(graph: Graph) -> T:
        memo = graph._memo
        if function not in memo:
            memo[function] = function(graph)
        found: T = memo[function]
        return found

    return remembered


@analysis
def uses(graph: Graph) -> dict[Value, int]:
    """Count the uses of every value, as an input of a node or as an output of the graph."""
    counts: dict[Value, int] = {}
    for node in graph.nodes:
        for value in node.inputs:
            counts[value] = counts.get(value, 0) + 1
    for value in graph.outputs:
        counts[value] = counts.get(value, 0) + 1
    return counts


def operators(graph: Graph) -> tuple[Node, ...]:
    """Return the nodes that compute: neither inputs, variables nor constants."""
    return tuple(node for node in graph.nodes if node.inputs or node.op.module != constant.module)


__all__ = [
    "Graph",
    "Params",
    "analysis",
    "collection_paused",
    "operators",
    "postorder",
    "refuse_twins",
    "uses",
]
