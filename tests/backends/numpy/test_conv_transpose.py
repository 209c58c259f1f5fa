import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backends.numpy.running import close, compute, draw, runtime, transient

from nnvm.backends.numpy.kernels.conv_transpose import conv_transpose


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_small_transposed_convolution(data):
    pick = lambda low, high, count: tuple(data.draw(st.integers(low, high)) for _ in range(count))  # noqa: E731
    rank = data.draw(st.integers(1, 2))
    groups, depth, each = pick(1, 3, 3)
    image, window, strides, dilations = pick(1, 6, rank), pick(1, 3, rank), pick(1, 3, rank), pick(1, 2, rank)
    pads = pick(0, 1, 2 * rank)
    x, weight = draw(1, (2, groups * depth, *image)), draw(2, (groups * depth, each, *window))
    bias = draw(3, (groups * each,)) if data.draw(st.booleans()) else None
    sizes = zip(image, window, strides, dilations, pads[:rank], pads[rank:], strict=True)
    if min((i - 1) * s + (w - 1) * d + 1 - b - e for i, w, s, d, b, e in sizes) < 1:
        return
    attributes = {"strides": strides, "pads": pads, "dilations": dilations}
    wanted, *_ = runtime("ConvTranspose", [x, weight, bias], [np.float32], group=groups, **attributes)
    dtype = data.draw(st.sampled_from(["float16", "float32"]))
    ins = [None if given is None else given.astype(dtype) for given in (x, weight, bias)]
    found = compute("conv_transpose", (wanted.shape, dtype), *ins, groups=groups, **attributes)
    close(found, wanted.astype(dtype), 1e-2 if dtype == "float16" else None)


@pytest.mark.parametrize("shape", [(1, 40, 60, 70), (1, 300, 20, 9)])
def test_larger_ones_agree_with_onnx_runtime(shape):
    x, weight = draw(1, shape), draw(2, (shape[1], 24, 3, 3))
    attributes = {"strides": (2, 2), "pads": (1, 1, 1, 1), "dilations": (1, 1)}
    wanted, *_ = runtime("ConvTranspose", [x, weight], [np.float32], output_padding=[1, 1], **attributes)
    close(compute("conv_transpose", (wanted.shape, "f"), x, weight, output_padding=(1, 1), **attributes), wanted)


def test_shapes_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="does not give"):
        conv_transpose(
            np.zeros((1, 3, 4)), np.zeros((1, 2, 4)), np.zeros((2, 2, 1)), strides=(1,), pads=(0, 0), dilations=(1,)
        )


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_no_tensor_is_allocated(dtype):
    x, weight, out = draw(1, (1, 16, 48, 48), dtype), draw(2, (16, 8, 2, 2), dtype), np.empty((1, 8, 96, 96), dtype)
    params = {"strides": (2, 2), "pads": (0,) * 4, "dilations": (1, 1)}
    assert transient("conv_transpose", [out], [x, weight, None], **params) <= 16384
