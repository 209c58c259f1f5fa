"""Products of matrices."""

from nnvm.attrs import infer_inputs, macs
from nnvm.ir import OVERLOADS, UNKNOWN, Node, TensorType, Value, equal, op, product
from nnvm.ir.dims import Size
from nnvm.ir.types import Shape, Type
from nnvm.ops.typing import broadcast, fits, of_kind, one_dtype, require


@op
def matmul(x: Value, y: Value) -> TensorType:
    """Multiply matrices as NumPy does: leading dimensions broadcast, a vector is a row or a column (ONNX MatMul)."""
    return one_dtype((x, y))[product_shape(x.shape, y.shape)]


def product_shape(left: Shape, right: Shape) -> Shape:
    """Return the shape of a product of matrices; raise ValueError for a scalar, and for columns that are not rows."""
    require(left and right, "a scalar has no rows; use mul")
    inner = right[-2] if len(right) > 1 else right[0]
    require(equal(left[-1], inner) is not False, f"{left[-1]} columns against {inner} rows")
    rows = left[-2:-1] if len(left) > 1 else ()
    columns = right[-1:] if len(right) > 1 else ()
    return (*broadcast(left[:-2], right[:-2]), *rows, *columns)


@op
def det(x: Value) -> TensorType:
    """Return the determinant of each square matrix (ONNX Det)."""
    of_kind(x, "float")
    require(len(x.shape) > 1 and equal(x.shape[-1], x.shape[-2]) is not False, f"{x.type} holds no square matrices")
    return x.tensor[x.shape[:-2]]


@op
def gemm(
    a: Value,
    b: Value,
    c: Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transpose_a: bool = False,
    transpose_b: bool = False,
) -> TensorType:
    """Return alpha * a @ b + beta * c of matrices, transposed on demand; c broadcasts to the product (ONNX Gemm)."""
    dtype = one_dtype((a, b) if c is None else (a, b, c))
    require(len(a.shape) == len(b.shape) == 2, f"gemm takes matrices, not {list(a.shape)} and {list(b.shape)}")
    rows, inner = a.shape[::-1] if transpose_a else a.shape
    depth, columns = b.shape[::-1] if transpose_b else b.shape
    require(equal(inner, depth) is not False, f"{inner} columns against {depth} rows")
    if c is not None:
        require(fits(c.shape, (rows, columns)), f"c of shape {list(c.shape)} does not broadcast to the product")
    return dtype[rows, columns]


OVERLOADS["@"] = matmul


@macs(matmul)
def _(node: Node) -> Size:
    return product(node.outputs[0].shape) * node.inputs[0].shape[-1]


@macs(gemm)
def _(node: Node) -> Size:
    return product(node.outputs[0].shape) * node.inputs[0].shape[0 if node.params["transpose_a"] else 1]


@infer_inputs(gemm)
def _(node: Node) -> tuple[Type | None, ...]:
    """b has as many rows as a has columns, either of them turned where the params say so."""
    a, _, *rest = node.inputs
    inner = a.shape[0 if node.params["transpose_a"] else 1]
    weight = (UNKNOWN, inner) if node.params["transpose_b"] else (inner, UNKNOWN)
    return None, a.tensor[weight], *[a.dtype[...] for _ in rest]
