import numpy as np
import pytest
from tests.backends.numpy.running import close, compute, draw, reference, runtime, transient

from nnvm.backends.numpy.kernels.grid_sample import grid_sample_workspace


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("shape", [(2, 3, 40, 50), (1, 400, 5, 7)])
def test_images_larger_than_the_workspace(mode, padding, align, shape):
    x, grid = draw(1, shape), draw(2, (shape[0], 60, 33, 2))
    params = {"mode": mode, "padding_mode": padding, "align_corners": align}
    wanted, *_ = runtime("GridSample", [x, grid], ["f"], opset=20, **params)
    close(compute("grid_sample", (wanted.shape, "f"), x, grid, **params), wanted, 2e-3)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_lines_and_volumes(mode, padding):
    for image, places in (((9,), (7,)), ((4, 5, 3), (3, 2, 4))):
        x, grid = draw(1, (2, 3, *image), "d"), draw(2, (2, *places, len(image)), "d")
        if (mode, padding) == ("cubic", "border"):
            continue  # the reference moves points into the image first
        wanted = reference("GridSample", [x, grid], mode=mode, padding_mode=padding)
        close(compute("grid_sample", (wanted.shape, "d"), x, grid, mode=mode, padding_mode=padding), wanted, 1e-5)


def test_an_image_of_one_element_is_all_there_is():
    x, grid = draw(1, (1, 2, 1, 1)), draw(2, (1, 4, 4, 2))
    for padding in ("border", "reflection"):
        found = compute("grid_sample", ((1, 2, 4, 4), "f"), x, grid, padding_mode=padding, align_corners=1)
        close(found, np.broadcast_to(x, (1, 2, 4, 4)))


def test_short_floats_and_nothing():
    x, grid = draw(1, (1, 2, 9, 9), np.float16), draw(2, (1, 5, 5, 2))
    wanted = compute("grid_sample", ((1, 2, 5, 5), "f"), x.astype("f"), grid)
    close(compute("grid_sample", ((1, 2, 5, 5), np.float16), x, grid), wanted.astype(np.float16))
    assert (
        compute("grid_sample", ((0, 2, 5, 5), "f"), np.empty((0, 2, 9, 9), "f"), np.empty((0, 5, 5, 2), "f")).size == 0
    )
    with pytest.raises(ValueError, match="nothing can be read from an empty image"):
        compute("grid_sample", ((1, 2, 5, 5), "f"), np.empty((1, 2, 0, 9), "f"), grid)


def test_what_is_not_finite_outside_does_not_leak():
    x = np.full((1, 1, 2, 2), np.inf, "f")
    found = compute("grid_sample", ((1, 1, 1, 1), "f"), x, np.full((1, 1, 1, 2), 5, "f"))
    assert found.item() == 0


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("mode", ["nearest", "cubic"])
def test_no_tensor_is_allocated(mode, dtype):
    x, grid = draw(1, (1, 30, 60, 60), dtype), draw(2, (1, 70, 70, 2))
    out = np.empty((1, 30, 70, 70), dtype)
    assert transient("grid_sample", [out], [x, grid], mode=mode, padding_mode="reflection") <= 16384


def test_the_workspace_is_small_where_few_points_are_read():
    assert grid_sample_workspace(((1, 2, 3, 3),), (), 4, {}) < 8192
    assert grid_sample_workspace((None,), (), 4, {}) == 262144
