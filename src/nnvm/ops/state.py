"""What writes to a state, and what gives a value memory of its own, on another device too."""

from nnvm.attrs import infer_inputs, mutates
from nnvm.ir import UNKNOWN, ContainerType, Node, TensorType, Value, op, same_type
from nnvm.ir.types import Type
from nnvm.ops.typing import one_dtype, require


@op
def assign(x: Value, y: Value) -> TensorType:
    """Overwrite the state x with y, and return the new state; nothing broadcasts."""
    one_dtype((x, y))
    require(same_type(x.type, y.type) is not False, "the state and what is written to it differ in shape; expand y")
    old, new = x.tensor.shape_or_none, y.tensor.shape_or_none
    if old is None or new is None:
        return x.tensor[new if old is None else old]
    return x.tensor[tuple(q if p is UNKNOWN else p for p, q in zip(old, new, strict=True))]


@op(outputs=1)
def copy(x: Value, *, device: str | int | None = None) -> TensorType | ContainerType | None:
    """Return x in memory of its own, on another device where one is named.

    So a state can be read before it is overwritten, and used after that.
    """
    return x.type


mutates[assign] = (0,)


@infer_inputs(assign)
def _(node: Node) -> tuple[Type | None, ...]:
    """The state and what is written to it are of one type."""
    x, y = node.inputs
    return y.type, x.type
