"""What a param, a type or a dimension in a text stands for, read off Python's syntax tree and never executed."""

import ast
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from nnvm.errors import Error
from nnvm.ir.dims import UNKNOWN, Dim, Size, dim, larger, smaller
from nnvm.ir.formats.text import DIM_NAME
from nnvm.ir.graph import Graph
from nnvm.ir.tensor_data import TensorData, tensor_data
from nnvm.ir.types import DTYPES, DType, TensorType, Type, container_type, tensor_type

_DTYPES: Final[Mapping[str, DType]] = {repr(each): each for each in DTYPES.values()}
_NAMES: Final[Mapping[str, Any]] = {**_DTYPES, "nan": float("nan"), "inf": float("inf"), "UNKNOWN": UNKNOWN}
_CONTAINERS: Final = ("sequence", "optional", "map", "opaque", "sparse")
_SUMS: Final[Mapping[type[ast.operator], Callable[[Size, Size], Size]]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
}
_MOST_TERMS: Final = 4096
"""Terms of a product before like ones are added: a short text of sums in brackets would make more than memory holds."""


class Place(Exception):
    """What is wrong, and at which piece of syntax; `parse` turns it into an Error with line and column."""

    def __init__(self, node: ast.AST, message: str) -> None:
        super().__init__(message)
        self.node = node


def refuse(node: ast.AST, message: str) -> NoReturn:
    """Raise what is wrong with a piece of syntax."""
    raise Place(node, message)


class Literals:
    """Reads literals; `data` holds the large constants by their key, `kinds` what else may be made of literals."""

    def __init__(self, data: Mapping[str, TensorData], kinds: Mapping[str, Callable[..., Any]]) -> None:
        self.data, self.kinds = data, kinds
        self.sizes: dict[str, Size] = {}

    def value(self, node: ast.AST, graphs: Mapping[str, Graph]) -> Any:
        """Return what a param stands for."""
        match node:
            case ast.Constant(value=found):
                return found
            case ast.Name(id=name):
                if name in graphs:
                    return graphs[name]
                if name in _NAMES:
                    return _NAMES[name]
                refuse(node, f"{name} is neither a literal, a type nor a function defined above")
            case ast.Tuple(elts=items):
                return tuple([self.value(item, graphs) for item in items])
            case ast.List(elts=items):
                return [self.value(item, graphs) for item in items]
            case ast.Dict(keys=keys, values=values) if None not in keys:
                pairs = zip(keys, values, strict=True)
                return _dict(node, [(self.value(k, graphs), self.value(v, graphs)) for k, v in pairs if k])
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                found = self.value(operand, graphs)
                if isinstance(found, (int, float, Dim)) and not isinstance(found, bool):
                    return -found
                refuse(node, "only a number has a sign")
            case ast.BinOp():
                return self.size(node)
            case ast.Subscript():
                return self.type(node)
            case ast.Call():
                return self.call(node)
        refuse(node, "a param is a literal; nothing is executed")

    def call(self, node: ast.Call) -> Any:
        """Return what a call stands for: data, a dimension, a complex number or a NaN of certain bits."""
        if isinstance(node.func, ast.Subscript) and len(node.args) == 1 and not node.keywords:
            return self.tensor(node, node.args[0])
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("dim", "max", "min"):
            return self.size(node)
        if node.keywords:
            refuse(node, "such a call takes no keywords")
        found = [self.value(each, {}) for each in node.args]
        if name == "complex" and len(found) == 2 and all(isinstance(each, float) for each in found):
            return complex(*found)
        if name == "nan" and len(found) == 1 and isinstance(found[0], bytes) and len(found[0]) == 8:
            return struct.unpack(">d", found[0])[0]
        if name in self.kinds:
            try:
                return self.kinds[name](*found)
            except (TypeError, ValueError) as error:
                raise Place(node, f"this is no {name}: {error}") from error
        refuse(node, f"a param is a literal, and {ast.unparse(node.func)}(...) is none: nothing is executed")

    def tensor(self, node: ast.Call, held: ast.expr) -> TensorData:
        """Return constant data: `f32[2]([1.0, 2.0])`, one number for all, bytes, or a key into `data`."""
        type = self.type(node.func)
        if not isinstance(type, TensorType):
            refuse(node.func, "data has the type of a tensor")
        found = self.value(held, {})
        try:
            if isinstance(found, str):
                return self.keyed(held, type, found)
            if isinstance(found, list) and type.dtype.kind == "string":
                return TensorData(type, tuple(found))
            if isinstance(found, bytes):
                return _of_bytes(type, found)
            return tensor_data(found, type)
        except (Error, TypeError, ValueError) as error:
            refuse(held, str(error))

    def keyed(self, node: ast.AST, type: TensorType, key: str) -> TensorData:
        """Return data by its key."""
        found = self.data.get(key)
        if found is None:
            refuse(node, f"there is no data under {key!r}; give it: parse(text, data={{key: TensorData}})")
        if found.tensor is not type:
            refuse(node, f"the data under this key is {found.tensor}, not {type}")
        return found

    def type(self, node: ast.AST) -> Type | None:
        """Return a type, or None where it stands for one that is not known."""
        wrappers = []
        while isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id not in _DTYPES:
            if node.value.id not in _CONTAINERS:
                refuse(node.value, f"{node.value.id} is no element type; the types are {', '.join(_DTYPES)}")
            wrappers.append(node.value.id)
            node = node.slice
        found: Type | None = self.plain_type(node)
        for wrapper in reversed(wrappers):
            found = container_type(wrapper, found)
        return found

    def plain_type(self, node: ast.AST) -> TensorType | None:
        """Return the type of a tensor, or None."""
        if isinstance(node, ast.Constant) and node.value is None:
            return None
        if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
            refuse(node, "this is no type; one reads f32[2, 'n']")
        if isinstance(node.slice, ast.Constant) and node.slice.value is ...:
            return tensor_type(_DTYPES[node.value.id], None)
        sizes = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        try:
            return tensor_type(_DTYPES[node.value.id], tuple([self.size(size) for size in sizes]))
        except Error as error:
            refuse(node.slice, str(error))

    def size(self, node: ast.AST) -> Size:
        """Return a dimension: a number, None, an expression in a string, or arithmetic over `dim('name')`."""
        match node:
            case ast.Constant(value=None):
                return UNKNOWN
            case ast.Constant(value=int(found)) if not isinstance(found, bool):
                return found
            case ast.Constant(value=str(text)):
                return self.expression(node, text)
            case ast.Name(id="UNKNOWN"):
                return UNKNOWN
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return 0 - self.size(operand)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _SUMS:
                first, second = self.size(left), self.size(right)
                if _terms(first) * _terms(second) > _MOST_TERMS:
                    refuse(node, f"a product of over {_MOST_TERMS} terms is no dimension")
                try:
                    return _SUMS[type(operator)](first, second)
                except ZeroDivisionError as error:
                    refuse(node, str(error))
            case ast.Call(func=ast.Name(id="dim"), args=[ast.Constant(value=str(name))], keywords=[]):
                return dim(name)
            case ast.Call(func=ast.Name(id="max" | "min" as name), args=[first, *rest], keywords=[]) if rest:
                extreme = self.size(first)
                for part in rest:
                    extreme = (larger if name == "max" else smaller)(extreme, self.size(part))
                return extreme
        refuse(node, "this is no dimension: a number, None, or an expression such as '2*n + 1'")

    def expression(self, node: ast.AST, text: str) -> Size:
        """Return the dimension that a string spells."""
        known = self.sizes.get(text)
        if known is None:
            if DIM_NAME.fullmatch(text):
                known = dim(text)
            else:
                try:
                    known = self.size(ast.parse(_spell(text), mode="eval").body)
                except (SyntaxError, ValueError, Place, RecursionError, MemoryError) as error:
                    cure = f"a name of other characters reads dim({text!r})"
                    raise Place(node, f"{text!r} is no expression over dimensions; {cure}") from error
            self.sizes[text] = known
        return known


def _spell(text: str) -> str:
    """Return an expression with every name as `dim('name')`."""

    def name(match: Any) -> str:
        found = match.group()
        is_call = found in ("max", "min") and text[match.end() : match.end() + 1] == "("
        return found if is_call else f"dim({found!r})"

    return DIM_NAME.sub(name, text)


def _terms(size: Size) -> int:
    return 1 if isinstance(size, int) or size.terms is None else len(size.terms)


def _of_bytes(type: TensorType, found: bytes) -> TensorData:
    try:
        return TensorData(type, found)
    except Error:
        if len(found) != max(1, type.dtype.bits // 8):
            raise
        return TensorData(type, found, repeats=True)


def _dict(node: ast.AST, items: list[tuple[Any, Any]]) -> dict[Any, Any]:
    try:
        return dict(items)
    except TypeError as error:
        raise Place(node, f"a key of this mapping cannot be one: {error}") from error


__all__ = ["Literals", "Place", "refuse"]
