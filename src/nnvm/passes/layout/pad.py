"""How pads meet, and how one moves into the window that slides over it."""

from nnvm.ir import ABSENT, Node, Value
from nnvm.ir.tensor_data import Number
from nnvm.ops import average_pool, conv, max_pool, pad
from nnvm.ops.typing import axis_of
from nnvm.passes.constants import number, vector, whole

Amounts = tuple[list[int], list[int]]


def amounts_of(node: Node) -> Amounts | None:
    """Return what a pad adds at the begin and at the end of every axis, or None where that is not known."""
    x, pads, *rest = node.inputs
    axes = rest[1] if len(rest) > 1 else ABSENT
    given = whole(pads)
    rank = len(x.shape)
    places = tuple(range(rank)) if axes is ABSENT else whole(axes)
    if given is None or places is None:
        return None
    begins, ends = [0] * rank, [0] * rank
    for i, axis in enumerate(places):
        begins[axis_of(axis, rank)], ends[axis_of(axis, rank)] = given[i], given[len(places) + i]
    return begins, ends


def filling_of(node: Node) -> Number | None:
    """Return the number that a pad adds, or None where it is not known or no constant."""
    value = node.inputs[2] if len(node.inputs) > 2 else ABSENT
    if node.params["mode"] != "constant":
        return None
    return 0 if value is ABSENT else number(value)


def join_pads(node: Node) -> Value | None:
    """Make one pad of two in a row that add the same number, and take nothing away."""
    inner = node.inputs[0].node
    if inner.op is not pad or inner.after:
        return None
    added = filling_of(node)
    first, second = amounts_of(inner), amounts_of(node)
    if added is None or added != filling_of(inner) or first is None or second is None:
        return None
    if min(*first[0], *first[1], *second[0], *second[1]) < 0:
        return None
    total = [p + q for p, q in zip(first[0] + first[1], second[0] + second[1], strict=True)]
    return pad(inner.inputs[0], vector(total), node.inputs[2] if len(node.inputs) > 2 else ABSENT)


def pad_in_window(node: Node) -> Value | None:
    """Let a convolution or pool add at its edges what a pad adds before it: zeros, or for a maximum minus infinity."""
    inner = node.inputs[0].node
    if inner.op is not pad or inner.after or node.params["auto_pad"] not in ("NOTSET", "VALID"):
        return None
    amounts, added = amounts_of(inner), filling_of(inner)
    if amounts is None or added != (float("-inf") if node.op is max_pool else 0):
        return None
    begins, ends = amounts
    if min(*begins, *ends) < 0 or any(begins[:2]) or any(ends[:2]):
        return None
    spatial = len(begins) - 2
    own = node.params["pads"] if node.params["auto_pad"] == "NOTSET" and node.params["pads"] else (0,) * (2 * spatial)
    total = tuple(p + q for p, q in zip(own, begins[2:] + ends[2:], strict=True))
    options = {**node.params, "pads": total, "auto_pad": "NOTSET"}
    if node.op is not conv:
        kernel = node.params["kernel"] * 2
        if node.params["ceil_mode"] or any(amount >= size for amount, size in zip(total, kernel, strict=True)):
            return None
        if node.op is average_pool:
            if any(own) and not node.params["count_include_pad"]:
                return None
            options["count_include_pad"] = True
    return node.op(inner.inputs[0], *node.inputs[1:], **options)  # type: ignore[no-any-return]
