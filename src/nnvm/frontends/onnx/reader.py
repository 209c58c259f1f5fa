"""How a model in ONNX becomes a graph, node for node."""

import os
from typing import Any, Final

import onnx

from nnvm.errors import Error
from nnvm.frontends.onnx import schemas
from nnvm.frontends.onnx.attributes import NESTED, OPAQUE, read_attribute
from nnvm.frontends.onnx.carried_types import carried_types
from nnvm.frontends.onnx.carry import CARRIED, NODES, Carried, captured_names, carry, foreign_operator, inner_operators
from nnvm.frontends.onnx.families import BY_TYPE
from nnvm.frontends.onnx.messages import bytes_of, parse, skeleton
from nnvm.frontends.onnx.older import modernise, readable
from nnvm.frontends.onnx.order import in_order
from nnvm.frontends.onnx.records import ONNX, POSITION, Header, Origin, read_provenance
from nnvm.frontends.onnx.rows import Read, Row, Use, make_constant, opaque
from nnvm.frontends.onnx.tensors import read_tensor
from nnvm.frontends.onnx.value_types import TypeReader, named_dims
from nnvm.ir import (
    ABSENT,
    EMPTY,
    ContainerType,
    Graph,
    Node,
    Op,
    Params,
    TensorData,
    TensorType,
    Value,
    collection_paused,
    constant,
    f32,
    i64,
    make,
    named_input,
    params,
    string,
    tensor_data,
)  # fmt: skip
from nnvm.ir.provenance import SOURCE, current_history
from nnvm.ir.types import Type

_SHOWN: Final = 12
_STANDARD: Final = ("", "ai.onnx")
_CONSTANTS: Final = frozenset((domain, "Constant") for domain in _STANDARD)


def read(source: str | os.PathLike[str] | bytes) -> Graph:
    """Return the graph in a file or in its bytes; raise one Error that lists what is wrong with it."""
    if isinstance(source, bytes):
        return _import(parse(source, "these bytes"), "these bytes", None)
    path = os.fspath(source)
    return _import(parse(bytes_of(path), path), path, os.path.dirname(os.path.abspath(path)))


def _import(model: onnx.ModelProto, where: str, folder: str | None) -> Graph:
    with collection_paused():
        try:
            reader = _Reader(model, folder, os.path.basename(where) if current_history() is not None else None)
            graph = reader.run()
        except Error as error:
            raise Error(f"{where}: {error}") from error
        except (TypeError, ValueError, OverflowError) as error:
            raise Error(
                f"{where}: malformed, a field holds what ONNX does not allow: {error}; export it again"
            ) from error
        if reader.wrong:
            more = f"; and {len(reader.wrong) - _SHOWN} more" if len(reader.wrong) > _SHOWN else ""
            count = f"{len(reader.wrong)} problems: " if len(reader.wrong) > 1 else ""
            raise Error(f"{where}: {count}" + "; ".join(reader.wrong[:_SHOWN]) + more)
        return graph


class _Reader:
    """One import: the names known so far, and what was found wrong."""

    def __init__(self, model: onnx.ModelProto, folder: str | None, told: str | None) -> None:
        self.model, self.folder, self.told = model, folder, told
        self.wrong: list[str] = []
        self.values: dict[str, Value] = {}
        self.imports = tuple((item.domain, item.version) for item in model.opset_import)
        self.opset = self._opset()
        functions = ((item, item.SerializeToString(deterministic=True)) for item in model.functions)
        self.functions = {(item.domain, item.name, item.overload): data for item, data in functions}
        self.carried_functions = tuple(self.functions.values())
        self.types = TypeReader(named_dims(model.graph))
        self.declared = {value.name: value.type for value in (*model.graph.value_info, *model.graph.output)}
        self.rows: dict[tuple[str, str], Row | None] = {}
        self.external = False

    def _opset(self) -> int:
        versions = [version for domain, version in self.imports if domain in _STANDARD]
        if len(set(versions)) > 1:
            raise Error(f"it asks for several opsets of ONNX at once: {versions}")
        if not self.imports and self.model.ir_version >= 3:
            raise Error("it names no operator set, so nothing says what its nodes mean; export it again")
        opset = versions[0] if versions else schemas.DEFAULT if self.imports else 1
        if not 1 <= opset <= schemas.NEWEST:
            known = f"the installed onnx knows 1 to {schemas.NEWEST}"
            raise Error(f"opset {opset} is not supported; {known}: upgrade onnx, or export again")
        return opset

    def run(self) -> Graph:
        graph = self.model.graph
        self._read_initializers()
        inputs = self._read_inputs()
        records = [(tuple(node.input), tuple(node.output), node) for node in graph.node]
        captures = {
            i: captured_names(node) for i, (_, _, node) in enumerate(records) if node.attribute and _has_subgraph(node)
        }
        order = in_order(records, captures, self.values.keys(), [value.name for value in graph.output])
        used = {name for names, _, _ in records for name in names} | {value.name for value in graph.output}
        used.update(name for names in captures.values() for name in names)
        read = self._read_node
        for i in order:
            names, outputs, node = records[i]
            read(i, node, names, outputs, captures.get(i, ()), used)
        if self.wrong:
            return Graph(())
        return self._finish(inputs)

    def _read_initializers(self) -> None:
        for tensor in self.model.graph.initializer:
            name = tensor.name
            if name in self.values or not name:
                self.wrong.append(f"two initializers are called {name!r}" if name else "an initializer has no name")
                continue
            hints = read_provenance(_metadata(tensor))[1] if tensor.metadata_props else {}
            self.values[name] = self._constant(tensor, name, hints)
        for sparse in self.model.graph.sparse_initializer:
            node = onnx.NodeProto(op_type="Constant", output=[sparse.values.name])
            attribute = node.attribute.add(name="sparse_value", type=onnx.AttributeProto.SPARSE_TENSOR)
            attribute.sparse_tensor.CopyFrom(sparse)
            self._carry(node, (), tuple(node.output), (), {})

    def _constant(self, tensor: onnx.TensorProto, name: str, hints: dict[str, Any]) -> Value:
        try:
            data = read_tensor(tensor, self.folder, name)
        except Error as error:
            self.wrong.append(str(error))
            data = tensor_data(0.0, f32[()])
        self.external |= tensor.data_location == onnx.TensorProto.EXTERNAL
        return make_constant(data, name, hints)

    def _read_inputs(self) -> tuple[Value, ...]:
        inputs = []
        for value in self.model.graph.input:
            known = self.values.get(value.name)
            if known is not None and known.node.op is constant:
                continue
            if known is not None or not value.name:
                self.wrong.append(f"two inputs are called {value.name!r}" if value.name else "an input has no name")
                continue
            self.values[value.name] = named_input(value.name, self._type(value.type, value.name))
            inputs.append(self.values[value.name])
        return tuple(inputs)

    def _type(self, proto: onnx.TypeProto | None, name: str) -> Type | None:
        try:
            return None if proto is None else self.types.read(proto, name)
        except Error as error:
            self.wrong.append(str(error))
            return None

    def _read_node(
        self,
        i: int,
        node: onnx.NodeProto,
        names: tuple[str, ...],
        outputs: tuple[str, ...],
        captured: tuple[str, ...],
        used: set[str],
    ) -> None:
        name = next(filter(None, outputs), "") or f"{node.op_type}_{i}"
        hints = _hints(i, node, outputs)
        if self.told is not None:
            hints[SOURCE] = self.told, i, node.name
        try:
            inputs = tuple([self.values[item] if item else ABSENT for item in names])
            key = (node.domain, node.op_type)
            if key in _CONSTANTS and self._read_constant(node, name, i):
                return
            row = self.rows[key] if key in self.rows else self._row(key)
            if row is not None and not captured:
                attributes = self._attributes(node, name) if node.attribute else {}
                needed = outputs if len(outputs) == 1 else tuple([item if item in used else "" for item in outputs])
                found = self._read(row, Use(key[1], self.opset, name, inputs, attributes, needed, used))
                if found is not None:
                    self._build(found, name, outputs, hints)
                    return
            self._carry(node, inputs, outputs, captured, hints)
        except Error as error:
            self.wrong.append(str(error))
            for output in outputs:
                self.values.setdefault(output, named_input(output))

    def _row(self, key: tuple[str, str]) -> Row | None:
        """Return the row of a domain and type, None for what is carried."""
        domain, type = key
        row = None
        if not (isinstance(domain, str) and isinstance(type, str)):
            raise Error(f"the operator of a node, {domain!r} {type!r}, is no UTF-8 text")
        if domain in _STANDARD and (domain, type, "") not in self.functions:
            version = schemas.since(type, self.opset)
            read = self.opset >= schemas.OLDEST or readable(type, self.opset)
            if version is not None and read and version <= schemas.VETTED:
                row = BY_TYPE.get(type)
        self.rows[key] = row
        return row

    def _read(self, row: Row, use: Use) -> Read | None:
        inputs = use.inputs
        if OPAQUE in use.attributes.values():
            return None
        if not inputs or inputs[0] is ABSENT:
            raise _lacks(use, row.ops[0])
        if self.types.containers and any([value.type.__class__ is ContainerType for value in inputs]):
            return None
        found = row.read(use) if self.opset >= schemas.OLDEST or modernise(use) else None
        if found is None:
            return None
        op, given, _ = found
        if isinstance(op.count, int) and len(use.outputs) > op.count and any(use.outputs[op.count :]):
            return None
        required = len(op.inputs) - len(op.optional) - op.variadic
        if len(given) < required or ABSENT in given[:required]:
            raise _lacks(use, op)
        if len(given) > len(op.inputs) and not op.variadic:
            raise Error(f"{use.type} {use.name!r} has {len(given)} inputs; it takes {', '.join(op.inputs)}")
        return found

    def _build(self, found: Read, name: str, outputs: tuple[str, ...], hints: dict[str, Any]) -> None:
        op, inputs, given = found
        while inputs and inputs[-1] is ABSENT:
            inputs = inputs[:-1]
        values = given if isinstance(given, Params) else params(given) if given else EMPTY
        types = op.infer(inputs, values, name)
        if len(types) == 1:
            type = types[0]
            if type is None or (isinstance(type, TensorType) and type.shape_or_none is None):
                type = self._type(self.declared.get(name), name) or type
            self._define(name, make(op, inputs, values, type, name, (), hints))
            return
        known = [
            self._type(self.declared.get(output), output) if type is None else type
            for output, type in zip(outputs, types, strict=False)
        ]
        node = Node(op, inputs, values, (*known, *types[len(known) :]), name, (), hints)
        for output, value in zip(outputs, node.outputs, strict=False):
            self._define(output, value)

    def _define(self, name: str, value: Value) -> None:
        if not name:
            return
        if name in self.values:
            raise Error(f"two nodes yield {name!r}: {self.values[name].node!r} and {value.node!r}")
        self.values[name] = value

    def _attributes(self, node: onnx.NodeProto, name: str) -> dict[str, Any]:
        return {item.name: read_attribute(item, self.folder, name) for item in node.attribute}

    def _read_constant(self, node: onnx.NodeProto, name: str, i: int) -> bool:
        """Read a Constant node; False for one that is carried (a sparse tensor, a reference)."""
        if len(node.attribute) != 1 or node.attribute[0].ref_attr_name:
            return False
        attribute = node.attribute[0]
        notes, kept = read_provenance(_metadata(node))
        hints = {POSITION: i, ONNX: Origin(node.name, (), node.doc_string, notes, True), **kept}
        if attribute.name == "value":
            self._define(name, self._constant(attribute.t, name, hints))
            return True
        value = read_attribute(attribute, self.folder, name)
        data = None if value is OPAQUE else _plain_constant(attribute.name, value)
        if data is not None:
            self._define(name, make_constant(data, name, hints))
        return data is not None

    def _carry(
        self,
        node: onnx.NodeProto,
        inputs: tuple[Value, ...],
        outputs: tuple[str, ...],
        captured: tuple[str, ...],
        hints: dict[str, Any],
    ) -> None:
        record = carry(node, self.imports, self.carried_functions, captured)
        types = [self._type(self.declared.get(output), output) if output else None for output in outputs]
        if None in types and not captured:
            given = self._attributes(node, node.name) if node.attribute and node.domain not in _STANDARD else {}
            found = carried_types(node, inputs, given, self.opset, self.types)
            types = [was or (now if output else None) for was, now, output in zip(types, found, outputs, strict=True)]
        op = foreign_operator("" if node.domain in _STANDARD else node.domain, node.op_type, node.overload)
        name = next(filter(None, outputs), "") or None
        taken = tuple(self.values[item] for item in captured)
        made = Node(op, (*inputs, *taken), carried_params(node, record), types, name, (), hints)
        for output, value in zip(outputs, made.outputs, strict=True):
            self._define(output, value)

    def _finish(self, inputs: tuple[Value, ...]) -> Graph:
        graph = self.model.graph
        missing = [value.name for value in graph.output if value.name not in self.values]
        if missing:
            raise Error(f"the outputs {missing} of the graph are made by no node")
        if len({value.name for value in graph.output}) != len(graph.output):
            raise Error("two outputs of the graph share a name")
        outputs = [self.values[value.name] for value in graph.output]
        fed = tuple(value.name for value in graph.input if self.values[value.name].node.op is constant)
        ports = {("input", value.name): (self.values[value.name].type, _typed(value)) for value in graph.input}
        ports |= {("output", value.name): (self.values[value.name].type, _typed(value)) for value in graph.output}
        names = [value.name for value in graph.output]
        title = graph.name
        hints = read_provenance(_metadata(self.model))[1]
        header = Header(skeleton(self.model), self.opset, ports, self.types.taken, fed, self.external)
        return Graph(outputs, inputs, output_names=names, name=title or "main", hints={ONNX: header, **hints})


def carried_params(node: onnx.NodeProto, record: Carried) -> Params:
    """Return the params of a node that is carried: the record, and what its sub-graphs hold, under our names."""
    values: dict[str, Any] = {CARRIED: record}
    counts: dict[str, int] = {}
    for (domain, type), count in inner_operators(node).items():
        row = BY_TYPE.get(type) if domain in _STANDARD else None
        name = row.ops[0].name if row is not None and row.ops else foreign_operator(domain, type).name
        counts[name] = counts.get(name, 0) + count
    if counts:
        values[NODES] = dict(sorted(counts.items()))
    return opaque(values)


def _lacks(use: Use, op: Op[..., Any]) -> Error:
    required = [name for name in op.inputs if name not in op.optional]
    return Error(f"{use.type} {use.name!r} lacks an input: it needs {', '.join(required)}")


def _typed(value: onnx.ValueInfoProto) -> bytes:
    return bytes(value.SerializeToString(deterministic=True))


def _has_subgraph(node: onnx.NodeProto) -> bool:
    return any([attribute.type in NESTED for attribute in node.attribute])


def _hints(i: int, node: onnx.NodeProto, outputs: tuple[str, ...]) -> dict[str, Any]:
    name, doc, metadata = node.name, node.doc_string, node.metadata_props
    if not (isinstance(name, str) and isinstance(doc, str)):
        raise Error(f"node {i} has a name or a note that is no UTF-8 text")
    if len(outputs) == 1 and not (name or doc or metadata):
        return {POSITION: i}
    several = outputs if len(outputs) > 1 else ()
    notes, hints = read_provenance(_metadata(node)) if metadata else ((), {})
    return {POSITION: i, ONNX: Origin(name, several, doc, notes), **hints}


def _metadata(node: onnx.NodeProto | onnx.TensorProto | onnx.ModelProto) -> tuple[tuple[str, str], ...]:
    return tuple((item.key, item.value) for item in node.metadata_props)


def _plain_constant(name: str, value: Any) -> TensorData | None:
    match name:
        case "value_float":
            return tensor_data(value, f32[()])
        case "value_int":
            return tensor_data(value, i64[()])
        case "value_floats":
            return tensor_data(value, f32[len(value)])
        case "value_ints":
            return tensor_data(value, i64[len(value)])
        case "value_string" if isinstance(value, str):
            return TensorData(string[()], (value.encode(),))
        case "value_strings" if isinstance(value, tuple):
            return TensorData(string[len(value)], tuple(text.encode() for text in value))
    return None
