import numpy as np
import pytest
from tests.backends.numpy.running import compute, draw


def test_the_mean_of_nothing_is_nan():
    assert np.isnan(compute("nll_loss", ((), "f"), np.ones((2, 3), "f"), np.zeros(2, "i8"), ignore_index=0))


@pytest.mark.parametrize("label", [3, -4])
def test_a_class_outside(label):
    with pytest.raises(ValueError, match=r"outside 0\.\.2"):
        compute("nll_loss", ((), "f"), np.ones((1, 3), "f"), np.array([label]))


def test_an_ignored_class_may_lie_outside():
    x = draw(1, (2, 3))
    assert compute("nll_loss", ((), "f"), x, np.array([1, -100]), ignore_index=-100) == -x[0, 1]


def test_half_floats_are_summed_in_single_ones():
    x = np.full((1, 2, 4000), 0.1, np.float16)
    found = compute("nll_loss", ((), np.float16), x, np.zeros((1, 4000), "i8"), reduction="sum")
    assert abs(float(found) + 400) < 1
