import numpy as np
from tests.backends.numpy.running import DEVICE

from nnvm.backends.numpy.kernels import ALLOCATING


def test_nonzero():
    kernel = DEVICE.kernel("numpy:nonzero/1")
    x = np.array([[1, 0], [2, 3]])
    np.testing.assert_array_equal(kernel(x), [[0, 1, 1], [0, 0, 1]])
    assert kernel(x).dtype == np.int64
    assert kernel(np.array(5)).shape == (0, 1)
    assert kernel(np.array(0)).shape == (0, 0)
    assert kernel(np.zeros((2, 0))).shape == (2, 0)


def test_compress():
    kernel = DEVICE.kernel("numpy:compress/1")
    x = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(kernel(x, np.array([True, False, True]), axis=1), [[0, 2], [3, 5]])
    np.testing.assert_array_equal(kernel(x, np.array([False, True])), [1])


def test_they_are_listed_as_allocating():
    assert sorted(ALLOCATING) == ["numpy:compress/1", "numpy:nonzero/1"]
