"""What a program is made of: buffers, steps, and where the bytes of a constant come from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from nnvm.errors import Error
from nnvm.runtime.expressions import Expr, evaluate, show

VERSION: Final = 2
CALL: Final = "nnvm:call/1"
"""The kernel of a step that runs the nested program which its param `program` numbers."""

NO_KERNEL: Final = "nnvm:none/1"
"""The kernel of a step that nothing can run: it has its places, and its param `operator` says what it stands for."""

KINDS: Final = ("arena", "input", "output", "constant", "state", "dynamic")

ITEM_SIZES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("bool", "int8", "uint8", "int4", "uint4", "int2", "uint2", "float4_e2m1fn"), 1),
    **dict.fromkeys(("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"), 1),
    **dict.fromkeys(("int16", "uint16", "float16", "bfloat16"), 2),
    **dict.fromkeys(("int32", "uint32", "float32"), 4),
    **dict.fromkeys(("int64", "uint64", "float64", "complex64"), 8),
    "complex128": 16,
}
"""Bytes an element while it runs; what is smaller than a byte takes one."""


def item_size(dtype: str) -> int:
    """Give the bytes of one element, or raise Error for a dtype that no buffer can have."""
    if dtype not in ITEM_SIZES:
        raise Error(f"a buffer cannot hold {dtype!r}; it can hold {', '.join(sorted(ITEM_SIZES))}")
    return ITEM_SIZES[dtype]


class Bytes(Protocol):
    """Where the bytes of a constant come from, when somebody asks."""

    def read(self) -> memoryview:
        """Give every byte, C-contiguous, without a copy where that is possible."""


class Raw:
    """Bytes of a constant that are in memory already."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = data

    def read(self) -> memoryview:
        """Give the bytes; they are read only."""
        return memoryview(self._data).toreadonly().cast("B")

    def __reduce__(self) -> tuple[type["Raw"], tuple[bytes]]:
        return Raw, (bytes(self._data),)


class Buffer:
    """A numbered place for an array.

    A root has its own storage: `offset` bytes into the arena, or outside it. An alias (`alias_of` names
    its root) lies `offset` bytes into the root. A view (`view_of` names any buffer of the same root) is an
    alias that no step writes: it shows what that buffer holds. A dynamic one is allocated at run. `shape` is None
    where only a run knows it, and may name dimensions that the arrays which steps allocate decide.
    """

    __slots__ = ("alias_of", "dtype", "kind", "name", "offset", "shape", "view_of")

    def __init__(
        self,
        kind: str,
        dtype: str,
        shape: Sequence[Expr] | None,
        offset: Expr = 0,
        alias_of: int | None = None,
        view_of: int | None = None,
        name: str = "",
    ) -> None:
        self.kind: Final = kind
        self.dtype: Final = dtype
        self.shape: Final = None if shape is None else tuple(shape)
        self.offset: Final = offset
        self.alias_of: Final = alias_of
        self.view_of: Final = view_of
        self.name: Final = name

    def nbytes(self, binding: Mapping[str, int]) -> int:
        """Give the size in bytes at a binding; raises Error where only a run knows it."""
        if self.shape is None:
            raise Error(f"only a run knows the size of buffer {self.name!r}")
        size = item_size(self.dtype)
        for dim in self.shape:
            size *= evaluate(dim, binding)
        return evaluate(size, {})

    def __repr__(self) -> str:
        dims = "?" if self.shape is None else ", ".join(map(show, self.shape))
        alias = "" if self.alias_of is None else f" of {self.alias_of}"
        return f"{self.name or 'buffer'}: {self.kind} {self.dtype}[{dims}] at {show(self.offset)}{alias}"


class Step:
    """One call of a kernel on buffers.

    A step writes the outputs in place (destination-passing), or `allocates`: then the arrays that its kernel
    returns are adopted. `workspace` is bytes beside the arena, or what `scratch`, an arena buffer that serves instead,
    must hold; `waits` lists earlier steps that must have ended. An absent input is None. `inplace` lists the positions
    of inputs whose very bytes output 0 may have; under `joins` the inputs are the consecutive parts of output 0, and
    one may lie where it belongs there.
    """

    __slots__ = (
        "allocates", "inplace", "inputs", "joins", "kernel", "name", "outputs", "params", "scratch", "waits",
        "workspace",
    )  # fmt: skip

    def __init__(
        self,
        kernel: str,
        inputs: Sequence[int | None],
        outputs: Sequence[int],
        params: Mapping[str, Any] | None = None,
        *,
        workspace: Expr = 0,
        scratch: int | None = None,
        allocates: bool = False,
        waits: Sequence[int] = (),
        name: str = "",
        inplace: Sequence[int] = (),
        joins: bool = False,
    ) -> None:
        self.kernel: Final = kernel
        self.inputs: Final = tuple(inputs)
        self.outputs: Final = tuple(outputs)
        self.params: Final[Mapping[str, Any]] = dict(params or {})
        self.workspace: Final = workspace
        self.scratch: Final = scratch
        self.allocates: Final = allocates
        self.waits: Final = tuple(waits)
        self.name: Final = name
        self.inplace: Final = tuple(inplace)
        self.joins: Final = joins

    def on(
        self, inputs: Sequence[int | None], outputs: Sequence[int], scratch: int | None, waits: Sequence[int]
    ) -> "Step":
        """Give the same call on other buffers, waiting for other steps."""
        return Step(
            self.kernel,
            inputs,
            outputs,
            self.params,
            workspace=self.workspace,
            scratch=scratch,
            allocates=self.allocates,
            waits=waits,
            name=self.name,
            inplace=self.inplace,
            joins=self.joins,
        )

    def __repr__(self) -> str:
        written = ", ".join(map(str, self.outputs))
        read = ", ".join("-" if i is None else str(i) for i in self.inputs)
        return f"{written} = {self.kernel}({read})  # {self.name}"


def without_kernel(steps: Iterable[Step]) -> dict[str, int]:
    """Count the steps that nothing can run by the operators that they stand for."""
    found: dict[str, int] = {}
    for step in steps:
        if step.kernel == NO_KERNEL:
            operator = step.params["operator"]
            found[operator] = found.get(operator, 0) + 1
    return dict(sorted(found.items()))
