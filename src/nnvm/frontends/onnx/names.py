"""What each value is called in a file: inputs and outputs as the graph says, every other name unique."""

from collections.abc import Iterable

from nnvm.errors import Error
from nnvm.frontends.onnx.records import ONNX, Origin
from nnvm.ir import Graph, Node, Value, constant, input


class Names:
    """Names for the values of one graph; `twins` are outputs that need an Identity: their name, and what to copy."""

    def __init__(self, graph: Graph, reserved: Iterable[str]) -> None:
        self.of: dict[Value, str] = {}
        self.twins: list[tuple[str, Value]] = []
        self.taken: set[str] = set()
        self._counts: dict[str, int] = {}
        for value in graph.inputs:
            name = value.node.name
            if not name or name in self.taken:
                said = f"two inputs are called {name!r}" if name else "an input has no name"
                raise Error(f"graph {graph.name}: {said}")
            self.of[value] = name
            self.taken.add(name)
        self._name_outputs(graph)
        self.taken.update(reserved)

    def _name_outputs(self, graph: Graph) -> None:
        given: set[str] = set()
        for name, value in zip(graph.output_names, graph.outputs, strict=True):
            if self.of.get(value) == name and name not in given:
                given.add(name)
                continue
            given.add(name)
            if not name or name in self.taken:
                raise Error(f"graph {graph.name}: output {name!r} needs a name that no input and no other output has")
            self.taken.add(name)
            op = value.node.op
            if value not in self.of and op is not input and (op is not constant or value.node.name == name):
                self.of[value] = name
            else:
                self.twins.append((name, value))

    def add(self, node: Node) -> None:
        """Name the outputs of a node as its file did, or after the node."""
        if len(node.outputs) == 1:
            value = node.outputs[0]
            if value not in self.of:
                self.of[value] = self.fresh(node.name or f"{node.op.name}_0".replace("::", "_"))
            return
        origin = node.hints.get(ONNX)
        known = origin.outputs if isinstance(origin, Origin) else ()
        base = node.name or node.op.name.replace("::", "_")
        for i, value in enumerate(node.outputs):
            if value not in self.of:
                said = known[i] if i < len(known) else ""
                self.of[value] = self.fresh(said or (base if i == 0 and node.name else f"{base}.{i}"))

    def fresh(self, wanted: str) -> str:
        """Return a name that nothing has, like the one wanted."""
        name = wanted
        stem = wanted.removesuffix("_0")
        while name in self.taken:
            count = self._counts[stem] = self._counts.get(stem, 0) + 1
            name = f"{stem}_{count}"
        self.taken.add(name)
        return name
