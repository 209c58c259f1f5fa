import numpy as np
import pytest
from tests.backends.numpy.running import DEVICE, draw

from nnvm.backends.numpy.kernels import ALLOCATING


def run(name, *arrays, **params):
    return DEVICE.kernel(f"numpy:{name}/1")(*arrays, **params)


def test_nonzero():
    x = np.array([[1, 0], [2, 3]])
    np.testing.assert_array_equal(run("nonzero", x), [[0, 1, 1], [0, 0, 1]])
    assert run("nonzero", x).dtype == np.int64
    assert run("nonzero", np.array(5)).shape == (0, 1)
    assert run("nonzero", np.array(0)).shape == (0, 0)
    assert run("nonzero", np.zeros((2, 0))).shape == (2, 0)


def test_compress():
    x = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(run("compress", x, np.array([True, False, True]), axis=1), [[0, 2], [3, 5]])
    np.testing.assert_array_equal(run("compress", x, np.array([False, True])), [1])
    np.testing.assert_array_equal(run("compress", x, np.array([True, False, False]), axis=0), [[0, 1, 2]])
    with pytest.raises(ValueError, match="of only 2"):
        run("compress", x, np.array([True, False, True]), axis=0)


def test_they_are_listed_as_allocating():
    assert {"numpy:compress/1", "numpy:nonzero/1", "numpy:unique/1"} <= ALLOCATING
    assert "numpy:reshape/1" not in ALLOCATING


def test_what_they_return_is_new():
    x = draw(1, (2, 3))
    for name, *more in (
        ("sized_reshape", np.array([3, -1])),
        ("sized_expand", np.array([2, 3])),
        ("sized_tile", np.array([1, 1])),
        ("sized_slice", np.array([0]), np.array([9])),
        ("sized_pad", np.array([0, 0, 0, 0])),
    ):
        found = run(name, x, *more)
        np.testing.assert_array_equal(found.reshape(2, 3), x)
        assert not np.shares_memory(found, x), name


def test_a_reshape_takes_what_is_left_and_keeps():
    x = draw(1, (2, 3, 4))
    assert run("sized_reshape", x, np.array([0, -1])).shape == (2, 12)
    assert run("sized_reshape", x[:0], np.array([0, 5]), allowzero=1).shape == (0, 5)
    for bad in ([5, -1], [-1, -1], [24, -2], [7], [0, 0, 0, 2]):
        with pytest.raises(ValueError, match="reshape"):
            run("sized_reshape", x, np.array(bad))


@pytest.mark.parametrize(("ends", "wanted"), [((0, 7, 2), 4), ((5, 0, -2), 3), ((3, 3, 1), 0), ((3, 0, 1), 0)])
def test_a_sequence_as_long_as_its_limits_say(ends, wanted):
    for dtype in ("i8", "f4"):
        found = run("sized_sequence", *(np.array(end, dtype) for end in ends))
        np.testing.assert_array_equal(found, np.arange(*ends, dtype=dtype))
        assert found.shape == (wanted,)
    with pytest.raises(ValueError, match="delta of zero"):
        run("sized_sequence", np.array(0), np.array(1), np.array(0))


def test_pieces_as_long_as_an_array_says():
    x = draw(1, (2, 5))
    first, second = run("sized_split", x, np.array([2, 3]), axis=1)
    np.testing.assert_array_equal(np.concatenate([first, second], 1), x)
    with pytest.raises(ValueError, match="do not add up to the 5"):
        run("sized_split", x, np.array([2, 2]), axis=1)


def test_what_is_no_size():
    with pytest.raises(ValueError, match="no shape"):
        run("sized_fill", np.array([2, -1]), np.array(0.0))
    with pytest.raises(ValueError, match="no repeats"):
        run("sized_tile", np.ones((2, 2)), np.array([2]))
    with pytest.raises(ValueError, match="take away more"):
        run("sized_pad", np.ones(2), np.array([-2, -1]))
    with pytest.raises(ValueError, match="k is 3, but there are 2"):
        run("sized_top_k", np.ones(2), np.array(3))


def test_a_new_axis_as_long_as_an_array_says():
    found = run("sized_one_hot", np.array([0, -1]), np.array(3), np.array([0.0, 2.0]))
    np.testing.assert_array_equal(found, [[2, 0, 0], [0, 0, 2]])


def test_touching_and_flat_boxes_do_not_overlap():
    boxes = np.array([[[0, 0, 1, 1], [0, 1, 1, 2], [0, 0, 0, 1], [0, 0, 1, 0.9]]], "f")
    scores = np.array([[[4, 3, 2, 1]]], "f")
    found = run("non_max_suppression", boxes, scores, np.array([9]), np.array([0.5], "f"))
    np.testing.assert_array_equal(found[:, 2], [0, 1, 2])
