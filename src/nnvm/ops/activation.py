"""Activations, and what turns scores into probabilities."""

from nnvm.attrs import elementwise
from nnvm.ir import TensorType, Value, equal, op
from nnvm.ops.typing import axis_of, fits, of_kind, one_dtype, rank_or_none, require


@op
def relu(x: Value) -> TensorType:
    """Replace what is negative by zero (ONNX Relu)."""
    return of_kind(x, "float", "int", "uint")


@op
def sigmoid(x: Value) -> TensorType:
    """Return 1 / (1 + exp(-x)) (ONNX Sigmoid)."""
    return of_kind(x, "float")


@op
def tanh(x: Value) -> TensorType:
    """Return the hyperbolic tangent (ONNX Tanh)."""
    return of_kind(x, "float")


@op
def leaky_relu(x: Value, *, alpha: float = 0.01) -> TensorType:
    """Scale what is negative by `alpha` (ONNX LeakyRelu)."""
    return of_kind(x, "float")


@op
def elu(x: Value, *, alpha: float = 1.0) -> TensorType:
    """Return x, or alpha * (exp(x) - 1) where x is negative (ONNX Elu)."""
    return of_kind(x, "float")


@op
def selu(x: Value, *, alpha: float = 1.6732631921768188, gamma: float = 1.0507010221481323) -> TensorType:
    """Return gamma * elu(x) (ONNX Selu)."""
    return of_kind(x, "float")


@op
def celu(x: Value, *, alpha: float = 1.0) -> TensorType:
    """Return max(0, x) + min(0, alpha * (exp(x / alpha) - 1)) (ONNX Celu)."""
    return of_kind(x, "float")


@op
def softplus(x: Value) -> TensorType:
    """Return log(1 + exp(x)) (ONNX Softplus)."""
    return of_kind(x, "float")


@op
def softsign(x: Value) -> TensorType:
    """Return x / (1 + |x|) (ONNX Softsign)."""
    return of_kind(x, "float")


@op
def hard_sigmoid(x: Value, *, alpha: float = 0.2, beta: float = 0.5) -> TensorType:
    """Return alpha * x + beta limited to [0, 1] (ONNX HardSigmoid)."""
    return of_kind(x, "float")


@op
def hard_swish(x: Value) -> TensorType:
    """Return x * hard_sigmoid(x, alpha=1/6, beta=0.5) (ONNX HardSwish)."""
    return of_kind(x, "float")


@op
def thresholded_relu(x: Value, *, alpha: float = 1.0) -> TensorType:
    """Return x where x > alpha, zero elsewhere (ONNX ThresholdedRelu)."""
    return of_kind(x, "float")


@op
def mish(x: Value) -> TensorType:
    """Return x * tanh(softplus(x)) (ONNX Mish)."""
    return of_kind(x, "float")


@op
def gelu(x: Value, *, approximate: str = "none") -> TensorType:
    """Return x times the normal distribution function of x; `approximate` is 'none' or 'tanh' (ONNX Gelu)."""
    return of_kind(x, "float")


@op
def swish(x: Value, *, alpha: float = 1.0) -> TensorType:
    """Return x * sigmoid(alpha * x) (ONNX Swish)."""
    return of_kind(x, "float")


@op
def swiglu(gate: Value, x: Value, *, alpha: float = 1.0) -> TensorType:
    """Return swish(gate) * x, of one shape both (ONNX SwiGLU)."""
    one_dtype((gate, x))
    if rank_or_none(gate) is not None and rank_or_none(x) is not None:
        same = len(gate.shape) == len(x.shape)
        same = same and all(equal(p, q) is not False for p, q in zip(gate.shape, x.shape, strict=True))
        require(same, f"a gate of {list(gate.shape)} for {list(x.shape)}; nothing broadcasts")
    return of_kind(gate, "float")


@op
def shrink(x: Value, *, lambd: float = 0.5, bias: float = 0.0) -> TensorType:
    """Move what is beyond `lambd` by `bias` towards zero, and make the rest zero (ONNX Shrink)."""
    return of_kind(x, "float", "int", "uint")


@op
def prelu(x: Value, slope: Value) -> TensorType:
    """Scale what is negative by `slope`, which broadcasts to x (ONNX PRelu)."""
    one_dtype((x, slope))
    if rank_or_none(x) is not None and rank_or_none(slope) is not None:
        require(fits(slope.shape, x.shape), f"a slope of {list(slope.shape)} does not broadcast to {list(x.shape)}")
    return of_kind(x, "float", "int", "uint")


@op
def softmax(x: Value, *, axis: int = -1) -> TensorType:
    """Return probabilities along `axis` (ONNX Softmax from version 13)."""
    return _along(x, axis)


@op
def log_softmax(x: Value, *, axis: int = -1) -> TensorType:
    """Return the logarithm of the softmax along `axis` (ONNX LogSoftmax from version 13)."""
    return _along(x, axis)


@op
def hardmax(x: Value, *, axis: int = -1) -> TensorType:
    """Return 1 at the first maximum along `axis`, 0 elsewhere (ONNX Hardmax from version 13)."""
    return _along(x, axis)


@op
def softmax_from(x: Value, *, axis: int = 1) -> TensorType:
    """Return probabilities over all dimensions from `axis` on, together (ONNX Softmax before version 13)."""
    return _from(x, axis)


@op
def log_softmax_from(x: Value, *, axis: int = 1) -> TensorType:
    """Return the logarithm of softmax_from (ONNX LogSoftmax before version 13)."""
    return _from(x, axis)


@op
def hardmax_from(x: Value, *, axis: int = 1) -> TensorType:
    """Return 1 at the first maximum over all dimensions from `axis` on (ONNX Hardmax before version 13)."""
    return _from(x, axis)


def _along(x: Value, axis: int) -> TensorType:
    rank = rank_or_none(x)
    if rank is not None:
        axis_of(axis, rank)
    return of_kind(x, "float")


def _from(x: Value, axis: int) -> TensorType:
    """Take an axis at the end of x as well: each element is then alone."""
    return of_kind(x, "float") if axis == rank_or_none(x) else _along(x, axis)


elementwise(
    relu, sigmoid, tanh, leaky_relu, elu, selu, celu, softplus, softsign, hard_sigmoid, hard_swish, thresholded_relu,
    mish, gelu, prelu, swish, swiglu, shrink,
)(True)  # fmt: skip
