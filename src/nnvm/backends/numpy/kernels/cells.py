"""One step of each recurrent cell, from projected inputs and the state."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nnvm.backends.numpy.kernels.gates import Activation, activate
from nnvm.backends.numpy.kernels.scratch import Array

Step = Callable[[Array, list[Array], Array], None]


class Layer(NamedTuple):
    """One direction of a layer, its weights, and how it computes one step from projected inputs."""

    weight: Array
    recurrence: Array
    bias: Array | None
    peepholes: Array | None
    functions: tuple[Activation, ...]
    clip: float | None
    flag: int


class Weights(NamedTuple):
    """What one direction's steps read: the state's bias where it is apart, peepholes, and room to widen."""

    apart: Array | None
    peepholes: Array | None
    block: Array | None


def multiply(out: Array, a: Array, weight: Array, block: Array | None) -> None:
    """Multiply by a weight's transpose; one of short floats is widened a few rows at a time."""
    if block is None:
        np.matmul(a, weight.T, out=out)
        return
    size, depth = weight.shape
    step = max(1, block.size // max(1, depth))
    for start in range(0, size, step):
        piece = weight[start : start + step]
        wider = block[: piece.size].reshape(piece.shape)
        np.copyto(wider, piece)
        np.matmul(a, wider.T, out=out[:, start : start + step])


def _limit(x: Array, clip: float | None) -> None:
    if clip is not None:
        np.clip(x, -clip, clip, out=x)


def lstm_step(layer: Layer, weights: Weights) -> Step:
    """Return a step of long short-term memory."""
    size = layer.recurrence.shape[1]
    holes, clip = weights.peepholes, layer.clip
    first, second, third = layer.functions

    def step(gates: Array, states: list[Array], spare: Array) -> None:
        h, c = states
        multiply(spare, h, layer.recurrence, weights.block)
        np.add(gates, spare, out=gates)
        i, o, f, g = (gates[:, size * k : size * k + size] for k in range(4))
        part = spare[:, :size]
        if holes is None:
            _limit(gates, clip)
            activate(gates[:, : 3 * size], spare[:, : 3 * size], first)
        else:
            for gate, hole in ((i, holes[0]), (f, holes[2])):
                np.multiply(c, hole, out=part)
                np.add(gate, part, out=gate)
                _limit(gate, clip)
                activate(gate, part, first)
            _limit(g, clip)
        activate(g, part, second)
        if layer.flag:
            np.subtract(1, i, out=f)
        np.multiply(c, f, out=c)
        np.multiply(g, i, out=g)
        np.add(c, g, out=c)
        if holes is not None:
            np.multiply(c, holes[1], out=part)
            np.add(o, part, out=o)
            _limit(o, clip)
            activate(o, part, first)
        np.copyto(h, c)
        activate(h, part, third)
        np.multiply(h, o, out=h)

    return step


def gru_step(layer: Layer, weights: Weights) -> Step:
    """Return a step of gated recurrent units."""
    size = layer.recurrence.shape[1]
    first, second = layer.functions
    both, own = layer.recurrence[: 2 * size], layer.recurrence[2 * size :]

    def step(gates: Array, states: list[Array], spare: Array) -> None:
        (h,) = states
        pair, g = gates[:, : 2 * size], gates[:, 2 * size :]
        z, r, part = gates[:, :size], gates[:, size : 2 * size], spare[:, 2 * size :]
        if weights.apart is None:
            multiply(spare[:, : 2 * size], h, both, weights.block)
        else:
            multiply(spare, h, layer.recurrence, weights.block)
        np.add(pair, spare[:, : 2 * size], out=pair)
        _limit(pair, layer.clip)
        activate(pair, spare[:, : 2 * size], first)
        if weights.apart is None:
            np.multiply(r, h, out=r)
            multiply(part, r, own, weights.block)
        else:
            np.add(part, weights.apart, out=part)
            np.multiply(part, r, out=part)
        np.add(g, part, out=g)
        _limit(g, layer.clip)
        activate(g, part, second)
        np.subtract(h, g, out=h)
        np.multiply(h, z, out=h)
        np.add(h, g, out=h)

    return step


def rnn_step(layer: Layer, weights: Weights) -> Step:
    """Return a step of a plain recurrent layer."""
    (first,) = layer.functions

    def step(gates: Array, states: list[Array], spare: Array) -> None:
        (h,) = states
        multiply(spare, h, layer.recurrence, weights.block)
        np.add(gates, spare, out=h)
        _limit(h, layer.clip)
        activate(h, spare, first)

    return step
