"""Two programs that must become one: the check compares structure, then runs both on random arrays."""

from collections.abc import Callable
from typing import Any

from tests.laws.agree import assert_agree
from tests.laws.interpret import evaluate

from nnvm.ir import Graph, same, trace, verify
from nnvm.passes import DEFAULT, fold_constants

BINDING = {"n": 2, "m": 3, "c": 4}
Pass = Callable[[Graph], Graph]
Program = Callable[..., Any]


def folding(graph: Graph) -> Graph:
    """Fold constants by the laws' own evaluator."""
    return fold_constants(graph, evaluate)


def optimized(graph: Graph) -> Graph:
    """Run the default pipeline until nothing changes."""
    for _ in range(6):
        start = graph
        for each in DEFAULT:
            graph = folding(graph) if each is fold_constants else each(graph)
        if graph is start:
            break
    return graph


def assert_rewrites(apply: Pass, before: Program, after: Program) -> None:
    """Fail unless a pass makes of the first program the second, and both compute the same."""
    start, wanted = trace(before), folding(trace(after))
    found = verify(apply(start))
    wanted = wanted.replace(name=found.name, output_names=found.output_names)
    answer = same(folding(found), wanted)
    assert answer, f"{answer}\n{found}\nis not\n{wanted}"
    assert_agree(start, found, BINDING)


def assert_keeps(apply: Pass, program: Program) -> None:
    """Fail unless a pass gives back the very graph of a program."""
    start = trace(program)
    assert apply(start) is start, str(apply(start))


def operators(graph: Graph) -> list[str]:
    """Return the names of the operators that compute, in order."""
    return [node.op.name for node in graph.nodes if node.inputs]


__all__ = ["assert_keeps", "assert_rewrites", "folding", "operators", "optimized"]
