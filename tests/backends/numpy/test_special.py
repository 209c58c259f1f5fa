import math

import numpy as np
import pytest
from tests.backends.numpy.running import compute


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 5e-7), ("float64", 1e-15)])
def test_erf_to_a_few_units_in_the_last_place(dtype, rtol):
    x = np.concatenate([np.linspace(-7, 7, 20001), [1e-30, -1e-8, 1, -1, np.nextafter(1, 2), np.inf, -np.inf]]).astype(
        dtype
    )
    wanted = np.array([math.erf(each) for each in x.tolist()])
    found = compute("erf", (x.shape, dtype), x)
    np.testing.assert_allclose(found, wanted, rtol=rtol)
    assert np.isnan(compute("erf", ((1,), dtype), np.full(1, np.nan, dtype)))
