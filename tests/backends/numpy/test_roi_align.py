import numpy as np
import pytest
from tests.backends.numpy.running import close, compute, draw, runtime, transient

from nnvm.backends.numpy.kernels.roi_align import roi_align_workspace

ROIS = np.array([[0, 0, 20, 30], [3.5, 2.25, 90, 60], [-9, -9, 200, 200], [50, 50, 50, 50]], "f")
IMAGES = np.array([0, 1, 0, 1])


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("ratio", [0, 2])
@pytest.mark.parametrize("size", [(7, 7), (1, 1), (2, 40)])
def test_regions_larger_than_the_workspace(mode, ratio, size):
    x = draw(1, (2, 130, 40, 150))
    params = {"mode": mode, "sampling_ratio": ratio, "spatial_scale": 0.75}
    named = {"output_height": size[0], "output_width": size[1]}
    wanted, *_ = runtime("RoiAlign", [x, ROIS, IMAGES], ["f"], opset=16, **named, **params)
    close(compute("roi_align", (wanted.shape, "f"), x, ROIS, IMAGES, **params), wanted, 5e-4)


def test_short_floats_and_a_region_without_points():
    x, rois = draw(1, (1, 2, 9, 9)), np.array([[5, 5, 2, 2], [1, 1, 7, 7]], "f")
    wanted = compute("roi_align", ((2, 2, 3, 3), "f"), x.astype(np.float16).astype("f"), rois, np.zeros(2, np.int64))
    assert not wanted[0].any()
    short = x.astype(np.float16), rois.astype(np.float16)
    close(compute("roi_align", ((2, 2, 3, 3), np.float16), *short, np.zeros(2, np.int64)), wanted.astype(np.float16))


def test_what_is_refused():
    x, rois = draw(1, (1, 2, 9, 9)), ROIS[:1]
    with pytest.raises(ValueError, match="regions of images 1 to 1 among 1"):
        compute("roi_align", ((1, 2, 3, 3), "f"), x, rois, np.array([1]))
    with pytest.raises(ValueError, match="empty image"):
        compute("roi_align", ((1, 2, 3, 3), "f"), x[:, :, :0], rois, np.array([0]))


@pytest.mark.parametrize("mode", ["avg", "max"])
def test_no_tensor_is_allocated(mode):
    x, out = draw(1, (2, 64, 100, 100)), np.empty((4, 64, 7, 7), "f")
    assert transient("roi_align", [out], [x, ROIS, IMAGES], mode=mode) <= 16384


def test_workspace():
    assert roi_align_workspace((), ((1, 2, 9, 9),), 4, {}) < 8192
    assert roi_align_workspace((), (None,), 4, {}) == 262144
