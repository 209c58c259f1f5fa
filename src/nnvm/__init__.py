"""The middle of a deep-learning system: a graph, operators and passes from anywhere, proven plans, any executor."""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same names, for type checkers, which look into no function
    # isort: off
    from nnvm import analyses, attrs, backends, frontends, ir, ops, packing, passes, pictures, runtime
    from nnvm.errors import Error, MissingExtra
    from nnvm.ir import (
        ABSENT, Bounds, Dim, DType, Graph, Node, Op, OpAttr, OpGroup, Rule, TensorData, TensorType, Value, alias,
        analysis, apply_rules, bf16, boolean, compose, constant, contents, data_of, dim, dtype, either, f16, f32, f64,
        hints, i8, i16, i32, i64, input, internals, is_constant, op, parse_params, prefix, recording, rule, same, scope,
        string, tensor_data, trace, u8, u16, u32, u64, unique_names, unscoped, variable, verify, why_not, work,
    )  # fmt: skip
    from nnvm.frontends import load, save
    from nnvm.frontends.nnvm import parse
    from nnvm.pipeline import compile, optimize
    from nnvm.runtime.program import Program
    # isort: on

_DOORS = {
    "nnvm.errors": ("Error", "MissingExtra"),
    "nnvm.ir": (
        "ABSENT", "Bounds", "Dim", "DType", "Graph", "Node", "Op", "OpAttr", "OpGroup", "Rule", "TensorData",
        "TensorType", "Value", "alias", "analysis", "apply_rules", "bf16", "boolean", "compose", "constant", "contents",
        "data_of", "dim", "dtype", "either", "f16", "f32", "f64", "hints", "i8", "i16", "i32", "i64", "input",
        "internals", "is_constant", "op", "parse_params", "prefix", "recording", "rule", "same", "scope", "string",
        "tensor_data", "trace", "u8", "u16", "u32", "u64", "unique_names", "unscoped", "variable", "verify", "why_not",
        "work",
    ),
    "nnvm.frontends": ("load", "save"),
    "nnvm.frontends.nnvm": ("parse",),
    "nnvm.pipeline": ("compile", "optimize"),
    "nnvm.runtime.program": ("Program",),
}  # fmt: skip
_HOME = {name: module for module, names in _DOORS.items() for name in names}
_FLOORS = ("analyses", "attrs", "backends", "frontends", "ir", "ops", "packing", "passes", "pictures", "runtime")

__all__ = [
    "ABSENT", "Bounds", "DType", "Dim", "Error", "Graph", "MissingExtra", "Node", "Op", "OpAttr", "OpGroup", "Program",
    "Rule", "TensorData", "TensorType", "Value", "alias", "analyses", "analysis", "apply_rules", "attrs", "backends",
    "bf16", "boolean", "compile", "compose", "constant", "contents", "data_of", "dim", "dtype", "either", "f16", "f32",
    "f64", "frontends", "hints", "i8", "i16", "i32", "i64", "input", "internals", "ir", "is_constant", "load", "op",
    "ops", "optimize", "packing", "parse", "parse_params", "passes", "pictures", "prefix", "recording", "rule",
    "runtime", "same", "save", "scope", "string", "tensor_data", "trace", "u8", "u16", "u32", "u64", "unique_names",
    "unscoped", "variable", "verify", "why_not", "work",
]  # fmt: skip
__version__ = "0.1.0"


if not TYPE_CHECKING:  # to whom an unknown name is an error

    def __getattr__(name: str) -> Any:
        """Find a public name on first use, so that a saved Program runs where the graph's code is not installed."""
        if name in _FLOORS:
            return import_module(f"nnvm.{name}")
        if name not in _HOME:
            raise AttributeError(f"module 'nnvm' has no attribute {name!r}")
        if _HOME[name] == "nnvm.ir":
            import_module("nnvm.ops")  # binds Python's signs: x + y
        found = globals()[name] = getattr(import_module(_HOME[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted(__all__)


class _Doors(ModuleType):
    def __setattr__(self, name: str, value: object) -> None:
        """Keep `nnvm.compile` the function when the import system binds the folder of that name here."""
        if name not in _HOME or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Doors
