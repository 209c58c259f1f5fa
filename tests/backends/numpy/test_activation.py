import numpy as np
import pytest
from tests.backends.numpy.running import FLOATS, call, close, compute, draw, reference, transient

CASES = [
    ("relu", "Relu", {}),
    ("sigmoid", "Sigmoid", {}),
    ("tanh", "Tanh", {}),
    ("leaky_relu", "LeakyRelu", {}),
    ("leaky_relu", "LeakyRelu", {"alpha": 1.5}),
    ("elu", "Elu", {"alpha": 0.7}),
    ("selu", "Selu", {}),
    ("selu", "Selu", {"alpha": 2.0, "gamma": 3.0}),
    ("celu", "Celu", {"alpha": 2.0}),
    ("softplus", "Softplus", {}),
    ("softsign", "Softsign", {}),
    ("hard_sigmoid", "HardSigmoid", {}),
    ("hard_sigmoid", "HardSigmoid", {"alpha": 0.5, "beta": 0.6}),
    ("hard_swish", "HardSwish", {}),
    ("thresholded_relu", "ThresholdedRelu", {"alpha": 0.3}),
    ("mish", "Mish", {}),
    ("gelu", "Gelu", {}),
    ("gelu", "Gelu", {"approximate": "tanh"}),
    ("erf", "Erf", {}),
]
IDS = [f"{kernel}{params}" for kernel, _, params in CASES]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("kernel", "operator", "params"), CASES, ids=IDS)
@pytest.mark.parametrize("shape", [(), (0, 3), (3, 1, 5), (40003,)])
def test_functions_agree_with_the_reference(kernel, operator, params, shape, dtype):
    x = np.asarray(draw(1, shape, dtype) * np.asarray(3, dtype))
    wanted = np.asarray(reference(operator, [x.astype("d")], **params)).astype(dtype)
    close(
        compute(kernel, (shape, dtype), x, **params),
        wanted.reshape(shape),
        1e-6 if dtype == "float64" and kernel in ("selu",) else None,
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kernel", "operator", "params"), CASES, ids=IDS)
def test_ends_of_the_range_and_nan(kernel, operator, params, dtype):
    x = np.array([-np.inf, -1e4, -200, 200, 1e4, np.inf, np.nan], dtype)
    limits = {"hard_swish": [-0.0, 0, 0], "mish": [0, 0, 0], "gelu": [0, 0, 0]}
    found = compute(kernel, (x.shape, dtype), x, **params)
    assert np.isnan(found[-1]) or kernel in ("thresholded_relu",)
    if kernel in limits or kernel == "softsign":
        x, found = x[1:-2], found[1:-2]  # minus infinity times zero, or a quotient of infinities
    else:
        x, found = x[:-1], found[:-1]
    with np.errstate(all="ignore"):
        wanted = reference(operator, [x.astype("d")], **params).astype(dtype)
    if kernel == "thresholded_relu":
        wanted = np.where(x > params["alpha"], x, 0).astype(dtype)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("kernel", "params"), [(kernel, params) for kernel, _, params in CASES], ids=IDS)
def test_in_place(kernel, params, dtype):
    x = draw(1, (3, 20001), dtype)
    wanted = compute(kernel, (x.shape, dtype), x, **params)
    call(kernel, [x], [x], **params)
    np.testing.assert_array_equal(x, wanted)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("kernel", "params"), [(kernel, params) for kernel, _, params in CASES], ids=IDS)
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


def test_swish():
    x = draw(1, (9,), "d")
    close(compute("swish", (x.shape, "d"), x, alpha=2.0), x / (1 + np.exp(-2 * x)))
