"""How far scores are from the classes that they should name."""

from nnvm.ir import TensorType, Value, equal, op
from nnvm.ir.types import Shape
from nnvm.ops.typing import of_kind, rank_or_none, require


@op
def nll_loss(
    log_probs: Value,
    target: Value,
    weight: Value | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> TensorType:
    """Return minus the logarithm at each target class (ONNX NegativeLogLikelihoodLoss).

    log_probs are [batch, classes, ...], the targets [batch, ...]. Classes may have a weight, and `ignore_index` counts
    as none; `reduction` is "none", "sum" or "mean", by weight.
    """
    return log_probs.dtype[_reduced(log_probs, target, weight, reduction)]


@op
def softmax_cross_entropy_loss(
    scores: Value,
    labels: Value,
    weight: Value | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> tuple[TensorType, TensorType]:
    """Return nll_loss of the logarithm of softmax over classes, and that logarithm (ONNX SoftmaxCrossEntropyLoss)."""
    return scores.dtype[_reduced(scores, labels, weight, reduction)], scores.tensor


def _reduced(scores: Value, target: Value, weight: Value | None, reduction: str) -> Shape:
    of_kind(scores, "float")
    of_kind(target, "int")
    require(reduction in ("none", "sum", "mean"), f"reduction {reduction!r} is none of none, sum, mean")
    require(weight is None or weight.dtype is scores.dtype, "weights are of the type of the scores")
    if rank_or_none(scores) is not None:
        require(len(scores.shape) >= 2, f"scores are [batch, classes, ...], not {scores.type}")
        wanted = (scores.shape[0], *scores.shape[2:])
        if rank_or_none(target) is not None:
            alike = len(target.shape) == len(wanted) and all(
                equal(p, q) is not False for p, q in zip(target.shape, wanted, strict=True)
            )
            require(alike, f"targets of {target.type} for scores of {scores.type}")
        if weight is not None and rank_or_none(weight) is not None:
            alike = len(weight.shape) == 1 and equal(weight.shape[0], scores.shape[1]) is not False
            require(alike, f"weights of {weight.type} for scores of {scores.type}")
    return target.shape if reduction == "none" else ()
