"""What picks elements by what they hold: the largest, the different ones, those that a mask lets pass."""

from nnvm.ir import TensorType, Value, born, contents, i64, op, product
from nnvm.ops.typing import axis_of, of_kind, one_dtype, rank_or_none, require


@op
def top_k(
    x: Value, k: Value, *, axis: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[TensorType, TensorType]:
    """Return the k largest (or smallest) elements along `axis` and where they were, of equals the first (ONNX TopK).

    A computed k makes a dimension that only a run knows. Ours are sorted, whether `sorted` or not.
    """
    of_kind(x, "float", "int", "uint")
    of_kind(k, "int")
    require(x.shape, "a scalar has no axis")
    known, at = contents(k), axis_of(axis, len(x.shape))
    require(rank_or_none(k) in (None, 0, 1), f"k is one number, not {k.type}")
    count = born(at) if known is None or len(known) != 1 else known[0]
    length = x.shape[at]
    require(not isinstance(count, int) or count >= 0, f"k is {count}")
    require(
        not (isinstance(count, int) and isinstance(length, int)) or count <= length,
        f"k is {count}, but there are only {length} along axis {axis}",
    )
    shape = (*x.shape[:at], count, *x.shape[at + 1 :])
    return x.tensor[shape], i64[shape]


@op
def compress(x: Value, condition: Value, *, axis: int | None = None) -> TensorType:
    """Return the slices along `axis`, or the elements, where `condition` is true (ONNX Compress)."""
    of_kind(condition, "bool")
    require(rank_or_none(condition) in (None, 1), f"a condition is a vector, not {condition.type}")
    at = 0 if axis is None else axis_of(axis, len(x.shape))
    require(x.shape, "a scalar has no slices")
    known = contents(condition)
    chosen = None if known is None else [item for item in known if isinstance(item, int)]
    count = born(at) if known is None or chosen is None or len(chosen) < len(known) else sum(map(bool, chosen))
    return x.tensor[(count,)] if axis is None else x.tensor[(*x.shape[:at], count, *x.shape[at + 1 :])]


@op
def unique(
    x: Value, *, axis: int | None = None, sorted: bool = True
) -> tuple[TensorType, TensorType, TensorType, TensorType]:
    """Return the different elements, or slices along `axis`, and where, which and how many they are (ONNX Unique).

    The outputs: they, where each came first, which of them each element is, how many of each there are. `sorted` puts
    them in order, else they come as they first occur.
    """
    at = 0 if axis is None else axis_of(axis, len(x.shape))
    require(axis is None or x.shape, "a scalar has no slices")
    count = born(at)
    found = x.tensor[(count,)] if axis is None else x.tensor[(*x.shape[:at], count, *x.shape[at + 1 :])]
    whole = product(x.shape) if axis is None else x.shape[at]
    return found, i64[(count,)], i64[(whole,)], i64[(count,)]


@op
def non_max_suppression(
    boxes: Value,
    scores: Value,
    max_output_boxes_per_class: Value | None = None,
    iou_threshold: Value | None = None,
    score_threshold: Value | None = None,
    *,
    center_point_box: bool = False,
) -> TensorType:
    """Pick boxes by falling score that overlap none picked before by too much (ONNX NonMaxSuppression).

    boxes are [batch, box, 4], corners in any order or `center_point_box` (x, y, width, height); scores [batch, class,
    box]; the output has a row [batch, class, box] for each picked one. Without a maximum nothing is picked.
    """
    one_dtype((boxes, scores))
    for value in (boxes, scores):
        require(rank_or_none(value) in (None, 3), f"boxes and scores have three dimensions, not those of {value.type}")
        of_kind(value, "float")
    if rank_or_none(boxes) is not None:
        require(boxes.shape[2] == 4 or not isinstance(boxes.shape[2], int), f"a box is four numbers, not {boxes.type}")
    return i64[born(0), 3]


@op
def reverse_sequence(x: Value, lengths: Value, *, batch_axis: int = 1, time_axis: int = 0) -> TensorType:
    """Turn round the first `lengths[i]` steps along the time axis of the i-th of a batch (ONNX ReverseSequence)."""
    of_kind(lengths, "int")
    axes = {batch_axis, time_axis}
    require(axes == {0, 1}, f"the batch and time axes are 0 and 1 in some order, not {batch_axis} and {time_axis}")
    require(rank_or_none(x) is None or len(x.shape) >= 2, f"a batch of sequences has two dimensions, not {x.type}")
    require(rank_or_none(lengths) in (None, 1), f"the lengths are a vector, not {lengths.type}")
    if rank_or_none(x) is not None and rank_or_none(lengths) is not None:
        batch, count = x.shape[batch_axis], lengths.shape[0]
        alike = not (isinstance(batch, int) and isinstance(count, int)) or batch == count
        require(alike, f"{count} lengths for a batch of {batch}")
    return x.tensor


@op
def tensor_scatter(
    cache: Value, update: Value, write_indices: Value | None = None, *, axis: int = -2, mode: str = "linear"
) -> TensorType:
    """Write `update` along `axis` of the cache from each sample's write index on (ONNX TensorScatter).

    `mode` "linear" must fit, "circular" goes on at the start.
    """
    one_dtype((cache, update))
    require(mode in ("linear", "circular"), f"mode {mode!r} is neither linear nor circular")
    if write_indices is not None:
        of_kind(write_indices, "int")
    if rank_or_none(cache) is None:
        return cache.tensor
    require(axis_of(axis, len(cache.shape)) != 0, "axis 0 is the batch")
    require(rank_or_none(update) in (None, len(cache.shape)), f"an update of {update.type} for {cache.type}")
    return cache.tensor
