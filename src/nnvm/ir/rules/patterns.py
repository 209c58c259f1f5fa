"""What the left side of a rule says: operators over holes for values, parameters, numbers and rows of inputs."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NoReturn

from nnvm.errors import Error
from nnvm.ir.graph import postorder
from nnvm.ir.node import ABSENT, Node, Value, literal_key
from nnvm.ir.op import Op, constant, data_of, foreign, input, named_input
from nnvm.ir.op_attr import OpAttr

commutes: Final[OpAttr[bool]] = OpAttr("its first two inputs may be swapped")
Match = tuple[Any, ...]

EITHER: Final = foreign("either", __name__)
_DEEPEST: Final = 100


class ParamHole(Value):
    """Stands for a parameter of any value, or, as an input, for a constant that is one number throughout."""

    __slots__ = ()
    __hash__ = object.__hash__

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(f"the parameter {self.name} is not known yet")

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse

    def __repr__(self) -> str:
        return f"<any {self.name}>"


class RowHole(Value):
    """Stands for any number of inputs in a row."""

    __slots__ = ()


Hole = Value


def either(*alternatives: Value) -> Value:
    """Match any of these (for the left side of a rule)."""
    return Node(EITHER, alternatives).outputs[0]


def alternatives(value: Value) -> tuple[Value, ...]:
    """Return what a part of a pattern may be: itself, unless it is an `either`."""
    if value.node.op is not EITHER:
        return (value,)
    found: list[Value] = []
    stack = [value]
    while stack:
        each = stack.pop()
        if each.node.op is EITHER:
            stack += each.node.inputs[::-1]
        else:
            found.append(each)
    return tuple(found)


def is_operator(pattern: Value) -> bool:
    """Say whether a part of a pattern is a use of an operator, not a hole, a number or what is absent."""
    return pattern is not ABSENT and pattern.node.op is not input and pattern.node.op is not constant


class Pattern:
    """The left side of a rule: the values to find at once, by the nodes that give them, and the holes in them.

    Raises Error for what cannot be found. The first root is found by its operator, each other one through a value that
    it shares with one before it.
    """

    __slots__ = ("holes", "nodes", "places", "roots", "shared")
    roots: Final[tuple[Value, ...]]
    holes: Final[tuple[Hole, ...]]
    nodes: Final[tuple[Node, ...]]
    shared: Final[tuple[tuple[Value, ...], ...]]

    def __init__(self, roots: Sequence[Value], holes: Sequence[Hole]) -> None:
        self.holes = tuple(holes)
        first: dict[Node, Value] = {}
        for value in roots:
            first.setdefault(value.node, value)
        order = tuple(first.values())
        for value in order:
            _check_root(value, roots)
        parts = postorder(roots)
        _check_parts(parts)
        _check_holes(roots, parts, self.holes)
        self.roots, self.shared = _joined(order)
        self.nodes = tuple(node for node in parts if node.op is not constant and node.op is not input)
        numbers = [value.node for value in self.roots]
        self.places: Final = tuple((numbers.index(value.node), value.index) for value in roots)

    @property
    def ways(self) -> int:
        """In how many ways alternatives may be taken, and inputs of commutative operators be ordered."""
        total = 1
        for node in self.nodes:
            total *= len(node.inputs) if node.op is EITHER else 2 if swaps(node) else 1
        return total

    def found(self, at: Sequence[Node]) -> tuple[Value, ...]:
        """Return what a right side replaces, in the order in which the rule yields it, where the roots are found."""
        return tuple([at[number].outputs[index] for number, index in self.places])


def swaps(node: Node) -> bool:
    """Say whether the first two inputs of a node in a pattern may be found in the other order."""
    if node.op not in commutes or len(node.inputs) < 2 or node.inputs[0] is node.inputs[1]:
        return False
    return not any(isinstance(value, RowHole) for value in node.inputs[:2])


def _check_root(value: Value, roots: Sequence[Value]) -> None:
    for each in alternatives(value):
        if not is_operator(each):
            raise Error(f"its left side must be the use of an operator, not {each.name}")
        outputs = each.node.outputs
        listed = [root.index for root in roots if root.node is value.node]
        if len(listed) != len(outputs) or sorted(listed) != list(range(len(outputs))):
            raise Error(
                f"its left side must give every output of {each.node.op.name}, each once, not {listed} of "
                f"{len(outputs)}; yield them all"
            )


def _check_parts(parts: Sequence[Node]) -> None:
    depth: dict[Node, int] = {ABSENT.node: 0}
    for node in parts:
        depth[node] = 1 + max((depth[value.node] for value in node.inputs), default=0)
        if depth[node] > _DEEPEST:
            raise Error(f"its left side is more than {_DEEPEST} operators deep")
        if node.after:
            raise Error(f"{node.op.name} has control edges, which are not looked for")
        data = data_of(node.outputs[0])
        if data is not None:
            if data.uniform is None:
                raise Error(f"{data!r} is not one number; take a hole, and look at it in a guard")
            continue
        for i, value in enumerate(node.inputs):
            in_row = node.op.variadic and node.op is not EITHER and i >= len(node.op.inputs) - 1
            if isinstance(value, RowHole) and not in_row:
                raise Error(f"{value.name} stands for any number of inputs, and {node.op.name} takes one there")
        for key, param in node.params.items():
            _check_param(node, key, param)


def _check_param(node: Node, key: str, param: object) -> None:
    if isinstance(param, tuple):
        for each in param:
            _check_param(node, key, each)
    elif isinstance(param, Value) and not isinstance(param, ParamHole):
        raise Error(f"param {key} of {node.op.name} is {param.name}, a value; only a hole can stand there")


def _check_holes(roots: Sequence[Value], parts: Sequence[Node], holes: Sequence[Hole]) -> None:
    """Raise Error for a hole that some way to find the pattern leaves unknown."""
    known: dict[Node, frozenset[Value]] = {ABSENT.node: frozenset()}
    for node in parts:
        below = [known[value.node] | ({value} if value.node.op is input else set()) for value in node.inputs]
        if node.op is EITHER:
            known[node] = below[0].intersection(*below) if below else frozenset()
        else:
            known[node] = frozenset().union(*below, holes_in(tuple(node.params.values())))
    every = frozenset().union(*[known[value.node] for value in roots])
    for hole in holes:
        if hole not in every:
            raise Error(f"its left side does not use {hole.name}")


def holes_in(param: object) -> Iterator[ParamHole]:
    """Yield the holes that a param in a pattern is, or holds in tuples."""
    if isinstance(param, ParamHole):
        yield param
    elif isinstance(param, tuple):
        for each in param:
            yield from holes_in(each)


def has_holes(param: object) -> bool:
    """Say whether a param in a pattern is a hole, or holds one in tuples."""
    return next(holes_in(param), None) is not None


def _joined(roots: Sequence[Value]) -> tuple[tuple[Value, ...], tuple[tuple[Value, ...], ...]]:
    """Return the roots, each after one that it shares values with, and these values; the nearest to it first."""
    order, shared = [roots[0]], [()]
    left = list(roots[1:])
    seen = dict.fromkeys(_values(roots[0]))
    while left:
        for root in left:
            common = tuple(value for value in _values(root) if value in seen)
            if common:
                break
        else:
            raise Error(f"its root {left[0].node.op.name} shares no value with the others; nothing joins them")
        left = [each for each in left if each is not root]
        order.append(root)
        shared.append(common)  # type: ignore[arg-type]
        seen |= dict.fromkeys(_values(root))
    return tuple(order), tuple(shared)


def _values(root: Value) -> list[Value]:
    """Return the operators' outputs and holes for values in a pattern, from the root downwards."""
    found: dict[Value, None] = {}
    level = [root]
    while level:
        below: list[Value] = []
        for value in level:
            if value in found or value is ABSENT or value.node.op is constant or isinstance(value, ParamHole):
                continue
            found[value] = None
            below += value.node.inputs
        level = below
    return [value for value in found if value.node.op is not EITHER]


def read_holes(function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[Hole, ...]]:
    """Return the names of a rule's arguments, what is passed by keyword last, and a hole for each."""
    code = function.__code__
    count = code.co_argcount
    fixed = code.co_varnames[: count + code.co_kwonlyargcount]
    row = code.co_varnames[len(fixed) : len(fixed) + 1] if code.co_flags & 0x04 else ()
    names = (*fixed[:count], *row, *fixed[count:])
    kinds = [RowHole if name in row else _kind(function.__annotations__.get(name)) for name in names]
    return names, tuple([_hole(kind, name) for kind, name in zip(kinds, names, strict=True)])


def _hole(kind: type[Value], name: str) -> Hole:
    value = named_input(name)
    return value if kind is Value else kind(value.node, 0, None)


_ROWS: Final = (tuple[Value, ...], Sequence[Value])


def _kind(annotation: object) -> type[Value]:
    if isinstance(annotation, str):
        text = annotation.replace("nnvm.", "").replace("ir.", "").replace(" ", "")
        return Value if text == "Value" else RowHole if text in ("tuple[Value,...]", "Sequence[Value]") else ParamHole
    return Value if annotation is Value or annotation is None else RowHole if annotation in _ROWS else ParamHole


def is_number(value: Value, number: object) -> bool:
    """Say whether a value is a constant that is this number throughout."""
    found = number_of(value)
    return found is not None and found == number


def number_of(value: Value) -> Any:
    """Return the one number that a constant is throughout, or None."""
    data = data_of(value)
    return None if data is None else data.uniform


def same_param(a: object, b: object) -> bool:
    """Say whether two params are the same literal, or equal things of one class."""
    if a is b:
        return True
    key = literal_key(a)
    return key == literal_key(b) if key is not None else type(a) is type(b) and bool(a == b)


def same_number(a: object, b: object) -> bool:
    """Say whether a number found in a constant is what its hole stands for already."""
    return same_param(a, b) or (isinstance(a, (int, float)) and isinstance(b, (int, float)) and a == b)


def root_operators(pattern: Pattern) -> tuple[Op[..., Any], ...]:
    """Return the operators that the first root may be a use of."""
    return tuple(dict.fromkeys(each.node.op for each in alternatives(pattern.roots[0])))
