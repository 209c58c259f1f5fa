import math

import numpy as np
import pytest
from tests.backends.numpy.running import FLOATS, call, close, compute, draw, runtime, transient


def erf(x):
    return np.vectorize(math.erf, otypes=["d"])(x)


def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def softplus(x):
    return np.logaddexp(x, 0)


CASES = [
    ("relu", {}, lambda x: np.maximum(x, 0)),
    ("sigmoid", {}, lambda x: 1 / (1 + np.exp(-x))),
    ("tanh", {}, np.tanh),
    ("leaky_relu", {}, lambda x: np.where(x < 0, 0.01 * x, x)),
    ("leaky_relu", {"alpha": 1.5}, lambda x: np.where(x < 0, 1.5 * x, x)),
    ("elu", {}, lambda x: elu(x, 1)),
    ("elu", {"alpha": 0.7}, lambda x: elu(x, 0.7)),
    ("selu", {}, lambda x: 1.05070102214813232421875 * elu(x, 1.67326319217681884765625)),
    ("selu", {"alpha": 2.0, "gamma": 3.0}, lambda x: 3 * elu(x, 2)),
    ("celu", {"alpha": 2.0}, lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0) / 2))),
    ("softplus", {}, softplus),
    ("softsign", {}, lambda x: x / (1 + np.abs(x))),
    ("hard_sigmoid", {}, lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    ("hard_sigmoid", {"alpha": 0.5, "beta": 0.6}, lambda x: np.clip(0.5 * x + 0.6, 0, 1)),
    ("hard_swish", {}, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    ("thresholded_relu", {"alpha": 0.3}, lambda x: np.where(x > 0.3, x, 0)),
    ("mish", {}, lambda x: x * np.tanh(softplus(x))),
    ("swish", {"alpha": 2.0}, lambda x: x / (1 + np.exp(-2 * x))),
    ("gelu", {}, lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2)))),
    ("gelu", {"approximate": "tanh"}, lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
    ("erf", {}, erf),
]
IDS = [f"{kernel}{params}" for kernel, params, _ in CASES]
NAMES = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "leaky_relu": "LeakyRelu",
    "elu": "Elu",
    "selu": "Selu",
    "celu": "Celu",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "hard_sigmoid": "HardSigmoid",
    "hard_swish": "HardSwish",
    "thresholded_relu": "ThresholdedRelu",
    "mish": "Mish",
    "gelu": "Gelu",
    "erf": "Erf",
}


@pytest.mark.parametrize(("kernel", "params"), [(kernel, params) for kernel, params, _ in CASES], ids=IDS)
def test_functions_agree_with_onnx_runtime(kernel, params):
    if kernel == "swish":
        return
    x = draw(1, (40003,)) * 3
    wanted, *_ = runtime(NAMES[kernel], [x], [np.float32], opset=20, **params)
    close(compute(kernel, (x.shape, "f"), x, **params), wanted)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("kernel", "params", "formula"), CASES, ids=IDS)
@pytest.mark.parametrize("shape", [(), (0, 3), (3, 1, 5), (40003,)])
def test_functions_are_right_in_every_type(kernel, params, formula, shape, dtype):
    x = np.asarray(draw(1, shape, dtype) * np.asarray(3, dtype))
    wanted = np.asarray(formula(x.astype("d"))).astype(dtype)
    close(compute(kernel, (shape, dtype), x, **params), wanted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kernel", "params", "formula"), CASES, ids=IDS)
def test_ends_of_the_range_and_nan(kernel, params, formula, dtype):
    x = np.array([-1e4, -200, 200, 1e4, -np.inf, np.inf, np.nan], dtype)
    found = compute(kernel, (x.shape, dtype), x, **params)
    assert np.isnan(found[-1]) or kernel == "thresholded_relu"
    with np.errstate(all="ignore"):
        wanted = np.asarray(formula(x.astype("d")))
    sure = np.isfinite(wanted) | np.isinf(wanted)  # where the formula itself says something
    np.testing.assert_allclose(found[sure], wanted[sure].astype(dtype), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("kernel", "params"), [(kernel, params) for kernel, params, _ in CASES], ids=IDS)
def test_in_place(kernel, params, dtype):
    x = draw(1, (3, 20001), dtype)
    wanted = compute(kernel, (x.shape, dtype), x, **params)
    call(kernel, [x], [x], **params)
    np.testing.assert_array_equal(x, wanted)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("kernel", "params"), [(kernel, params) for kernel, params, _ in CASES], ids=IDS)
def test_no_tensor_is_allocated(kernel, params, dtype):
    x = draw(1, (3, 50001), dtype)
    assert transient(kernel, [np.empty_like(x)], [x], **params) <= 16384


@pytest.mark.parametrize("dtype", [*FLOATS, "int8", "int64", "uint8"])
def test_clip(dtype):
    x, low, high = draw(1, (5, 4001), dtype), np.array(1, dtype), np.array(3, dtype)
    for bounds in ((low, high), (low, None), (None, high), (None, None), (high, low)):
        wanted = x if bounds[0] is None else np.maximum(x, bounds[0])
        wanted = wanted if bounds[1] is None else np.minimum(wanted, bounds[1])
        close(compute("clip", (x.shape, dtype), x, *bounds), wanted)
    assert transient("clip", [x], [x, low, high]) <= 16384
    call("clip", [x], [x, low, high])
    assert x.min() == 1
    assert x.max() <= 3
    close(compute("clip", ((), dtype), np.array(9, dtype), low, high), high)
    assert compute("clip", ((0,), dtype), np.empty(0, dtype), low, high).shape == (0,)


@pytest.mark.parametrize("dtype", [*FLOATS, "int32"])
def test_prelu(dtype):
    x, slope = draw(1, (2, 300, 400), dtype), draw(2, (300, 1), dtype)
    wanted = np.where(x < 0, x * slope, x)
    close(compute("prelu", (x.shape, dtype), x, slope), wanted)
    assert transient("prelu", [np.empty_like(x)], [x, slope]) <= 16384
    call("prelu", [x], [x, slope])
    close(x, wanted)


def test_a_clip_without_a_limit_lets_infinities_pass() -> None:
    x, zero = np.array([-np.inf, -1, 1, np.inf, np.nan], "f"), np.zeros((), "f")
    np.testing.assert_array_equal(compute("clip", (x.shape, "f"), x, zero, None), np.array([0, 0, 1, np.inf, np.nan]))
    wanted = np.array([-np.inf, -1, 0, 0, np.nan])
    np.testing.assert_array_equal(compute("clip", (x.shape, "f"), x, None, zero), wanted)
