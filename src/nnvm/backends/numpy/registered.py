"""Kernels that other packages add to NumPy, under the names that saved programs call them by."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from nnvm import plugins
from nnvm.errors import Error

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_kernels: Final[dict[str, Callable[..., Any]]] = {}
_workspaces: Final[dict[str, Callable[..., int]]] = {}


def kernel(name: str, *, workspace: Callable[..., int] | None = None) -> Callable[[Kernel], Kernel]:
    """Add a kernel under its name in programs, such as `hello:scale/1`: whose it is, what it does, its version.

    The function is called with output arrays, then input arrays, then params by keyword; it writes every element of
    the outputs, and raises ValueError. `workspace(out_shapes, in_shapes, itemsize, params)` declares bytes that it is
    given as `workspace=`. Raises Error for a name that is taken or of another form.
    """
    if re.fullmatch(r"[A-Za-z_][\w-]*:\w+/[0-9]+", name) is None or name.startswith("numpy:"):
        raise Error(f"{name!r} cannot name a kernel of yours; write PREFIX:NAME/VERSION, such as 'hello:scale/1'")

    def add(function: Kernel) -> Kernel:
        known = _kernels.get(name)
        if known is not None:
            places = f"{known.__module__} and by {function.__module__}"
            raise Error(f"the kernel {name!r} is offered by {places}; rename one, or raise its version")
        _kernels[name] = function
        if workspace is not None:
            _workspaces[name] = workspace
        return function

    return add


def find(name: str) -> Callable[..., Any] | None:
    """Return an added kernel; an unknown one is looked for in the entry point `numpy.PREFIX` of nnvm.backends."""
    if name not in _kernels:
        prefix, colon, _ = name.partition(":")
        if not colon or prefix == "numpy":
            return None
        plugins.find("nnvm.backends", f"numpy.{prefix}")
    return _kernels.get(name)


def workspace_of(name: str) -> Callable[..., int] | None:
    """Return the function that declares an added kernel's workspace, if it wants any."""
    return _workspaces.get(name)
