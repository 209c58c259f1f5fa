"""How a Python function becomes a graph: it is called once on inputs, and what it returns is wanted."""

from collections.abc import Callable, Mapping
from typing import Any

from nnvm.errors import Error
from nnvm.ir.graph import Graph
from nnvm.ir.node import Value
from nnvm.ir.op import Op, constant, named_input
from nnvm.ir.tensor_data import TensorData, tensor_data
from nnvm.ir.types import TensorType, f32


def trace(function: Callable[..., Any], /, **types: TensorType | None) -> Graph:
    """Return the graph of a function whose arguments are annotated with types (`x: f32[2, 3]`) or typed by keyword.

    An argument without a type is an untyped input; one with a default and no type keeps its default. The function
    returns a value, or a tuple or mapping of values. Raises Error for anything else, and for `*args`.
    """
    annotated = _arguments(function)
    title = str(getattr(function, "__name__", None) or getattr(function, "name", "main"))
    unknown = sorted(types.keys() - annotated.keys())
    if unknown:
        raise Error(f"{title} has no argument {', '.join(unknown)}; it has {', '.join(annotated)}")
    given: dict[str, Value] = {}
    for name, (type, optional) in annotated.items():
        type = types.get(name, type)
        if not optional or name in types or isinstance(type, TensorType):
            given[name] = named_input(name, type if isinstance(type, TensorType) else None)
    returned = function(*given.values()) if isinstance(function, Op) else function(**given)
    names = None
    if isinstance(returned, Mapping):
        names, returned = list(returned), list(returned.values())
    if isinstance(returned, (Value, TensorData, int, float)):
        returned = (returned,)
    if not isinstance(returned, (tuple, list)):
        raise Error(
            f"{title} returned a {type_name(returned)}; a graph's outputs are values, or a tuple or mapping of them"
        )
    wanted = []
    for value in returned:
        if isinstance(value, (int, float)):
            value = constant(data=tensor_data(value, f32[()]))
        if isinstance(value, TensorData):
            value = constant(data=value)
        if not isinstance(value, Value):
            raise Error(f"{title} returned a {type_name(value)}; a graph's outputs are values")
        wanted.append(value)
    return Graph(wanted, given.values(), output_names=names, name=title)


def _arguments(function: Callable[..., Any]) -> dict[str, tuple[Any, bool]]:
    """Return each argument's annotation, and whether it has a default: then it is no input unless it is typed."""
    if isinstance(function, Op):
        return {name: (None, name in function.optional) for name in function.inputs}
    from inspect import signature  # which costs more than a small graph

    found = {}
    for name, argument in signature(function).parameters.items():
        if argument.kind in (argument.POSITIONAL_ONLY, argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            raise Error(f"argument {argument} cannot be traced; a graph's inputs have names and a fixed number")
        annotation = argument.annotation
        if isinstance(annotation, str):  # of code that is about to be called
            annotation = eval(annotation, getattr(function, "__globals__", {}))
        found[name] = (annotation, argument.default is not argument.empty)
    return found


def type_name(value: object) -> str:
    """Return the name of an object's class."""
    return type(value).__name__
