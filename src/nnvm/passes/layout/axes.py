"""What operators say of axes in another order."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from nnvm.attrs import elementwise
from nnvm.errors import Error
from nnvm.ir import ABSENT, Node, Op, TensorType, UnknownRank, Value, i64, is_constant, product, rebuild
from nnvm.ops import (
    argmax,
    argmin,
    batch_norm,
    concat,
    cumprod,
    cumsum,
    dequantize_linear,
    expand,
    gather,
    hardmax,
    layer_norm,
    log_softmax,
    matmul,
    pad,
    quantize_linear,
    reduce_l1,
    reduce_l2,
    reduce_log_sum,
    reduce_log_sum_exp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
    reduce_sum_square,
    rms_norm,
    slice,
    softmax,
    split,
    squeeze,
    tile,
    unsqueeze,
)
from nnvm.ops.reduce import axes_known
from nnvm.ops.shape import axes_of_slice
from nnvm.ops.typing import axis_of
from nnvm.passes.constants import filled, vector, whole
from nnvm.passes.layout.pad import amounts_of
from nnvm.passes.layout.transpose import Perm, undone

Make: TypeAlias = Callable[[Sequence[Value]], Sequence[Value]]


class Turn:
    """A use whose transposes stand behind it and not before: each input is `inputs[i]` of what `make` takes instead.

    An input of no permutation stays as it is; each output is `outputs[i]` of what `make` returns.
    """

    __slots__ = ("inputs", "make", "outputs")

    def __init__(self, inputs: Sequence[Perm | None], outputs: Sequence[Perm], make: Make) -> None:
        self.inputs, self.outputs, self.make = tuple(inputs), tuple(outputs), make


Turning: TypeAlias = Callable[[Node, Perm], Turn | None]


def turned(node: Node, i: int, perm: Perm) -> Turn | None:
    """Return how a node's transposes move behind it, where input i is transposed so; None where they cannot."""
    found = TURNS.get(node.op)
    try:
        if found is not None:
            return found(node, perm) if i == 0 or node.op in (concat, matmul) else None
        return _elementwise(node, perm) if node.op in elementwise else None
    except (UnknownRank, Error, ValueError):  # an axis out of range, in a use that is not typed
        return None


def is_one(value: Value) -> bool:
    """Say whether a value is one number, which broadcasts to any axes alike."""
    return isinstance(value.type, TensorType) and len(value.shape) <= 1 and product(value.shape) == 1


def _same(node: Node, perm: Perm, **params: Any) -> Turn:
    """Only the first input is transposed, and every output alike."""
    given = {**node.params, **params}

    def make(inputs: Sequence[Value]) -> Sequence[Value]:
        return _values(node.op(*inputs, **given))

    return Turn((perm, *(None,) * (len(node.inputs) - 1)), (perm,) * len(node.outputs), make)


def _values(made: Any) -> Sequence[Value]:
    return (made,) if isinstance(made, Value) else made


def _elementwise(node: Node, perm: Perm) -> Turn | None:
    if any(len(value.shape) != len(perm) for value in node.outputs):
        return None
    wanted: list[Perm | None] = []
    for value in node.inputs:
        if value is ABSENT or is_one(value):
            wanted.append(None)
        elif len(value.shape) == len(perm) or is_constant(value):
            wanted.append(perm)
        else:
            return None
    return Turn(wanted, (perm,) * len(node.outputs), lambda inputs: rebuild(node, tuple(inputs)).outputs)


def _along(node: Node, perm: Perm) -> Turn | None:
    """Work along one axis, a param, and leave the rank as it is."""
    return _same(node, perm, axis=perm[axis_of(node.params["axis"], len(perm))])


def _along_input(node: Node, perm: Perm) -> Turn | None:
    axis = whole(node.inputs[1])
    if axis is None or len(axis) != 1 or len(node.inputs[1].shape) > 1:
        return None
    place = perm[axis_of(axis[0], len(perm))]
    options = dict(node.params)
    return Turn((perm, None), (perm,), lambda inputs: (node.op(inputs[0], filled(place, i64), **options),))


def _without(perm: Perm, places: Sequence[int]) -> Perm:
    """Return what is left of a permutation once some axes of its result are gone."""
    kept = [axis for i, axis in enumerate(perm) if i not in places]
    order = sorted(kept)
    return tuple(order.index(axis) for axis in kept)


def _reduce(node: Node, perm: Perm) -> Turn | None:
    axes = axes_known(node.inputs[1] if len(node.inputs) > 1 and node.inputs[1] is not ABSENT else None)
    if axes is None:
        return None
    options, kept = dict(node.params), node.params["keepdims"]
    if not axes:
        left = perm if kept or options["noop_with_empty_axes"] else ()
        return Turn((perm, *(None,) * (len(node.inputs) - 1)), (left,), lambda inputs: (node.op(*inputs, **options),))
    places = [axis_of(axis, len(perm)) for axis in axes]
    over = sorted(perm[place] for place in places)
    return Turn(
        (perm, None),
        (perm if kept else _without(perm, places),),
        lambda inputs: (node.op(inputs[0], vector(over), **options),),
    )


def _arg(node: Node, perm: Perm) -> Turn | None:
    place = axis_of(node.params["axis"], len(perm))
    options = {**node.params, "axis": perm[place]}
    left = perm if node.params["keepdims"] else _without(perm, [place])
    return Turn((perm,), (left,), lambda inputs: (node.op(inputs[0], **options),))


def _concat(node: Node, perm: Perm) -> Turn | None:
    axis = perm[axis_of(node.params["axis"], len(perm))]
    return Turn((perm,) * len(node.inputs), (perm,), lambda inputs: (concat(*inputs, axis=axis),))


def _slice(node: Node, perm: Perm) -> Turn | None:
    _, starts, ends, *rest = node.inputs
    axes, steps = (*rest, ABSENT, ABSENT)[:2]
    count = starts.shape[0]
    if not isinstance(count, int):
        return None
    places = axes_of_slice(None if axes is ABSENT else axes, count, len(perm))
    axes = vector((perm[place] for place in places), starts.dtype)  # in a file all four are of one type
    given = (None,) * (len(node.inputs) - 1)
    return Turn((perm, *given), (perm,), lambda inputs: (slice(inputs[0], starts, ends, axes, steps),))


def _pad(node: Node, perm: Perm) -> Turn | None:
    amounts = amounts_of(node)
    if amounts is None:
        return None
    back = undone(perm)
    pads = vector([ends[axis] for ends in amounts for axis in back])
    filler, mode = node.inputs[2] if len(node.inputs) > 2 else ABSENT, node.params["mode"]
    given = (None,) * (len(node.inputs) - 1)
    return Turn((perm, *given), (perm,), lambda inputs: (pad(inputs[0], pads, filler, mode=mode),))


def _gather(node: Node, perm: Perm) -> Turn | None:
    place, indices = axis_of(node.params["axis"], len(perm)), node.inputs[1]
    if len(indices.shape) > 1:
        return None
    left = perm if len(indices.shape) == 1 else _without(perm, [place])
    return Turn((perm, None), (left,), lambda inputs: (gather(inputs[0], indices, axis=perm[place]),))


def _squeeze(node: Node, perm: Perm) -> Turn | None:
    axes = whole(node.inputs[1]) if len(node.inputs) > 1 and node.inputs[1] is not ABSENT else None
    if axes is None:
        return None
    places = [axis_of(axis, len(perm)) for axis in axes]
    gone = vector(sorted(perm[place] for place in places))
    return Turn((perm, None), (_without(perm, places),), lambda inputs: (squeeze(inputs[0], gone),))


def _unsqueeze(node: Node, perm: Perm) -> Turn | None:
    axes = whole(node.inputs[1])
    if axes is None:
        return None
    rank = len(perm) + len(axes)
    places = {axis_of(axis, rank) for axis in axes}
    rest = [i for i in range(rank) if i not in places]
    order = list(range(rank))
    for place, axis in zip(rest, perm, strict=True):
        order[place] = rest[axis]
    new = vector(sorted(places))
    return Turn((perm, None), (tuple(order),), lambda inputs: (unsqueeze(inputs[0], new),))


def _expand(node: Node, perm: Perm) -> Turn | None:
    """Broadcast to a known shape of no more dimensions."""
    sizes = whole(node.inputs[1])
    if sizes is None or len(sizes) > len(perm):
        return None
    full = (1,) * (len(perm) - len(sizes)) + sizes
    shape = vector(full[axis] for axis in undone(perm))
    return Turn((perm, None), (perm,), lambda inputs: (expand(inputs[0], shape),))


def _tile(node: Node, perm: Perm) -> Turn | None:
    times = whole(node.inputs[1])
    if times is None or len(times) != len(perm):
        return None
    repeats = vector(times[axis] for axis in undone(perm))
    return Turn((perm, None), (perm,), lambda inputs: (tile(inputs[0], repeats),))


def _matmul(node: Node, perm: Perm) -> Turn | None:
    """Let batches change places; and where rows and columns do of both, A^T B^T = (B A)^T."""
    a, b = node.inputs
    rank = len(perm)
    if rank < 2 or len(a.shape) != rank:
        return None
    if len(b.shape) == 2 < rank and perm[-1] == rank - 1:
        return Turn((perm, None), (perm,), lambda inputs: (matmul(*inputs),))
    if len(b.shape) != rank:
        return None
    if perm[-2:] == (rank - 2, rank - 1):
        return Turn((perm, perm), (perm,), lambda inputs: (matmul(*inputs),))
    swapped = perm[-2:] == (rank - 1, rank - 2)
    return Turn((perm, perm), (perm,), lambda inputs: (matmul(inputs[1], inputs[0]),)) if swapped else None


def _channels(node: Node, perm: Perm) -> Turn | None:
    return _same(node, perm) if perm[1:2] == (1,) and len(node.outputs) == 1 else None


def _trailing(node: Node, perm: Perm) -> Turn | None:
    """Normalise over the last axes, which stay there, by a scale and bias of no others."""
    rank = len(perm)
    axis = axis_of(node.params["axis"], rank)
    narrow = all(value is ABSENT or len(value.shape) <= rank - axis for value in node.inputs[1:])
    return _same(node, perm, axis=axis) if narrow and perm[axis:] == tuple(range(axis, rank)) else None


def _quantized(node: Node, perm: Perm) -> Turn | None:
    if node.params.get("block_size"):
        return None
    return _along(node, perm) if node.inputs[1].shape else _same(node, perm)


_REDUCTIONS: Final = (
    reduce_l1, reduce_l2, reduce_log_sum, reduce_log_sum_exp, reduce_max, reduce_mean, reduce_min, reduce_prod,
    reduce_sum, reduce_sum_square,
)  # fmt: skip
TURNS: Final[dict[Op[..., Any], Turning]] = {
    **dict.fromkeys(_REDUCTIONS, _reduce), argmax: _arg, argmin: _arg, concat: _concat, split: _along, slice: _slice,
    pad: _pad, softmax: _along, log_softmax: _along, hardmax: _along, cumsum: _along_input, cumprod: _along_input,
    gather: _gather, squeeze: _squeeze, unsqueeze: _unsqueeze, expand: _expand, tile: _tile, matmul: _matmul,
    batch_norm: _channels, layer_norm: _trailing, rms_norm: _trailing, quantize_linear: _quantized,
    dequantize_linear: _quantized,
}  # fmt: skip
"""By operator, how transposes move behind a use whose first input is transposed."""
