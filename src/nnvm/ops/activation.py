"""Activations, and what turns scores into probabilities."""

from nnvm.attrs import elementwise
from nnvm.ir import TensorType, Value, op
from nnvm.ops.typing import axis_of, broadcast, rank_or_none, require


@op
def relu(x: Value) -> TensorType:
    """Replace what is negative by zero (ONNX Relu)."""
    return x.tensor


@op
def sigmoid(x: Value) -> TensorType:
    """Return 1 / (1 + exp(-x)) (ONNX Sigmoid)."""
    return x.tensor


@op
def tanh(x: Value) -> TensorType:
    """Return the hyperbolic tangent (ONNX Tanh)."""
    return x.tensor


@op
def leaky_relu(x: Value, *, alpha: float = 0.01) -> TensorType:
    """Scale what is negative by `alpha` (ONNX LeakyRelu)."""
    return x.tensor


@op
def elu(x: Value, *, alpha: float = 1.0) -> TensorType:
    """Return x, or alpha * (exp(x) - 1) where x is negative (ONNX Elu)."""
    return x.tensor


@op
def selu(x: Value, *, alpha: float = 1.6732631921768188, gamma: float = 1.0507010221481323) -> TensorType:
    """Return gamma * elu(x) (ONNX Selu)."""
    return x.tensor


@op
def celu(x: Value, *, alpha: float = 1.0) -> TensorType:
    """Return max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) (ONNX Celu)."""
    return x.tensor


@op
def softplus(x: Value) -> TensorType:
    """Return log(1 + exp(x)) (ONNX Softplus)."""
    return x.tensor


@op
def softsign(x: Value) -> TensorType:
    """Return x / (1 + |x|) (ONNX Softsign)."""
    return x.tensor


@op
def hard_sigmoid(x: Value, *, alpha: float = 0.2, beta: float = 0.5) -> TensorType:
    """Return alpha * x + beta limited to [0, 1] (ONNX HardSigmoid)."""
    return x.tensor


@op
def hard_swish(x: Value) -> TensorType:
    """Return x * hard_sigmoid(x, alpha=1/6, beta=0.5) (ONNX HardSwish)."""
    return x.tensor


@op
def thresholded_relu(x: Value, *, alpha: float = 1.0) -> TensorType:
    """Return x where x > alpha, zero elsewhere (ONNX ThresholdedRelu)."""
    return x.tensor


@op
def mish(x: Value) -> TensorType:
    """Return x * tanh(softplus(x)) (ONNX Mish)."""
    return x.tensor


@op
def gelu(x: Value, *, approximate: str = "none") -> TensorType:
    """Return x times the normal distribution function of x; `approximate` is 'none' or 'tanh' (ONNX Gelu)."""
    return x.tensor


@op
def prelu(x: Value, slope: Value) -> TensorType:
    """Scale what is negative by `slope`, which broadcasts to x (ONNX PRelu)."""
    return x.tensor[broadcast(x.shape, slope.shape)] if x.tensor.shape_or_none is not None else x.tensor


@op
def softmax(x: Value, *, axis: int = -1) -> TensorType:
    """Return probabilities along `axis` (ONNX Softmax from version 13)."""
    rank = rank_or_none(x)
    require(rank is None or axis_of(axis, rank) >= 0, "no such axis")
    return x.tensor


@op
def log_softmax(x: Value, *, axis: int = -1) -> TensorType:
    """Return the logarithm of the softmax along `axis` (ONNX LogSoftmax from version 13)."""
    rank = rank_or_none(x)
    require(rank is None or axis_of(axis, rank) >= 0, "no such axis")
    return x.tensor


@op
def hardmax(x: Value, *, axis: int = -1) -> TensorType:
    """Return 1 at the first maximum along `axis`, 0 elsewhere (ONNX Hardmax from version 13)."""
    rank = rank_or_none(x)
    require(rank is None or axis_of(axis, rank) >= 0, "no such axis")
    return x.tensor


@op
def softmax_from(x: Value, *, axis: int = 1) -> TensorType:
    """Return probabilities over all dimensions from `axis` on, together (ONNX Softmax before version 13)."""
    return x.tensor


@op
def log_softmax_from(x: Value, *, axis: int = 1) -> TensorType:
    """Return the logarithm of softmax_from (ONNX LogSoftmax before version 13)."""
    return x.tensor


@op
def hardmax_from(x: Value, *, axis: int = 1) -> TensorType:
    """Return 1 at the first maximum over all dimensions from `axis` on (ONNX Hardmax before version 13)."""
    return x.tensor


elementwise(
    relu, sigmoid, tanh, leaky_relu, elu, selu, celu, softplus, softsign, hard_sigmoid, hard_swish, thresholded_relu, mish, gelu, prelu,
)(True)  # fmt: skip
