"""How one operator is spelled out in several, for files and machines that do not have it."""

import math
from collections.abc import Callable

from nnvm.attrs import pieces
from nnvm.ir import ABSENT, Graph, Node, UnknownRank, Value, bf16, f16, f32, rewrite
from nnvm.ops import add, cast, div, erf, gelu, layer_norm, mul, reduce_mean, rms_norm, sqrt, sub, tanh
from nnvm.ops.typing import axis_of
from nnvm.passes.constants import filled, vector


def decompose(graph: Graph) -> Graph:
    """Spell out every operator that simpler ones can say: gelu, layer norm and RMS norm, and whatever `pieces` has."""
    return decompose_where(graph, lambda node: True)


def decompose_where(graph: Graph, wanted: Callable[[Node], bool]) -> Graph:
    """Spell out those uses that a function picks; one stays whose pieces depend on a rank that is not known."""

    def visit(node: Node) -> Value | None:
        if node.op not in pieces or not wanted(node):
            return None
        try:
            return pieces[node.op](node)
        except UnknownRank:
            return None

    return rewrite(graph, visit)


@pieces(gelu)
def _(node: Node) -> Value:
    """x * (erf(x / sqrt(2)) + 1) / 2, or x * (tanh(sqrt(2 / pi) * (x + 0.044715 x^3)) + 1) / 2."""
    (x,) = node.inputs

    def times(value: Value, factor: float) -> Value:
        return mul(value, filled(factor, x.dtype))

    if node.params["approximate"] == "none":
        gate = erf(times(x, math.sqrt(0.5)))
    else:
        gate = tanh(times(add(x, times(mul(mul(x, x), x), 0.044715)), math.sqrt(2 / math.pi)))
    return times(mul(x, add(gate, filled(1, x.dtype))), 0.5)


@pieces(layer_norm)
def _(node: Node) -> Value:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, half floats in single precision until they are scaled."""
    x, scale, *rest = node.inputs
    wide, axes = _widened(x), _axes(node)
    centred = sub(wide, reduce_mean(wide, axes))
    normal = _over_root_mean_square(centred, axes, node.params["epsilon"], x)
    bias = rest[0] if rest else ABSENT
    scaled = mul(normal, scale)
    return scaled if bias is ABSENT else add(scaled, bias)


@pieces(rms_norm)
def _(node: Node) -> Value:
    """x / sqrt(mean of squares + epsilon) * scale, half floats in single precision until they are scaled."""
    x, scale = node.inputs
    wide = _widened(x)
    return mul(_over_root_mean_square(wide, _axes(node), node.params["epsilon"], x), scale)


def _axes(node: Node) -> Value:
    rank = len(node.inputs[0].shape)
    return vector(range(axis_of(node.params["axis"], rank), rank))


def _widened(x: Value) -> Value:
    return cast(x, to=f32) if x.dtype in (f16, bf16) else x


def _over_root_mean_square(x: Value, axes: Value, epsilon: float, like: Value) -> Value:
    """Return x over the root of a mean square plus epsilon, in the element type of another value."""
    moment = reduce_mean(mul(x, x), axes)
    found = div(x, sqrt(add(moment, filled(epsilon, x.dtype))))
    return found if found.dtype is like.dtype else cast(found, to=like.dtype)
