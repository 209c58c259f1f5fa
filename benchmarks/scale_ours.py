"""What building and changing a graph of ours costs."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.equations import RULES, chain_with_matches, chain_without_matches
from benchmarks.figures import Figure, cpu, find, limited
from benchmarks.residual import OPERATORS, Row, residual, wanted
from nnvm import ops
from nnvm.frontends.nnvm.json import to_json
from nnvm.ir import EMPTY, Graph, Node, Value, f32, make, named_input, operators, postorder, rewrite, run_rules

TYPE = f32[32, 64]


def build(rows: Sequence[Row]) -> Graph:
    """Build the rows through `@op`, types inferred."""
    call = {name: getattr(ops, name) for name in OPERATORS}
    x = named_input("x", TYPE)
    values = [x]
    append = values.append
    for name, first, second in rows:
        append(call[name](values[first]) if second < 0 else call[name](values[first], values[second]))
    return Graph([values[i] for i in wanted(rows)], [x], output_names=("early", "late"))


def elementwise(nodes: int) -> Value:
    """Build a chain through `@op`, types inferred: half of it of one input, half of two."""
    x = named_input("x", TYPE)
    relu, add = ops.relu, ops.add
    for _ in range(nodes // 2):
        x = add(relu(x), x)
    return x


def convolutions(nodes: int) -> Value:
    """Build a chain of convolutions through `@op`, types inferred."""
    x = named_input("x", f32[1, 64, 56, 56])
    weight = named_input("weight", f32[64, 64, 3, 3])
    conv = ops.conv
    for _ in range(nodes):
        x = conv(x, weight, pads=(1, 1, 1, 1))
    return x


def made(nodes: int, typed: bool = True) -> Value:
    """Build a chain the way a frontend does, its types given or left out."""
    x = named_input("x", TYPE)
    relu, type = ops.relu, TYPE if typed else None
    for _ in range(nodes):
        x = make(relu, (x,), EMPTY, type, None, (), EMPTY)
    return x


def every_tenth_anew() -> Callable[[Node], Value | None]:
    """Return a visit that builds every tenth node again, so that all that follow are rebuilt."""
    count = 0

    def visit(node: Node) -> Value | None:
        nonlocal count
        count += 1
        return None if count % 10 or not node.inputs else node.op(*node.inputs)

    return visit


def measure(nodes: int) -> Iterator[Figure]:
    """Measure what one graph of so many nodes costs us; each call gets it without a memo, so it pays for the order."""
    yield "build, @op elementwise", cpu(lambda: elementwise(nodes))[0]
    yield "build, @op convolution", cpu(lambda: convolutions(nodes))[0]
    yield "build, a frontend's fast path", cpu(lambda: made(nodes))[0]
    rows = residual(nodes)
    seconds, graph = cpu(lambda: build(rows))
    yield "nnvm build", seconds
    yield "postorder", cpu(lambda: postorder(graph.outputs))[0]
    yield "rewrite, nothing changes", cpu(lambda: rewrite(graph.replace(), lambda node: None))[0]
    yield "rewrite, a tenth new, all rebuilt", cpu(lambda: rewrite(graph.replace(), every_tenth_anew()))[0]
    yield from _passes(nodes, graph)
    yield from _rules(nodes)
    seconds, text = cpu(lambda: str(graph.replace()))
    yield "nnvm print", seconds
    yield "nnvm parse", _optional(nodes, "nnvm", "parse", text)
    seconds, text = cpu(lambda: to_json(graph.replace()))
    yield "nnvm JSON write", seconds
    yield "nnvm JSON read", _optional(nodes, "nnvm.frontends.nnvm.json", "from_json", text)
    yield from _pickle(graph)
    untyped = Graph([made(nodes, typed=False)])
    yield "infer_types, all untyped", _optional(nodes, "nnvm.passes.infer_types", "infer_types", untyped)
    yield "optimize, the default pipeline", _optional(nodes, "nnvm.pipeline", "optimize", graph.replace())
    yield "plan (compile for numpy)", _optional(nodes, "nnvm.pipeline", "compile", graph.replace())


def _pickle(graph: Graph) -> Iterator[Figure]:
    try:
        seconds, pickled = cpu(lambda: pickle.dumps(graph))
    except pickle.PicklingError:
        yield from (("pickle out", None), ("pickle in", None))
        return
    yield "pickle out", seconds
    yield "pickle in", cpu(lambda: pickle.loads(pickled))[0]


def _optional(nodes: int, module: str, name: str, argument: Any) -> float | None:
    """Measure a function of one argument that may not be there yet, or may not be quick yet."""
    function = find(module, name)
    return None if function is None else limited((module, name, nodes), lambda: function(argument))


def _passes(nodes: int, graph: Graph) -> Iterator[Figure]:
    yield "nnvm CSE", _optional(nodes, "nnvm.passes.cse", "cse", graph.replace())
    early = graph.replace(outputs=graph.outputs[:1], output_names=("early",))
    yield "nnvm DCE", _optional(nodes, "nnvm.passes.dce", "dce", early)


def _rules(nodes: int) -> Iterator[Figure]:
    matching, still = Graph([chain_with_matches(nodes)]), Graph([chain_without_matches(nodes)])
    yield "30 rules to a fixpoint, 5 % match", cpu(lambda: run_rules(matching, RULES))[0]
    yield "30 rules, none matches", cpu(lambda: run_rules(still, RULES))[0]


def counts(nodes: int) -> tuple[int, int | None, int | None]:
    """Count the operators of the residual graph, after CSE, and after DCE without its last output."""
    graph = build(residual(nodes))
    cse, dce = find("nnvm.passes.cse", "cse"), find("nnvm.passes.dce", "dce")
    early = graph.replace(outputs=graph.outputs[:1], output_names=("early",))
    return (
        len(operators(graph)),
        None if cse is None else len(operators(cse(graph))),
        None if dce is None else len(operators(dce(early))),
    )
