"""Recurrent layers: the input goes through one product for many time steps, the state through one a step."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.cells import Layer, Step, Weights, gru_step, lstm_step, multiply, rnn_step
from nnvm.backends.numpy.kernels.gates import Activation
from nnvm.backends.numpy.kernels.scratch import LIMIT, Array, Shape, Shapes, carve, is_low, lent, rounded, wide

_BLOCK = 32
"""Rows of a weight of short floats that are widened at a time, where there is room."""


def lstm(
    y: Array,
    y_h: Array,
    y_c: Array,
    x: Array,
    weight: Array,
    recurrence: Array,
    bias: Array | None = None,
    lengths: Array | None = None,
    initial_h: Array | None = None,
    initial_c: Array | None = None,
    peepholes: Array | None = None,
    *,
    direction: str = "forward",
    activations: tuple[str, ...],
    alpha: tuple[float, ...],
    beta: tuple[float, ...],
    clip: float | None = None,
    input_forget: int = 0,
    layout: int = 0,
    workspace: Array | None = None,
) -> None:
    """Run long short-term memory; gates are in the order i, o, f, c, peepholes in the order i, o, f."""
    functions = _functions(activations, alpha, beta)
    layers = _layers(weight, recurrence, bias, peepholes, functions, clip, input_forget)
    states = [(y_h, initial_h), (y_c, initial_c)]
    _run(lstm_step, layers, direction, y, states, x, lengths, layout, lent(workspace, "lstm"))


def gru(
    y: Array,
    y_h: Array,
    x: Array,
    weight: Array,
    recurrence: Array,
    bias: Array | None = None,
    lengths: Array | None = None,
    initial_h: Array | None = None,
    *,
    direction: str = "forward",
    activations: tuple[str, ...],
    alpha: tuple[float, ...],
    beta: tuple[float, ...],
    clip: float | None = None,
    linear_before_reset: int = 0,
    layout: int = 0,
    workspace: Array | None = None,
) -> None:
    """Run gated recurrent units; gates are in the order z, r, h."""
    functions = _functions(activations, alpha, beta)
    layers = _layers(weight, recurrence, bias, None, functions, clip, linear_before_reset)
    _run(gru_step, layers, direction, y, [(y_h, initial_h)], x, lengths, layout, lent(workspace, "gru"))


def rnn(
    y: Array,
    y_h: Array,
    x: Array,
    weight: Array,
    recurrence: Array,
    bias: Array | None = None,
    lengths: Array | None = None,
    initial_h: Array | None = None,
    *,
    direction: str = "forward",
    activations: tuple[str, ...],
    alpha: tuple[float, ...],
    beta: tuple[float, ...],
    clip: float | None = None,
    layout: int = 0,
    workspace: Array | None = None,
) -> None:
    """Run a plain recurrent layer."""
    layers = _layers(weight, recurrence, bias, None, _functions(activations, alpha, beta), clip, 0)
    _run(rnn_step, layers, direction, y, [(y_h, initial_h)], x, lengths, layout, lent(workspace, "rnn"))


def _functions(names: tuple[str, ...], alpha: tuple[float, ...], beta: tuple[float, ...]) -> tuple[Activation, ...]:
    return tuple(Activation(*each) for each in zip(names, alpha, beta, strict=True))


def _layers(
    weight: Array,
    recurrence: Array,
    bias: Array | None,
    peepholes: Array | None,
    functions: tuple[Activation, ...],
    clip: float | None,
    flag: int,
) -> list[Layer]:
    each = len(functions) // len(weight)
    return [
        Layer(
            weight[i],
            recurrence[i],
            None if bias is None else bias[i],
            None if peepholes is None else peepholes[i],
            functions[i * each : (i + 1) * each],
            clip,
            flag,
        )
        for i in range(len(weight))
    ]


def _run(
    make: Callable[[Layer, Weights], Step],
    layers: list[Layer],
    direction: str,
    y: Array,
    states: list[tuple[Array, Array | None]],
    x: Array,
    lengths: Array | None,
    layout: int,
    room: Array,
) -> None:
    """Run every direction over as many sequences at a time as the room holds."""
    if layout:
        y, x = y.transpose(1, 2, 0, 3), x.swapaxes(0, 1)
        states = [(last.swapaxes(0, 1), None if first is None else first.swapaxes(0, 1)) for last, first in states]
    if lengths is not None and lengths.size and not 0 <= int(lengths.min()) <= int(lengths.max()) <= len(x):
        raise ValueError(f"sequence lengths from {lengths.min()} to {lengths.max()} in {len(x)} time steps")
    sizes = _Sizes(x.shape, layers[0].recurrence.shape, wide(x.dtype).itemsize, is_low(x.dtype))
    rows = sizes.rows(room.size)
    for i, layer in enumerate(layers):
        backward = direction == "reverse" or i == 1
        for start in range(0, x.shape[1], rows):
            some = slice(start, min(start + rows, x.shape[1]))
            own = [(last[i, some], None if first is None else first[i, some]) for last, first in states]
            ends = None if lengths is None else lengths[some]
            _sweep(make, layer, y[:, i, some], own, x[:, some], ends, backward, bool(layout), sizes, room)


class _Sizes:
    """How much room a layer takes: what is there once, for each sequence, and for each step of each sequence."""

    __slots__ = ("batch", "block", "each", "hidden", "inputs", "item", "low", "once", "step", "time", "width")

    def __init__(self, x: Shape, recurrence: Shape, item: int, low: bool) -> None:
        self.time, self.batch, self.inputs = x
        self.width, self.hidden = recurrence
        self.item, self.low = item, low
        self.block = max(self.inputs, self.hidden, 1) if low else 0
        self.once = (2 * self.width + 3 * self.hidden) * item + 640
        self.each = (self.width + 4 * self.hidden) * item
        self.step = (self.width + (self.inputs if low else 0)) * item

    def least(self) -> int:
        """Return the bytes without which not even one sequence goes through."""
        return self.once + self.block * self.item + self.each + self.step

    def most(self) -> int:
        """Return the bytes beyond which nothing gets faster."""
        rows = self.batch * (self.each + max(1, self.time) * self.step)
        return self.once + min(_BLOCK, self.width) * self.block * self.item + rows

    def rows(self, room: int) -> int:
        """Return how many sequences go through at a time, a few steps of each at least."""
        left = room - self.once - self.block * self.item
        return max(1, min(self.batch, left // (self.each + min(4, max(1, self.time)) * self.step)))

    def steps(self, room: int, rows: int) -> int:
        """Return how many steps of these sequences are projected at a time."""
        left = room - self.once - self.block * self.item - rows * self.each
        if self.low:
            left -= min(left // 4, (_BLOCK - 1) * self.block * self.item)
        return max(1, min(self.time, left // max(1, rows * self.step)))


def _sweep(
    make: Callable[[Layer, Weights], Step],
    layer: Layer,
    y: Array,
    states: list[tuple[Array, Array | None]],
    x: Array,
    lengths: Array | None,
    backward: bool,
    batch_first: bool,
    sizes: _Sizes,
    room: Array,
) -> None:
    """Run one direction over a few sequences."""
    dtype, rows, width = wide(x.dtype), x.shape[1], sizes.width
    hidden = (rows, sizes.hidden)
    steps = sizes.steps(room.size, rows)
    parts: list[tuple[Shape, Any]] = [((2, width), dtype), ((3 * sizes.hidden,), dtype), ((rows, width), dtype)]
    parts += [(hidden, dtype)] * 4 + [((steps, rows, width), dtype)]
    parts += [((steps, rows, sizes.inputs), dtype)] if sizes.low else []
    biases, holes, spare, *more = carve(room, *parts)
    now, before, gates = more[: len(states)], more[2 : 2 + len(states)], more[4]
    block = _rest(room, parts, dtype) if sizes.low else None
    weights = _prepare(layer, make is gru_step and bool(layer.flag), biases, holes, block)
    for state, (_, first) in zip(now, states, strict=True):
        state[...] = 0 if first is None else first
    step = make(layer, weights)
    full = len(x) if lengths is None else int(lengths.min(initial=len(x)))
    for span in _spans(len(x), steps, backward):
        source = x[span]
        target = gates[: len(source)]
        _project(target, source, layer.weight, more[5] if sizes.low else None, block, batch_first)
        np.add(target, biases[0], out=target)
        for k in range(len(source))[:: -1 if backward else 1]:
            t = span.start + k
            if lengths is None or t < full:
                step(target[k], now, spare)
                y[t] = now[0]
            else:
                _masked(step, target[k], now, before, spare, y[t], t < lengths)
    for state, (last, _) in zip(now, states, strict=True):
        last[...] = state


def _rest(room: Array, parts: list[tuple[Shape, Any]], dtype: np.dtype[Any]) -> Array:
    """View what other parts leave of the room."""
    used = sum(rounded(int(np.prod(shape)) * dtype.itemsize) for shape, _ in parts)
    left = (room.size - used) // dtype.itemsize
    return room[used : used + left * dtype.itemsize].view(dtype)


def _prepare(layer: Layer, apart: bool, biases: Array, holes: Array, block: Array | None) -> Weights:
    """Add both biases; with `apart` that of the last gate's state is kept for later, and the rest of it is zero."""
    biases[...] = 0
    width, hidden = layer.recurrence.shape
    if layer.bias is not None:
        biases[0] = layer.bias[:width]
        biases[1] = layer.bias[width:]
    joined = width - hidden if apart else width
    np.add(biases[0, :joined], biases[1, :joined], out=biases[0, :joined])
    if layer.peepholes is not None:
        holes[...] = layer.peepholes
    return Weights(
        biases[1, joined:] if apart else None,
        None if layer.peepholes is None else holes.reshape(3, -1),
        block,
    )


def _spans(time: int, steps: int, backward: bool) -> Iterator[slice]:
    starts = range(0, time, steps)
    for start in reversed(starts) if backward else starts:
        yield slice(start, min(start + steps, time))


def _project(
    target: Array, source: Array, weight: Array, widened: Array | None, block: Array | None, batch_first: bool
) -> None:
    """Multiply the inputs of a few steps by the weight: one product where they lie in one piece."""
    if widened is not None:
        wider = widened[: len(source)]
        np.copyto(wider, source)
        source = wider
    if source.flags.c_contiguous:
        rows = source.shape[0] * source.shape[1]
        multiply(target.reshape(rows, -1), source.reshape(rows, -1), weight, block)
    elif batch_first:
        np.matmul(source.swapaxes(0, 1), weight.T, out=target.swapaxes(0, 1))
    else:
        np.matmul(source, weight.T, out=target)


def _masked(
    step: Step, gates: Array, now: list[Array], before: list[Array], spare: Array, y: Array, going: Array
) -> None:
    """Take a step in those sequences that have not ended; the others keep their state and yield zeros."""
    for old, state in zip(before, now, strict=True):
        np.copyto(old, state)
    step(gates, now, spare)
    ended = ~going[:, None]
    y[...] = now[0]
    np.copyto(y, 0, where=ended)
    for old, state in zip(before, now, strict=True):
        np.copyto(state, old, where=ended)


def recurrent_workspace(out_shapes: Shapes, in_shapes: Shapes, itemsize: int, params: dict[str, Any]) -> int:
    """Return the bytes a layer wants: all steps' gates, at most 256 KiB unless one step of one sequence needs more."""
    x, recurrence = in_shapes[0], in_shapes[2]
    if recurrence is None:
        return LIMIT
    shape = (1, 1, 1) if x is None else (x[1], x[0], x[2]) if params.get("layout") else (x[0], x[1], x[2])
    sizes = _Sizes(shape, recurrence[1:], max(4, itemsize), itemsize < 4)
    return max(sizes.least(), LIMIT if x is None else min(LIMIT, sizes.most()))


KERNELS = {"lstm": lstm, "gru": gru, "rnn": rnn}
WORKSPACES = {"lstm": recurrent_workspace, "gru": recurrent_workspace, "rnn": recurrent_workspace}
