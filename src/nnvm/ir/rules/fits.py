"""Whether a part of a left side fits a value by operators alone, whatever its holes stand for."""

from typing import Final

from nnvm.ir.node import ABSENT, Value
from nnvm.ir.op import constant, data_of, input
from nnvm.ir.rules.patterns import EITHER, ParamHole, RowHole, alternatives, is_number, swaps


class Fits:
    """Remembers what fits, so that no two ways through a pattern ask twice: what cannot fit is never gone into.

    It recurs over the pattern, whose depth is bounded.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: Final[dict[tuple[Value, Value], bool]] = {}

    def __call__(self, pattern: Value, given: Value) -> bool:
        """Say whether the operators of a part of a pattern are those above a value."""
        found = self._known.get((pattern, given))
        if found is None:
            found = self._known[pattern, given] = self._look(pattern, given)
        return found

    def _look(self, pattern: Value, given: Value) -> bool:
        if pattern is ABSENT or given is ABSENT:
            return pattern is given
        if pattern.node.op is EITHER:
            return any(self(each, given) for each in alternatives(pattern))
        if pattern.node.op is input:
            return not isinstance(pattern, ParamHole) or given.node.op is constant
        data = data_of(pattern)
        if data is not None:
            return is_number(given, data.uniform)
        return self._use(pattern, given)

    def _use(self, pattern: Value, given: Value) -> bool:
        wanted, node = pattern.node, given.node
        if node.op is not wanted.op or node.after or given.index != pattern.index:
            return False
        if any(isinstance(value, RowHole) for value in wanted.inputs):
            return True
        if len(node.inputs) != len(wanted.inputs):
            return False
        pairs = list(zip(wanted.inputs, node.inputs, strict=True))
        if not swaps(wanted):
            return all(self(p, g) for p, g in pairs)
        (p, a), (q, b) = pairs[:2]
        either_way = (self(p, a) and self(q, b)) or (self(p, b) and self(q, a))
        return either_way and all(self(p, g) for p, g in pairs[2:])
