import numpy as np
import pytest
from tests.backends.numpy.running import FLOATS, call, close, compute, draw, transient


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((5,), 0),
        ((2, 3), -1),
        ((2, 3), 0),
        ((2, 3, 4), 1),
        ((3, 70001), 1),
        ((70001, 3), 0),
        ((3, 40, 300), 1),
        ((600, 70), -1),
        ((3, 1), 1),
        ((0, 3), 1),
    ],
)
def test_along_any_axis_and_in_place(shape, axis, dtype):
    x = draw(1, shape, dtype) * np.asarray(3, dtype)
    wanted = softmax(x.astype("d"), axis) if x.size else x.astype("d")
    close(compute("softmax", (shape, dtype), x, axis=axis), wanted.astype(dtype))
    close(compute("log_softmax", (shape, dtype), x, axis=axis), np.log(wanted).astype(dtype) if x.size else x)
    for kernel, result in (("softmax", wanted), ("log_softmax", np.log(wanted) if x.size else x)):
        assert transient(kernel, [np.empty_like(x)], [x], axis=axis) <= 16384
        y = x.copy()
        call(kernel, [y], [y], axis=axis)
        close(y, result.astype(dtype))


def test_large_numbers_do_not_overflow():
    x = np.array([[1e4, 1e4, -1e4]], "f")
    np.testing.assert_array_equal(compute("softmax", (x.shape, "f"), x, axis=1), [[0.5, 0.5, 0]])
    np.testing.assert_allclose(
        compute("log_softmax", (x.shape, "f"), x, axis=1), [[-np.log(2), -np.log(2), -2e4 - np.log(2)]], rtol=1e-6
    )


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_over_all_axes_from_one_on(axis):
    x = draw(1, (2, 3, 4), "d")
    at = axis % 3 if axis < 3 else 3
    wanted = softmax(x.reshape(int(np.prod(x.shape[:at])), -1), 1).reshape(x.shape)
    close(compute("softmax_from", (x.shape, "d"), x, axis=axis), wanted)
    close(compute("log_softmax_from", (x.shape, "d"), x, axis=axis), np.log(wanted))
