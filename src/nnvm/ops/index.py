"""What picks or places elements by number, and what makes tensors of nothing but numbers."""

from nnvm.ir import TensorData, TensorType, UnknownRank, Value, born, contents, data_of, i64, larger, op
from nnvm.ir.types import DType
from nnvm.ops.shape import sizes_in
from nnvm.ops.typing import axis_of, one_dtype, require


@op
def gather(x: Value, indices: Value, *, axis: int = 0) -> TensorType:
    """Pick slices of x along `axis`; negative indices count from the end (ONNX Gather)."""
    at = axis_of(axis, len(x.shape))
    return x.tensor[(*x.shape[:at], *indices.shape, *x.shape[at + 1 :])]


@op
def gather_elements(x: Value, indices: Value, *, axis: int = 0) -> TensorType:
    """Pick one element for each index, along `axis` (ONNX GatherElements)."""
    axis_of(axis, len(x.shape))
    return x.tensor[indices.shape]


@op
def gather_nd(x: Value, indices: Value, *, batch_dims: int = 0) -> TensorType:
    """Pick slices by index vectors (ONNX GatherND)."""
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
    """Place updates one by one along `axis` (ONNX ScatterElements)."""
    one_dtype((x, updates))
    axis_of(axis, len(x.shape))
    return x.tensor


@op
def scatter_nd(x: Value, indices: Value, updates: Value, *, reduction: str = "none") -> TensorType:
    """Place slices by index vectors (ONNX ScatterND)."""
    one_dtype((x, updates))
    return x.tensor


@op
def one_hot(indices: Value, depth: Value, values: Value, *, axis: int = -1) -> TensorType:
    """Return `values[1]` at each index along a new axis of `depth`, `values[0]` elsewhere (ONNX OneHot)."""
    known = contents(depth)
    rank = len(indices.shape)
    at = axis_of(axis, rank + 1)
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
    if not isinstance(stride, int) or stride == 0:
        return dtype[born(0),]
    span = end - begin if stride > 0 else begin - end
    width = stride if stride > 0 else -stride
    return dtype[larger((span + width - 1) // width, 0),]


@op
def eye_like(x: Value, *, dtype: DType | None = None, k: int = 0) -> TensorType:
    """Return ones on the k-th diagonal of a matrix like x (ONNX EyeLike)."""
    return (dtype or x.dtype)[x.shape]


@op
def nonzero(x: Value) -> TensorType:
    """Return the places of what is not zero, a column each (ONNX NonZero)."""
    return i64[len(x.shape), born(1)]
