"""What a param may be beside literals, and who brings it."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from nnvm.errors import MissingExtra

KINDS: Final[Mapping[str, tuple[str, str]]] = {"Carried": ("nnvm.frontends.onnx.carry", "onnx")}
"""From a class to its module, and the extra that the module needs."""


def kinds_in(text: str, spelling: str) -> dict[str, Callable[..., Any]]:
    """Import the classes of params that a text makes use of: those whose name it holds, spelt as given."""
    found = {}
    for name, (module, extra) in KINDS.items():
        if spelling.format(name) in text:
            try:
                found[name] = getattr(import_module(module), name)
            except ModuleNotFoundError as error:
                raise MissingExtra(str(error.name), extra) from error
    return found


__all__ = ["KINDS", "kinds_in"]
