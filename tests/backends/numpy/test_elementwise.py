import numpy as np
import pytest
from tests.backends.numpy.running import DEVICE

from nnvm.backends.numpy.kernels.elementwise import against, formula_kernel, row


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 10000])
def test_against_a_row_of_any_length(size):
    x, out = np.arange(size, dtype="f") - 9, np.empty(size, "f")
    against(np.maximum, x, row(3, x.dtype), out)
    np.testing.assert_array_equal(out, np.maximum(x, 3))


def test_a_row_is_made_once_and_cannot_be_written():
    values = row(2.5, np.dtype("d"))
    assert values is row(2.5, np.dtype("d"))
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 1


def test_a_formula_becomes_a_kernel_that_widens_short_floats():
    def thrice(out, x, part, *, by):
        """Multiply."""
        assert x.dtype != np.float16
        np.multiply(x, by, out=part)
        np.copyto(out, part)

    kernel, workspace = formula_kernel("thrice", thrice, 1)
    assert (kernel.__name__, kernel.__doc__) == ("thrice", "Multiply.")
    for dtype in ("float16", "float32", "float64"):
        x = np.linspace(0, 1, 70001).astype(dtype)
        size = workspace(((70001,),), ((70001,),), x.itemsize, {"by": 3})
        assert size <= 262144
        out = np.empty_like(x)
        kernel(out, x, by=3, workspace=DEVICE.allocate(size))
        np.testing.assert_allclose(out, x.astype("d") * 3, rtol=1e-3)
        with pytest.raises(ValueError, match="thrice needs a workspace"):
            kernel(out, x, by=3)
