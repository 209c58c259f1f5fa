import numpy as np
import pytest

from nnvm.backends.numpy.kernels.cells import Layer, Weights, gru_step, lstm_step, multiply, rnn_step
from nnvm.backends.numpy.kernels.gates import Activation

SIGMOID, TANH = Activation("sigmoid", 0, 0), Activation("tanh", 0, 0)
ROWS, SIZE = 3, 4


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def given(gates, *, clip=None, flag=0, functions=(TANH,)):
    """Return a layer, what is projected for one step, the state before it, and scratch."""
    random = np.random.default_rng(0)
    recurrence = random.normal(size=(gates * SIZE, SIZE))
    layer = Layer(recurrence, recurrence, None, None, functions, clip, flag)
    return layer, random.normal(size=(ROWS, gates * SIZE)), random.normal(size=(ROWS, SIZE)), np.empty((ROWS, 99))


@pytest.mark.parametrize("clip", [None, 0.25])
def test_a_plain_step(clip):
    layer, projected, h, spare = given(1, clip=clip)
    wanted = projected + h @ layer.recurrence.T
    wanted = np.tanh(wanted if clip is None else np.clip(wanted, -clip, clip))
    rnn_step(layer, Weights(None, None, None))(projected, [h], spare[:, :SIZE])
    np.testing.assert_allclose(h, wanted)


@pytest.mark.parametrize("flag", [0, 1])
def test_a_step_of_long_short_term_memory(flag):
    layer, projected, h, spare = given(4, flag=flag, functions=(SIGMOID, TANH, TANH))
    c = h[::-1].copy()
    i, o, f, g = np.split(projected + h @ layer.recurrence.T, 4, axis=1)
    new = (1 - sigmoid(i) if flag else sigmoid(f)) * c + sigmoid(i) * np.tanh(g)
    wanted = sigmoid(o) * np.tanh(new)
    lstm_step(layer, Weights(None, None, None))(projected, [h, c], spare[:, : 4 * SIZE])
    np.testing.assert_allclose(c, new)
    np.testing.assert_allclose(h, wanted)


@pytest.mark.parametrize("apart", [None, np.arange(4.0)])
def test_a_step_of_gated_units_resets_before_the_product_or_after(apart):
    layer, projected, h, spare = given(3, functions=(SIGMOID, TANH))
    z, r, own = np.split(layer.recurrence, 3)
    a, b, c = np.split(projected, 3, axis=1)
    update, reset = sigmoid(a + h @ z.T), sigmoid(b + h @ r.T)
    new = np.tanh(c + ((reset * h) @ own.T if apart is None else reset * (h @ own.T + apart)))
    wanted = (1 - update) * new + update * h
    gru_step(layer, Weights(apart, None, None))(projected, [h], spare[:, : 3 * SIZE])
    np.testing.assert_allclose(h, wanted)


@pytest.mark.parametrize("room", [0, 5, 8, 99])
def test_a_weight_of_short_floats_is_widened_by_rows(room):
    random = np.random.default_rng(0)
    a, weight = random.normal(size=(2, 3)).astype("f"), random.normal(size=(7, 3)).astype("e")
    out = np.empty((2, 7), "f")
    multiply(out, a, weight, np.empty(max(3, room), "f"))
    np.testing.assert_allclose(out, a @ weight.T.astype("f"), rtol=1e-5)
