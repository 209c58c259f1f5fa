"""What a row of the tables is: one ONNX operator, one of ours, and how attributes become params and back."""

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Final, TypeAlias

from nnvm.errors import Error
from nnvm.frontends.onnx import schemas
from nnvm.frontends.onnx.attributes import single
from nnvm.ir import ABSENT, EMPTY, Node, Op, Params, TensorData, Value, constant, data_of, i64, make, tensor_data

Read: TypeAlias = tuple[Op[..., Any], tuple[Value, ...], Mapping[str, Any]]


class Use:
    """One node of a file, to be read: its values, attributes, the opset, and its outputs, "" where nothing uses one."""

    __slots__ = ("attributes", "inputs", "name", "opset", "outputs", "taken", "type")

    def __init__(
        self,
        type: str,
        opset: int,
        name: str,
        inputs: tuple[Value, ...],
        attributes: dict[str, Any],
        outputs: tuple[str, ...],
        taken: Container[str] = (),
    ) -> None:
        self.type, self.opset, self.name, self.inputs = type, opset, name, inputs
        self.attributes, self.outputs, self.taken = attributes, outputs, taken

    def input(self, i: int) -> Value:
        """Return an input, ABSENT where it was left out."""
        return self.inputs[i] if i < len(self.inputs) else ABSENT

    def constant(self, data: TensorData, what: str) -> Value:
        """Make an input of what the file holds as an attribute."""
        name = f"{self.name}.{what}"
        return make_constant(data, None if name in self.taken else name, EMPTY)

    def ints(self, name: str) -> Value:
        """Make an input of an attribute that lists whole numbers, ABSENT where there is none."""
        values = self.attributes.get(name)
        if values is None:
            return ABSENT
        if not isinstance(values, tuple):
            raise Error(f"{self.type} {self.name!r}: its attribute {name!r} lists whole numbers, not {values!r}")
        return self.constant(tensor_data(values, i64[len(values)]), name)

    def needs(self, i: int) -> bool:
        """Say whether anything uses an output."""
        return i < len(self.outputs) and self.outputs[i] != ""


def make_constant(data: TensorData, name: str | None, hints: Mapping[str, Any]) -> Value:
    """Make a constant."""
    return make(constant, (), opaque({"data": data}), data.tensor, name, (), hints)


def opaque(values: Mapping[str, Any]) -> Params:
    """Return params that hold something other than literals, without the pains that sharing equal ones takes."""
    made = Params(values)
    made.literal = False
    return made


class Written:
    """One node for a file: operator, inputs as values or names ("" for none), attributes."""

    __slots__ = ("attributes", "inputs", "type")

    def __init__(self, type: str, inputs: "Iterable[Value | str]", attributes: Mapping[str, Any]) -> None:
        self.type, self.inputs, self.attributes = type, tuple(inputs), attributes


Reader: TypeAlias = Callable[[Use], Read | None]
"""Returns None for a use that the operator of ours does not cover; it is carried then."""
Writer: TypeAlias = Callable[[Node, int], Written]
"""From a node of ours and an opset to a node for the file; raises Error where that opset cannot say it."""


class Attribute:
    """How an attribute becomes a param: under which name, and what it is where the file leaves it out."""

    __slots__ = ("convert", "default", "param", "restore")

    def __init__(self, param: str, default: Any, convert: Callable[[Any], Any], restore: Callable[[Any], Any]) -> None:
        self.param, self.default, self.convert, self.restore = param, default, convert, restore


class Required:
    """Marks an attribute that has no default."""


REQUIRED: Final = Required()


def named(param: str, default: Any = None) -> tuple[str, Any]:
    """Say that a param has another name than its attribute."""
    return param, default


class Row:
    """One ONNX operator: the operators of ours that it may become, a reader and a writer."""

    __slots__ = ("ops", "read", "type", "write")

    def __init__(self, type: str, ops: "Op[..., Any] | tuple[Op[..., Any], ...]", read: Reader, write: Writer) -> None:
        self.type, self.read, self.write = type, read, write
        self.ops = ops if isinstance(ops, tuple) else (ops,)


def row(type: str, op: Op[..., Any], attributes: Mapping[str, Any] | None = None) -> Row:
    """Return the row of an operator whose inputs are ours one by one.

    `attributes` gives the default of each, whose type is the param's; `named(param, default)` where the names differ,
    REQUIRED or None for a whole number without a default.
    """
    columns = {name: _attribute(name, given) for name, given in (attributes or {}).items()}

    def read(use: Use) -> Read | None:
        if not columns:
            return None if use.attributes else (op, use.inputs, {})
        found = read_params(columns, use)
        return None if found is None else (op, use.inputs, found)

    def write(node: Node, opset: int) -> Written:
        return Written(type, node.inputs, write_params(columns, node.params) if columns else {})

    return Row(type, op, read, write)


def columns_of(attributes: Mapping[str, Any]) -> dict[str, Attribute]:
    """Return how attributes become params, for readers and writers made by hand; see `row`."""
    return {name: _attribute(name, given) for name, given in attributes.items()}


def read_params(columns: Mapping[str, Attribute], use: Use) -> dict[str, Any] | None:
    """Return params from attributes, or None where there is an attribute that the columns do not know."""
    given = use.attributes
    if not given.keys() <= columns.keys():
        return None
    params = {}
    for name, column in columns.items():
        if name in given:
            try:
                params[column.param] = column.convert(given[name])
            except (TypeError, ValueError) as error:
                raise Error(f"{use.type} {use.name!r}: its attribute {name!r} cannot be {given[name]!r}") from error
        elif column.default is REQUIRED:
            raise Error(f"{use.type} {use.name!r} lacks its attribute {name!r}, which has no default")
        else:
            params[column.param] = column.default
    return params


def write_params(columns: Mapping[str, Attribute], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes from params; what is the default is left out."""
    found = {}
    for name, column in columns.items():
        value = params[column.param]
        if value is None:
            continue
        if isinstance(value, float):
            value = single(value)
        if value != column.default:
            found[name] = column.restore(value)
    return found


def _attribute(name: str, given: Any) -> Attribute:
    renamed = isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str)
    param, default = given if renamed else (name, given)
    if isinstance(default, bool):
        return Attribute(param, default, bool, int)
    if isinstance(default, float):
        return Attribute(param, single(default), float, float)
    return Attribute(param, default, _same, _same)


def _same(value: Any) -> Any:
    return value


def constant_ints(node: Node, i: int, type: str, opset: int, since: int) -> tuple[int, ...] | None:
    """Return the whole numbers in a constant input that this opset wants as an attribute, None where it is absent.

    Raises Error where it is computed: only from opset `since` on may it be.
    """
    value = node.inputs[i] if i < len(node.inputs) else ABSENT
    if value is ABSENT:
        return None
    data = data_of(value)
    if data is None:
        raise too_old(node, type, opset, since, f"its input {value.name!r} is computed, which needs a newer {type}")
    return tuple(int(item) for item in data.values())


def too_old(node: Node, type: str, opset: int, since: int | None, why: str) -> Error:
    """Return the Error of a node that an opset cannot say; `since` is the first that can, None where there is none."""
    if since is None:
        cure = f"rewrite the node; no opset up to {schemas.NEWEST}, which the installed onnx knows, can say it"
    else:
        cure = f"save with opset={since}" + (" or newer" if since > opset else "")
    return Error(f"{node!r} cannot be written at opset {opset}: {why}; {cure}")
