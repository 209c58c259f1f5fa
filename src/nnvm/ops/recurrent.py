"""What carries a state along a sequence: the recurrent layers."""

from collections.abc import Mapping
from typing import Any, Final

from nnvm.attrs import infer_inputs, macs
from nnvm.ir import ABSENT, UNKNOWN, Node, TensorType, Value, equal, op
from nnvm.ir.dims import Size
from nnvm.ir.types import Shape, Type
from nnvm.ops.typing import of_kind, one_dtype, require

ACTIVATIONS: Final[Mapping[str, tuple[float | None, float | None]]] = {
    "affine": (1.0, 0.0), "elu": (1.0, None), "hardsigmoid": (0.2, 0.5), "leakyrelu": (0.01, None),
    "relu": (None, None), "scaledtanh": (1.0, 1.0), "sigmoid": (None, None), "softplus": (None, None),
    "softsign": (None, None), "tanh": (None, None), "thresholdedrelu": (1.0, None),
}  # fmt: skip
"""What a layer may apply, in lower case, with the alpha and beta that each has by default; None where it has none."""

_GATES: Final = {"rnn": 1, "gru": 3, "lstm": 4}
_DEFAULT: Final = {"rnn": ("Tanh",), "gru": ("Sigmoid", "Tanh"), "lstm": ("Sigmoid", "Tanh", "Tanh")}
_DIRECTIONS: Final = {"forward": 1, "reverse": 1, "bidirectional": 2}
_ROLES: Final = ("weight", "recurrence", "bias", "lengths", "initial_h", "initial_c", "peepholes")


def activations_of(
    kind: str, direction: str, names: tuple[str, ...], alpha: tuple[float, ...], beta: tuple[float, ...]
) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    """Return every direction's functions, in lower case, with an alpha and a beta each; raise ValueError for others.

    Given alphas and betas go, in order, to those functions that take one, as in ONNX Runtime; the others keep theirs.
    """
    count = len(_DEFAULT[kind]) * _DIRECTIONS[direction]
    chosen = tuple(name.lower() for name in names or _DEFAULT[kind] * _DIRECTIONS[direction])
    unknown = [name for name in chosen if name not in ACTIVATIONS]
    require(not unknown, f"no layer knows the activation {', '.join(unknown)}; they are {', '.join(ACTIVATIONS)}")
    require(len(chosen) >= count, f"{len(chosen)} activations where {direction} takes {count}")
    alphas, betas = iter(alpha), iter(beta)
    found: list[tuple[str, float, float]] = []
    for name in chosen[:count]:
        first, second = ACTIVATIONS[name]
        first = next(alphas, first) if first is not None else 0.0
        second = next(betas, second) if second is not None else 0.0
        found.append((name, first, second))
    return (
        tuple(name for name, _, _ in found),
        tuple(float(first) for _, first, _ in found),
        tuple(float(second) for _, _, second in found),
    )


def _layer(
    kind: str, x: Value, given: Mapping[str, Value | None], params: Mapping[str, Any]
) -> tuple[TensorType, TensorType]:
    """Return the types of all hidden states and of the last ones; check the shapes of what is given beside x."""
    direction, layout = params["direction"], params["layout"]
    require(direction in _DIRECTIONS, f"direction {direction!r} is none of {', '.join(_DIRECTIONS)}")
    require(layout in (0, 1), f"layout {layout} is neither 0 (time first) nor 1 (batch first)")
    require(params["hidden_size"] is None or params["hidden_size"] > 0, "hidden_size is positive")
    require(params["clip"] is None or params["clip"] >= 0, "clip is not negative")
    names = (params["activations"], params["activation_alpha"], params["activation_beta"])
    activations_of(kind, direction, *names)
    of_kind(x, "float")
    one_dtype(value for role, value in {"x": x, **given}.items() if value is not None and role != "lengths")
    lengths = given["lengths"]
    require(lengths is None or lengths.dtype.name == "int32", "the lengths are a vector of int32")
    require(len(x.shape) == 3, f"a sequence has 3 dimensions (time, batch, features), not {len(x.shape)}")
    hidden = _hidden_size(given["recurrence"], params["hidden_size"])
    for role, wanted in _shapes(kind, x.shape, hidden, params).items():
        _check(role, given.get(role), wanted)
    time, batch = x.shape[layout], x.shape[1 - layout]
    count = _DIRECTIONS[direction]
    whole = (batch, time, count, hidden) if layout else (time, count, batch, hidden)
    return x.tensor[whole], x.tensor[(batch, count, hidden) if layout else (count, batch, hidden)]


def _hidden_size(recurrence: Value | None, given: int | None) -> Size:
    shape = None if recurrence is None or recurrence.type is None else recurrence.tensor.shape_or_none
    if shape is None:
        return UNKNOWN if given is None else given
    require(len(shape) == 3, f"the recurrence has 3 dimensions (direction, gates, hidden), not {len(shape)}")
    if given is None:
        return shape[2]
    require(equal(shape[2], given) is not False, f"hidden_size {given} against {shape[2]} in the recurrence")
    return given


def _shapes(kind: str, x: Shape, hidden: Size, params: Mapping[str, Any]) -> dict[str, Shape]:
    """Return the shape that everything beside x has."""
    count, gates, batch = _DIRECTIONS[params["direction"]], _GATES[kind], x[1 - params["layout"]]
    state = (batch, count, hidden) if params["layout"] else (count, batch, hidden)
    return {
        "weight": (count, gates * hidden, x[2]),
        "recurrence": (count, gates * hidden, hidden),
        "bias": (count, 2 * gates * hidden),
        "lengths": (batch,),
        "initial_h": state,
        "initial_c": state,
        "peepholes": (count, 3 * hidden),
    }


def _check(role: str, value: Value | None, wanted: Shape) -> None:
    shape = None if value is None else value.tensor.shape_or_none
    if shape is None:
        return
    fits = len(shape) == len(wanted) and all(equal(p, q) is not False for p, q in zip(shape, wanted, strict=True))
    require(fits, f"{role} is {list(shape)} where {list(wanted)} is due")


@op
def lstm(
    x: Value,
    weight: Value,
    recurrence: Value,
    bias: Value | None = None,
    lengths: Value | None = None,
    initial_h: Value | None = None,
    initial_c: Value | None = None,
    peepholes: Value | None = None,
    *,
    hidden_size: int | None = None,
    direction: str = "forward",
    activations: tuple[str, ...] = (),
    activation_alpha: tuple[float, ...] = (),
    activation_beta: tuple[float, ...] = (),
    clip: float | None = None,
    input_forget: bool = False,
    layout: int = 0,
) -> tuple[TensorType, TensorType, TensorType]:
    """Return all hidden states, the last hidden and the last cell state of long short-term memory (ONNX LSTM).

    x is [time, batch, features], with `layout` 1 [batch, time, features]; gates are in the order i, o, f, c.
    """
    given = (weight, recurrence, bias, lengths, initial_h, initial_c, peepholes)
    params = _params(hidden_size, direction, activations, activation_alpha, activation_beta, clip, layout)
    whole, last = _layer("lstm", x, dict(zip(_ROLES, given, strict=True)), params)
    return whole, last, last


@op
def gru(
    x: Value,
    weight: Value,
    recurrence: Value,
    bias: Value | None = None,
    lengths: Value | None = None,
    initial_h: Value | None = None,
    *,
    hidden_size: int | None = None,
    direction: str = "forward",
    activations: tuple[str, ...] = (),
    activation_alpha: tuple[float, ...] = (),
    activation_beta: tuple[float, ...] = (),
    clip: float | None = None,
    linear_before_reset: bool = False,
    layout: int = 0,
) -> tuple[TensorType, TensorType]:
    """Return all hidden states and the last one of gated recurrent units (ONNX GRU); gates are in the order z, r, h."""
    given = (weight, recurrence, bias, lengths, initial_h)
    params = _params(hidden_size, direction, activations, activation_alpha, activation_beta, clip, layout)
    return _layer("gru", x, dict(zip(_ROLES, given, strict=False)), params)


@op
def rnn(
    x: Value,
    weight: Value,
    recurrence: Value,
    bias: Value | None = None,
    lengths: Value | None = None,
    initial_h: Value | None = None,
    *,
    hidden_size: int | None = None,
    direction: str = "forward",
    activations: tuple[str, ...] = (),
    activation_alpha: tuple[float, ...] = (),
    activation_beta: tuple[float, ...] = (),
    clip: float | None = None,
    layout: int = 0,
) -> tuple[TensorType, TensorType]:
    """Return all hidden states and the last one of a plain recurrent layer (ONNX RNN)."""
    given = (weight, recurrence, bias, lengths, initial_h)
    params = _params(hidden_size, direction, activations, activation_alpha, activation_beta, clip, layout)
    return _layer("rnn", x, dict(zip(_ROLES, given, strict=False)), params)


def _params(
    hidden_size: int | None,
    direction: str,
    activations: tuple[str, ...],
    alpha: tuple[float, ...],
    beta: tuple[float, ...],
    clip: float | None,
    layout: int,
) -> dict[str, Any]:
    return {
        "hidden_size": hidden_size, "direction": direction, "activations": activations, "activation_alpha": alpha,
        "activation_beta": beta, "clip": clip, "layout": layout,
    }  # fmt: skip


@infer_inputs(lstm, gru, rnn)
def _(node: Node) -> tuple[Type | None, ...]:
    x, recurrence = node.inputs[0], node.inputs[2]
    if x.type is None or x.tensor.shape_or_none is None:
        return (None,) * len(node.inputs)
    wanted = _shapes(node.op.name, x.shape, _hidden_size(recurrence, node.params["hidden_size"]), node.params)
    asked = [None if role == "lengths" else x.tensor[wanted[role]] for role in _ROLES]
    found = (None, *asked)[: len(node.inputs)]
    return tuple(None if value is ABSENT else type for value, type in zip(node.inputs, found, strict=True))


@macs(lstm, gru, rnn)
def _(node: Node) -> Size:
    x, weight, recurrence = (value.shape for value in node.inputs[:3])
    return x[0] * x[1] * weight[0] * weight[1] * (weight[2] + recurrence[2])
