"""What a graph is made of: uses of operators, and the values that they yield."""

import marshal
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

from nnvm.errors import Error
from nnvm.ir.dims import Size
from nnvm.ir.types import DType, Shape, TensorType, Type, UnknownRank

if TYPE_CHECKING:
    from nnvm.ir.op import Op


class Params(dict[str, Any]):
    """The parameters of a node, never changed; equal literals are one object, told apart by type (1, 1.0, True)."""

    __slots__ = ("literal",)
    literal: bool
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], "Params"], tuple[dict[str, Any]]]:
        return params, (dict(self),)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("params are never changed; build a new node")

    __setitem__ = __delitem__ = update = pop = popitem = clear = setdefault = __ior__ = _refuse


_quick: dict[bytes, Params] = {}
_interned: dict[bytes, Params] = {}
EMPTY: Final = Params()
EMPTY.literal = True
HINTLESS: Final[Mapping[str, Any]] = Params()


def params(values: Mapping[str, Any]) -> Params:
    """Return the Params of these, lists as tuples; the same object for the same literals."""
    if not values:
        return EMPTY
    try:
        quick = marshal.dumps(list(values.items()), 2)
    except ValueError:
        return _intern(values)
    found = _quick.get(quick)
    if found is None:
        found = _intern(values)
        # Marshal writes any array, and a scalar of NumPy, as its bytes alone: only a key without may answer for others.
        if found.literal and all(map(_is_plain, values.values())):
            _quick[quick] = found
    return found


def _intern(values: Mapping[str, Any]) -> Params:
    frozen = {key: _freeze(value) for key, value in values.items()}
    key = literal_key(frozen)
    found = None if key is None else _interned.get(key)
    if found is None:
        found = Params(frozen)
        found.literal = key is not None
        if key is not None:
            _interned[key] = found
    return found


def _freeze(value: Any) -> Any:
    if value.__class__ is list or value.__class__ is tuple:
        return tuple(map(_freeze, value))
    if value.__class__.__module__ == "numpy" and getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()  # a NumPy scalar is a plain number
    return value


def _is_plain(value: object) -> bool:
    return all(map(_is_plain, value)) if isinstance(value, (tuple, list)) else value.__class__ in _SCALARS


def literal_key(values: Any) -> bytes | None:
    """Return bytes that tell literals apart by value and type, or None where there is something that is no literal."""
    try:
        return marshal.dumps(_plain(values), 2)
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    """Spell out what marshal confuses or does not know; nesting is bounded by what a signature can say."""
    kind = value.__class__
    if kind in _SCALARS:
        return value
    if kind is tuple or kind is list:
        return (kind.__name__, *map(_plain, value))
    if kind is bytes:
        return ("bytes", value.hex())
    if kind is DType:
        return ("dtype", value.name)
    if isinstance(value, dict):
        return ("dict", *((_plain(key), _plain(item)) for key, item in value.items()))
    raise ValueError(f"a {kind.__name__} is no literal")


_SCALARS: Final = frozenset((int, float, bool, str, complex, type(None), type(...)))


class Value:
    """One output of a node. Arithmetic on values builds graphs; `==` is identity."""

    __slots__ = ("index", "known", "node", "type")
    __array_ufunc__ = None  # NumPy leaves `array * value` to us
    known: tuple[Size, ...] | None
    node: Final["Node"]
    index: Final[int]
    type: Final[Type | None]

    def __init__(self, node: "Node", index: int, type: Type | None) -> None:
        self.node, self.index, self.type = node, index, type

    @property
    def tensor(self) -> TensorType:
        """The type of a tensor; raises UnknownRank where nothing is known, Error where it is no tensor."""
        if isinstance(self.type, TensorType):
            return self.type
        if self.type is None:
            raise UnknownRank
        raise Error(f"{self} is a {self.type}, not a tensor")

    @property
    def shape(self) -> Shape:
        """The dimensions; raises UnknownRank where not even their number is known."""
        return self.tensor.shape

    @property
    def dtype(self) -> DType:
        """The element type; raises UnknownRank where it is not known."""
        return self.tensor.dtype

    @property
    def name(self) -> str:
        """The node's name, with the output's number where there are several."""
        name = self.node.name or self.node.op.name
        return name if len(self.node.outputs) == 1 else f"{name}.{self.index}"

    def __deepcopy__(self, memo: object) -> "Value":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("pickle the graph, not one of its values")

    def __repr__(self) -> str:
        return f"{self.name}: {self.type!r}"

    def __bool__(self) -> NoReturn:
        raise TypeError(f"the truth of {self!r} is known only when the graph runs; use `where` or `cond`")

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{self!r} is one value; it is not unpacked")

    def __add__(self, other: object) -> "Value":
        return OVERLOADS["+"](self, other)

    def __radd__(self, other: object) -> "Value":
        return OVERLOADS["+"](other, self)

    def __sub__(self, other: object) -> "Value":
        return OVERLOADS["-"](self, other)

    def __rsub__(self, other: object) -> "Value":
        return OVERLOADS["-"](other, self)

    def __mul__(self, other: object) -> "Value":
        return OVERLOADS["*"](self, other)

    def __rmul__(self, other: object) -> "Value":
        return OVERLOADS["*"](other, self)

    def __truediv__(self, other: object) -> "Value":
        return OVERLOADS["/"](self, other)

    def __rtruediv__(self, other: object) -> "Value":
        return OVERLOADS["/"](other, self)

    def __pow__(self, other: object) -> "Value":
        return OVERLOADS["**"](self, other)

    def __rpow__(self, other: object) -> "Value":
        return OVERLOADS["**"](other, self)

    def __matmul__(self, other: object) -> "Value":
        return OVERLOADS["@"](self, other)

    def __neg__(self) -> "Value":
        return OVERLOADS["neg"](self)

    def __lt__(self, other: object) -> "Value":
        return OVERLOADS["<"](self, other)

    def __le__(self, other: object) -> "Value":
        return OVERLOADS["<="](self, other)

    def __gt__(self, other: object) -> "Value":
        return OVERLOADS[">"](self, other)

    def __ge__(self, other: object) -> "Value":
        return OVERLOADS[">="](self, other)


class _Overloads(dict[str, Callable[..., Value]]):
    def __missing__(self, sign: str) -> Callable[..., Value]:
        raise Error(f"no operator is bound to {sign!r}; import nnvm.ops, or bind your own in nnvm.ir.OVERLOADS")


OVERLOADS: Final[dict[str, Callable[..., Value]]] = _Overloads()
"""What Python's signs build; filled by whoever owns the operators."""


class Node:
    """One use of an operator, immutable; `after` holds nodes that must run before, `hints` what may be dropped."""

    __slots__ = ("after", "hints", "inputs", "name", "op", "outputs", "params")
    op: Final["Op[..., Any]"]
    inputs: Final[tuple[Value, ...]]
    params: Final[Params]
    outputs: Final[tuple[Value, ...]]
    name: Final[str | None]
    after: Final[tuple["Node", ...]]
    hints: Final[Mapping[str, Any]]

    def __init__(
        self,
        op: "Op[..., Any]",
        inputs: tuple[Value, ...],
        params: Params = EMPTY,
        types: Iterable[Type | None] = (None,),
        name: str | None = None,
        after: tuple["Node", ...] = (),
        hints: Mapping[str, Any] = HINTLESS,
    ) -> None:
        self.op, self.inputs, self.params, self.name, self.after, self.hints = op, inputs, params, name, after, hints
        self.outputs = tuple(Value(self, i, type) for i, type in enumerate(types))

    @property
    def types(self) -> tuple[Type | None, ...]:
        """The types of the outputs."""
        return tuple(value.type for value in self.outputs)

    def replace(self, **changes: Any) -> "Node":
        """Return a node that differs in the given fields (op, inputs, params, types, name, after, hints)."""
        fields = {name: getattr(self, name) for name in ("op", "inputs", "params", "types", "name", "after", "hints")}
        return Node(**(fields | changes))

    def __deepcopy__(self, memo: object) -> "Node":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("pickle the graph, not one of its nodes")

    def __repr__(self) -> str:
        inputs = ", ".join("None" if value is ABSENT else value.name for value in self.inputs)
        return f"{self.name or '_'} = {self.op.name}({inputs})"


def make(
    op: "Op[..., Any]",
    inputs: tuple[Value, ...],
    params: Params,
    type: Type | None,
    name: str | None,
    after: tuple[Node, ...],
    hints: Mapping[str, Any],
    new: Callable[[type], Any] = object.__new__,
) -> Value:
    """Make a node of one output, unchecked, and return that output: the fast path of builders and frontends."""
    node = new(Node)
    node.op = op
    node.inputs = inputs
    node.params = params
    node.name = name
    node.after = after
    node.hints = hints
    value = new(Value)
    value.node = node
    value.index = 0
    value.type = type
    node.outputs = (value,)
    return value  # type: ignore[no-any-return]


class _Absent:
    """The operator of the input that is not there."""

    name = "absent"


ABSENT: Final[Value] = Node(_Absent(), ()).outputs[0]  # type: ignore[arg-type]
"""Stands in `inputs` for an optional input that is left out; it belongs to no graph and is printed as None."""
