"""A few operators of the tests' own, so that ir is tested with nothing above it."""

from nnvm.ir import (
    Graph,
    Op,
    TensorType,
    Value,
    born,
    commutes,
    constant,
    contents,
    data_of,
    f32,
    i64,
    named_input,
    op,
    product,
    same_type,
    tensor_data,
)


@op
def relu(x: Value) -> TensorType:
    """Cut off what is negative."""
    return x.tensor


@op
def tanh(x: Value) -> TensorType:
    """Squash."""
    return x.tensor


@op
def neg(x: Value) -> TensorType:
    """Change the sign."""
    return x.tensor


def broadcast(x: Value, y: Value) -> TensorType:
    if x.shape == ():
        return y.tensor
    if y.shape != () and same_type(x.tensor, y.tensor) is False:
        raise ValueError("the shapes differ")
    return x.tensor


@op
def add(x: Value, y: Value) -> TensorType:
    """Add."""
    return broadcast(x, y)


@op
def mul(x: Value, y: Value) -> TensorType:
    """Multiply."""
    return broadcast(x, y)


@op
def sub(x: Value, y: Value) -> TensorType:
    """Subtract."""
    return broadcast(x, y)


@op
def scaled(x: Value, *, by: object = 1) -> TensorType:
    """Multiply by a parameter."""
    return x.tensor


@op
def halves(x: Value, *, axis: int = 0) -> tuple[TensorType, TensorType]:
    """Cut in two."""
    shape = list(x.shape)
    shape[axis] = shape[axis] // 2
    return x.tensor[tuple(shape)], x.tensor[tuple(shape)]


@op(outputs=lambda inputs, params: params["parts"])
def split(x: Value, *, parts: int) -> tuple[TensorType, ...]:
    """Cut in so many."""
    return (x.tensor[(x.shape[0] // parts, *x.shape[1:])],) * parts


@op
def concat(*parts: Value, axis: int = 0) -> TensorType:
    """Put one after the other."""
    shape = list(parts[0].shape)
    for part in parts[1:]:
        shape[axis] = shape[axis] + part.shape[axis]
    return parts[0].tensor[tuple(shape)]


@op
def biased(x: Value, weight: Value, bias: Value = None) -> TensorType:  # type: ignore[assignment]
    """Multiply, and add where there is something to add."""
    return x.tensor


@op
def reshaped(x: Value, shape: Value) -> TensorType:
    """Look at the contents of `shape`."""
    known = contents(shape)
    return x.tensor[None if known is None else known]


@op
def filled(shape: Value) -> TensorType:
    """Look at the data of `shape`, the other way."""
    data = data_of(shape)
    return f32[...] if data is None else f32[tuple(int(item) for item in data.values())]


@op
def through(x: Value, shape: Value) -> TensorType:
    """Infer by way of another operator."""
    return reshaped(x, shape).tensor


@op
def found(x: Value) -> TensorType:
    """Return where there is something, as many as there are."""
    return i64[(born(),)]


@op
def flat(x: Value) -> TensorType:
    """Make it one long row."""
    return x.tensor[(product(x.shape),)]


for commutative in (add, mul):
    commutes[commutative] = True

UNARY: tuple[Op[[Value], Value], ...] = (relu, tanh, neg)
LONG = 20_000


def chain(length: int = LONG) -> Graph:
    """Return a graph of so many operators, one after the other, two kinds taking turns."""
    x = value = named_input("x", f32[4])
    for i in range(length):
        value = (tanh, relu)[i % 2](value)
    return Graph([value], [x], output_names=["y"])


def diamonds(length: int = LONG // 2) -> Graph:
    """Return a graph of which the number of paths doubles so many times."""
    x = value = named_input("x", f32[4])
    for _ in range(length):
        side = tanh(value)
        value = sub(side, relu(side))
    return Graph([value], [x], output_names=["y"])


def shape_constant(*sizes: int) -> Value:
    """Return a vector of these sizes."""
    return constant(data=tensor_data(sizes, i64[len(sizes)]))
