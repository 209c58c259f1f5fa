"""Which version of an operator holds at which opset, as ONNX itself says."""

from functools import cache
from typing import Final

import onnx

NEWEST: Final[int] = onnx.defs.onnx_opset_version()
"""The newest opset that the installed onnx knows."""
OLDEST: Final = 7
"""The oldest opset whose operators the tables read; `older` tells what older ones have in common with it."""
VETTED: Final = 28
"""The newest version of any operator that the tables were written for; newer versions are carried."""
DEFAULT: Final = 21
"""The opset of a graph that came from no file."""


@cache
def since(type: str, opset: int, domain: str = "") -> int | None:
    """Return the version of an operator that holds at an opset, or None where there is none."""
    try:
        return int(onnx.defs.get_schema(type, opset, domain).since_version)
    except onnx.defs.SchemaError:
        return None


@cache
def first(type: str) -> int:
    """Return the oldest opset that has an operator."""
    return next(opset for opset in range(1, NEWEST + 1) if since(type, opset) is not None)


@cache
def optional_outputs(type: str, opset: int) -> frozenset[int]:
    """Return which outputs of an operator may be left out."""
    optional = onnx.defs.OpSchema.FormalParameterOption.Optional
    outputs = onnx.defs.get_schema(type, opset, "").outputs
    return frozenset(i for i, output in enumerate(outputs) if output.option == optional)


@cache
def attributes(type: str, opset: int) -> frozenset[str]:
    """Return the attributes that an operator has at an opset."""
    return frozenset(onnx.defs.get_schema(type, opset, "").attributes)


@cache
def most_inputs(type: str, opset: int) -> int:
    """Return how many inputs an operator takes at most."""
    return int(onnx.defs.get_schema(type, opset, "").max_input)


def first_with(type: str, opset: int, names: frozenset[str], inputs: int) -> int | None:
    """Return the first later opset where an operator has these attributes and takes so many inputs, or None."""
    for later in range(opset + 1, NEWEST + 1):
        if since(type, later) is not None and names <= attributes(type, later) and inputs <= most_inputs(type, later):
            return later
    return None
