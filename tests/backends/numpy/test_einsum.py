import numpy as np
import pytest
from tests.backends.numpy.running import compute, draw, transient

MATRICES = (("a", "b"), ("b", "c"))


def test_matrices_are_multiplied_without_a_copy():
    q, k = draw(1, (2, 4, 50, 16)), draw(2, (2, 4, 60, 16))
    terms, output = ("bhqd", "bhkd"), ("b", "h", "q", "k")
    out = np.empty((2, 4, 50, 60), "f")
    assert transient("einsum", [out], [q, k], terms=tuple(map(tuple, terms)), output=output) <= 16384
    np.testing.assert_allclose(out, q @ k.swapaxes(-1, -2), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("terms", [("abc", "cbd"), ("acb", "bdc"), ("bca", "dbc"), ("cba", "bcd")])
def test_any_order_of_labels(terms):
    sizes = {"a": 3, "b": 4, "c": 5, "d": 6}
    arrays = [draw(i, tuple(sizes[label] for label in term)) for i, term in enumerate(terms)]
    for output in ("ad", "da", "dca", "bda"):
        shape = tuple(sizes[label] for label in output)
        found = compute("einsum", (shape, "f"), *arrays, terms=tuple(map(tuple, terms)), output=tuple(output))
        np.testing.assert_allclose(found, np.einsum(f"{','.join(terms)}->{output}", *arrays), rtol=1e-4, atol=1e-5)


def test_short_floats():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for dtype in (np.float16, ml_dtypes.bfloat16):
        a, b = draw(1, (3, 40)).astype(dtype), draw(2, (40, 2)).astype(dtype)
        found = compute("einsum", ((3, 2), dtype), a, b, terms=MATRICES, output=("a", "c"))
        wanted = a.astype("f") @ b.astype("f")
        np.testing.assert_allclose(found.astype("f"), wanted, rtol=5e-2, atol=5e-2 * np.abs(wanted).max())


def test_lengths_that_disagree():
    with pytest.raises(ValueError, match="one label is of 3 and of 4"):
        compute("einsum", ((2, 2), "f"), np.ones((2, 3), "f"), np.ones((4, 2), "f"), terms=MATRICES, output=("a", "c"))
