import numpy as np
import pytest
from tests.backends.numpy.running import DEVICE, call, close, compute, draw, transient

from nnvm.backends.numpy.kernels.patches import SIZED


def test_crops_and_pads_about_the_centre():
    x = np.arange(1, 6, dtype="f")
    assert compute("center_crop_pad", ((2,), "f"), x).tolist() == [2, 3]
    assert compute("center_crop_pad", ((8,), "f"), x).tolist() == [0, 1, 2, 3, 4, 5, 0, 0]
    assert compute("center_crop_pad", ((0,), "f"), x).size == 0


def test_columns_add_up_to_how_many_blocks_cover_an_element():
    columns = np.ones((1, 3, 4), "f")
    found = compute("col2im", ((1, 1, 6), "f"), columns, np.array([6]), np.array([3]))
    assert found[0, 0].tolist() == [1, 2, 3, 3, 2, 1]


def test_columns_that_do_not_fit():
    with pytest.raises(ValueError, match="does not hold blocks"):
        compute("col2im", ((1, 1, 6), "f"), np.ones((1, 3, 5), "f"), np.array([6]), np.array([3]))
    with pytest.raises(ValueError, match="does not divide into blocks"):
        DEVICE.kernel("numpy:sized_col2im/1")(np.ones((1, 3, 5), "f"), np.array([6]), np.array([2]))


def test_places_outside():
    x = draw(0, (1, 1, 2))
    for place in (-1, 4):
        with pytest.raises(ValueError, match="lies outside"):
            compute("max_unpool", ((1, 1, 4), "f"), x, np.array([[[0, place]]]), kernel=(2,), strides=(2,))
    with pytest.raises(ValueError, match="does not fit into"):
        compute("max_unpool", ((1, 1, 3), "f"), x, np.array([[[0, 3]]]), kernel=(2,), strides=(2,))


def test_sizes_at_run_are_those_known_before():
    x, shape = draw(0, (3, 4)), np.array([5, 2])
    known = compute("center_crop_pad", ((5, 2), "f"), x)
    close(DEVICE.kernel("numpy:sized_center_crop_pad/1")(x, shape), known)
    theta, size = draw(1, (2, 2, 3)), np.array([2, 1, 3, 4])
    known = compute("affine_grid", ((2, 3, 4, 2), "f"), theta, align_corners=1)
    close(DEVICE.kernel("numpy:sized_affine_grid/1")(theta, size, align_corners=1), known)
    with pytest.raises(ValueError, match="does not map images"):
        DEVICE.kernel("numpy:sized_affine_grid/1")(theta, size[:3])
    with pytest.raises(ValueError, match="sizes of"):
        DEVICE.kernel("numpy:sized_center_crop_pad/1")(x, -shape)
    assert {f"numpy:{name}/1" for name in SIZED} == {f"numpy:sized_{name}/1" for name in (
        "center_crop_pad", "col2im", "max_unpool", "affine_grid"
    )}  # fmt: skip


def test_little_memory_is_taken():
    image = np.empty((1, 8, 64, 64), "f")
    columns = draw(0, (1, 8 * 9, 62 * 62))
    assert transient("col2im", [image], [columns, np.array([64, 64]), np.array([3, 3])]) < 65536
    grid = np.empty((1, 64, 64, 2), "f")
    assert transient("affine_grid", [grid], [draw(1, (1, 2, 3))]) < 65536
    call("affine_grid", [grid], [np.array([[[1, 0, 0], [0, 1, 0]]], "f")])
    assert grid[0, 0, 0].tolist() == [-1 + 1 / 64, -1 + 1 / 64]
