"""What a program asks of the machine it runs on."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from nnvm.runtime.expressions import Expr


class Device(Protocol):
    """Memory, arrays and kernels of one backend. Arrays are whatever the kernels take, C-contiguous."""

    @property
    def name(self) -> str:
        """What `Program.backend` must be for this device to run it."""

    def allocate(self, nbytes: int) -> Any:
        """Give writable memory whose first byte is aligned to 64 and whose content is anything."""

    def view(self, memory: Any, offset: int, dtype: str, shape: tuple[int, ...]) -> Any:
        """Give the array that lies `offset` bytes into memory, or into an array that this device made."""

    def accept(self, array: Any, dtype: str, shape_hint: tuple[Expr, ...] | None) -> Any:
        """Turn what a user passes (`__array__`, DLPack, lists of numbers) into an array, without a copy if possible.

        Raises Error where the dtype differs. `shape_hint` is the declared shape, for what has none of its own.
        """

    def empty(self, dtype: str, shape: tuple[int, ...]) -> Any:
        """Give a new array of anything."""

    def constant(self, data: memoryview, dtype: str, shape: tuple[int, ...]) -> Any:
        """Give an array of these bytes, in place where that is possible."""

    def copy(self, target: Any, source: Any) -> None:
        """Fill `target` with what `source`, of its dtype and shape, holds."""

    def kernel(self, name: str) -> Callable[..., Any]:
        """Give the kernel of that name, such as `numpy:conv/1`; raises Error where there is none."""

    def shape_of(self, array: Any) -> tuple[int, ...]:
        """Give the shape of an array."""

    def nbytes(self, array: Any) -> int:
        """Give the bytes that the elements of an array take."""

    def objects(self, kernels: Iterable[str], outputs: int) -> int:
        """Say how many bytes its own objects (of arrays, say, all but the elements) take while these kernels run."""

    def writable(self, array: Any) -> bool:
        """Say whether an array that was accepted may be written into."""

    def shares(self, array: Any, given: Any) -> bool:
        """Say whether an array may have bytes in common with another one, or with whatever a user passed."""

    def fill(self, memory: Any, offset: int, nbytes: int, byte: int) -> None:
        """Set each of these bytes of the memory."""
