"""What a node of ONNX is drawn with: element types that its version allows, shapes, numbers, attributes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper

Array = Any
KINDS: Final = {
    name.lower(): number
    for name, number in onnx.TensorProto.DataType.items()
    if name not in ("UNDEFINED", "STRING", "COMPLEX64", "COMPLEX128", "FLOAT6E2M3", "FLOAT6E3M2")
}
"""Element types that are drawn, by the name that a schema gives them; those of six bits are no types of ours."""
PLAIN: Final = frozenset(
    ("float16", "float32", "float64", "bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
)
"""Element types that NumPy itself has."""


def numpy_type(number: int) -> Any:
    """Return NumPy's type for ONNX's number."""
    return helper.tensor_dtype_to_np_dtype(number)


def number_of(dtype: Any) -> int:
    """Return ONNX's number for NumPy's type."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def kind_of(dtype: Any) -> str:
    """Return "float", "int", "uint" or "bool"."""
    name = np.dtype(dtype).name
    return next(kind for kind in ("float", "uint", "int", "bool") if kind in name)


class Case:
    """One node: what goes in (None for what is left out), its attributes, and the names of what comes out."""

    def __init__(
        self,
        inputs: Iterable[Array | None],
        attributes: Mapping[str, Any] | None = None,
        outputs: int | Sequence[str] = 1,
        *,
        fixed: Iterable[int] = (),
        loose: float = 1.0,
    ) -> None:
        self.inputs = [None if each is None else np.asarray(each) for each in inputs]
        self.attributes = {key: value for key, value in (attributes or {}).items() if value is not None}
        self.outputs = [f"y{i}" for i in range(outputs)] if isinstance(outputs, int) else list(outputs)
        self.fixed, self.loose = set(fixed), loose

    def __repr__(self) -> str:
        ins = ", ".join("-" if each is None else f"{each.dtype}{list(each.shape)}" for each in self.inputs)
        return f"({ins}) {self.attributes} -> {self.outputs}"


class Draw:
    """Draws for one version of an operator; a type variable of its schema stays what it was drawn as."""

    def __init__(self, random: Random, type: str, version: int) -> None:
        self.random, self.type, self.version = random, type, version
        self.schema = onnx.defs.get_schema(type, version, "")
        self.bound: dict[str, Any] = {}

    def int(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def pick(self, *options: Any) -> Any:
        return self.random.choice(options)

    def flag(self, one_in: int = 2) -> bool:
        return self.random.randrange(one_in) == 0

    def maybe(self, value: Any, one_in: int = 2) -> Any:
        """Return a value, or None for an attribute or an input left out."""
        return value if self.flag(one_in) else None

    def real(self, low: float = 0.25, high: float = 2.0) -> float:
        return low + (high - low) * self.random.randrange(9) / 8

    def has(self, attribute: str) -> bool:
        return attribute in self.schema.attributes

    def attributes(self, **options: Any) -> dict[str, Any]:
        """Keep of some attributes those that this version has."""
        return {key: value for key, value in options.items() if value is not None and self.has(key)}

    def size(self, zero: bool = True) -> int:
        return self.pick(1, 1, 2, 2, 3, 3, 4, 5, 2, 3, *((0,) if zero else (1,)))

    def shape(self, low: int = 0, high: int = 4, zero: bool = True) -> tuple[int, ...]:
        zero = zero and self.flag(3)
        return tuple(self.size(zero) for _ in range(self.int(low, high)))

    def types(self, variable: str) -> list[Any]:
        """Return the element types that a variable of the schema, or the type of a port, allows."""
        found = [each.allowed_type_strs for each in self.schema.type_constraints if each.type_param_str == variable]
        names = [name.removeprefix("tensor(").removesuffix(")") for name in (found[0] if found else (variable,))]
        return [numpy_type(KINDS[name]) for name in sorted(names) if name in KINDS]

    def dtype(self, variable: str = "T", *, only: Callable[[Any], bool] | None = None) -> Any:
        """Return the element type of a variable, float32 half of the times."""
        if variable not in self.bound:
            allowed = [each for each in self.types(variable) if only is None or only(each)]
            single = np.dtype(np.float32)
            self.bound[variable] = single if single in allowed and self.flag() else self.pick(*allowed)
        return self.bound[variable]

    def port(self, i: int) -> Any:
        """Return the element type of an input."""
        inputs = self.schema.inputs
        return self.dtype(inputs[min(i, len(inputs) - 1)].type_str)

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.random.randrange(1 << 16))

    def array(self, dtype: Any, shape: Sequence[int], low: float = -3.0, high: float = 3.0) -> Array:
        """Return numbers between two limits; whole ones include both, and no unsigned one is below zero."""
        kind, dtype = kind_of(dtype), np.dtype(dtype)
        if kind == "bool":
            return self.rng.random(shape) < 0.5
        if kind == "float":
            low = max(low, 0.0) if "e8m0" in dtype.name else low
            return np.asarray(self.rng.uniform(low, high, shape)).astype(dtype)
        bits = 8 * dtype.itemsize
        bits = {"int4": 4, "uint4": 4, "int2": 2, "uint2": 2}.get(dtype.name, bits)
        least, most = (0, 2**bits - 1) if kind == "uint" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        found = self.rng.integers(max(least, int(low)), min(most, int(high)), shape, endpoint=True)
        return np.asarray(found).astype(dtype)

    def wild(self, dtype: Any, shape: Sequence[int], low: float = -3.0, high: float = 3.0) -> Array:
        """Return numbers with, now and then, those among them that are special: NaN, infinities, zeros."""
        found = self.array(dtype, shape, low, high)
        if kind_of(dtype) == "float" and np.dtype(dtype).name in (*PLAIN, "bfloat16") and self.flag(3):
            flat = found.reshape(-1)
            for i in range(flat.size):
                if self.flag(3):
                    flat[i] = self.pick(np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5)
        return found

    def part(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return a shape that broadcasts to another: some of its first sizes left out, some others 1."""
        kept = shape[self.int(0, len(shape)) :] if self.flag() else shape
        return tuple(1 if self.flag(4) else size for size in kept)

    def axis(self, rank: int, negative: bool = True) -> int:
        return self.int(-rank if negative else 0, rank - 1)

    def axes(self, rank: int, low: int = 0, negative: bool = True) -> list[int]:
        found = self.random.sample(range(rank), self.int(min(low, rank), rank))
        return [axis - rank if negative and self.flag(3) else axis for axis in found]


Drawer = Callable[[Draw], Case]
DRAWERS: Final[dict[str, Drawer]] = {}
"""How a node of each operator is drawn."""


def draws(*types: str) -> Callable[[Drawer], Drawer]:
    """Say that a function draws nodes of these operators."""

    def note(function: Drawer) -> Drawer:
        DRAWERS.update(dict.fromkeys(types, function))
        return function

    return note
