import numpy as np
import pytest
from tests.backends.numpy.running import FLOATS, call, close, compute, draw, reference, runtime, transient


def standard(x, axes, epsilon):
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + epsilon)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (2, 3, 4, 5), (1, 3000, 2), (2, 40, 50, 60), (2, 3, 0)])
def test_batch_norm(shape, dtype):
    x = draw(1, shape, dtype)
    scale, bias, mean = (draw(seed, shape[1:2], dtype) for seed in (2, 3, 4))
    var = np.abs(draw(5, shape[1:2], dtype)) + np.asarray(0.5, dtype)
    view = (-1, *[1] * (len(shape) - 2))
    s, b, m, v = (each.astype("d").reshape(view) for each in (scale, bias, mean, var))
    wanted = ((x.astype("d") - m) / np.sqrt(v + 1e-3) * s + b).astype(dtype)
    close(compute("batch_norm", (shape, dtype), x, scale, bias, mean, var, epsilon=1e-3), wanted)
    assert transient("batch_norm", [np.empty_like(x)], [x, scale, bias, mean, var]) <= 16384
    call("batch_norm", [x], [x, scale, bias, mean, var], epsilon=1e-3)
    close(x, wanted)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("shape", "axis"), [((4, 5), -1), ((2, 3, 4), 1), ((2, 3, 4), 0), ((300, 768), -1), ((2, 90000), 1), ((2, 1), 1)]
)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_layer_norm(shape, axis, count, dtype):
    x = draw(1, shape, dtype) + np.asarray(2, dtype)
    weights = [draw(seed, shape[axis:], dtype) for seed in range(2, 2 + count)]
    axes = tuple(range(axis % len(shape), len(shape)))
    wanted = standard(x.astype("d"), axes, 1e-5)
    wanted = wanted * weights[0] if count else wanted
    wanted = wanted + weights[1] if count > 1 else wanted
    close(
        compute("layer_norm", (shape, dtype), x, *weights, axis=axis),
        wanted.astype(dtype),
        1e-2 if dtype == "float16" else 5e-5,
    )
    assert transient("layer_norm", [np.empty_like(x)], [x, *weights], axis=axis) <= 16384


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(2, 3, 7), (1, 5, 40, 50), (2, 2, 70001), (3, 200, 3, 3)])
def test_instance_and_group_norm(shape, dtype):
    x, scale, bias = draw(1, shape, dtype), draw(2, shape[1:2], dtype), draw(3, shape[1:2], dtype)
    view, axes = (-1, *[1] * (len(shape) - 2)), tuple(range(2, len(shape)))
    rtol = 1e-2 if dtype == "float16" else 5e-5
    s, b = scale.astype("d").reshape(view), bias.astype("d").reshape(view)
    wanted = standard(x.astype("d"), axes, 1e-5) * s + b
    close(compute("instance_norm", (shape, dtype), x, scale, bias), wanted.astype(dtype), rtol)
    assert transient("instance_norm", [np.empty_like(x)], [x, scale, bias]) <= 16384
    groups = 2 if shape[1] % 2 == 0 else 1
    grouped = x.astype("d").reshape(shape[0], groups, -1)
    wanted = standard(grouped, 2, 1e-5).reshape(shape) * s + b
    close(compute("group_norm", (shape, dtype), x, scale, bias, groups=groups), wanted.astype(dtype), rtol)


def test_group_norm_with_a_weight_a_group():
    x, scale, bias = draw(1, (2, 6, 4)), draw(2, (3,)), draw(3, (3,))
    wanted = reference("GroupNormalization", [x, scale, bias], opset=18, num_groups=3)
    close(compute("group_norm", (x.shape, "f"), x, scale, bias, groups=3), wanted)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(2, 7, 5, 6), (1, 3, 200, 300), (1, 300, 20, 30)])
def test_lrn(shape, size):
    x = draw(1, shape)
    params = {"size": size, "alpha": 0.02, "beta": 0.6, "bias": 1.5}
    squares = np.zeros(x.shape)
    for channel in range(shape[1]):
        first, last = max(0, channel - (size - 1) // 2), channel + size // 2 + 1
        squares[:, channel] = (x[:, first:last].astype("d") ** 2).sum(axis=1)
    wanted = (x / (1.5 + 0.02 / size * squares) ** 0.6).astype("f")
    if size % 2:
        close(runtime("LRN", [x], [np.float32], **params)[0], wanted)
    close(compute("lrn", (shape, "f"), x, **params), wanted)
    close(compute("lrn", (shape, "e"), x.astype("e"), **params), wanted.astype("e"), 1e-2)
    assert transient("lrn", [np.empty_like(x)], [x], **params) <= 16384


@pytest.mark.parametrize("kernel", ["layer_norm", "instance_norm", "group_norm"])
@pytest.mark.parametrize("shape", [(3, 4, 70), (2, 2, 90001)])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_in_place(kernel, shape, dtype):
    x = draw(1, shape, dtype)
    weights = [draw(seed, shape[-1:] if kernel == "layer_norm" else shape[1:2], dtype) for seed in (2, 3)]
    params = {"groups": 2} if kernel == "group_norm" else {}
    wanted = compute(kernel, (shape, dtype), x, *weights, **params)
    call(kernel, [x], [x, *weights], **params)
    np.testing.assert_array_equal(x, wanted)


def test_rows_without_elements_are_left_alone():
    empty = np.empty((2, 5, 0), np.float32)
    none = np.empty(0, np.float32)
    assert compute("layer_norm", (empty.shape, np.float32), empty, none, none, axis=-1).shape == empty.shape
