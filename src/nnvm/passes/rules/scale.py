"""How one number that scales a product moves back to weights which it can scale beforehand."""

import math
from collections.abc import Callable
from typing import Final

from nnvm.attrs import view
from nnvm.errors import Error
from nnvm.ir import Node, UnknownRank, Value, f32, f64, is_constant, product, rebuild
from nnvm.ops import add, div, matmul, mul, neg, sub, transpose
from nnvm.passes.constants import filled, number
from nnvm.passes.visits import Readers, fits

Scaled = Callable[[Node, Value], Value | None]
"""From a node and a scalar to the node with the scalar multiplied into its weights, or None where it has none."""
_STEPS: Final = 32
"""How many values are looked at on the way back."""
_LINEAR: Final = {neg: (0,), transpose: (0,), matmul: (0, 1), mul: (0, 1), div: (0,), add: (0, 1), sub: (0, 1)}
"""By operator, which inputs may be scaled instead of its output; of a sum all must be, so the other one is constant."""


def factor_of(node: Node) -> tuple[Value, Value] | None:
    """Return what a node scales and the scalar that it scales by, or None where it does something else."""
    for i in range(2 if node.op is mul else 1):
        fed, other = node.inputs[i], node.inputs[1 - i]
        amount = number(other)
        if amount is None or is_constant(fed) or fed.dtype not in (f32, f64) or product(other.shape) != 1:
            continue
        factor = 1 / amount if node.op is div and amount else amount
        if node.op in (mul, div) and 1e-30 < abs(factor) < 1e30 and math.isfinite(factor):
            return fed, filled(factor, fed.dtype)
    return None


def sink(node: Node, readers: Readers, scaled: Scaled) -> Value | None:
    """Let weights be scaled that lead to what a node scales through linear nodes which nobody else reads."""
    found = factor_of(node)
    if found is None:
        return None
    fed, factor = found
    stack: list[tuple[Value, tuple[tuple[Node, int], ...]]] = [(fed, ())]
    for _ in range(_STEPS):
        if not stack:
            return None
        value, path = stack.pop()
        if value.node.after or len(value.node.outputs) != 1 or not readers.one(value):
            continue
        made = _end(value.node, factor, scaled) if path or value.node.op not in (mul, div) else None
        if made is not None:
            return _rebuilt(made, path, factor)
        stack += [(value.node.inputs[i], (*path, (value.node, i))) for i in reversed(_ways(value.node))]
    return None


def _ways(node: Node) -> tuple[int, ...]:
    """Return through which inputs of a node a scale may pass."""
    if node.op in view:
        return (0,)
    ways = _LINEAR.get(node.op, ())
    if node.op in (add, sub):
        return tuple(i for i in ways if is_constant(node.inputs[1 - i]))
    return tuple(i for i in ways if not is_constant(node.inputs[i]))


def _end(node: Node, factor: Value, scaled: Scaled) -> Value | None:
    """Return a node with the factor in its weights, or in the constant that it multiplies by."""
    try:
        if node.op in (mul, div):
            constant = next((i for i in range(2 if node.op is mul else 0) if is_constant(node.inputs[i])), None)
            if constant is None:
                return None
            inputs = list(node.inputs)
            inputs[constant] = mul(inputs[constant], factor)
            made: Value | None = rebuild(node, tuple(inputs)).outputs[0]
        else:
            made = scaled(node, factor)
    except (UnknownRank, Error):
        return None
    return made if fits(made, node) else None


def _rebuilt(made: Value, path: tuple[tuple[Node, int], ...], factor: Value) -> Value:
    for node, i in reversed(path):
        inputs = list(node.inputs)
        inputs[i] = made
        if node.op in (add, sub):
            inputs[1 - i] = mul(inputs[1 - i], factor)
        made = rebuild(node, tuple(inputs)).outputs[0]
    return made
