"""How a Python function becomes a graph: it is called once on inputs, and what it returns is wanted."""

from collections.abc import Callable, Mapping
from typing import Any

from nnvm.errors import Error
from nnvm.ir.graph import Graph
from nnvm.ir.node import Value
from nnvm.ir.op import constant, named_input
from nnvm.ir.tensor_data import TensorData, tensor_data
from nnvm.ir.types import TensorType, f32


def trace(function: Callable[..., Any], /, **types: TensorType | None) -> Graph:
    """Return the graph of a function whose arguments are annotated with types (`x: f32[2, 3]`) or typed by keyword.

    An argument without a type is an untyped input. The function returns a value, or a tuple or mapping of values.
    """
    code = function.__code__
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    unknown = sorted(types.keys() - set(arguments))
    if unknown:
        raise Error(f"{function.__name__} has no argument {', '.join(unknown)}; it has {', '.join(arguments)}")
    given: dict[str, Value] = {}
    for name in arguments:
        type = types.get(name, function.__annotations__.get(name))
        if isinstance(type, str):
            type = eval(type, function.__globals__)  # the annotation of code that is about to be called
        given[name] = named_input(name, type if isinstance(type, TensorType) else None)
    returned = function(**given)
    names = None
    if isinstance(returned, Mapping):
        names, returned = list(returned), list(returned.values())
    if isinstance(returned, (Value, TensorData, int, float)):
        returned = (returned,)
    if not isinstance(returned, (tuple, list)):
        raise Error(
            f"{function.__name__} returned a {type_name(returned)}; "
            "a graph's outputs are values, or a tuple or mapping of them"
        )
    wanted = []
    for value in returned:
        if isinstance(value, (int, float)):
            value = constant(data=tensor_data(value, f32[()]))
        if isinstance(value, TensorData):
            value = constant(data=value)
        if not isinstance(value, Value):
            raise Error(f"{function.__name__} returned a {type_name(value)}; a graph's outputs are values")
        wanted.append(value)
    return Graph(wanted, given.values(), output_names=names, name=function.__name__)


def type_name(value: object) -> str:
    """Return the name of an object's class."""
    return type(value).__name__
