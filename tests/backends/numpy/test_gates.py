import numpy as np
import pytest

from nnvm.backends.numpy.kernels.gates import FUNCTIONS, Activation, activate

X = np.linspace(-40, 40, 161)
MEANT = {
    "affine": lambda x: 0.5 * x + 0.25,
    "elu": lambda x: np.where(x >= 0, x, 0.5 * (np.exp(x) - 1)),
    "hardsigmoid": lambda x: np.maximum(0, np.minimum(1, 0.5 * x + 0.25)),
    "leakyrelu": lambda x: np.where(x >= 0, x, 0.5 * x),
    "relu": lambda x: np.where(x >= 0, x, 0),
    "scaledtanh": lambda x: 0.5 * np.tanh(0.25 * x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": np.tanh,
    "thresholdedrelu": lambda x: np.where(x > 0.5, x, 0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_a_function_is_applied_in_place(name, dtype):
    x = X.astype(dtype)
    activate(x, np.empty_like(x), Activation(name, 0.5, 0.25))
    np.testing.assert_allclose(x, MEANT[name](X), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "elu", "softsign", "relu"])
def test_what_is_far_out_does_not_overflow(name):
    x = np.array([-1e30, 1e30], "f")
    with np.errstate(over="raise", invalid="raise"):
        activate(x, np.empty_like(x), Activation(name, 1, 0))
    assert np.isfinite(x).all()


def test_an_unknown_function_is_refused():
    with pytest.raises(ValueError, match="no activation is called 'cosine'"):
        activate(np.zeros(1), np.zeros(1), Activation("cosine", 0, 0))
