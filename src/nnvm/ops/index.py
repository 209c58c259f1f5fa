"""What picks or places elements by number, and what makes tensors of nothing but numbers."""

from nnvm.ir import TensorData, TensorType, UnknownRank, Value, born, contents, data_of, i64, larger, op, same_type
from nnvm.ir.types import DType
from nnvm.ops.shape import sizes_in
from nnvm.ops.typing import axis_of, of_kind, one_dtype, rank_or_none, require


@op
def gather(x: Value, indices: Value, *, axis: int = 0) -> TensorType:
    """Pick slices of x along `axis`; negative indices count from the end (ONNX Gather)."""
    of_kind(indices, "int", "uint")
    at = axis_of(axis, len(x.shape))
    return x.tensor[(*x.shape[:at], *indices.shape, *x.shape[at + 1 :])]


@op
def gather_elements(x: Value, indices: Value, *, axis: int = 0) -> TensorType:
    """Pick one element for each index, along `axis` (ONNX GatherElements)."""
    of_kind(indices, "int", "uint")
    axis_of(axis, len(x.shape))
    require(len(indices.shape) == len(x.shape), f"indices of {len(indices.shape)} dimensions for {len(x.shape)}")
    return x.tensor[indices.shape]


@op
def gather_nd(x: Value, indices: Value, *, batch_dims: int = 0) -> TensorType:
    """Pick slices by index vectors (ONNX GatherND)."""
    of_kind(indices, "int", "uint")
    require(len(indices.shape) > batch_dims, f"{batch_dims} batch dimensions for indices of {len(indices.shape)}")
    width = indices.shape[-1]
    if not isinstance(width, int):
        raise UnknownRank
    require(
        batch_dims + width <= len(x.shape),
        f"index vectors of {width} after {batch_dims} batch dimensions for {len(x.shape)} dimensions",
    )
    return x.tensor[(*indices.shape[:-1], *x.shape[batch_dims + width :])]


@op
def scatter_elements(x: Value, indices: Value, updates: Value, *, axis: int = 0, reduction: str = "none") -> TensorType:
    """Place updates one by one along `axis`, combined by "add", "mul", "max" or "min" (ONNX ScatterElements)."""
    one_dtype((x, updates))
    _check_scatter(indices, reduction)
    axis_of(axis, len(x.shape))
    if rank_or_none(indices) is not None:
        require(len(indices.shape) == len(x.shape), f"indices of {len(indices.shape)} dimensions for {len(x.shape)}")
        alike = same_type(updates.tensor, updates.tensor[indices.shape]) is not False
        require(alike, f"updates of {updates.type} at indices of {indices.type}")
    return x.tensor


@op
def scatter_nd(x: Value, indices: Value, updates: Value, *, reduction: str = "none") -> TensorType:
    """Place slices by index vectors, combined by "add", "mul", "max" or "min" (ONNX ScatterND)."""
    one_dtype((x, updates))
    _check_scatter(indices, reduction)
    if rank_or_none(x) is not None and rank_or_none(indices) is not None and isinstance(indices.shape[-1], int):
        width = indices.shape[-1]
        require(width <= len(x.shape), f"index vectors of {width} for {len(x.shape)} dimensions")
        wanted = x.tensor[(*indices.shape[:-1], *x.shape[width:])]
        require(same_type(updates.tensor, wanted) is not False, f"updates of {updates.type}, not {wanted}")
    return x.tensor


def _check_scatter(indices: Value, reduction: str) -> None:
    of_kind(indices, "int", "uint")
    known = ("none", "add", "mul", "max", "min")
    require(reduction in known, f"reduction {reduction!r} is none of {', '.join(known)}")


@op
def one_hot(indices: Value, depth: Value, values: Value, *, axis: int = -1) -> TensorType:
    """Return `values[1]` at each index along a new axis of `depth`, `values[0]` elsewhere (ONNX OneHot)."""
    known = contents(depth)
    rank = len(indices.shape)
    at = axis_of(axis, rank + 1)
    require(rank_or_none(values) in (None, 1), "the values are a vector of two: elsewhere, and at the index")
    count = known[0] if known is not None else born(at)
    return values.tensor[(*indices.shape[:at], count, *indices.shape[at:])]


@op
def fill(shape: Value, *, value: TensorData) -> TensorType:
    """Return a tensor of this shape, one value throughout (ONNX ConstantOfShape)."""
    return value.dtype[sizes_in(shape)]


@op
def arange(start: Value, limit: Value, delta: Value) -> TensorType:
    """Count from `start` up to `limit`, which is left out (ONNX Range)."""
    dtype = one_dtype((start, limit, delta))
    if dtype.is_float:
        ends = [data_of(value) for value in (start, limit, delta)]
        if all(end is not None for end in ends):
            first, last, step = (end.item() for end in ends if end is not None)
            return dtype[max(0, -int(-(last - first) // step)),]
        return dtype[born(0),]
    known = [contents(value) for value in (start, limit, delta)]
    if None in known:
        return dtype[born(0),]
    begin, end, stride = (item[0] for item in known if item is not None)
    require(not isinstance(stride, int) or stride, "delta is zero")
    if not isinstance(stride, int):
        return dtype[born(0),]
    span = end - begin if stride > 0 else begin - end
    width = stride if stride > 0 else -stride
    return dtype[larger((span + width - 1) // width, 0),]


@op
def eye_like(x: Value, *, dtype: DType | None = None, k: int = 0) -> TensorType:
    """Return ones on the k-th diagonal of a matrix like x (ONNX EyeLike)."""
    require(len(x.shape) == 2, "only a matrix has such a diagonal")
    return (dtype or x.dtype)[x.shape]


@op
def nonzero(x: Value) -> TensorType:
    """Return the places of what is not zero, a column each (ONNX NonZero)."""
    return i64[len(x.shape), born(1)]
