import numpy as np
import pytest
from tests.backends.numpy.running import compute, draw, transient


def test_a_window_of_one_and_of_none():
    for periodic in (0, 1):
        assert compute("window", ((0,), "f"), np.array(0), kind="hann", periodic=periodic).size == 0
        assert compute("window", ((1,), "f"), np.array(1), kind="hann", periodic=periodic) == 0


def test_long_windows_are_made_in_strips():
    out = np.empty(100_000, "f8")
    assert transient("window", [out], [np.array(100_000)], kind="hann") <= 8 * 40_000
    np.testing.assert_allclose(out, np.sin(np.arange(100_000) * np.pi / 100_000) ** 2, atol=1e-9)


def test_half_floats_are_transformed_in_single_ones():
    x = draw(1, (4, 8, 1), np.float16)
    found = compute("dft", ((4, 8, 2), np.float16), x)
    np.testing.assert_allclose(found[..., 0], np.fft.fft(x[..., 0].astype("f")).real, atol=2e-2)


def test_lengths_that_make_no_sense():
    with pytest.raises(ValueError, match="a length of 0"):
        compute("dft", ((2, 3, 2), "f"), draw(1, (2, 3, 1)), np.array(0))
    with pytest.raises(ValueError, match="a window of 2 for frames of 3"):
        compute("stft", ((1, 1, 2, 2), "f"), draw(1, (1, 3, 1)), np.array(1), np.ones(2, "f"), np.array(3))
