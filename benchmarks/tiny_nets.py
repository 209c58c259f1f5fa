"""The four nets of MLPerf Tiny, built from their shapes: float32, batch norm folded, weights of seeded noise."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from nnvm import f32, ops
from nnvm.ir import Graph, TensorData, Value, constant, trace

Pads = tuple[int, int, int, int]


def weights(*shape: int) -> Value:
    """Return a constant of seeded normal numbers, small enough for sums to stay near 1."""
    fan_in = max(int(np.prod(shape[1:])), 1)
    drawn = (np.random.default_rng(shape).standard_normal(shape) / fan_in**0.5).astype(np.float32)
    return constant(data=TensorData(f32[shape], memoryview(np.ascontiguousarray(drawn)).cast("B")))


def conv(x: Value, filters: int, size: tuple[int, int] = (3, 3), stride: int = 1) -> Value:
    """Convolve with folded batch norm, so with a bias; pads are TensorFlow's SAME."""
    depth = x.shape[1]
    assert isinstance(depth, int)  # the nets are built from their shapes
    made: Value = ops.conv(
        x, weights(filters, depth, *size), weights(filters), strides=(stride, stride), auto_pad="SAME_UPPER"
    )
    return made


def depthwise(x: Value, stride: int = 1) -> Value:
    """Convolve every channel by itself, then activate."""
    depth = x.shape[1]
    assert isinstance(depth, int)  # the nets are built from their shapes
    made = ops.conv(
        x, weights(depth, 1, 3, 3), weights(depth), strides=(stride, stride), auto_pad="SAME_UPPER", groups=depth
    )
    return ops.relu(made)


def dense(x: Value, units: int) -> Value:
    """Multiply by weights and add a bias."""
    width = x.shape[1]
    assert isinstance(width, int)  # the nets are built from their shapes
    made: Value = ops.gemm(x, weights(width, units), weights(units))
    return made


def mobilenet(x: Value) -> Value:
    """Build MobileNet v1 of width 0.25 for 96x96 images: visual wake words."""
    y = ops.relu(conv(x, 8, stride=2))
    for filters, stride in (
        *((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)),
        *((128, 1), (128, 1), (128, 1), (128, 1), (128, 1), (256, 2), (256, 1)),
    ):
        y = ops.relu(conv(depthwise(y, stride), filters, (1, 1)))
    return ops.softmax(dense(ops.flatten(ops.global_average_pool(y)), 2))


def ds_cnn(x: Value) -> Value:
    """Build the depthwise separable net for 49x10 features: keyword spotting."""
    y = ops.relu(conv(x, 64, (10, 4), stride=2))
    for _ in range(4):
        y = ops.relu(conv(depthwise(y), 64, (1, 1)))
    return ops.softmax(dense(ops.flatten(ops.global_average_pool(y)), 12))


def autoencoder(x: Value) -> Value:
    """Build the autoencoder of 640 features through a code of 8: anomaly detection."""
    for units in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        x = ops.relu(dense(x, units))
    return dense(x, 640)


def resnet8(x: Value) -> Value:
    """Build ResNet-8 for 32x32 images: image classification."""
    y = ops.relu(conv(x, 16))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        branch = conv(ops.relu(conv(y, filters, stride=stride)), filters)
        shortcut = y if stride == 1 else conv(y, filters, (1, 1), stride)
        y = ops.relu(branch + shortcut)
    return ops.softmax(dense(ops.flatten(ops.global_average_pool(y)), 10))


NETS: Final[Mapping[str, tuple[Callable[[Value], Value], tuple[int, ...]]]] = {
    "MobileNet-0.25": (mobilenet, (1, 3, 96, 96)),
    "DS-CNN": (ds_cnn, (1, 1, 49, 10)),
    "autoencoder": (autoencoder, (1, 640)),
    "ResNet-8": (resnet8, (1, 3, 32, 32)),
}
"""Name -> what builds it, and the shape of its input."""


def tiny_nets() -> dict[str, Graph]:
    """Return the four graphs by name."""
    return {name: trace(lambda x, build=build: {"y": build(x)}, x=f32[shape]) for name, (build, shape) in NETS.items()}
