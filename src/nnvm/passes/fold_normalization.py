"""How a scale and a shift of each channel move into the weights of what computes the channels."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from nnvm.analyses import fixed
from nnvm.attrs import view
from nnvm.errors import Error
from nnvm.ir import (
    ABSENT,
    Graph,
    Node,
    Op,
    UnknownRank,
    Value,
    data_of,
    equal,
    f16,
    f32,
    f64,
    is_constant,
    product,
    rewrite,
    same_type,
)
from nnvm.ops import (
    add,
    batch_norm,
    concat,
    conv,
    conv_transpose,
    div,
    expand,
    gemm,
    matmul,
    mul,
    neg,
    reshape,
    slice,
    sqrt,
    sub,
)
from nnvm.ops.typing import axis_of
from nnvm.passes.constants import filled, number, vector
from nnvm.passes.fold_constants import LIMIT
from nnvm.passes.rules.scale import sink
from nnvm.passes.visits import Readers, attempt, fits

Affine = tuple[Value | None, Value | None]
"""A factor and a shift, each a vector over the channels, a scalar, or None for none."""

TINY = 1e-30
"""Factors below this, and above its inverse, may turn what is finite into what is not."""


def fold_normalization(graph: Graph) -> Graph:
    """Fold batch normalisation, and constant scales and shifts of channels, into what feeds them.

    That is a convolution or product of matrices, or a join of such, where nothing else reads what is scaled. A scale
    before them moves into their weights as well. What is computed of weights stays in the graph, for `fold_constants`.
    Rounding changes: weights are rounded once more, results once less.
    """
    return rewrite(graph, _Folding(graph).visit, origins=True)


class _Folding:
    def __init__(self, graph: Graph) -> None:
        self.readers = Readers(graph)
        self.fixed = set(fixed(graph))

    def visit(self, node: Node, origin: Node) -> Value | None:
        self.readers.see(node, origin)
        read = READS.get(node.op)
        if read is None:
            return attempt(self._absorbed, node) if node.op in ABSORBS else None
        for i in range(2 if node.op in (add, mul) else 1):
            fed = node.inputs[i]
            write = _write_join if fed.node.op is concat else WRITES.get(fed.node.op)
            if write is None or fed.node.after or not self.readers.one(fed):
                continue
            try:
                made = self._fold(node, i, read, write)
            except (UnknownRank, Error):
                continue
            if made is not None and fits(made, node):
                return made
        return attempt(self._sink, node) if node.op in (mul, div) else None

    def _sink(self, node: Node) -> Value | None:
        return sink(node, self.readers, self._scaled)

    def _absorbed(self, node: Node) -> Value | None:
        """Scale the weights by what scales the channels that come in; what pads them is zero, scaled or not."""
        fed, weight = node.inputs[:2]
        inner, axis = fed.node, 1 if node.op is conv else len(fed.shape) - 1
        if inner.op not in (mul, div) or inner.after or not self.readers.one(fed) or not self.may_change(weight):
            return None
        for i in range(2 if inner.op is mul else 1):
            x, other = inner.inputs[i], inner.inputs[1 - i]
            factor = _per_channel(other, fed, axis) if _is_tame(other) and same_type(x.type, fed.type) else None
            if factor is None or fed.dtype not in (f32, f64) or is_constant(x) or _is_gated(x):
                continue
            factor = factor if inner.op is mul else div(filled(1, factor.dtype), factor)
            along = _along_inputs(factor, node)
            if along is not None:
                return node.op(x, self.keep(mul(weight, self.keep(along))), *node.inputs[2:], **node.params)  # type: ignore[no-any-return]
        return None

    def _scaled(self, node: Node, factor: Value) -> Value | None:
        write = WRITES.get(node.op)
        return None if write is None else write(self, node, (factor, None))

    def _fold(self, node: Node, i: int, read: "Read", write: "Write") -> Value | None:
        fed = node.inputs[i]
        if fed.dtype not in (f16, f32, f64):
            return None
        affine = read(self, node, i)
        return None if affine is None else write(self, fed.node, affine)

    def is_fixed(self, value: Value) -> bool:
        """Say whether no input changes a value: it is a constant, depends on such alone, or was made here of those."""
        return is_constant(value) or value in self.fixed

    def may_change(self, weight: Value) -> bool:
        """Say whether a weight may be computed with: fixed, and not kept whole for somebody else as well."""
        data = data_of(weight)
        shared = not self.readers.one(weight) and (data is None or data.nbytes > LIMIT)
        return self.is_fixed(weight) and not shared

    def per_channel(self, value: Value, fed: Value) -> Value | None:
        """Return what a fixed factor or shift is to each channel of what feeds it, or None."""
        found = _per_channel(value, fed) if self.is_fixed(value) else None
        return None if found is None else self.keep(found)

    def keep(self, value: Value) -> Value:
        """Remember that a value made here is fixed."""
        self.fixed.add(value)
        return value


Read = Callable[[_Folding, Node, int], Affine | None]
Write = Callable[[_Folding, Node, Affine], Value | None]


def channel_axis(node: Node) -> int:
    """Return which axis of its output a node computes channel by channel, or joins."""
    if node.op is concat:
        return axis_of(node.params["axis"], len(node.outputs[0].shape))
    return 1 if node.op in (conv, conv_transpose) else len(node.outputs[0].shape) - 1


def _per_channel(value: Value, fed: Value, at: int | None = None) -> Value | None:
    """Return a factor or shift as a vector over the channels of what feeds it, or a scalar; None if it is neither."""
    shape, axis = fed.shape, channel_axis(fed.node) if at is None else at
    if not shape:  # the product of two vectors has no channels
        return None
    channels = shape[axis]
    if value.dtype is not fed.dtype or not isinstance(channels, int) or len(value.shape) > len(shape):
        return None
    amount = number(value)
    if amount is not None:
        return filled(amount, fed.dtype)
    lead = len(shape) - len(value.shape)
    if any(size != 1 and lead + i != axis for i, size in enumerate(value.shape)):
        return None
    elements = product(value.shape)
    if elements not in (1, channels):
        return None
    if len(value.shape) == 1 and elements == channels:
        return value
    return reshape(value, vector([channels] if elements == channels else []))


def _read_batch_norm(folding: _Folding, node: Node, i: int) -> Affine | None:
    fed, scale, bias, mean, var = node.inputs
    statistics = (scale, bias, mean, var)
    if not all(folding.is_fixed(value) and value.dtype is fed.dtype for value in statistics):
        return None
    if channel_axis(fed.node) != 1 or not _is_tame(var, node.params["epsilon"]):
        return None
    factor = folding.keep(div(scale, sqrt(add(var, filled(node.params["epsilon"], var.dtype)))))
    return factor, folding.keep(sub(bias, mul(mean, factor)))


def _read_mul(folding: _Folding, node: Node, i: int) -> Affine | None:
    fed, other = node.inputs[i], node.inputs[1 - i]
    return (folding.per_channel(other, fed), None) if _is_tame(other) else None


def _read_div(folding: _Folding, node: Node, i: int) -> Affine | None:
    fed, other = node.inputs
    divisor = folding.per_channel(other, fed) if _is_tame(other) else None
    return None if divisor is None else (folding.keep(div(filled(1, divisor.dtype), divisor)), None)


def _read_add(folding: _Folding, node: Node, i: int) -> Affine | None:
    fed, other = node.inputs[i], node.inputs[1 - i]
    shift = folding.per_channel(other, fed)
    return None, _viewed_row(other, fed) if shift is None else shift


def _read_sub(folding: _Folding, node: Node, i: int) -> Affine | None:
    shift = folding.per_channel(node.inputs[1], node.inputs[0])
    return None if shift is None else (None, folding.keep(neg(shift)))


def _is_tame(value: Value, margin: float = 0.0) -> bool:
    """Say whether a constant, plus a margin, is finite and away from zero, so that sums may be scaled term by term."""
    data = data_of(value)
    if data is None or data.nbytes > LIMIT:
        return False
    amounts = data.values() if data.uniform is None else (data.uniform,)
    return all(TINY < abs(amount + margin) < 1 / TINY for amount in amounts)


def _viewed_row(value: Value, fed: Value) -> Value | None:
    """Return the vector over the channels that a shift is a view of; any value serves a convolution without bias."""
    if value.node.op not in view or value.node.after or fed.node.op is not conv or _bias(fed.node) is not ABSENT:
        return None
    row = value.node.inputs[0]
    axis, lead = channel_axis(fed.node), len(fed.shape) - len(value.shape)
    spread = all(size == 1 or lead + i == axis for i, size in enumerate(value.shape))
    return row if spread and len(row.shape) == 1 and equal(row.shape[0], fed.shape[axis]) else None


def _bias(node: Node) -> Value:
    return node.inputs[2] if len(node.inputs) > 2 else ABSENT


def _write_conv(folding: _Folding, node: Node, affine: Affine) -> Value | None:
    factor, shift = affine
    x, weight = node.inputs[:2]
    bias = _bias(node)
    if factor is not None:
        if not folding.may_change(weight) or not (bias is ABSENT or folding.is_fixed(bias)):
            return None
        weight = folding.keep(mul(weight, _along_weight(factor, node)))
        bias = bias if bias is ABSENT else folding.keep(mul(bias, factor))
    if shift is not None:
        if bias is not ABSENT and not folding.is_fixed(bias):
            return None
        bias = _wide(shift, node.outputs[0].shape[1]) if bias is ABSENT else add(bias, shift)
        if folding.is_fixed(shift):
            folding.keep(bias)
    return node.op(x, weight, bias, **node.params) if factor is not None or shift is not None else None


def _along_weight(factor: Value, node: Node) -> Value:
    """Return a vector over the output channels in the shape that scales a convolution's weight."""
    weight = node.inputs[1]
    if factor.shape == ():
        return factor
    ones = [1] * (len(weight.shape) - 2)
    if node.op is conv:
        return reshape(factor, vector([-1, 1, *ones]))
    groups, (channels, out) = node.params["groups"], weight.shape[:2]
    if groups == 1:
        return reshape(factor, vector([1, -1, *ones]))
    if not isinstance(channels, int) or not isinstance(out, int):
        raise UnknownRank
    repeated = expand(reshape(factor, vector([groups, 1, out])), vector([groups, channels // groups, out]))
    return reshape(repeated, vector([channels, out, *ones]))


def _wide(shift: Value, channels: object) -> Value:
    """Return a shift as the vector that a bias is."""
    if shift.shape != ():
        return shift
    if not isinstance(channels, int):
        raise UnknownRank
    amount = number(shift)
    return expand(shift, vector([channels])) if amount is None else filled(amount, shift.dtype, (channels,))


def _write_gemm(folding: _Folding, node: Node, affine: Affine) -> Value | None:
    factor, shift = affine
    a, b = node.inputs[:2]
    c, options = _bias(node), dict(node.params)
    if c is not ABSENT and not folding.is_fixed(c):
        return None
    if factor is not None:
        if not folding.may_change(b):
            return None
        turned = node.params["transpose_b"] and factor.shape != ()
        b = folding.keep(mul(b, reshape(factor, vector([-1, 1])) if turned else factor))
        c = c if c is ABSENT else folding.keep(mul(c, factor))
    if shift is not None:
        if c is not ABSENT and options["beta"] != 1:
            c = mul(c, filled(options["beta"], c.dtype))
        c = folding.keep(shift if c is ABSENT else add(c, shift))
        options["beta"] = 1.0
    return gemm(a, b, c, **options) if factor is not None or shift is not None else None


def _write_matmul(folding: _Folding, node: Node, affine: Affine) -> Value | None:
    factor, shift = affine
    x, weight = node.inputs
    if len(weight.shape) != 2 or not folding.may_change(weight) or (factor is None and shift is None):
        return None
    if factor is not None:
        weight = folding.keep(mul(weight, factor))
    if shift is None:
        return matmul(x, weight)
    return gemm(x, weight, shift) if len(x.shape) == 2 else None


def _write_join(folding: _Folding, node: Node, affine: Affine) -> Value | None:
    """Write into each of the values that are joined along their channels what concerns it."""
    axis, start, parts = channel_axis(node), 0, []
    for value in node.inputs:
        inner, size = value.node, value.shape[axis]
        write = WRITES.get(inner.op)
        single = folding.readers.one(value) and not inner.after and channel_axis(inner) == axis
        if write is None or not single or not isinstance(size, int):
            return None
        ends = vector([start]), vector([start + size])
        own = [each if each is None or each.shape == () else folding.keep(slice(each, *ends)) for each in affine]
        made = write(folding, inner, (own[0], own[1]))
        if made is None or not fits(made, inner):
            return None
        parts.append(made)
        start += size
    return concat(*parts, axis=axis)


def _is_gated(x: Value) -> bool:
    """Say whether a value is a product or quotient of two that are computed, as in a gelu or a norm in pieces.

    Engines know those by their form, the scale at their end included.
    """
    return x.node.op in (mul, div) and not any(map(is_constant, x.node.inputs))


def _along_inputs(factor: Value, node: Node) -> Value | None:
    """Return a factor of the channels that come in, in the shape that scales a weight; None where groups share them."""
    weight = node.inputs[1]
    if factor.shape == ():
        return factor
    if node.op is conv:
        ones = [1] * (len(weight.shape) - 2)
        return reshape(factor, vector([1, -1, *ones])) if node.params["groups"] == 1 else None
    if len(weight.shape) != 2 or node.params.get("transpose_a"):
        return None
    return factor if node.params.get("transpose_b") else reshape(factor, vector([-1, 1]))


READS: Mapping[Op[..., Any], Read] = {
    batch_norm: _read_batch_norm, mul: _read_mul, div: _read_div, add: _read_add, sub: _read_sub,
}  # fmt: skip
WRITES: Mapping[Op[..., Any], Write] = {
    conv: _write_conv,
    conv_transpose: _write_conv,
    gemm: _write_gemm,
    matmul: _write_matmul,
}
ABSORBS: Collection[Op[..., Any]] = (conv, matmul, gemm)
"""What takes a scale of the channels that come in into its weights."""
