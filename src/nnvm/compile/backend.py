"""What compile asks of a backend: how each use of an operator becomes a call of a kernel."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from nnvm.ir import Node, Value

Shapes = Sequence[tuple[int, ...] | None]
Workspace = Callable[[Shapes, Shapes, int, Mapping[str, Any]], int]

WORKSPACE_LIMIT: Final = 256 * 1024
"""Bytes that a kernel may use outside the arena; what it declares above is planned inside."""


class Call:
    """A kernel, the values it reads, its parameters, the inputs that output 0 may overwrite, and its workspace.

    A kernel that `allocates` returns its outputs instead of writing into given ones. `measured` is another call for the
    same results, which allocates: compile takes it where only the data tells how large they are. One that `joins` puts
    its inputs one after another, and leaves alone what is there already. `adding` gives the call that computes output 0
    plus a value of its type, and may write over that value.
    """

    __slots__ = ("adding", "allocates", "inplace", "inputs", "joins", "kernel", "measured", "params", "workspace")

    def __init__(
        self,
        kernel: str,
        inputs: Sequence[Value],
        params: Mapping[str, Any],
        inplace: Sequence[int] = (),
        workspace: Workspace | None = None,
        *,
        allocates: bool = False,
        measured: "Call | None" = None,
        joins: bool = False,
        adding: "Callable[[Value], Call] | None" = None,
    ) -> None:
        self.kernel: Final = kernel
        self.inputs: Final = tuple(inputs)
        self.params: Final = params
        self.inplace: Final = tuple(inplace)
        self.workspace: Final = workspace
        self.allocates: Final = allocates
        self.measured: Final = measured
        self.joins: Final = joins
        self.adding: Final = adding


class Backend(Protocol):
    """A table of kernels, and a way to run a Program made of them."""

    @property
    def name(self) -> str:
        """What kernels' names begin with, and what `Program.backend` says."""

    def call(self, node: Node) -> Call | None:
        """Return how a use of an operator is computed; None where this backend has no kernel for it.

        Carried operators (`node.op.foreign`) are asked for too. What has no kernel is planned, and cannot run.
        """

    def run(self, program: Any) -> Callable[..., tuple[Any, ...]]:
        """Return a Program made callable; one with steps that have no kernel is to refuse when it is called."""
