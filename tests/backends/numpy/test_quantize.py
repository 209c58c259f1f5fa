import numpy as np
import pytest
from tests.backends.numpy.running import call, compute, draw, transient


@pytest.mark.parametrize(
    ("scale", "params", "match"),
    [
        (np.ones(2, "f"), {"axis": 1}, "2 scales do not fit 3 along axis 1"),
        (np.ones((2, 3), "f"), {}, "a scale of"),
        (np.ones((2, 3), "f"), {"block_size": 2, "axis": 1}, "in blocks of 2"),
    ],
)
def test_scales_that_do_not_fit(scale, params, match):
    for kernel, x, dtype in (
        ("quantize_linear", np.ones((2, 3), "f"), "u1"),
        ("dequantize_linear", np.ones((2, 3), "u1"), "f"),
    ):
        with pytest.raises(ValueError, match=match):
            compute(kernel, ((2, 3), dtype), x, scale, **params)


def test_large_arrays_are_taken_piece_by_piece():
    x, scale = draw(1, (300, 1000)), np.full(1000, 0.01, "f")
    out = np.empty(x.shape, np.int8)
    assert transient("quantize_linear", [out], [x, scale], axis=1) <= 16384
    np.testing.assert_array_equal(out, np.clip(np.rint(x / np.float32(0.01)), -128, 127))
    back = np.empty(x.shape, "f")
    assert transient("dequantize_linear", [back], [out, scale], axis=1) <= 16384
    np.testing.assert_allclose(back, out * np.float32(0.01), rtol=1e-6)


def test_the_last_block_may_be_short():
    x, scale = np.arange(10, dtype="f").reshape(2, 5), np.array([[1, 2, 4], [1, 2, 4]], "f")
    found = compute("quantize_linear", ((2, 5), "u1"), x, scale, axis=1, block_size=2)
    np.testing.assert_array_equal(found, np.rint(x / [1, 1, 2, 2, 4]))


def test_a_range_of_one_sign_reaches_to_zero():
    out, scale, zero = np.empty(2, "u1"), np.empty((), "f"), np.empty((), "u1")
    call("dynamic_quantize_linear", [out, scale, zero], [np.array([0.5, 2], "f")])
    assert (zero, out.tolist()) == (0, [64, 255])
    call("dynamic_quantize_linear", [out, scale, zero], [np.array([-0.5, -2], "f")])
    assert (zero, out.tolist()) == (255, [191, 0])
