"""How algebra makes a graph smaller: identities, combined constants, one operator for what two or more spell out."""

from collections.abc import Callable, Sequence

from nnvm.attrs import elementwise
from nnvm.ir import (
    ABSENT,
    Graph,
    Node,
    Rule,
    Value,
    apply_rules,
    constant,
    f16,
    f32,
    f64,
    is_constant,
    rewrite,
    tensor_data,
)  # fmt: skip
from nnvm.ops import add, dropout, gemm, matmul
from nnvm.ops.nn import is_inference
from nnvm.passes.layout.movement import CUTS, MOVEMENTS
from nnvm.passes.rules.activation import ACTIVATIONS, CLIPS
from nnvm.passes.rules.arithmetic import ARITHMETIC
from nnvm.passes.rules.broadcast import unexpanded
from nnvm.passes.rules.cast import CASTS
from nnvm.passes.rules.compounds import QUOTIENTS
from nnvm.passes.rules.recurrent import STATES, without_zero_states
from nnvm.passes.rules.reduce import REDUCTIONS, reduced_twice
from nnvm.passes.visits import Readers, attempt, first_of, until_settled

RULES = (*ACTIVATIONS, *ARITHMETIC, *CASTS, *MOVEMENTS, *QUOTIENTS)
SINGLES = {**CLIPS, **CUTS}


def simplify(graph: Graph, strangers: Callable[[], Sequence[Rule]] = tuple, /) -> Graph:
    """Leave out what changes nothing and join what one operator can say.

    `strangers` returns the rules that other packages bring; the driver supplies it.
    """
    rules = (*RULES, *strangers())
    return until_settled(graph, lambda graph: _once(graph, rules))


def _once(graph: Graph, rules: Sequence[Rule]) -> Graph:
    graph = apply_rules(graph, rules)
    readers = Readers(graph)

    def visit(node: Node, origin: Node) -> Value | tuple[Value, ...] | None:
        readers.see(node, origin)
        if node.op is dropout:
            return _kept(node, readers.none(origin.outputs[1]))
        if node.op in STATES:
            return without_zero_states(node)
        if node.op in REDUCTIONS:
            return attempt(lambda node: reduced_twice(node, readers), node)
        if node.op in elementwise:
            made = attempt(unexpanded, node)
            if made is not None:
                return made
        if node.op is add:
            return attempt(lambda node: _with_bias(node, readers), node)
        return first_of(SINGLES, node)

    return rewrite(graph, visit, origins=True)


def _kept(node: Node, alone: bool) -> tuple[Value, ...] | None:
    """Put its input for a dropout that keeps everything; a mask that is asked for must have a known shape."""
    if not is_inference(node):
        return None
    x, mask = node.inputs[0], node.outputs[1]
    if alone:
        return x, x
    shape = mask.tensor.shape_or_none if mask.type is not None else None
    if shape is None or not all(isinstance(size, int) for size in shape):
        return None
    return x, constant(data=tensor_data(True, mask.tensor))


def _with_bias(node: Node, readers: Readers) -> Value | None:
    """matmul(x, w) + b = gemm(x, w, b), for matrices, a constant w and a row b."""
    for i in (0, 1):
        product, bias = node.inputs[i], node.inputs[1 - i]
        made = product.node
        if made.op not in (matmul, gemm) or made.after or not readers.one(product):
            continue
        if made.op is gemm and len(made.inputs) > 2 and made.inputs[2] is not ABSENT:
            continue
        x, w = made.inputs[:2]
        if is_constant(w) and not is_constant(x) and len(x.shape) == len(w.shape) == 2 and _is_row(bias, product):
            return gemm(x, w, bias, **({**made.params, "beta": 1.0} if made.op is gemm else {}))
    return None


def _is_row(bias: Value, product: Value) -> bool:
    """Say whether a bias has one element for each column, or one for all."""
    if product.dtype not in (f16, f32, f64) or bias.dtype is not product.dtype:
        return False
    *lead, last = (1, *bias.shape)
    return len(bias.shape) <= 2 and all(size == 1 for size in lead) and (last == 1 or last == product.shape[-1])
