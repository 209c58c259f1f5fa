"""How a recurrent layer needs no first state that is zero throughout."""

from collections.abc import Mapping
from typing import Any, Final

from nnvm.attrs import view
from nnvm.ir import ABSENT, Node, Op, TensorData, Value
from nnvm.ops import expand, fill, gather, gru, identity, lstm, rnn, slice, tile, transpose
from nnvm.passes.constants import number

_MOVES: Final = frozenset((expand, gather, identity, slice, tile, transpose))
"""Operators whose outputs hold nothing that their first input does not hold."""
_STEPS: Final = 64
STATES: Final[Mapping[Op[..., Any], tuple[int, ...]]] = {lstm: (5, 6), gru: (5,), rnn: (5,)}
"""Which inputs of a layer are its first states; the last cell state and hidden states are zero without them."""


def is_zero(value: Value) -> bool:
    """Say whether a value, whatever its shape, holds zeros alone."""
    for _ in range(_STEPS):
        node = value.node
        if node.op is fill:
            data: TensorData = node.params["value"]
            return data.uniform == 0
        if node.op not in _MOVES and node.op not in view:
            break
        value = node.inputs[0]
    return number(value) == 0


def without_zero_states(node: Node) -> tuple[Value, ...] | None:
    """Leave out first states that are zero, which is what they are where none are given."""
    inputs = list(node.inputs)
    for i in STATES[node.op]:
        if i < len(inputs) and inputs[i] is not ABSENT and is_zero(inputs[i]):
            inputs[i] = ABSENT
    while inputs[-1] is ABSENT:
        inputs.pop()
    return None if tuple(inputs) == node.inputs else node.replace(inputs=tuple(inputs)).outputs
