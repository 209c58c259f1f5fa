"""How a graph becomes a model in ONNX, node for node."""

from collections.abc import Sequence
from typing import Any, Final

import onnx

from nnvm.attrs import pieces
from nnvm.errors import Error
from nnvm.frontends.onnx import schemas
from nnvm.frontends.onnx.arrange import arranged
from nnvm.frontends.onnx.attributes import write_attribute
from nnvm.frontends.onnx.carry import CARRIED, Carried, inner_names, is_carried, rename_captured, subgraphs
from nnvm.frontends.onnx.families import BY_OP
from nnvm.frontends.onnx.names import Names
from nnvm.frontends.onnx.older import unchanged
from nnvm.frontends.onnx.ports import known_dims, write_ports
from nnvm.frontends.onnx.records import ONNX, Header, Origin, write_provenance
from nnvm.frontends.onnx.rows import Written, too_old
from nnvm.frontends.onnx.tensors import describe_tensor, write_tensor
from nnvm.frontends.onnx.value_types import write_type
from nnvm.ir import (
    ABSENT,
    Graph,
    Node,
    Op,
    TensorData,
    Value,
    collection_paused,
    constant,
    i64,
    input,
    tensor_data,
    uses,
    variable,
)
from nnvm.passes import cse
from nnvm.passes.decompose import decompose_where

SMALL: Final = 1024
"""Constant data of at most so many bytes is always written where it is used."""
_FILLED: Final = frozenset(
    ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
)


class Model:
    """A model without the data of its initializers, and that data beside it."""

    __slots__ = ("proto", "tensors")

    def __init__(self, proto: onnx.ModelProto, tensors: list[tuple[onnx.TensorProto, TensorData]]) -> None:
        self.proto, self.tensors = proto, tensors


def build(graph: Graph, opset: int | None, *, outside: bool = False) -> Model:
    """Return a graph as a model; with `outside`, large constants are initializers, whose data may lie in another file.

    Raises Error where the opset cannot say what the graph says.
    """
    with collection_paused():
        return _Writer(graph, opset, outside).run()


def header_of(graph: Graph) -> Header | None:
    """Return what the file that a graph came from said, or None for one from elsewhere."""
    found = graph.hints.get(ONNX)
    return found if isinstance(found, Header) else None


def can_say(graph: Graph, op: Op[..., Any]) -> bool:
    """Say whether the opset that a graph came with has an operator; one from elsewhere is saved with what it needs."""
    header = header_of(graph)
    row = BY_OP.get(op)
    return header is None or (row is not None and schemas.since(row.type, header.opset) is not None)


class _Writer:
    """One export: the names given, and which constants turned out to be needed."""

    def __init__(self, graph: Graph, opset: int | None, outside: bool) -> None:
        self.graph, self.outside = graph, outside
        self.header = header_of(graph)
        self.nodes = arranged(graph)
        self.opset = self._choose_opset(opset)
        self._decompose()
        self.carried = {node: _record(node) for node in self.nodes if is_carried(node.op)}
        self.prototypes = {node: onnx.NodeProto.FromString(record.node) for node, record in self.carried.items()}
        reserved = {name for prototype in self.prototypes.values() for name in inner_names(prototype)}
        self.names = Names(self.graph, reserved)
        self.needed: set[Value] = set()
        self.titles: set[str] = set()
        self.limits: dict[str, tuple[frozenset[str], int]] = {}
        self.tensors: list[tuple[onnx.TensorProto, TensorData]] = []

    def _choose_opset(self, wanted: int | None) -> int:
        if wanted is None and self.header is not None:
            return self._raised(self.header.opset)
        if wanted is None:
            types = {BY_OP[node.op].type for node in self.nodes if node.op in BY_OP}
            return max([schemas.DEFAULT, *map(schemas.first, types)])
        if not schemas.OLDEST <= wanted <= schemas.NEWEST:
            raise Error(f"opset {wanted} cannot be written; choose one from {schemas.OLDEST} to {schemas.NEWEST}")
        return wanted

    def _raised(self, opset: int) -> int:
        """Return an opset, raised to the oldest that the tables write where an operator of ours has changed since."""
        if opset >= schemas.OLDEST:
            return opset
        types = {BY_OP[node.op].type for node in self.nodes if node.op in BY_OP}
        return opset if all(unchanged(type, opset) for type in types) else schemas.OLDEST

    def _decompose(self) -> None:
        """Spell out what the opset does not have yet, where simpler operators can."""

        def is_new(node: Node) -> bool:
            return schemas.since(BY_OP[node.op].type, self.opset) is None

        if not any(node.op in pieces and node.op in BY_OP and is_new(node) for node in self.nodes):
            return
        self.graph = cse(decompose_where(self.graph, lambda node: node.op in BY_OP and is_new(node)))
        self.nodes = arranged(self.graph)

    def run(self) -> Model:
        for node in self.nodes:
            if node.op is input and node.outputs[0] not in self.names.of:
                listed = [value.name for value in self.graph.inputs]
                raise Error(f"{node!r} is an input that the graph does not list; its inputs are {listed}")
            self.names.add(node)
        planned = [(node, self._plan(node)) for node in self.nodes if node.op is not constant and node.op is not input]
        self.needed.update(value for _, value in self.names.twins)
        self.needed.update(value for value in self.graph.outputs)
        written = dict(planned)
        proto = self._start()
        for node in self.nodes:
            if node.op is constant:
                if node.outputs[0] in self.needed:
                    self._write_constant(proto.graph, node)
            elif node.op is not input:
                self._write_node(proto.graph, node, written[node])
        for name, value in self.names.twins:
            proto.graph.node.add(op_type="Identity", input=[self.names.of[value]], output=[name])
        write_ports(proto, self.graph, self.header)
        self._write_carried_types(proto.graph)
        self._annotate(proto.graph)
        return Model(proto, self.tensors)

    def _plan(self, node: Node) -> Written | None:
        """Ask the row of a node what to write, None for one that is carried, and note which constants that needs."""
        if node in self.carried:
            self._check_carried(node)
            self.needed.update(node.inputs)
            return None
        row = BY_OP.get(node.op)
        if row is None:
            cure = "bind its state as a constant" if node.op is variable else "rewrite it with operators that ONNX has"
            raise Error(f"{node!r} cannot be written: ONNX has nothing for operator {node.op.name}; {cure}")
        written = row.write(node, self.opset)
        if schemas.since(written.type, self.opset) is None:
            raise too_old(node, row.type, self.opset, schemas.first(row.type), f"there is no {row.type} yet")
        self._check_written(node, written)
        self.needed.update([value for value in written.inputs if isinstance(value, Value)])
        return written

    def _check_written(self, node: Node, written: Written) -> None:
        """Refuse an attribute or an input that this opset does not have yet."""
        type, opset = written.type, self.opset
        if type not in self.limits:
            self.limits[type] = schemas.attributes(type, opset), schemas.most_inputs(type, opset)
        known, most = self.limits[type]
        if written.attributes.keys() <= known and len(written.inputs) <= most:
            return
        unknown = written.attributes.keys() - known
        count = len(self._inputs(written.inputs))
        if unknown or count > most:
            since = schemas.first_with(type, opset, frozenset(written.attributes), count)
            what = f"attribute {min(unknown)!r}" if unknown else f"{count} inputs"
            raise too_old(node, type, opset, since, f"{type} has no {what} yet")

    def _check_carried(self, node: Node) -> None:
        """Refuse another opset where the operator changed in between."""
        prototype = self.prototypes[node]
        was = next((version for domain, version in self.carried[node].imports if domain in ("", "ai.onnx")), self.opset)
        if was == self.opset:
            return
        own = prototype.domain in ("", "ai.onnx")
        moved = own and schemas.since(prototype.op_type, was) != schemas.since(prototype.op_type, self.opset)
        if moved or next(subgraphs(prototype), None) is not None:
            change = f"from opset {was} and may mean something else at opset {self.opset}"
            raise Error(f"{node!r} is carried {change}; save with opset={was}")

    def _start(self) -> onnx.ModelProto:
        proto = onnx.ModelProto()
        if self.header is not None:
            proto.ParseFromString(self.header.model)
        else:
            proto.producer_name = "nnvm"
        self._write_imports(proto)
        known = {(function.domain, function.name, function.overload) for function in proto.functions}
        for record in self.carried.values():
            for data in record.functions:
                function = onnx.FunctionProto.FromString(data)
                key = (function.domain, function.name, function.overload)
                if key not in known:
                    known.add(key)
                    proto.functions.append(function)
        proto.graph.name = self.graph.name
        _keep_vanished(proto, self.graph)
        standard = [item for item in proto.opset_import if item.domain == ""]
        oldest = onnx.helper.find_min_ir_version_for(standard, ignore_unknown=True)
        if self.header is None or (self.opset != self.header.opset and proto.ir_version < oldest):
            proto.ir_version = max(oldest, 8)
        return proto

    def _write_imports(self, proto: onnx.ModelProto) -> None:
        versions = {"" if item.domain == "ai.onnx" else item.domain: item.version for item in proto.opset_import}
        for record in self.carried.values():
            for domain, version in record.imports:
                versions.setdefault("" if domain == "ai.onnx" else domain, version)
        versions[""] = self.opset
        proto.ClearField("opset_import")
        for domain, version in versions.items():
            proto.opset_import.add(domain=domain, version=version)

    def _write_constant(self, graph: onnx.GraphProto, node: Node) -> None:
        data: TensorData = node.params["data"]
        value = node.outputs[0]
        name = self.names.of[value]
        origin = node.hints.get(ONNX) if node.hints else None
        large = data.nbytes > SMALL
        if data.repeats and large and data.dtype.name in _FILLED and self.opset >= 9:
            shape = self.names.fresh(f"{name}.shape")
            self._initialise(graph, shape, tensor_data(data.shape, i64[len(data.shape)]))
            made = graph.node.add(op_type="ConstantOfShape", input=[shape], output=[name])
            write_attribute(made.attribute.add(), "value", TensorData(data.dtype[1], _one(data)))
        elif isinstance(origin, Origin) and origin.constant and not (large and self.outside):
            made = graph.node.add(op_type="Constant", output=[name], name=self._title(origin.name))
            attribute = made.attribute.add(name="value", type=onnx.AttributeProto.TENSOR)
            write_tensor(attribute.t, data, "")
            _write_notes(made, origin)
        else:
            tensor = self._initialise(graph, name, data)
            if node.hints:
                _write_provenance(tensor, node)

    def _initialise(self, graph: onnx.GraphProto, name: str, data: TensorData) -> onnx.TensorProto:
        tensor: onnx.TensorProto = graph.initializer.add()
        if data.nbytes > SMALL and not isinstance(data.source, tuple):
            describe_tensor(tensor, data, name)
            self.tensors.append((tensor, data))
        else:
            write_tensor(tensor, data, name)
        return tensor

    def _title(self, name: str) -> str:
        """Return a node's own name, where no other node has it."""
        if name in self.titles:
            return ""
        self.titles.add(name)
        return name

    def _write_node(self, graph: onnx.GraphProto, node: Node, written: Written | None) -> None:
        origin = node.hints.get(ONNX) if node.hints else None
        known = origin if isinstance(origin, Origin) else None
        name = self._title(known.name) if known is not None and known.name else None
        if written is None:
            made = graph.node.add(name=name)
            self._write_carried(made, node)
        else:
            inputs, outputs = self._inputs(written.inputs), self._outputs(node, written.type, known)
            made = graph.node.add(op_type=written.type, input=inputs, output=outputs, name=name)
            for key, value in written.attributes.items():
                write_attribute(made.attribute.add(), key, value)
        if known is not None and (known.doc or known.metadata):
            _write_notes(made, known)
        if node.hints:
            _write_provenance(made, node)

    def _inputs(self, inputs: Sequence[Value | str]) -> list[str]:
        of = self.names.of
        found = [value if isinstance(value, str) else "" if value is ABSENT else of[value] for value in inputs]
        while found and not found[-1]:
            found.pop()
        return found

    def _outputs(self, node: Node, type: str, origin: Origin | None) -> list[str]:
        of = self.names.of
        if len(node.outputs) == 1:
            return [of[node.outputs[0]]]
        optional = schemas.optional_outputs(type, self.opset)
        named = () if origin is None else origin.outputs
        found = []
        for i, value in enumerate(node.outputs):
            wanted = i not in optional or value in uses(self.graph) or (i < len(named) and named[i])
            found.append(of[value] if wanted else "")
        while found and not found[-1]:
            found.pop()
        return found

    def _write_carried(self, made: onnx.NodeProto, node: Node) -> None:
        record = self.carried[node]
        prototype = self.prototypes[node]
        own = len(node.inputs) - len(record.captured)
        of = self.names.of
        captured = {name: of[value] for name, value in zip(record.captured, node.inputs[own:], strict=True)}
        rename_captured(prototype, captured)
        made.MergeFrom(prototype)
        made.input.extend(["" if value is ABSENT else of[value] for value in node.inputs[:own]])
        made.output.extend(["" if i in record.skipped else of[value] for i, value in enumerate(node.outputs)])

    def _write_carried_types(self, graph: onnx.GraphProto) -> None:
        """Say the types of what carried nodes yield, which a reader could not infer."""
        said = set(self.graph.outputs)
        known = known_dims(self.header)
        for node in self.carried:
            for value in node.outputs:
                if value.type is not None and value not in said:
                    write_type(graph.value_info.add(name=self.names.of[value]).type, value.type, known)

    def _annotate(self, graph: onnx.GraphProto) -> None:
        """Keep the quantization annotations of tensors that are still there."""
        if not graph.quantization_annotation:
            return
        kept = [item for item in graph.quantization_annotation if item.tensor_name in self.names.taken]
        graph.ClearField("quantization_annotation")
        graph.quantization_annotation.extend(kept)


def _record(node: Node) -> Carried:
    record = node.params[CARRIED]
    assert isinstance(record, Carried)
    return record


def _one(data: TensorData) -> bytes:
    """Return the bytes of the element that repeated data repeats."""
    source = data.source
    assert isinstance(source, (bytes, memoryview))
    return bytes(source)


def _write_notes(made: onnx.NodeProto, origin: Origin) -> None:
    if origin.doc:
        made.doc_string = origin.doc
    for key, value in origin.metadata:
        made.metadata_props.add(key=key, value=value)


def _write_provenance(made: onnx.NodeProto | onnx.TensorProto, node: Node) -> None:
    for key, text in write_provenance(node.hints):
        made.metadata_props.add(key=key, value=text)


def _keep_vanished(proto: onnx.ModelProto, graph: Graph) -> None:
    known = {item.key: item for item in proto.metadata_props}
    for key, text in write_provenance(graph.hints):
        if key in known:
            known[key].value = text
        else:
            proto.metadata_props.add(key=key, value=text)
