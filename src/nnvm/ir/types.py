"""What a value can be: element types, and tensors of them with symbolic shapes."""

from collections.abc import Callable, Iterable, Mapping
from operator import index
from types import EllipsisType
from typing import Final, TypeAlias

from nnvm.errors import Error
from nnvm.ir.dims import UNKNOWN, Dim, Size, dim, equal, substitute

Shape: TypeAlias = tuple[Size, ...]


class UnknownRank(Exception):
    """Raised by `shape` where the rank is not known; an operator's body may let it pass."""


class DType:
    """An element type; one object each, so `is` compares. `f32[2, "n"]` is the type of a tensor."""

    __slots__ = ("bits", "kind", "name")
    name: Final[str]
    bits: Final[int]
    kind: Final[str]

    def __init__(self, name: str, bits: int, kind: str) -> None:
        self.name, self.bits, self.kind = name, bits, kind

    def __reduce__(self) -> tuple[Callable[[str], "DType"], tuple[str]]:
        return dtype, (self.name,)

    def __getitem__(
        self, shape: "int | str | Dim | EllipsisType | tuple[int | str | Dim | None, ...] | None"
    ) -> "TensorType":
        if shape is ...:
            return tensor_type(self, None)
        sizes = shape if isinstance(shape, tuple) else (shape,)
        return tensor_type(self, tuple(map(_as_size, sizes)))

    def __repr__(self) -> str:
        return _SHORT.get(self.name, self.name)

    @property
    def is_float(self) -> bool:
        """Whether the elements are real floating-point numbers."""
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        """Whether the elements are signed or unsigned whole numbers."""
        return self.kind in ("int", "uint")


def _dtypes() -> dict[str, DType]:
    rows = [("bool", 8, "bool"), ("string", 0, "string"), ("complex64", 64, "complex"), ("complex128", 128, "complex")]
    rows += [(f"{kind}{bits}", bits, kind) for kind in ("int", "uint") for bits in (2, 4, 8, 16, 32, 64)]
    rows += [(f"float{bits}", bits, "float") for bits in (16, 32, 64)] + [("bfloat16", 16, "float")]
    floats8 = ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu")
    rows += [(name, 8, "float") for name in floats8] + [("float4_e2m1fn", 4, "float")]
    return {name: DType(name, bits, kind) for name, bits, kind in rows}


DTYPES: Final[Mapping[str, DType]] = _dtypes()
_SHORT: Final = {"float16": "f16", "float32": "f32", "float64": "f64", "bfloat16": "bf16", "bool": "boolean"} | {
    f"{kind}int{bits}": f"{kind or 'i'}{bits}" for kind in ("", "u") for bits in (2, 4, 8, 16, 32, 64)
}

f16, f32, f64, bf16 = DTYPES["float16"], DTYPES["float32"], DTYPES["float64"], DTYPES["bfloat16"]
i8, i16, i32, i64 = DTYPES["int8"], DTYPES["int16"], DTYPES["int32"], DTYPES["int64"]
u8, u16, u32, u64 = DTYPES["uint8"], DTYPES["uint16"], DTYPES["uint32"], DTYPES["uint64"]
boolean, string = DTYPES["bool"], DTYPES["string"]


def dtype(name: str) -> DType:
    """Return the element type called `name` ("float32" or "f32"); raise Error for an unknown one."""
    found = DTYPES.get(name) or next((DTYPES[full] for full, short in _SHORT.items() if short == name), None)
    if found is None:
        raise Error(f"{name!r} is no element type; the types are {', '.join(DTYPES)}")
    return found


class TensorType:
    """Element type and shape of a tensor, interned, so `is` compares; `shape_or_none` is None for an unknown rank.

    `x.type[(n, 3)]` is the same element type with another shape.
    """

    __slots__ = ("dtype", "shape_or_none")
    dtype: Final[DType]
    shape_or_none: Final[Shape | None]

    def __init__(self, dtype: DType, shape: Shape | None) -> None:
        self.dtype, self.shape_or_none = dtype, shape

    def __reduce__(self) -> tuple[Callable[[DType, Shape | None], "TensorType"], tuple[DType, Shape | None]]:
        return tensor_type, (self.dtype, self.shape_or_none)

    def __getitem__(self, shape: Shape | None) -> "TensorType":
        return tensor_type(self.dtype, shape)

    @property
    def shape(self) -> Shape:
        """The dimensions; raises UnknownRank where not even their number is known."""
        if self.shape_or_none is None:
            raise UnknownRank
        return self.shape_or_none

    @property
    def elements(self) -> Size:
        """How many elements there are."""
        return product(self.shape)

    def __repr__(self) -> str:
        if self.shape_or_none is None:
            return f"{self.dtype!r}[...]"
        sizes = ", ".join("None" if size is UNKNOWN else repr(size) for size in self.shape_or_none)
        return f"{self.dtype!r}[{sizes or '()'}]"


class ContainerType:
    """A sequence, an optional or a map of other types, carried for files that hold one; `is` compares."""

    __slots__ = ("element", "kind")
    kind: Final[str]
    element: Final["Type | None"]

    def __init__(self, kind: str, element: "Type | None") -> None:
        self.kind, self.element = kind, element

    def __reduce__(self) -> "tuple[Callable[[str, Type | None], ContainerType], tuple[str, Type | None]]":
        return container_type, (self.kind, self.element)

    def __repr__(self) -> str:
        return f"{self.kind}[{self.element!r}]"


Type: TypeAlias = TensorType | ContainerType

_tensor_types: dict[tuple[DType, Shape | None], TensorType] = {}
_container_types: "dict[tuple[str, Type | None], ContainerType]" = {}


def tensor_type(dtype: DType, shape: Shape | None) -> TensorType:
    """Return the one TensorType of these; raise Error for a dimension that is negative or no whole number."""
    found = _tensor_types.get((dtype, shape))
    if found is not None:
        return found
    if shape is not None:
        try:
            shape = tuple([size if isinstance(size, Dim) else index(size) for size in shape])
        except TypeError as error:
            raise Error(f"a dimension is no whole number in {shape!r}; use //, or a name") from error
        if any(isinstance(size, int) and size < 0 for size in shape):
            raise Error(f"a dimension is negative in {list(shape)}")
    return _tensor_types.setdefault((dtype, shape), TensorType(dtype, shape))


def container_type(kind: str, element: "Type | None") -> ContainerType:
    """Return the one ContainerType of these."""
    return _container_types.setdefault((kind, element), ContainerType(kind, element))


def product(sizes: Iterable[Size]) -> Size:
    """Multiply dimensions; the product of none is 1."""
    total: Size = 1
    for size in sizes:
        total = size * total if isinstance(size, Dim) else total * size
    return total


def same_type(a: Type | None, b: Type | None) -> bool | None:
    """Say whether two types are equal: True, False, or None where that is not known."""
    if a is None or b is None:
        return None
    if isinstance(a, ContainerType) or isinstance(b, ContainerType):
        return a is b
    if a.dtype is not b.dtype:
        return False
    first, second = a.shape_or_none, b.shape_or_none
    if first is None or second is None:
        return None
    if len(first) != len(second):
        return False
    answers = [equal(p, q) for p, q in zip(first, second, strict=True)]
    return False if False in answers else None if None in answers else True


def set_dims(type: Type | None, binding: Mapping[str, Size]) -> Type | None:
    """Replace named dimensions of a type; raise Error where a dimension becomes negative or is divided by zero."""
    if isinstance(type, ContainerType):
        return container_type(type.kind, set_dims(type.element, binding))
    if type is None or type.shape_or_none is None:
        return type
    try:
        return type[tuple(substitute(size, binding) for size in type.shape_or_none)]
    except ZeroDivisionError as error:
        raise Error(f"{type} divides by zero where {dict(binding)}; give other dimensions") from error


def _as_size(size: "int | str | Dim | None") -> Size:
    if size is None:
        return UNKNOWN
    return parse_dim(size) if isinstance(size, str) else size


def parse_dim(text: str) -> Size:
    """Return the dimension that a text names; any text that is no number is a name."""
    return int(text) if text.isdecimal() else dim(text)
