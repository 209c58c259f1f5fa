import numpy as np
import pytest
from tests.backends.numpy.running import call, compute, transient

RANDOM = np.random.default_rng(0)


def drawn(*shape, dtype=np.uint8):
    return RANDOM.integers(0, 256, shape).astype(dtype)


def test_sums_are_exact_however_long():
    a, b = np.full((3, 5000), 255, np.uint8), np.full((5000, 2), 255, np.uint8)
    np.testing.assert_array_equal(compute("matmul_integer", ((3, 2), "i4"), a, b), np.full((3, 2), 5000 * 255**2))


@pytest.mark.parametrize("sizes", [(1, 1, 1), (65, 130, 64), (3, 0, 2)])
def test_blocks_of_any_size(sizes):
    rows, depth, columns = sizes
    a, b = drawn(2, rows, depth), drawn(depth, columns).view(np.int8)
    zeros = drawn(rows), np.array(3, np.int8)
    wanted = (a.astype(int) - zeros[0][:, None]) @ (b.astype(int) - 3)
    np.testing.assert_array_equal(compute("matmul_integer", ((2, rows, columns), "i4"), a, b, *zeros), wanted)


def test_vectors():
    a, b = drawn(7), drawn(7)
    assert compute("matmul_integer", ((), "i4"), a, b) == a.astype(int) @ b
    np.testing.assert_array_equal(
        compute("matmul_integer", ((2,), "i4"), drawn(2, 7) * 0 + a, b), [a.astype(int) @ b] * 2
    )


@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_cut_by_channels_and_filters(groups):
    x, weight = drawn(1, 200 * groups, 9, 9), drawn(40 * groups, 200, 3, 3)
    window = {"strides": (1, 1), "pads": (1, 0, 1, 0), "dilations": (1, 1), "groups": groups}
    found = compute("conv_integer", ((1, 40 * groups, 9, 7), "i4"), x, weight, np.array(7, np.uint8), **window)
    wide = np.pad(x.astype(float) - 7, [(0, 0), (0, 0), (1, 1), (0, 0)])
    taps = np.lib.stride_tricks.sliding_window_view(wide, (3, 3), axis=(2, 3)).reshape(groups, 200, 9, 7, 3, 3)
    wanted = np.einsum("gchwij,gocij->gohw", taps, weight.reshape(groups, 40, 200, 3, 3).astype(float))
    np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)


def test_channels_that_do_not_fit():
    window = {"strides": (1,), "pads": (0, 0), "dilations": (1,)}
    with pytest.raises(ValueError, match="does not give"):
        call("conv_integer", [np.empty((1, 1, 2), "i4")], [drawn(1, 3, 2), drawn(1, 2, 1)], **window)


def test_no_tensor_is_allocated():
    a, b = drawn(500, 300), drawn(300, 400)
    assert transient("matmul_integer", [np.empty((500, 400), "i4")], [a, b]) <= 16384
