"""How a graph becomes buffers and steps, with reshapes and in-place outputs decided, before anything has an offset."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nnvm.attrs import view
from nnvm.compile.accumulate import accumulated
from nnvm.compile.backend import WORKSPACE_LIMIT, Backend, Call
from nnvm.compile.calls import calls_of, has_place, known_type, told_by
from nnvm.compile.cuts import cut_at
from nnvm.compile.subbyte import unpacked
from nnvm.errors import Error
from nnvm.ir import ABSENT, Graph, Node, TensorData, TensorType, Value, equal, is_constant, u8
from nnvm.ir.dims import Size, names
from nnvm.ir.op import input, variable
from nnvm.ops import identity
from nnvm.runtime.parts import NO_KERNEL, Step


class Tensor:
    """A buffer to be: which value it holds, where it lives, whose bytes it shares, and from which of them on."""

    __slots__ = ("kind", "name", "offset", "root", "shown", "type")

    def __init__(
        self,
        kind: str,
        type: TensorType,
        name: str,
        root: int | None = None,
        shown: int | None = None,
        offset: Size = 0,
    ) -> None:
        self.kind: Final = kind
        self.type: Final = type
        self.name: Final = name
        self.root: Final = root
        self.shown: Final = shown
        self.offset: Final = offset


class Lowered:
    """Steps over numbered tensors, in running order.

    `born` and `dies` give the first and last step of each root in the arena or allocated at run; `could_overwrite` the
    steps whose output might, in some order, take over an input's bytes; `told` the dimensions that the inputs tell.
    `nodes` gives the node of each step, None where one moves data in or out; `cuts` the elements of the first input at
    which a step's outputs start, where they are runs of it; `terms` the nodes that their sums compute; `moves` is the
    kernel that copies.
    """

    __slots__ = (
        "born", "constants", "could_overwrite", "cuts", "dies", "donated", "graph", "inputs", "moves", "nodes",
        "outputs", "steps", "tensors", "terms", "told",
    )  # fmt: skip

    def __init__(self, graph: Graph) -> None:
        self.graph: Final = graph
        self.tensors: list[Tensor] = []
        self.steps: list[Step] = []
        self.constants: dict[int, TensorData] = {}
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.born: dict[int, int] = {}
        self.dies: dict[int, int] = {}
        self.could_overwrite: set[int] = set()
        self.cuts: dict[int, tuple[Size, ...]] = {}
        self.nodes: list[Node | None] = []
        self.terms: dict[Node, Node] = {}
        self.donated: list[int] = []
        self.moves = ""
        self.told: Final = told_by(graph)

    def append(self, step: Step) -> None:
        """Add a step, and see whose lives it begins or lengthens."""
        for index in (*step.inputs, *step.outputs, step.scratch):
            if index is not None and self.tensors[index].kind in ("arena", "dynamic"):
                root = self.root(index)
                self.born.setdefault(root, len(self.steps))
                self.dies[root] = len(self.steps)
        self.steps.append(step)

    def root(self, index: int) -> int:
        """Return the tensor whose bytes a tensor's bytes are: its root, or itself."""
        root = self.tensors[index].root
        return index if root is None else root


def lower(
    graph: Graph,
    order: Sequence[Node],
    backend: Backend,
    *,
    io: str = "external",
    share: bool = True,
    accumulate: bool = False,
    donate: Sequence[str] = (),
    calls: Mapping[Node, Call] | None = None,
) -> Lowered:
    """Lower the nodes in this order; raise one Error that lists everything whose memory cannot be planned.

    `io="arena"` copies inputs into the arena and outputs out of it. Without `share` nothing is done in place. With
    `accumulate` sums are computed by the kernels of their terms. `donate` names inputs to write over. `calls` are
    those of an earlier order.
    """
    if io not in ("external", "arena"):
        raise Error(f"io is {io!r}; it is 'external' or 'arena'")
    calls = calls_of(graph, order, backend) if calls is None else calls
    lowering = _Lowering(graph, io, share, Call(f"{backend.name}:copy/1", (), {}))
    if accumulate and share:
        order, calls, lowering.done.terms = accumulated(graph, order, calls)
    lowering.take_inputs(donate)
    lowering.count_reads(order, calls)
    for node in order:
        lowering.add(node, calls[node])
    lowering.give_outputs()
    return lowering.done


class _Lowering:
    def __init__(self, graph: Graph, io: str, share: bool, copy: Call) -> None:
        self.graph, self.io, self.share, self.copy = graph, io, share, copy
        self.done = Lowered(graph)
        self.done.moves = copy.kernel
        self.number: dict[Value, int] = {}
        self.reads: dict[Value, int] = {}
        self.content: dict[Value, Value] = {}
        self.wanted = {} if io == "arena" else _wanted_once(graph)

    def take_inputs(self, donate: Sequence[str]) -> None:
        unknown = sorted(set(donate) - {value.name for value in self.graph.inputs})
        if unknown:
            raise Error(f"there is no input {', '.join(unknown)} to give away")
        if donate and self.io == "arena":
            raise Error(
                f"{', '.join(donate)} cannot be given away with io='arena': inputs are copied into the arena, where "
                "they are written over after their last use anyway; leave out `donate`, or choose io='external'"
            )
        for value in self.graph.inputs:
            index = self._tensor("input", known_type(value), value.name)
            self.done.inputs.append(index)
            if value.name in donate:
                self.done.donated.append(index)
            self.number[value] = index
            if self.io == "arena":
                inside = self._tensor("arena", known_type(value), value.name)
                self._step(self.copy, [index], [inside], {}, f"{value.name} (in)")
                self.number[value] = inside

    def count_reads(self, order: Sequence[Node], calls: Mapping[Node, Call]) -> None:
        """Count, for each content, the steps that are still to read it; views show the content of what they view."""
        for node in order:
            if _is_view(node) and node.outputs[0] not in self.wanted:
                source = node.inputs[0]
                self.content[node.outputs[0]] = self.content.get(source, source)
                continue
            for value in dict.fromkeys(calls[node].inputs):
                if value is not ABSENT:
                    self._count(value, 1)
        for value in self.graph.outputs:
            if value not in self.wanted:
                self._count(value, 1)

    def _count(self, value: Value, change: int) -> int:
        content = self.content.get(value, value)
        left = self.reads[content] = self.reads.get(content, 0) + change
        return left

    def add(self, node: Node, call: Call) -> None:
        if node.outputs[0] in self.content:
            self._show(node)
            return
        reads = [None if value is ABSENT else self._read(value) for value in call.inputs]
        for value in dict.fromkeys(call.inputs):
            if value is not ABSENT:
                self._count(value, -1)
        over = self._overwritten(node, call)
        outputs = node.outputs if call.kernel != NO_KERNEL else [value for value in node.outputs if has_place(value)]
        writes = [self._write(value, over if i == 0 else None, call.allocates) for i, value in enumerate(outputs)]
        starts = cut_at(node) if self.share and not call.allocates else None
        if starts is not None and reads[0] == self.number.get(node.inputs[0]):
            self.done.cuts[len(self.done.steps)] = starts
        self._step(call, reads, writes, call.params, node.name or node.op.name, node)

    def _show(self, node: Node) -> None:
        shown = self._read(node.inputs[0])
        value, kind = node.outputs[0], self.done.tensors[shown].kind
        self.number[value] = self._add(Tensor(kind, known_type(value), value.name, self.done.root(shown), shown))

    def _read(self, value: Value) -> int:
        found = self.number.get(value)
        if found is not None:
            return found
        if not is_constant(value):
            kind = value.node.op.name
            raise Error(
                f"{value!r} is a {kind} that the graph does not list"
                if value.node.op is input
                else f"{kind} {value!r} cannot run yet"
            )
        index = self._tensor("constant", known_type(value), value.name)
        self.done.constants[index] = unpacked(value.node.params["data"])
        self.number[value] = index
        return index

    def _overwritten(self, node: Node, call: Call) -> int | None:
        """Return the tensor that output 0 may overwrite: of its type, in the arena, read here for the last time."""
        value = node.outputs[0]
        if not self.share or value in self.wanted or call.allocates:
            return None
        candidates = [call.inputs[i] for i in call.inplace if call.inputs[i].type is value.type]
        candidates = [source for source in candidates if self._is_ours(self.number[source])]
        if candidates:
            self.done.could_overwrite.add(len(self.done.steps))
        return next((self.number[source] for source in candidates if not self._count(source, 0)), None)

    def _is_ours(self, index: int) -> bool:
        """Say whether the bytes of a tensor may be written over once nobody reads them."""
        return self.done.tensors[index].kind == "arena" or self.done.root(index) in self.done.donated

    def _write(self, value: Value, over: int | None, allocates: bool) -> int:
        type = known_type(value)
        if (allocates or self._is_dynamic(type)) and value not in self.wanted:
            index = self.number[value] = self._tensor("dynamic", type, value.name)
            return index
        if value in self.wanted:
            index = self._tensor("output", type, self.wanted[value])
        elif over is None:
            index = self._tensor("arena", type, value.name)
        else:
            index = self._tensor(self.done.tensors[over].kind, type, value.name, self.done.root(over))
        self.number[value] = index
        return index

    def _is_dynamic(self, type: TensorType) -> bool:
        """Say whether the data decides a size, which no plan can know."""
        return any(name not in self.done.told for size in type.shape for name in names(size))

    def _tensor(self, kind: str, type: TensorType, name: str, root: int | None = None) -> int:
        return self._add(Tensor(kind, type, name, root))

    def _add(self, tensor: Tensor) -> int:
        self.done.tensors.append(tensor)
        return len(self.done.tensors) - 1

    def _step(
        self,
        call: Call,
        reads: Sequence[int | None],
        writes: Sequence[int],
        params: Mapping[str, Any],
        name: str,
        node: Node | None = None,
    ) -> None:
        workspace, scratch = self._workspace(call, reads, writes, params), None
        if workspace > WORKSPACE_LIMIT:
            scratch = self._tensor("arena", u8[workspace], f"{name} (workspace)")
        self.done.nodes.append(node)
        self.done.append(
            Step(
                call.kernel,
                reads,
                writes,
                params,
                workspace=workspace,
                scratch=scratch,
                allocates=call.allocates,
                name=name,
                inplace=[] if call.allocates else [i for i in call.inplace if reads[i] is not None],
                joins=call.joins and None not in reads,
            )
        )

    def _workspace(
        self, call: Call, reads: Sequence[int | None], writes: Sequence[int], params: Mapping[str, Any]
    ) -> int:
        """Ask the kernel for its workspace, in bytes; shapes with open dimensions are told as None."""
        if call.workspace is None:
            return 0
        types = [[None if i is None else self.done.tensors[i].type for i in some] for some in (writes, reads)]
        shapes = [[None if type is None else _static(type) for type in some] for some in types]
        first = next((type for type in (*types[1], *types[0]) if type is not None), None)
        item = 1 if first is None else max(first.dtype.bits // 8, 1)
        return call.workspace(shapes[0], shapes[1], item, dict(params))

    def give_outputs(self) -> None:
        """Give each wanted value its own memory: what several outputs want, or an input or a view, is copied."""
        for name, value in zip(self.graph.output_names, self.graph.outputs, strict=True):
            if self.wanted.get(value) == name:
                self.done.outputs.append(self.number[value])
                continue
            source = self._read(value)
            index = self._tensor("output", known_type(value), name)
            self._step(self.copy, [source], [index], {}, f"{name} (out)")
            self.done.outputs.append(index)


def _wanted_once(graph: Graph) -> dict[Value, str]:
    """Return the values that a step can write straight into the caller's memory, under the first name that asks."""
    wanted: dict[Value, str] = {}
    for name, value in zip(graph.output_names, graph.outputs, strict=True):
        if value.node.op is not input and value.node.op is not variable and not is_constant(value):
            wanted.setdefault(value, name)
    return wanted


def _is_view(node: Node) -> bool:
    """Say whether an output surely holds the bytes of the input; where sizes may differ, a kernel copies and checks."""
    if node.op is identity:
        return True
    return node.op in view and equal(known_type(node.inputs[0]).elements, known_type(node.outputs[0]).elements) is True


def _static(type: TensorType) -> tuple[int, ...] | None:
    shape = type.shape
    return shape if all(isinstance(size, int) for size in shape) else None  # type: ignore[return-value]
