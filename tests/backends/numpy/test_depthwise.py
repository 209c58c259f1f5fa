import pytest
from tests.backends.numpy.running import draw
from tests.backends.numpy.test_conv import check


@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("image", "window", "strides", "pads", "dilations"),
    [
        ((9,), (3,), (2,), (1, 2), (1,)),
        ((8, 9), (5, 5), (1, 1), (2, 2, 2, 2), (1, 1)),
        ((8, 9), (3, 2), (2, 3), (0, 1, 2, 0), (2, 1)),
        ((2, 9), (5, 3), (1, 1), (2, 1, 2, 1), (1, 1)),  # no row of the window reaches every output
        ((4, 5, 6), (3, 1, 2), (1, 2, 1), (1, 0, 1, 1, 0, 0), (1, 1, 2)),
    ],
)
def test_channels_convolve_by_themselves(image, window, strides, pads, dilations, dtype, multiplier):
    x, weight = draw(1, (2, 6, *image), dtype), draw(2, (6 * multiplier, 1, *window), dtype)
    for bias in (None, draw(3, (6 * multiplier,), dtype)):
        check(x, weight, bias, strides, pads, dilations, 6)


def test_padding_wider_than_the_image_gives_the_bias():
    check(draw(1, (1, 3, 2)), draw(2, (3, 1, 2)), draw(3, (3,)), (1,), (5, 5), (1,), 3)
