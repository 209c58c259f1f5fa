"""How a param or a type reads as JSON: what JSON has stands for itself, all else is an object that says what it is."""

import ast
import math
import struct
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Collection, Mapping, Sequence
from json.encoder import encode_basestring_ascii as quoted
from reprlib import Repr
from typing import Any, Final, NoReturn

from nnvm.errors import Error
from nnvm.ir.dims import Dim, Size
from nnvm.ir.formats.literals import Literals, Place
from nnvm.ir.formats.text import DEEPEST, INLINE, dim_text, exact_numbers, is_keyed, type_text
from nnvm.ir.graph import Graph
from nnvm.ir.tensor_data import TensorData, tensor_data
from nnvm.ir.types import ContainerType, DType, TensorType, Type, dtype

_NAN: Final = struct.pack(">d", math.nan)
_ODD: Final[Mapping[str, float]] = {"nan": math.nan, "-nan": -math.nan, "inf": math.inf, "-inf": -math.inf}

_SHORTLY: Final = Repr()
_SHORTLY.maxlevel, _SHORTLY.maxlong = 3, 30


class Fault(Exception):
    """What is wrong with a piece of JSON, and in which field; the reader adds the line and the node."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ValueWriter:
    """Writes params; graphs among them are named by their number in `graphs`."""

    def __init__(self, inline_bytes: int | None, kinds: Collection[str], graphs: Mapping[Graph, int]) -> None:
        self.inline_bytes, self.kinds, self.graphs = inline_bytes, kinds, graphs
        self.types: dict[Type | None, str] = {None: "null"}

    def type(self, type: Type | None) -> str:
        """Return a type as a string that spells it, or null."""
        found = self.types.get(type)
        if found is None:
            found = self.types[type] = quoted(type_text(type))
        return found

    def value(self, param: Any, depth: int = 0) -> str:
        """Return a param as JSON; raise Error for what is no literal, and for what is nested over 60 deep."""
        kind = param.__class__
        if kind is str:
            return quoted(param)
        if param is None or kind is bool:
            return "null" if param is None else "true" if param else "false"
        if kind is int:
            return repr(param)
        if kind is float:
            return repr(param) if math.isfinite(param) else f'{{"float":"{_odd(param)}"}}'
        if depth > DEEPEST:
            raise Error(f"this is nested over {DEEPEST} deep")
        if kind is tuple:
            return self._list(param, depth)
        return self._object(param, kind, depth)

    def _list(self, items: Sequence[Any], depth: int) -> str:
        return f"[{','.join([self.value(item, depth + 1) for item in items])}]"

    def _object(self, param: Any, kind: Any, depth: int) -> str:
        """Return what JSON has no name for as an object whose one key says what it is."""
        if isinstance(param, TensorData):
            return self._data(param)
        if isinstance(param, Graph):
            return f'{{"graph":{self.graphs[param]}}}'
        if isinstance(param, Dim):
            return f'{{"dim":{quoted(dim_text(param))}}}'
        if isinstance(param, (TensorType, ContainerType)):
            return f'{{"type":{self.type(param)}}}'
        if isinstance(param, DType):
            return f'{{"dtype":{quoted(param.name)}}}'
        if isinstance(param, dict):
            rows = [f"[{self.value(k, depth + 1)},{self.value(v, depth + 1)}]" for k, v in param.items()]
            return f'{{"map":[{",".join(rows)}]}}'
        if kind is bytes:
            return f'{{"bytes":"{_base64(param)}"}}'
        if kind is list:
            return f'{{"list":{self._list(param, depth)}}}'
        if kind is complex:
            return f'{{"complex":{self._list((param.real, param.imag), depth)}}}'
        if param is ...:
            return '{"ellipsis":null}'
        if kind.__name__ in self.kinds:
            made = param.__reduce__()
            return f'{{"call":{quoted(kind.__name__)},"args":{self._list(made[1], depth)}}}'
        raise Error(f"a {kind.__name__} is no literal, so that no JSON says what it is")

    def _data(self, data: TensorData) -> str:
        head = f'{{"tensor":{self.type(data.tensor)}'
        if is_keyed(data, self.inline_bytes):
            return f'{head},"key":"{data.key.hex()}"}}'
        if isinstance(data.source, tuple):
            return f'{head},"strings":[{",".join([quoted(_base64(each)) for each in data.source])}]}}'
        if data.repeats and data.size > INLINE:
            one = TensorData(data.dtype[()], data.source)
            exact = exact_numbers(one)
            if exact is not None:
                return f'{head},"value":{self._number(exact[0])}}}'
            return f'{head},"element":"{_base64(one.read())}"}}'
        exact = exact_numbers(data)
        if exact is None:
            return f'{head},"bytes":"{_base64(data.read())}"}}'
        return f'{head},"values":[{",".join(map(self._number, exact))}]}}'

    def _number(self, number: int | float) -> str:
        if isinstance(number, float) and not math.isfinite(number):
            return f'"{_odd(number)}"'
        return self.value(number)


def _base64(data: Any) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def _odd(value: float) -> str:
    """Return the name of what is not finite, or the bits of a NaN that carries something."""
    if value == value:
        return repr(value)
    bits = struct.pack(">d", value)
    if bits[1:] == _NAN[1:]:
        return "-nan" if math.copysign(1, value) < 0 else "nan"
    return bits.hex()


class ValueReader:
    """Reads params; `data` holds the large constants by their key, `kinds` what else a param may be."""

    def __init__(self, data: Mapping[str, TensorData], kinds: Mapping[str, Callable[..., Any]]) -> None:
        self.literals, self.kinds = Literals(data, kinds), kinds
        self.data = data
        self.types: dict[str, Type] = {}
        self.graphs: list[Graph] = []
        self.used: list[int] = []

    def type(self, text: Any, field: str) -> Type | None:
        """Return the type that a string spells; null is one that is not known."""
        if text is None:
            return None
        if not isinstance(text, str):
            _refuse(field, f"a type is a string such as \"f32[2, 'n']\", or null, not {shown(text)}")
        if text in self.types:
            return self.types[text]
        found: Type | None = self._spelt(text, field, self.literals.type)
        if found is None:
            _refuse(field, "a type that is not known is null")
        self.types[text] = found
        return found

    def _spelt(self, text: str, field: str, read: Callable[[ast.AST], Any]) -> Any:
        try:
            return read(ast.parse(text, mode="eval").body)
        except SyntaxError as error:
            raise Fault(field, f"{shown(text)}: {error.msg}") from error
        except (ValueError, Place, Error, RecursionError, MemoryError) as error:
            raise Fault(field, f"{shown(text)}: {clipped(error)}") from error

    def value(self, found: Any, field: str, depth: int = 0) -> Any:
        """Return the param that a piece of JSON stands for."""
        kind = found.__class__
        if kind is list:
            if depth > DEEPEST:
                _refuse(field, f"this is nested over {DEEPEST} deep")
            return tuple([self.value(item, f"{field}[{i}]", depth + 1) for i, item in enumerate(found)])
        if kind is not dict:
            return found
        if depth > DEEPEST:
            _refuse(field, f"this is nested over {DEEPEST} deep")
        keys = tuple(found)
        if len(keys) == 1 and keys[0] in _READERS:
            return _READERS[keys[0]](self, found[keys[0]], field, depth)
        if len(keys) == 2 and "tensor" in found:
            return self._tensor(found, field)
        if len(keys) == 2 and "call" in found and "args" in found:
            return self._call(found["call"], found["args"], field, depth)
        _refuse(field, f"an object says what it is ({', '.join(_READERS)}, tensor or call), not {shown(list(keys))}")

    def _tensor(self, found: Mapping[str, Any], field: str) -> TensorData:
        type = self.type(found["tensor"], f"{field}.tensor")
        if not isinstance(type, TensorType):
            _refuse(f"{field}.tensor", "data has the type of a tensor")
        (how,) = found.keys() - {"tensor"}
        held, place = found[how], f"{field}.{how}"
        try:
            match how:
                case "key":
                    return self._keyed(held, type, place)
                case "strings":
                    return TensorData(type, tuple([_bytes(item, place) for item in _listed(held, place)]))
                case "bytes":
                    return TensorData(type, _bytes(held, place))
                case "element":
                    return TensorData(type, _bytes(held, place), repeats=True)
                case "value":
                    return tensor_data(_numeric(held, place), type)
                case "values":
                    return tensor_data([_numeric(item, place) for item in _listed(held, place)], type)
        except (Error, TypeError, ValueError, OverflowError) as error:
            raise Fault(place, clipped(error)) from error
        _refuse(field, f"a tensor holds values, value, bytes, element, strings or key, not {shown(how)}")

    def _keyed(self, key: Any, type: TensorType, field: str) -> TensorData:
        data = self.data.get(key) if isinstance(key, str) else None
        if data is None:
            _refuse(field, f"there is no data under {shown(key)}; give it: from_json(text, {{key: TensorData}})")
        if data.tensor is not type:
            _refuse(field, f"the data under this key is {data.tensor}, not {type}")
        return data

    def _call(self, name: Any, given: Any, field: str, depth: int) -> Any:
        if not isinstance(name, str) or name not in self.kinds:
            known = f"; what may be called is {', '.join(self.kinds)}" if self.kinds else ""
            _refuse(f"{field}.call", f"a param is a literal, and {shown(name)} is none: nothing is executed{known}")
        args = [self.value(each, f"{field}.args", depth + 1) for each in _listed(given, f"{field}.args")]
        try:
            return self.kinds[name](*args)
        except (TypeError, ValueError, Error) as error:
            raise Fault(field, f"this is no {name}: {clipped(error)}") from error

    def _list(self, found: Any, field: str, depth: int) -> list[Any]:
        return [self.value(item, field, depth + 1) for item in _listed(found, field)]

    def _map(self, found: Any, field: str, depth: int) -> dict[Any, Any]:
        made = {}
        for pair in _listed(found, field):
            if pair.__class__ is not list or len(pair) != 2:
                _refuse(field, f"a mapping is a list of pairs, not {shown(pair)}")
            key, value = self.value(pair[0], field, depth + 1), self.value(pair[1], field, depth + 1)
            try:
                if key in made:
                    _refuse(field, f"the key {shown(key)} is given twice")
                made[key] = value
            except TypeError as error:
                raise Fault(field, f"{shown(pair[0])} cannot be the key of a mapping: {error}") from error
        return made

    def _float(self, found: Any, field: str, depth: int) -> float:
        if isinstance(found, str) and found in _ODD:
            return _ODD[found]
        try:
            (number,) = struct.unpack(">d", bytes.fromhex(found))
        except (TypeError, ValueError, struct.error):
            number = 0.0
        if number == number or found != struct.pack(">d", number).hex():
            _refuse(field, f"a float beside plain numbers is {', '.join(_ODD)} or 16 digits of a NaN's bits")
        return float(number)

    def _complex(self, found: Any, field: str, depth: int) -> complex:
        parts = self._list(found, field, depth)
        if len(parts) != 2 or not all(part.__class__ is float for part in parts):
            _refuse(field, f"a complex number is two floats, not {shown(found)}")
        return complex(*parts)

    def _dtype(self, found: Any, field: str, depth: int) -> DType:
        if not isinstance(found, str):
            _refuse(field, f"an element type is called by its name, not {shown(found)}")
        try:
            return dtype(found)
        except Error as error:
            raise Fault(field, clipped(error)) from error

    def _dim(self, found: Any, field: str, depth: int) -> Size:
        if not isinstance(found, str):
            _refuse(field, f"a dimension is a string such as \"2*dim('n')\", not {shown(found)}")
        size: Size = self._spelt(found, field, self.literals.size)
        return size

    def _graph(self, found: Any, field: str, depth: int) -> Graph:
        if found.__class__ is not int or not 0 <= found < len(self.graphs):
            _refuse(field, f'there is no graph {shown(found)} above; {len(self.graphs)} stand in "graphs"')
        self.used.append(found)
        return self.graphs[found]

    def _ellipsis(self, found: Any, field: str, depth: int) -> Any:
        if found is not None:
            _refuse(field, "an ellipsis holds null")
        return ...


_READERS: Final[Mapping[str, Callable[[ValueReader, Any, str, int], Any]]] = {
    "float": ValueReader._float,
    "complex": ValueReader._complex,
    "bytes": lambda reader, found, field, depth: _bytes(found, field),
    "list": ValueReader._list,
    "map": ValueReader._map,
    "type": lambda reader, found, field, depth: reader.type(found, field),
    "dtype": ValueReader._dtype,
    "dim": ValueReader._dim,
    "graph": ValueReader._graph,
    "ellipsis": ValueReader._ellipsis,
}


def _refuse(field: str, message: str) -> NoReturn:
    raise Fault(field, message)


def shown(found: Any) -> str:
    """Return what was found, in an error's words and not too many of them."""
    text = _SHORTLY.repr(found).encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 80 else f"{text[:77]}..."


def clipped(error: BaseException) -> str:
    """Return what another error says, not too much of it: it may quote whatever the file holds."""
    text = str(error)
    return text if len(text) <= 240 else f"{text[:120]}...{text[-120:]}"


def _listed(found: Any, field: str) -> list[Any]:
    if not isinstance(found, list):
        _refuse(field, f"a list stands here, not {shown(found)}")
    return found


def _bytes(found: Any, field: str) -> bytes:
    try:
        return a2b_base64(found, strict_mode=True)
    except (TypeError, ValueError) as error:
        raise Fault(field, f"bytes are a string in base64, not {shown(found)}: {error}") from error


def _numeric(found: Any, field: str) -> float:
    if isinstance(found, str) and found in _ODD:
        return _ODD[found]
    if not isinstance(found, (int, float)):
        _refuse(field, f"an element is a number, not {shown(found)}")
    return found


__all__ = ["Fault", "ValueReader", "ValueWriter", "clipped", "quoted", "shown"]
