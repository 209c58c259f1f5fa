import numpy as np
from tests.backends.numpy.running import compute, draw


def test_bits_are_copied():
    x = draw(1, (2, 3))
    np.testing.assert_array_equal(compute("bit_cast", ((2, 3), "i4"), x), x.view("i4"))
    assert compute("bit_cast", ((), "i4"), np.float32(1)) == 0x3F800000


def test_determinants_of_short_floats_and_of_nothing():
    x = np.array([[1, 2], [3, 4]], np.float16)
    assert abs(compute("det", ((), np.float16), x) + 2) < 1e-2
    assert compute("det", ((3,), "f"), np.empty((3, 0, 0), "f")).tolist() == [1, 1, 1]
