"""The functions that recurrent layers apply to their gates, in place."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nnvm.backends.numpy.kernels.scratch import Array

Function = Callable[[Array, Array, float, float], None]


class Activation(NamedTuple):
    """A function by its name in lower case, with the alpha and beta that it takes."""

    name: str
    alpha: float
    beta: float


def activate(x: Array, spare: Array, activation: Activation) -> None:
    """Apply a function in place; `spare` is of x's shape and is overwritten, ValueError for an unknown name."""
    function = FUNCTIONS.get(activation.name)
    if function is None:
        raise ValueError(f"no activation is called {activation.name!r}; they are {', '.join(FUNCTIONS)}")
    function(x, spare, activation.alpha, activation.beta)


def _sigmoid(x: Array, spare: Array, alpha: float, beta: float) -> None:
    """Go through tanh, which does not overflow."""
    np.multiply(x, 0.5, out=x)
    np.tanh(x, out=x)
    np.multiply(x, 0.5, out=x)
    np.add(x, 0.5, out=x)


def _tanh(x: Array, spare: Array, alpha: float, beta: float) -> None:
    np.tanh(x, out=x)


def _relu(x: Array, spare: Array, alpha: float, beta: float) -> None:
    np.maximum(x, 0, out=x)


def _affine(x: Array, spare: Array, alpha: float, beta: float) -> None:
    np.multiply(x, alpha, out=x)
    np.add(x, beta, out=x)


def _leaky_relu(x: Array, spare: Array, alpha: float, beta: float) -> None:
    np.minimum(x, 0, out=spare)
    np.multiply(spare, alpha, out=spare)
    np.maximum(x, 0, out=x)
    np.add(x, spare, out=x)


def _thresholded_relu(x: Array, spare: Array, alpha: float, beta: float) -> None:
    np.greater(x, alpha, out=spare)
    np.multiply(x, spare, out=x)


def _scaled_tanh(x: Array, spare: Array, alpha: float, beta: float) -> None:
    np.multiply(x, beta, out=x)
    np.tanh(x, out=x)
    np.multiply(x, alpha, out=x)


def _hard_sigmoid(x: Array, spare: Array, alpha: float, beta: float) -> None:
    _affine(x, spare, alpha, beta)
    np.clip(x, 0, 1, out=x)


def _elu(x: Array, spare: Array, alpha: float, beta: float) -> None:
    np.minimum(x, 0, out=spare)
    np.expm1(spare, out=spare)
    np.multiply(spare, alpha, out=spare)
    np.maximum(x, 0, out=x)
    np.add(x, spare, out=x)


def _softsign(x: Array, spare: Array, alpha: float, beta: float) -> None:
    np.abs(x, out=spare)
    np.add(spare, 1, out=spare)
    np.divide(x, spare, out=x)


def _softplus(x: Array, spare: Array, alpha: float, beta: float) -> None:
    np.logaddexp(x, 0, out=x)


FUNCTIONS: dict[str, Function] = {
    "affine": _affine,
    "elu": _elu,
    "hardsigmoid": _hard_sigmoid,
    "leakyrelu": _leaky_relu,
    "relu": _relu,
    "scaledtanh": _scaled_tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "softsign": _softsign,
    "tanh": _tanh,
    "thresholdedrelu": _thresholded_relu,
}
