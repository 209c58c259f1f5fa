import numpy as np
import pytest
from tests.backends.numpy.running import call, compute, draw, transient


def test_ties_and_nan():
    x = np.array([1, np.nan, 2, 2, 1], "f")
    out, places = np.empty(4, "f"), np.empty(4, "i8")
    call("top_k", [out, places], [x, np.array([4])])
    np.testing.assert_array_equal(places, [1, 2, 3, 0])
    call("top_k", [out, places], [x, np.array([4])], largest=0)
    np.testing.assert_array_equal(places, [0, 4, 2, 3])


def test_the_first_of_unsigned_numbers_and_the_least_number():
    for x in (np.array([0, 255, 3], "u1"), np.array([-128, 127, 0], "i1")):
        out, places = np.empty(3, x.dtype), np.empty(3, "i8")
        call("top_k", [out, places], [x, np.array([3])])
        np.testing.assert_array_equal(out, np.sort(x)[::-1])


def test_more_than_there_are():
    with pytest.raises(ValueError, match="k is 4, but there are only 3"):
        call("top_k", [np.empty(4, "f"), np.empty(4, "i8")], [np.ones(3, "f"), np.array([4])])


def test_only_a_strip_is_sorted_at_a_time():
    x = draw(1, (40, 300, 30))
    out, places = np.empty((40, 5, 30), "f"), np.empty((40, 5, 30), "i8")
    assert transient("top_k", [out, places], [x, np.array([5])], axis=1) <= 4 * 16384
    np.testing.assert_array_equal(out, -np.sort(-x, axis=1)[:, :5])


@pytest.mark.parametrize("length", [-1, 4])
def test_a_length_outside(length):
    with pytest.raises(ValueError, match=r"length .* of sequence 1 is not in 0\.\.3"):
        compute("reverse_sequence", ((3, 2), "f"), np.ones((3, 2), "f"), np.array([0, length]))


def test_a_cache_written_in_place_and_past_its_end():
    cache, update = draw(1, (2, 4, 3)), draw(2, (2, 2, 3))
    wanted = cache.copy()
    wanted[0, 1:3], wanted[1, 2:4] = update
    call("tensor_scatter", [cache], [cache, update, np.array([1, 2])], axis=1)
    np.testing.assert_array_equal(cache, wanted)
    with pytest.raises(ValueError, match="2 from 3 on reach over the 4 of the cache"):
        call("tensor_scatter", [cache], [cache, update, np.array([3, 0])], axis=1)
    with pytest.raises(ValueError, match="does not fit"):
        call("tensor_scatter", [cache], [cache, update[:, :, :2], np.array([0, 0])], axis=1)
